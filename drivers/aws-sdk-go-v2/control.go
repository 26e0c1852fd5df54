package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A control is the value of a control step, read once.
type control struct {
	times      int  // of a repeat
	untilOK    bool // `at most` times
	codes      []string
	compare    string // equal, less or odd, of the operands
	operands   []any
	sleepMs    float64
	jitterBase float64
	jitterCap  float64
}

var controlVerbs = []string{"repeat", "when", "barrier", "sleep", "choose", "borrow"}

func isControl(verb string) bool { return slices.Contains(controlVerbs, verb) }

func (s *step) readControl() error {
	c := &s.control
	raw := s.on.raw
	object := raw[0] == '{'
	var err error
	switch {
	case s.verb == "repeat" && object:
		var given struct {
			AtMost int `json:"at_most"`
		}
		err = json.Unmarshal(raw, &given)
		c.times, c.untilOK = given.AtMost, true
	case s.verb == "repeat":
		err = json.Unmarshal(raw, &c.times)
	case s.verb == "when" && object:
		var given map[string]any
		err = json.Unmarshal(raw, &given)
		for name, operands := range given {
			c.compare, c.operands = name, []any{operands}
			if list, ok := operands.([]any); ok {
				c.operands = list
			}
		}
	case s.verb == "when":
		var given []any
		err = json.Unmarshal(raw, &given)
		for _, one := range given {
			c.codes = append(c.codes, fmt.Sprint(one))
		}
	case s.verb == "sleep" && object:
		var given struct {
			Jitter [2]float64 `json:"full_jitter_ms"`
		}
		err = json.Unmarshal(raw, &given)
		c.jitterBase, c.jitterCap = given.Jitter[0], given.Jitter[1]
	case s.verb == "sleep":
		err = json.Unmarshal(raw, &c.sleepMs)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.verb, err)
	}
	return nil
}

// handlesUnknown tells whether the step is a `when` on unknown.
func (s *step) handlesUnknown() bool { return slices.Contains(s.control.codes, "unknown") }
