package main

import (
	"hash/fnv"
	"math"
	"sync"
	"time"
)

const defaultQueue = 1000

// arrivals are the schedule of an open group: absolute times from the seed, a bounded queue, what was not sent.
type arrivals struct {
	phase   *phase
	gapS    float64
	poisson bool
	room    int
	rng     *draw
	atS     float64

	mu     sync.Mutex
	idle   int
	queue  []arrival
	waits  chan struct{} // a token for each queued arrival
	unsent int64
	lateNs []int64
}

// An arrival has its intended start, and when it was noticed, if all clients were busy then.
type arrival struct{ intended, noticed int64 }

func newArrivals(g *group, p *phase) *arrivals {
	a := &arrivals{phase: p, gapS: 1 / g.open.PerS, poisson: g.open.Process != "uniform", room: defaultQueue}
	if g.open.Queue != nil {
		a.room = *g.open.Queue
	}
	hash := fnv.New64a()
	hash.Write([]byte(g.name))
	a.rng = newDraw(p.run.plan.Seed, hash.Sum64())
	a.waits = make(chan struct{}, a.room+len(g.clients))
	return a
}

// offer offers one arrival after the other until the phase ends.
func (a *arrivals) offer() {
	number, intended := int64(0), a.due(0)
	for a.phase.sleep(time.Duration(intended-monotonic())) == nil {
		a.mu.Lock()
		if len(a.queue) < a.room+a.idle {
			one := arrival{intended: intended}
			if len(a.queue) >= a.idle {
				one.noticed = monotonic()
			}
			a.queue = append(a.queue, one)
			a.waits <- struct{}{}
		} else {
			a.unsent++
		}
		a.mu.Unlock()
		number++
		intended = a.due(number)
	}
	over := a.phase.overAt()
	a.mu.Lock()
	defer a.mu.Unlock()
	for ; intended < over; intended = a.due(number) { // due before the end, and not even offered
		a.unsent++
		number++
	}
}

// due is when an arrival is: what is late does not move what comes after it.
func (a *arrivals) due(number int64) int64 {
	if a.poisson {
		a.atS += -math.Log(1-a.rng.unit()) * a.gapS
	} else {
		a.atS = float64(number) * a.gapS
	}
	return a.phase.started + int64(a.atS*1e9)
}

// take gives the intended start of the next arrival; errEnded when the phase is over.
func (a *arrivals) take() (int64, error) {
	a.mu.Lock()
	a.idle++
	a.mu.Unlock()
	select {
	case <-a.waits:
	case <-a.phase.over:
	case <-a.phase.run.cancelled.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle--
	if err := a.phase.check(); err != nil {
		return 0, err
	}
	next := a.queue[0]
	a.queue = a.queue[1:]
	if next.noticed == 0 {
		next.noticed = monotonic()
	}
	a.lateNs = append(a.lateNs, max(0, next.noticed-next.intended))
	return next.intended, nil
}

// notSent is what was not sent, what is still queued at the end included.
func (a *arrivals) notSent() int64 { return a.unsent + int64(len(a.queue)) }
