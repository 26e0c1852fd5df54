package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestResendIsSeen: a second connection for one attempt, after bytes of it have left, is an attempt of its own.
func TestResendIsSeen(t *testing.T) {
	x := &exchange{attempts: []*attempt{{call: monotonic()}}}
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	first, second := &countedConn{Conn: near}, &countedConn{Conn: near}
	x.gotConn(httptrace.GotConnInfo{Conn: first})
	x.gotConn(httptrace.GotConnInfo{Conn: second}) // nothing had left: the same attempt
	if len(x.attempts) != 1 {
		t.Fatalf("%d attempts, expected 1", len(x.attempts))
	}
	if _, err := second.Write([]byte("PUT")); err != nil {
		t.Fatal(err)
	}
	x.gotConn(httptrace.GotConnInfo{Conn: first, Reused: true})
	if len(x.attempts) != 2 || !x.attempts[0].resent {
		t.Fatalf("%d attempts, expected 2, the first one resent", len(x.attempts))
	}
	if phase, _ := x.attempts[0].phaseAndWire(); phase != "partly_sent" {
		t.Errorf("phase %s, expected partly_sent", phase)
	}
}

func TestHowAttemptsEnd(t *testing.T) {
	sent := &countedConn{}
	sent.written.Store(9)
	for _, row := range []struct {
		attempt     attempt
		phase, wire string
	}{
		{attempt{status: 200}, "answered", "none"},
		{attempt{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, "not_sent", "connect"},
		{attempt{err: &net.DNSError{}}, "not_sent", "resolve"},
		{attempt{err: syscall.ECONNRESET, conn: sent, before: 9}, "not_sent", "recv"},
		{attempt{err: syscall.ECONNRESET, conn: sent}, "partly_sent", "recv"},
		{attempt{err: io.ErrUnexpectedEOF, conn: sent, written: true}, "sent", "eof"},
		{attempt{err: context.DeadlineExceeded, conn: sent, written: true}, "sent", "timeout"},
		{attempt{err: context.Canceled, conn: sent, before: 9}, "partly_sent", "cancelled"},
		{attempt{err: context.Canceled}, "not_sent", "cancelled"},
		{attempt{err: errors.New("malformed HTTP response"), conn: sent, written: true}, "sent", "protocol"},
	} {
		if phase, wire := row.attempt.phaseAndWire(); phase != row.phase || wire != row.wire {
			t.Errorf("%v: %s %s, expected %s %s", row.attempt.err, phase, wire, row.phase, row.wire)
		}
	}
}

// TestMultiDeliveryIsRecorded: both records of a mutation that went out twice have the flag; a refusal of the second is unknown.
func TestMultiDeliveryIsRecorded(t *testing.T) {
	var lines collected
	var table outcomeTable
	load(t, "../../csrc/s3/outcomes.json", &table)
	table.index()
	c := &client{run: &run{outcomes: &table, out: newOutput(&lines), keys: &spaces{}, cancelled: context.Background()}}
	sent := &countedConn{}
	sent.written.Store(9)
	twice := []*attempt{
		{call: 1, conn: sent, resent: true, err: io.ErrUnexpectedEOF},
		{call: 2, conn: sent, first: 3, returned: 3, status: 412, header: http.Header{}},
	}
	r := &request{op: "put", bucket: "main", hasKey: true, key: key{space: -1}, cond: condition{"if_none_match_any", "*"}}
	got, err := c.record(r, twice, &parsed{})
	if err != nil || got.outcome != "unknown" {
		t.Errorf("%v %v, expected unknown", got, err)
	}
	if n := lines.count(`"multi_delivery"`); n != 2 {
		t.Errorf("%d records have the flag, expected 2: %s", n, &lines)
	}
}

// A busyTransport reads bodies late, and keeps what it would send.
type busyTransport struct{ sent bytes.Buffer }

type lateBody struct{ io.ReadCloser }

func (l lateBody) Read(to []byte) (int, error) {
	time.Sleep(300 * time.Millisecond)
	return l.ReadCloser.Read(to)
}

func (b *busyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		request.Body = lateBody{request.Body}
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, request.Write(&b.sent)
}

// TestNothingIsSentAsNothing: a read has no body, however late net/http gets to look at it.
func TestNothingIsSentAsNothing(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		x := &exchange{attempts: []*attempt{{call: monotonic()}}}
		busy := &busyTransport{}
		request, err := http.NewRequestWithContext(x.context(t.Context()), method, "http://127.0.0.1/b/k", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&wireClient{&http.Client{Transport: busy}}).Do(request); err != nil {
			t.Fatal(err)
		}
		if sent := busy.sent.String(); strings.Contains(sent, "Transfer-Encoding") || !strings.HasSuffix(sent, "\r\n\r\n") {
			t.Errorf("%q, expected a head alone", sent)
		}
	}
}
