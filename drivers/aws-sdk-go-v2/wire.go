package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/smithy-go/middleware"
)

// An attempt is one HTTP request as far as the SDK, net/http and our own connection show it.
type attempt struct {
	call, sent, first, returned int64

	status   int
	header   http.Header
	document []byte // the body of an answer, except that of a whole GET
	err      error  // why there is no complete answer

	conn    *countedConn
	before  int64 // bytes that the connection had taken when the attempt got it
	resent  bool  // net/http has sent the request again after this attempt
	written bool  // the whole request
}

// begun tells whether any byte of the request may have left. What was given up from outside may be written even now: net/http
// does not wait for its writer then.
func (a *attempt) begun() bool {
	gaveUp := errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded)
	return a.conn != nil && (gaveUp || a.conn.written.Load() > a.before)
}

// An exchange is one call of the SDK: its attempts, as middleware and trace report them.
type exchange struct {
	mu       sync.Mutex
	attempts []*attempt
	stream   bool // the body of a 200 or 206 is left to the caller
}

type exchangeKey struct{}

func (x *exchange) last() *attempt {
	if len(x.attempts) == 0 {
		return nil
	}
	return x.attempts[len(x.attempts)-1]
}

// context puts the exchange and its trace into a context.
func (x *exchange) context(parent context.Context) context.Context {
	trace := &httptrace.ClientTrace{GotConn: x.gotConn, WroteRequest: x.wroteRequest}
	return httptrace.WithClientTrace(context.WithValue(parent, exchangeKey{}, x), trace)
}

// gotConn is called for every request on the wire: the second one of an attempt is a resend that the SDK does not see.
func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	current := x.last()
	if current.conn != nil {
		if current.begun() {
			current.resent, current.err = true, io.ErrUnexpectedEOF
			current = &attempt{call: monotonic()}
			x.attempts = append(x.attempts, current)
		}
		current.written = false
	}
	current.conn, current.before = countedOf(info.Conn)
}

func (x *exchange) wroteRequest(info httptrace.WroteRequestInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if info.Err == nil {
		x.last().written, x.last().sent = true, monotonic()
	}
}

// HandleFinalize is behind the SDK's own retries: it runs once an attempt.
func (x *exchange) HandleFinalize(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	x.mu.Lock()
	x.attempts = append(x.attempts, &attempt{call: monotonic()})
	x.mu.Unlock()
	return next.HandleFinalize(ctx, in)
}

// ID names the middleware in the SDK's stack.
func (x *exchange) ID() string { return "s3prodAttempt" }

func (x *exchange) addTo(stack *middleware.Stack) error {
	return stack.Finalize.Insert(x, "Retry", middleware.After)
}

// A wireClient is what the SDK sends its requests with. It keeps what the answer said before the SDK reads it.
type wireClient struct{ http *http.Client }

// Do sends one request.
func (w *wireClient) Do(request *http.Request) (*http.Response, error) {
	x := request.Context().Value(exchangeKey{}).(*exchange)
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		request.Body, request.GetBody = nothing{}, nil // else net/http would send it again behind the SDK's back
		// else it would look for 200 ms whether there is nothing, and on a busy machine send that in chunks
		request.TransferEncoding = []string{"identity"}
	}
	response, err := w.http.Do(request)
	x.mu.Lock()
	current := x.last()
	x.mu.Unlock()
	if err != nil {
		current.err = err
		return nil, err
	}
	current.first = monotonic()
	current.returned, current.status, current.header = current.first, response.StatusCode, response.Header
	if x.stream && (response.StatusCode == http.StatusOK || response.StatusCode == http.StatusPartialContent) {
		return response, nil
	}
	current.document, err = io.ReadAll(response.Body)
	response.Body.Close()
	current.returned = monotonic()
	if err != nil {
		current.err = err
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(current.document))
	return response, nil
}

// nothing is a body of no bytes that net/http does not take for one that it may send again.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

// A countedConn knows how many bytes it has taken.
type countedConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countedConn) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	c.written.Add(int64(n))
	return n, err
}

// countedOf gives our connection below that of a request, and how many bytes it has taken until now.
func countedOf(conn net.Conn) (*countedConn, int64) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if ours, ok := conn.(*countedConn); ok {
		return ours, ours.written.Load()
	}
	return &countedConn{Conn: conn}, -1 // none of ours: the request may have left
}

// newTransport makes the connections of one endpoint's clients.
func newTransport(s *settings, deadline time.Duration, clients int) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: min(deadline, time.Duration(s.ConnectTimeoutMs)*time.Millisecond)}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !s.VerifyTLS}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, err
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca_file: " + s.CAFile + ", expected certificates in PEM")
		}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &countedConn{Conn: conn}, nil
		},
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   dialer.Timeout,
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   clients,
		DisableCompression:    true,
	}
	if s.Proxy != "" {
		proxy, err := url.Parse(s.Proxy)
		if err != nil {
			return nil, errors.New("proxy: expected a URL")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	return transport, nil
}

// phaseAndWire tells how far an attempt got, and why there is no complete answer.
func (a *attempt) phaseAndWire() (phase, wire string) {
	if a.err == nil {
		return "answered", "none"
	}
	switch {
	case a.status != 0: // answered in part: what the trace says of the request may come later than that
		phase = "sent"
	case !a.begun():
		phase = "not_sent"
	case a.written:
		phase = "sent"
	default:
		phase = "partly_sent"
	}
	return phase, wireError(a.err, a.conn == nil)
}

// wireError is the first row that fits; the names are those of csrc/http/conn.h.
func wireError(err error, connecting bool) string {
	for _, row := range wireErrors {
		if (!row.connecting || connecting) && row.is(err) {
			return row.name
		}
	}
	return "protocol"
}

var wireErrors = []struct {
	name       string
	connecting bool // only while there was no connection
	is         func(error) bool
}{
	{"cancelled", false, func(err error) bool { return errors.Is(err, context.Canceled) }},
	{"resolve", true, is[*net.DNSError]},
	{"tls", true, is[*tls.CertificateVerificationError]},
	{"tls", true, is[tls.RecordHeaderError]},
	{"tls", true, is[tls.AlertError]},
	{"connect", true, func(error) bool { return true }},
	{"timeout", false, func(err error) bool {
		var timed net.Error
		return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timed) && timed.Timeout())
	}},
	{"eof", false, func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }},
	{"recv", false, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
	{"send", false, func(err error) bool { return errors.Is(err, syscall.EPIPE) }},
	{"eof", false, func(err error) bool { return bytes.Contains([]byte(err.Error()), []byte("EOF")) }},
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
