package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const copyBufferBytes = 64 << 10

// The settings are the first line on standard input: docs/drivers.md.
type settings struct {
	V                int               `json:"v"`
	Run              string            `json:"run"`
	Endpoints        []string          `json:"endpoints"`
	Region           string            `json:"region"`
	AccessKey        string            `json:"access_key"`
	SecretKey        string            `json:"secret_key"`
	SessionToken     string            `json:"session_token"`
	Addressing       string            `json:"addressing"`
	VerifyTLS        bool              `json:"verify_tls"`
	CAFile           string            `json:"ca_file"`
	Proxy            string            `json:"proxy"`
	ConnectTimeoutMs int64             `json:"connect_timeout_ms"`
	Checksum         string            `json:"checksum"`
	Buckets          map[string]string `json:"buckets"`
	Spaces           []*space          `json:"spaces"`
	Outcomes         outcomeTable      `json:"outcomes"`
}

// A run is what all clients share.
type run struct {
	settings  *settings
	plan      *plan
	id        uint64
	deadline  time.Duration
	outcomes  *outcomeTable
	keys      *spaces
	out       *output
	cancelled context.Context // done: the engine wants no more
	phase     string
	groups    []*group

	mu       sync.Mutex // of the uploads and names that a borrower may look at
	constant sync.Map   // keys that a constant body was written to: they are not checked
	buffers  sync.Pool
}

func newRun(cancelled context.Context, s *settings, p *plan, out *output) (*run, error) {
	id, err := strconv.ParseUint(s.Run, 16, 48)
	if err != nil {
		return nil, err
	}
	s.Outcomes.index()
	r := &run{
		settings: s, plan: p, id: id, deadline: time.Duration(p.DeadlineMs) * time.Millisecond,
		outcomes: &s.Outcomes, keys: newSpaces(s.Spaces, p), out: out, cancelled: cancelled,
	}
	r.buffers.New = func() any {
		buffer := make([]byte, copyBufferBytes)
		return &buffer
	}
	return r, r.makeClients()
}

func (r *run) makeClients() error {
	total := 0
	for _, g := range r.plan.Groups {
		total += g.Clients
	}
	var apis []*s3.Client
	for _, endpoint := range r.settings.Endpoints {
		api, err := r.newAPI(endpoint, total)
		if err != nil {
			return err
		}
		apis = append(apis, api)
	}
	clients := 0
	for i := range r.plan.Groups {
		given := &r.plan.Groups[i]
		g := &group{
			number: i, name: given.Name, program: given.Program, open: given.Arrival.Open,
			until: given.Arrival.Closed.Until, times: given.Arrival.Closed.Times, barriers: map[string]bool{},
		}
		walk(g.program, func(s *step) {
			if s.verb == "barrier" {
				g.barriers[s.on.text] = true
			}
		})
		for range given.Clients {
			endpoint := clients % len(apis)
			c := &client{run: r, api: apis[endpoint], number: clients, group: i, endpoint: endpoint}
			if g.open == nil && g.until != "stop" {
				c.patience = patienceDeadlines * r.deadline
			}
			g.clients = append(g.clients, c)
			clients++
		}
		r.groups = append(r.groups, g)
	}
	return nil
}

// newAPI makes the SDK's client of an endpoint: retries off, checksums as the settings say.
func (r *run) newAPI(endpoint string, clients int) (*s3.Client, error) {
	transport, err := newTransport(r.settings, r.deadline, clients)
	if err != nil {
		return nil, err
	}
	asRequired := r.settings.Checksum != "supported"
	options := s3.Options{
		Region: r.settings.Region, BaseEndpoint: aws.String(endpoint), UsePathStyle: r.settings.Addressing != "virtual",
		Credentials: credentials.NewStaticCredentialsProvider(
			r.settings.AccessKey, r.settings.SecretKey, r.settings.SessionToken),
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		HTTPClient: &wireClient{&http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
	}
	if asRequired {
		options.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		options.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	return s3.New(options), nil
}

// carryOut runs the phases one after the other. It gives whether all of them came to their end.
func (r *run) carryOut() (bool, error) {
	for _, name := range []string{"setup", "main", "teardown"} {
		if r.cancelled.Err() != nil {
			return false, nil
		}
		var groups []*group
		for i, g := range r.groups {
			if r.plan.Groups[i].Phase == name {
				groups = append(groups, g)
			}
		}
		r.phase = name
		p := newPhase(r, name, groups)
		failure := p.carryOut()
		if err := r.out.line(p.line()); err != nil {
			return false, err
		}
		if failure != nil {
			return false, failure
		}
	}
	return r.cancelled.Err() == nil, nil
}

// line is what the groups of a phase came to.
func (p *phase) line() phaseLine {
	out := phaseLine{Rec: "phase", Phase: p.name, StartNs: p.started, EndNs: p.finished, Groups: map[string]groupLine{}}
	for _, g := range p.groups {
		var one groupLine
		for _, in := range g.interpreters {
			one.add(in.counts)
		}
		if g.arrivals != nil {
			one.Unsent, one.LateNs = g.arrivals.notSent(), g.arrivals.lateNs
		}
		out.Groups[g.name] = one
	}
	return out
}

// used is what the process has used: CPU time, user and system, and memory at most. Getrusage's memory is also that of the
// process that started this one, up to the exec.
func used() (cpuNs, peakKB int64) {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0, 0
	}
	status, _ := os.ReadFile("/proc/self/status")
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		fmt.Sscan(after, &peakKB)
	}
	return usage.Utime.Nano() + usage.Stime.Nano(), peakKB
}
