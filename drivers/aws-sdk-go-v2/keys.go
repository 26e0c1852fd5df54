package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// A key is its place in the header's table of spaces, the role of its bucket, and its text. Space -1: none of the plan's.
type key struct {
	space  int
	index  int64
	bucket string
	text   string
}

// A hold is a lifecycle key that a client has taken, and what it did to it.
type hold struct {
	key                                key
	wasAcked, written, deleted, unsure bool
}

// A space is a row of the header's table of spaces, with what was given out of it.
type space struct {
	Name   string   `json:"name"`
	Bucket int      `json:"bucket"`
	Kind   string   `json:"kind"`
	Count  int64    `json:"count"`
	Prefix string   `json:"prefix"`
	Keys   []string `json:"keys"`

	number int
	role   string
	theta  float64
	zeta   float64 // of count
	next   int64
	fresh  []int64 // given back unwritten
	acked  []int64
	byText map[string]int64
}

func (s *space) key(index int64) key {
	var text string
	switch s.Kind {
	case "fixed":
		text = s.Keys[index]
	case "own":
		text = fmt.Sprintf("%s%05d/%08d", s.Prefix, index/s.Count, index%s.Count)
	default:
		text = fmt.Sprintf("%s%08d", s.Prefix, index)
	}
	return key{s.number, index, s.role, text}
}

func (s *space) find(text string) (key, bool) {
	if s.Kind == "fixed" {
		index, there := s.byText[text]
		if !there {
			return key{}, false
		}
		return s.key(index), true
	}
	digits, there := strings.CutPrefix(text, s.Prefix)
	if !there {
		return key{}, false
	}
	client := "0"
	if s.Kind == "own" {
		at := strings.LastIndexByte(digits, '/')
		if at < 0 {
			return key{}, false
		}
		client, digits = digits[:at], digits[at+1:]
	}
	number, err1 := strconv.ParseUint(digits, 10, 40)
	owner, err2 := strconv.ParseUint(client, 10, 31)
	if err1 != nil || err2 != nil || int64(number) >= s.Count {
		return key{}, false
	}
	found := s.key(int64(owner)*s.Count + int64(number))
	return found, found.text == text
}

// spaces are all spaces of a plan, those of literal keys behind the named ones. Safe for goroutines.
type spaces struct {
	mu    sync.Mutex
	all   []*space
	named map[string]*space
	sizes map[key]int64 // last known, for random ranges
}

func newSpaces(rows []*space, p *plan) *spaces {
	out := &spaces{all: rows, named: map[string]*space{}, sizes: map[key]int64{}}
	for number, row := range rows {
		row.number, row.role, row.theta = number, p.Buckets[row.Bucket], 0.99
		if given := p.Spaces[row.Name].Theta; given != nil {
			row.theta = *given
		}
		if row.Kind == "zipf" {
			row.zeta = zeta(row.Count, row.theta)
		}
		row.byText = map[string]int64{}
		for index, text := range row.Keys {
			row.byText[text] = int64(index)
		}
		if row.Name != "" {
			out.named[row.Name] = row
		}
	}
	return out
}

// find gives the key of a text; one that is none of the plan's has space -1.
func (s *spaces) find(bucket, text string) key {
	for _, one := range s.all {
		if one.role == bucket {
			if found, ok := one.find(text); ok {
				return found
			}
		}
	}
	return key{-1, -1, bucket, text}
}

func (s *spaces) noteSize(k key, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[k] = size
}

func (s *spaces) sizeOf(k key) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sizes[k]
}

// choose gives a key of a space that is no lifecycle space; false when it is used up. walks is the client's own.
func (s *spaces) choose(name string, client int, walks map[string]int64, rng *draw) (key, bool) {
	from := s.named[name]
	switch from.Kind {
	case "own":
		index := int64(client)*from.Count + walks[name]
		walks[name] = (walks[name] + 1) % from.Count
		return from.key(index), true
	case "zipf":
		return from.key(zipf(from, rng)), true
	case "sequence":
		s.mu.Lock()
		defer s.mu.Unlock()
		if from.next >= from.Count {
			return key{}, false
		}
		from.next++
		return from.key(from.next - 1), true
	}
	return from.key(rng.below(from.Count)), true
}

// take gives a key of a lifecycle space: held when taken as fresh or acked, only looked at with any.
func (s *spaces) take(name, how string, rng *draw) (key, *hold, bool) {
	from := s.named[name]
	s.mu.Lock()
	defer s.mu.Unlock()
	if how == "fresh" {
		if n := len(from.fresh); n > 0 {
			taken := from.key(from.fresh[n-1])
			from.fresh = from.fresh[:n-1]
			return taken, &hold{key: taken}, true
		}
		if from.next >= from.Count {
			return key{}, nil, false
		}
		from.next++
		taken := from.key(from.next - 1)
		return taken, &hold{key: taken}, true
	}
	n := len(from.acked)
	if n == 0 {
		return key{}, nil, false
	}
	at := rng.below(int64(n))
	taken := from.key(from.acked[at])
	if how == "any" {
		return taken, nil, true
	}
	from.acked[at] = from.acked[n-1]
	from.acked = from.acked[:n-1]
	return taken, &hold{key: taken, wasAcked: true}, true
}

// release gives a held key back: retired after a delete or an unknown mutation, acked after an acked write.
func (s *spaces) release(h *hold) {
	if h.deleted || h.unsure {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.all[h.key.space]
	if h.written || h.wasAcked {
		to.acked = append(to.acked, h.key.index)
	} else {
		to.fresh = append(to.fresh, h.key.index)
	}
}

func zeta(count int64, theta float64) (sum float64) {
	for i := int64(1); i <= count; i++ {
		sum += math.Pow(float64(i), -theta)
	}
	return sum
}

// zipf draws by Zipf's law (Gray et al., Quickly generating billion-record synthetic databases).
func zipf(s *space, rng *draw) int64 {
	u := rng.unit()
	if u*s.zeta < 1 {
		return 0
	}
	if u*s.zeta < 1+math.Pow(0.5, s.theta) {
		return min(1, s.Count-1)
	}
	count := float64(s.Count)
	eta := (1 - math.Pow(2/count, 1-s.theta)) / (1 - zeta(2, s.theta)/s.zeta)
	return min(s.Count-1, int64(count*math.Pow(eta*u-eta+1, 1/(1-s.theta))))
}
