package main

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"time"
)

// A group of the plan.
type group struct {
	number   int
	name     string
	program  []*step
	clients  []*client
	until    string
	times    int
	open     *openArrival
	barriers map[string]bool

	interpreters []*interpreter
	arrivals     *arrivals
}

// A phase is what its clients share: the stop rule, the barriers, and the uploads that are lent.
type phase struct {
	name   string
	run    *run
	groups []*group

	seconds  *float64
	attempts *int64

	mu       sync.Mutex
	over     chan struct{} // closed when the phase is over
	ended    bool
	overNs   int64 // when the stop rule ended it
	admitted int64
	running  int // clients of groups that do not wait for the others
	barriers map[string]*barrier
	failure  error

	started, finished int64
}

func newPhase(r *run, name string, groups []*group) *phase {
	p := &phase{name: name, run: r, groups: groups, over: make(chan struct{}), barriers: map[string]*barrier{}}
	if name == "main" {
		p.seconds, p.attempts = r.plan.Stop.Seconds, r.plan.Stop.Attempts
	}
	for _, g := range groups {
		for barrierName := range g.barriers {
			b := p.barriers[barrierName]
			if b == nil {
				b = &barrier{open: make(chan struct{})}
				p.barriers[barrierName] = b
			}
			b.parties += len(g.clients)
		}
		if g.until != "others" {
			p.running += len(g.clients)
		}
		g.interpreters = nil
		for _, c := range g.clients {
			g.interpreters = append(g.interpreters, &interpreter{
				client: c, group: g, phase: p, keys: r.keys,
				rng:   newDraw(r.plan.Seed, uint64(c.number)),
				names: newNames(g.program, r.plan.Buckets, r.keys),
				walks: map[string]int64{}, holds: map[string]*hold{},
			})
		}
	}
	return p
}

// check gives errEnded when the stop rule, a failure or the engine has ended the phase.
func (p *phase) check() error {
	select {
	case <-p.over:
		return errEnded
	case <-p.run.cancelled.Done():
		return errEnded
	default:
		return nil
	}
}

// admit is check before a request, which it counts for the stop rule: exactly as many are made as it says.
func (p *phase) admit() error {
	if err := p.check(); err != nil || p.attempts == nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.admitted >= *p.attempts {
		return errEnded
	}
	p.admitted++
	if p.admitted == *p.attempts {
		p.end(monotonic())
	}
	return nil
}

// end ends the phase; the lock is held.
func (p *phase) end(at int64) {
	if !p.ended {
		p.ended, p.overNs = true, at
		close(p.over)
	}
}

// overAt is when the stop rule ended the phase; 0: it did not.
func (p *phase) overAt() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.overNs
}

// sleep sleeps, at most to the end of the phase.
func (p *phase) sleep(d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.over:
		case <-p.run.cancelled.Done():
		}
	}
	return p.check()
}

// lend gives a copy of what the client of that group with the borrower's number in its own has bound.
func (p *phase) lend(from string, borrower *interpreter) (*upload, error) {
	groupName, name, _ := strings.Cut(from, ".")
	var lenders []*interpreter
	for _, g := range p.groups {
		if g.name == groupName {
			lenders = g.interpreters
		}
	}
	for number, one := range borrower.group.interpreters {
		if one == borrower {
			return p.copyOf(lenders[number%len(lenders)], name)
		}
	}
	return nil, errNoKey
}

func (p *phase) copyOf(lender *interpreter, name string) (*upload, error) {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	bound := lender.names.bound[name]
	if bound == nil || bound.upload == nil {
		return nil, errNoKey
	}
	own := *bound.upload
	own.parts = maps.Clone(own.parts)
	return &own, nil
}

// addPart notes an acknowledged part, which a borrower may be looking at.
func (p *phase) addPart(u *upload, acknowledged part) {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	u.parts[acknowledged.number] = acknowledged
}

// carryOut starts the clients and waits for their end.
func (p *phase) carryOut() error {
	p.started = monotonic()
	if p.seconds != nil {
		length := time.Duration(*p.seconds * float64(time.Second))
		timer := time.AfterFunc(length, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.end(p.started + int64(length))
		})
		defer timer.Stop()
	}
	var all sync.WaitGroup
	start := func(life func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			life()
		}()
	}
	for _, g := range p.groups {
		if g.open != nil {
			g.arrivals = newArrivals(g, p)
			start(g.arrivals.offer)
		}
		for _, in := range g.interpreters {
			start(func() { p.client(g, in) })
		}
	}
	all.Wait()
	p.finished = monotonic()
	return p.failure
}

// client is the life of one client in the phase.
func (p *phase) client(g *group, in *interpreter) {
	err := p.arrive(g, in)
	for name := range g.barriers {
		p.barriers[name].leave()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.until != "others" {
		p.running--
	}
	if !errors.Is(err, errEnded) && !errors.Is(err, errCancelled) && !errors.Is(err, errGone) && err != nil {
		p.failure = errors.Join(p.failure, err)
		p.end(monotonic())
	}
}

func (p *phase) arrive(g *group, in *interpreter) error {
	if g.arrivals != nil {
		for {
			intended, err := g.arrivals.take()
			if err != nil {
				return err
			}
			in.client.sched = intended
			if err := in.run(); err != nil {
				return err
			}
		}
	}
	for round := 0; ; round++ {
		if g.until == "" && round == g.times {
			return nil
		}
		if err := in.run(); err != nil {
			return err
		}
		if g.until == "others" && p.alone() {
			return nil
		}
	}
}

// alone tells whether every group that does not wait for the others has ended.
func (p *phase) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running == 0
}

// barrier waits at a barrier of the phase.
func (p *phase) barrier(name string) error {
	opened := p.barriers[name].come()
	select {
	case <-opened:
		return p.check()
	case <-p.over:
	case <-p.run.cancelled.Done():
	}
	return errEnded
}

// A barrier is cyclic; everyone who has not left must come before anyone goes on.
type barrier struct {
	mu               sync.Mutex
	parties, waiting int
	open             chan struct{} // of this round
}

func (b *barrier) come() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	round := b.open
	b.waiting++
	b.turn()
	return round
}

// leave is one party fewer, for good.
func (b *barrier) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parties--
	b.turn()
}

func (b *barrier) turn() {
	if b.waiting > 0 && b.waiting >= b.parties {
		close(b.open)
		b.open, b.waiting = make(chan struct{}), 0
	}
}
