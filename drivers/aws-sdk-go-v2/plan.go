package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
)

// The plan as far as a driver needs it: docs/semantics.md section 1. The engine has validated it.
type plan struct {
	Seed       uint64               `json:"seed"`
	Buckets    []string             `json:"buckets"`
	Spaces     map[string]planSpace `json:"spaces"`
	DeadlineMs int64                `json:"deadline_ms"`
	Payload    string               `json:"payload"`
	Stop       struct {
		Seconds  *float64 `json:"seconds"`
		Attempts *int64   `json:"attempts"`
	} `json:"stop"`
	Groups []planGroup `json:"groups"`
}

type planSpace struct {
	Theta *float64 `json:"theta"`
}

type planGroup struct {
	Name    string `json:"group"`
	Phase   string `json:"phase"`
	Clients int    `json:"clients"`
	Arrival struct {
		Closed struct {
			Times int    `json:"times"`
			Until string `json:"until"`
		} `json:"closed"`
		Open *openArrival `json:"open"`
	} `json:"arrival"`
	Program []*step `json:"program"`
}

type openArrival struct {
	PerS    float64 `json:"per_s"`
	Process string  `json:"process"`
	Queue   *int    `json:"queue"`
}

// A step is one step of a program: exactly one verb, whose value is in on, and its options.
type step struct {
	verb string
	on   target
	options
}

// A target is the value of a verb: a text, or a list of texts, or something that the control step reads itself.
type target struct {
	text string
	list []string
	raw  json.RawMessage
}

type options struct {
	As           string           `json:"as"`
	Bucket       string           `json:"bucket"`
	Body         *planBody        `json:"body"`
	Fields       int              `json:"fields"`
	Tags         *int             `json:"tags"`
	Checksum     string           `json:"checksum"`
	ChecksumType string           `json:"checksum_type"`
	ChecksumMode bool             `json:"checksum_mode"`
	IfMatch      string           `json:"if_match"`
	IfNoneMatch  string           `json:"if_none_match"`
	IfSrcMatch   string           `json:"if_source_match"`
	IfSrcNone    string           `json:"if_source_none_match"`
	Range        *planRange       `json:"range"`
	Version      string           `json:"version"`
	Part         int              `json:"part"`
	Parts        []int            `json:"parts"`
	Source       string           `json:"source"`
	SourceBucket string           `json:"source_bucket"`
	SourceVer    string           `json:"source_version"`
	Metadata     string           `json:"metadata"`
	Quiet        bool             `json:"quiet"`
	ETags        bool             `json:"etags"`
	Prefix       *string          `json:"prefix"`
	Delimiter    *string          `json:"delimiter"`
	MaxKeys      *int             `json:"max_keys"`
	StartAfter   *string          `json:"start_after"`
	Token        string           `json:"token"`
	Status       string           `json:"status"`
	Rules        []map[string]any `json:"rules"`
	Take         string           `json:"take"`
	Do           []*step          `json:"do"`
	Else         []*step          `json:"else"`

	control control // of control steps, read once
}

type planBody struct {
	Bytes    sizes `json:"bytes"`
	Constant sizes `json:"constant"`
	Counter  any   `json:"counter"`
}

// sizes is one size or a list of them.
type sizes []int64

func (s *sizes) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]int64)(s))
	}
	*s = sizes{0}
	return json.Unmarshal(data, &(*s)[0])
}

// A planRange is [first, last], [first, null] (last is endOfBody) or {"random": n}.
type planRange struct {
	first, last, random int64
}

const endOfBody = -1

func (r *planRange) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		ends := [2]*int64{}
		if err := json.Unmarshal(data, &ends); err != nil {
			return err
		}
		r.first, r.last = *ends[0], endOfBody
		if ends[1] != nil {
			r.last = *ends[1]
		}
		return nil
	}
	var given struct{ Random int64 }
	err := json.Unmarshal(data, &given)
	r.random = given.Random
	return err
}

// UnmarshalJSON finds the verb: the one name that the tables of verbs know.
func (s *step) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	for name, value := range raw {
		if _, known := verbs[name]; known || isControl(name) {
			s.verb, s.on.raw = name, value
			delete(raw, name)
		}
	}
	if s.verb == "" {
		return fmt.Errorf("program: %s, expected a step with a verb that this driver knows", oneLine(string(data), 80))
	}
	switch s.on.raw[0] {
	case '"':
		if err := json.Unmarshal(s.on.raw, &s.on.text); err != nil {
			return err
		}
	case '[':
		_ = json.Unmarshal(s.on.raw, &s.on.list) // a `when` reads its list itself
	}
	rest, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(rest))
	decoder.UseNumber()
	if err := decoder.Decode(&s.options); err != nil {
		return fmt.Errorf("%s: %w", s.verb, err)
	}
	return s.readControl()
}

func readPlan(data []byte) (*plan, error) {
	p := &plan{DeadlineMs: 30_000, Payload: "unsigned"}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		g.Clients = max(1, g.Clients)
		g.Arrival.Closed.Times = max(1, g.Arrival.Closed.Times)
		if g.Phase == "" {
			g.Phase = "main"
		}
	}
	return p, nil
}

// walk calls visit for every step of a program, in order.
func walk(program []*step, visit func(*step)) {
	for _, one := range program {
		visit(one)
		walk(one.Do, visit)
		walk(one.Else, visit)
	}
}

// ordered gives the keys of a map in order.
func ordered[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Ints(keys)
	return keys
}
