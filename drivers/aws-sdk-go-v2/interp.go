package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"time"
)

// How a run of a program may end before its end.
var (
	errEnded     = errors.New("the phase is over")
	errCancelled = errors.New("cancelled")
	errGone      = errors.New("the store has not answered for two deadlines")
	errNoKey     = errors.New("nothing to choose, or a name that holds no key or no upload")
	errUnknown   = errors.New("a mutation ended unknown") // ends the enclosing `repeat until`
)

const noKeyPause = time.Millisecond // a program that ends for want of a key must not spin

// counts are what a client adds to its group's metrics.
type counts struct {
	Runs      int64 `json:"runs"`
	RunsOK    int64 `json:"runs_ok"`
	NoKey     int64 `json:"no_key"`
	Exhausted int64 `json:"exhausted"`
	Unknown   int64 `json:"unknown"`
	Retries   int64 `json:"retries"` // rounds of a `repeat until` behind its first
}

func (c *counts) add(o counts) {
	c.Runs += o.Runs
	c.RunsOK += o.RunsOK
	c.NoKey += o.NoKey
	c.Exhausted += o.Exhausted
	c.Unknown += o.Unknown
	c.Retries += o.Retries
}

// An interpreter carries out the program of one client; docs/semantics.md section 1.
type interpreter struct {
	client *client
	group  *group
	phase  *phase
	rng    *draw
	names  *names
	keys   *spaces
	counts counts

	last      *result
	walks     map[string]int64
	holds     map[string]*hold
	rounds    []int   // of the repeats around the current step, innermost last
	ambiguous *step   // the mutation of a loop that ended unknown and may be tried again
	unsure    *result // its last one
	loops     int
}

// run is one run of the program; errEnded when the phase was over before its end.
func (in *interpreter) run() error {
	in.counts.Runs++
	in.loops, in.ambiguous, in.rounds = 0, nil, in.rounds[:0]
	err := in.steps(in.group.program)
	for name := range in.holds {
		in.letGo(name)
		in.setName(name, nil) // the key is no longer this client's to write
	}
	switch {
	case errors.Is(err, errNoKey):
		in.counts.NoKey++
		return in.phase.sleep(noKeyPause)
	case errors.Is(err, errUnknown): // outside of a loop nobody waits for it
		err = nil
	}
	if err == nil && (in.last == nil || in.last.outcome == "ok") {
		in.counts.RunsOK++
	}
	return err
}

func (in *interpreter) steps(steps []*step) error {
	for i, s := range steps {
		if err := in.phase.check(); err != nil {
			return err
		}
		if act, ok := controls[s.verb]; ok {
			if err := act(in, s); err != nil {
				return err
			}
			continue
		}
		sent, err := in.s3Step(s)
		if err != nil {
			return err
		}
		if sent && in.loops > 0 && in.client.run.outcomes.isMutation(s.verb) {
			if err := in.noteUnknown(s, i+1 < len(steps) && steps[i+1].handlesUnknown()); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteUnknown: an unknown mutation ends the loop, unless the program handles it: then it stays the same operation.
func (in *interpreter) noteUnknown(s *step, handled bool) error {
	switch {
	case in.last.outcome == "unknown" && !handled:
		return errUnknown
	case in.last.outcome == "unknown":
		in.ambiguous, in.unsure = s, in.last
	case in.ambiguous == s:
		in.ambiguous = nil
	}
	return nil
}

// --- control steps ----------------------------------------------------------------------------------------------------

var controls map[string]func(*interpreter, *step) error

func init() { // the table refers to functions that look at it
	controls = map[string]func(*interpreter, *step) error{
		"repeat":  (*interpreter).repeat,
		"when":    (*interpreter).when,
		"barrier": func(in *interpreter, s *step) error { return in.phase.barrier(s.on.text) },
		"sleep":   (*interpreter).sleep,
		"choose":  (*interpreter).choose,
		"borrow":  (*interpreter).borrow,
	}
}

func (in *interpreter) repeat(s *step) error {
	in.rounds = append(in.rounds, 0)
	defer func() { in.rounds = in.rounds[:len(in.rounds)-1] }()
	if s.control.untilOK {
		return in.repeatUntil(s)
	}
	for round := range s.control.times {
		in.rounds[len(in.rounds)-1] = round
		if err := in.steps(s.Do); err != nil {
			return err
		}
	}
	return nil
}

func (in *interpreter) repeatUntil(s *step) error {
	in.loops++
	in.ambiguous = nil
	defer func() {
		in.loops--
		in.ambiguous = nil
	}()
	for round := range s.control.times {
		in.rounds[len(in.rounds)-1] = round
		in.counts.Retries += int64(min(round, 1))
		err := in.steps(s.Do)
		if err == nil && in.last != nil && in.last.outcome == "ok" {
			return nil
		}
		if err == nil && in.last != nil && in.last.outcome == "unknown" && in.client.run.outcomes.isMutation(in.last.op) {
			err = errUnknown
		}
		if errors.Is(err, errUnknown) {
			in.counts.Unknown++
			return nil
		}
		if err != nil {
			return err
		}
	}
	in.counts.Exhausted++
	return nil
}

func (in *interpreter) when(s *step) error {
	var holds bool
	if compare, there := compares[s.control.compare]; there {
		var values []any
		for _, one := range s.control.operands {
			values = append(values, in.names.value(one))
		}
		holds = compare(values)
	} else if last := in.last; last != nil {
		holds = slices.ContainsFunc(s.control.codes, func(one string) bool {
			return one == last.outcome || (last.code != "" && one == last.code) ||
				(last.status != 0 && one == strconv.Itoa(last.status))
		})
	}
	if holds {
		return in.steps(s.Do)
	}
	return in.steps(s.Else)
}

var compares = map[string]func([]any) bool{
	"equal": func(v []any) bool { return v[0] == v[1] },
	"less":  func(v []any) bool { return asNumber(v[0]) < asNumber(v[1]) },
	"odd":   func(v []any) bool { return asNumber(v[0])&1 == 1 },
}

func asNumber(value any) int64 {
	number, _ := value.(int64)
	return number
}

func (in *interpreter) sleep(s *step) error {
	ms := s.control.sleepMs
	if s.control.jitterCap > 0 {
		rounds := 0
		if len(in.rounds) > 0 {
			rounds = in.rounds[len(in.rounds)-1]
		}
		ms = in.rng.unit() * min(s.control.jitterCap, s.control.jitterBase*math.Pow(2, float64(min(rounds, 40))))
	}
	return in.phase.sleep(time.Duration(ms * float64(time.Millisecond)))
}

func (in *interpreter) choose(s *step) error {
	var chosen key
	var ok bool
	if in.keys.named[s.on.text].Kind == "lifecycle" {
		in.letGo(s.As)
		var held *hold
		chosen, held, ok = in.keys.take(s.on.text, s.Take, in.rng)
		if held != nil {
			in.holds[s.As] = held
		}
	} else {
		chosen, ok = in.keys.choose(s.on.text, in.client.number, in.walks, in.rng)
	}
	if !ok {
		return errNoKey
	}
	in.setName(s.As, &binding{key: &chosen})
	return nil
}

func (in *interpreter) borrow(s *step) error {
	lent, err := in.phase.lend(s.on.text, in)
	if err != nil {
		return err
	}
	in.letGo(s.As)
	in.setName(s.As, &binding{upload: lent, key: &lent.key})
	return nil
}

func (in *interpreter) letGo(name string) {
	if held := in.holds[name]; held != nil {
		delete(in.holds, name)
		in.keys.release(held)
	}
}

// --- S3 steps ---------------------------------------------------------------------------------------------------------

// s3Step sends what the step asks for; its result is the worst one. False when there was nothing to send.
func (in *interpreter) s3Step(s *step) (bool, error) {
	requests, err := requestsOf(s, in.names, in.rng)
	if err != nil {
		return false, err
	}
	var results []*result
	for _, r := range requests {
		if err := in.phase.admit(); err != nil {
			return false, err
		}
		if in.ambiguous == s && len(requests) == 1 {
			r.again = in.unsure
		}
		got, err := in.client.send(r)
		if err != nil {
			return false, err
		}
		results = append(results, got)
		in.take(r, got)
		if got.outcome == "ok" && s.As != "" && !in.holdsUpload(s.As, r) {
			in.bind(s.As, &got.fields)
		} else if s.As != "" && r.op == "put" { // its value id is known however it ended
			in.noteID(s.As, r.id.String())
		}
	}
	if len(results) > 0 {
		in.last = slices.MaxFunc(results, func(a, b *result) int { return badness[a.outcome] - badness[b.outcome] })
	}
	return len(results) > 0, nil
}

// holdsUpload: a name that is that of the upload which the request is for stays so.
func (in *interpreter) holdsUpload(name string, r *request) bool {
	return r.upload != nil && in.names.of(name).upload == r.upload
}

var (
	writes       = []string{"put", "copy", "complete_upload"} // of a key's value
	tellTheSize  = []string{"put", "get", "head", "complete_upload"}
	ofKeysHolder = append([]string{"delete"}, writes...)
)

// take is what the spaces, the upload and the holds of lifecycle keys learn of an attempt.
func (in *interpreter) take(r *request, got *result) {
	ok := got.outcome == "ok"
	if ok && r.upload != nil && got.fields.part != nil {
		in.phase.addPart(r.upload, *got.fields.part)
	}
	if ok && r.hasKey && got.fields.hasSize && slices.Contains(tellTheSize, r.op) {
		in.keys.noteSize(r.key, got.fields.size)
	}
	if !slices.Contains(ofKeysHolder, r.op) {
		return
	}
	for _, held := range in.holds {
		if held.key == r.key {
			held.unsure = held.unsure || got.outcome == "unknown"
			held.deleted = held.deleted || (ok && r.op == "delete")
			held.written = held.written || (ok && r.op != "delete")
		}
	}
}

func (in *interpreter) bind(name string, b *binding) {
	if held := in.holds[name]; held != nil && (b.key == nil || *b.key != held.key) {
		in.letGo(name)
	}
	in.setName(name, b)
}

// noteID: from now on the name has this value id besides what it has.
func (in *interpreter) noteID(name, id string) {
	noted := *in.names.of(name)
	noted.id = id
	in.setName(name, &noted)
}

// setName binds a name where a borrower may be looking at it.
func (in *interpreter) setName(name string, b *binding) {
	in.phase.run.mu.Lock()
	defer in.phase.run.mu.Unlock()
	in.names.bound[name] = b
}
