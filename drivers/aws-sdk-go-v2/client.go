package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	patienceDeadlines = 2
	unreachedPause    = 50 * time.Millisecond
)

var newIDs = []string{"put", "copy", "create_upload", "upload_part", "put_tags"}

// A client of the plan sends one step at a time.
type client struct {
	run      *run
	api      *s3.Client
	number   int
	group    int
	endpoint int
	patience time.Duration // without an answer; 0: endless, of groups that a stop rule ends

	sched   int64 // the intended start, for the first attempt of an open arrival
	silent  int64 // since when no attempt was answered; 0: the last one was
	draws   uint64
	ops     int
	opSeq   int // of the operation at hand
	earlier int // attempts of it before this call
}

// send carries a step out and writes down each of its attempts.
func (c *client) send(r *request) (*result, error) {
	if c.run.cancelled.Err() != nil {
		return nil, errCancelled
	}
	if r.again != nil {
		c.opSeq, c.earlier = r.again.opSeq, r.again.attempt+1
	} else {
		c.ops++
		c.opSeq, c.earlier = c.ops, 0
	}
	body, err := c.prepare(r)
	if err != nil {
		return nil, err
	}
	pending := c.skeleton(r, &attempt{call: monotonic()}, c.earlier)
	pending.Outcome, pending.Evidence, pending.Phase, pending.Wire = "unknown", "none", "partly_sent", "cancelled"
	readAsked(r, pending)
	readGiven(r, pending)
	if err := c.run.out.line(callLine{"call", pending}); err != nil {
		return nil, err
	}
	x := &exchange{stream: r.op == "get"}
	got := c.call(r, body, x)
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.attempts) == 0 {
		if c.run.cancelled.Err() == nil {
			return nil, fmt.Errorf("aws-sdk-go-v2: %s: %s", r.op, oneLine(got.err.Error(), 200))
		}
		x.attempts = []*attempt{{call: pending.TCall, err: context.Canceled}}
	}
	ended, err := c.record(r, x.attempts, got)
	if err != nil {
		return nil, err
	}
	c.sched = 0
	return ended, c.watchSilence(x.last())
}

// call makes the call; what it comes to is in the last attempt, and in what it parsed.
func (c *client) call(r *request, body io.ReadSeeker, x *exchange) *parsed {
	ctx, done := context.WithTimeout(c.run.cancelled, c.run.deadline)
	defer done()
	got := &parsed{}
	got.err = calls[r.op](x.context(ctx), &sdkCall{c, r, body, x}, got)
	last := x.last()
	if last == nil {
		return got
	}
	if got.body != nil {
		c.readBody(r, last, got)
	}
	got.unreadable = last.err == nil && last.status/100 == 2 && !isErrorDocument(last.document) &&
		(got.err != nil || (documents[r.op] && !hasElement(last.document)))
	return got
}

// readBody verifies the body of an object as it comes in.
func (c *client) readBody(r *request, a *attempt, got *parsed) {
	buffer := c.run.buffers.Get().(*[]byte)
	defer c.run.buffers.Put(buffer)
	got.judge = newJudge(answerOf(r, a))
	got.summer = newSummer(checksumOfHead(a.header))
	n, err := io.CopyBuffer(io.MultiWriter(got.judge, got.summer), onlyReader{got.body}, *buffer)
	got.body.Close()
	a.returned, got.received = monotonic(), n
	if err != nil && !(isChecksumError(err) && n == contentLength(a.header)) { // then the bytes are there, to be judged
		a.err = err
	}
}

type onlyReader struct{ io.Reader } // so that CopyBuffer uses its buffer

// prepare gives the request its value id, its body and its checksum.
func (c *client) prepare(r *request) (body io.ReadSeeker, err error) {
	if slices.Contains(newIDs, r.op) {
		c.draws++
		r.id = makeID(c.run.id, uint32(c.number), c.draws)
	}
	if r.bodyKind == "" {
		return nil, nil
	}
	body = bodies[r.bodyKind](r)
	r.size, err = body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if r.checksum != "" && err == nil {
		r.checksumValue, err = checksumOf(r.checksum, body)
	}
	if r.bodyKind == "constant" {
		c.run.constant.Store(r.key, true)
	}
	return body, err
}

// skeleton is what is known of an attempt whatever comes of it.
func (c *client) skeleton(r *request, a *attempt, number int) *record {
	out := &record{
		Op: r.op, RunPhase: c.run.phase, Bucket: r.bucket, OpSeq: c.opSeq, Attempt: number, TCall: a.call,
		Client: c.number, Group: c.group, Endpoint: c.endpoint,
	}
	if r.hasKey {
		out.place(r.key)
	}
	if r.cond.kind != "" {
		out.Cond = r.cond.kind
		if r.cond.value != "*" {
			out.ExpectETag = r.cond.value
		}
	}
	if number == 0 {
		out.TSched = c.sched
	}
	return out
}

// record writes the attempts of a call down; the last one is the result.
func (c *client) record(r *request, attempts []*attempt, got *parsed) (*result, error) {
	var lines []any
	var ended *result
	ambiguous := r.again != nil
	twice := slices.ContainsFunc(attempts[:len(attempts)-1], func(a *attempt) bool { return a.resent })
	for i, a := range attempts {
		seen := got
		if i < len(attempts)-1 {
			seen = &parsed{}
		}
		line, one := c.recordOne(r, a, seen, c.earlier+i, ambiguous)
		if twice && c.run.outcomes.isMutation(r.op) {
			line.Record.flag("multi_delivery")
		}
		ambiguous = ambiguous || line.Record.Outcome == "unknown"
		lines, ended = append(lines, line), one
	}
	return ended, c.run.out.line(lines...)
}

func (c *client) recordOne(r *request, a *attempt, got *parsed, number int, ambiguous bool) (attemptLine, *result) {
	phase, wire := a.phaseAndWire()
	out := c.skeleton(r, a, number)
	out.Phase, out.Wire, out.TSent, out.TFirst = phase, wire, a.sent, a.first
	if a.first != 0 {
		out.Status = a.status
		if a.sent == 0 || a.sent > a.first {
			out.TSent = a.first
		}
	}
	if phase == "answered" {
		out.TReturn = a.returned
	}
	code, inDocument := a.code()
	e := end{
		Op: r.op, Cond: r.cond.kind, Phase: phase, Status: a.status, Code: code, ErrorDocument: inDocument,
		HasETag: etagOf(r.op, a, got) != "", BodyComplete: phase == "answered" && !got.unreadable,
	}
	if r.sourceCond.kind != "" {
		e.Cond = "" // of two nobody knows which one did not hold
	}
	out.Outcome, out.Evidence = c.run.outcomes.of(e)
	if ambiguous {
		out.flag("retry_ambiguous")
		if out.Outcome == "failed" {
			out.Outcome, out.Evidence = "unknown", "none"
		}
	}
	out.CodeText = a.said(code, got)
	out.RequestID, out.VersionID = a.header.Get("x-amz-request-id"), a.header.Get("x-amz-version-id")
	out.ETag = etagOf(r.op, a, got)
	ended := &result{op: r.op, status: a.status, code: code, opSeq: c.opSeq, attempt: number}
	children := c.readAnswer(r, a, got, out, &ended.fields)
	outcomes := []string{out.Outcome}
	for _, child := range children {
		outcomes = append(outcomes, child.Outcome)
	}
	ended.outcome = worst(outcomes)
	sentBytes := r.size
	if r.bodyKind == "" {
		sentBytes = 0
	}
	return attemptLine{"att", out, children, sentBytes, got.received}, ended
}

// watchSilence: as in the engine, a store that is gone must not hold a program that only ends by itself.
func (c *client) watchSilence(a *attempt) error {
	phase, _ := a.phaseAndWire()
	if phase == "answered" || c.patience == 0 {
		c.silent = 0
		return nil
	}
	now := monotonic()
	if c.silent == 0 {
		c.silent = now
	}
	if now-c.silent >= int64(c.patience) {
		return errGone
	}
	if phase == "not_sent" {
		time.Sleep(unreachedPause)
	}
	return nil
}

// bodies make the body of a write, by its kind.
var bodies = map[string]func(*request) io.ReadSeeker{
	"cells":    func(r *request) io.ReadSeeker { return newBody(r.id, r.size, keyHash(r.bucket, r.key.text)) },
	"counter":  func(r *request) io.ReadSeeker { return newBytes(counterBody(r.id, r.counter)) },
	"constant": func(r *request) io.ReadSeeker { return &constantReader{length: r.size} },
}
