package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	noETag    = `"none"`
	noVersion = "null"
)

var (
	fieldNames = []string{
		"etag", "version", "upload", "parts", "uploads", "id", "token", "key", "keys", "versions", "size", "counter", "now_ms",
		"initiated_ms",
	}
	referenceForm  = regexp.MustCompile(`^([a-z][a-z0-9_]*)\.([a-z_]+)$`)
	expressionForm = regexp.MustCompile(`^\s*([a-z0-9_.]+)\s*(?:([+-])\s*([0-9]+))?\s*$`)
)

// names are what the `as` of a program have bound, for one client.
type names struct {
	bindable map[string]bool
	bound    map[string]*binding
	buckets  []string
	keys     *spaces
}

func newNames(program []*step, buckets []string, keys *spaces) *names {
	n := &names{map[string]bool{}, map[string]*binding{}, buckets, keys}
	walk(program, func(s *step) {
		if s.As != "" {
			n.bindable[s.As] = true
		}
	})
	return n
}

// reference splits `name.field` when the name is one that the program binds.
func (n *names) reference(text string) (name, field string, ok bool) {
	name, field, dot := strings.Cut(text, ".")
	if !dot || !n.bindable[name] || !slices.Contains(fieldNames, field) || !referenceForm.MatchString(text) {
		return "", "", false
	}
	return name, field, true
}

var unbound = &binding{}

// of gives what the name of `name.field` holds; an empty binding while it holds nothing.
func (n *names) of(text string) *binding {
	name, _, _ := strings.Cut(text, ".")
	if found := n.bound[name]; found != nil {
		return found
	}
	return unbound
}

// key gives the key of a literal or of a reference; errNoKey while that has none.
func (n *names) key(text, bucket string) (key, error) {
	if _, _, ok := n.reference(text); !ok {
		if bucket == "" {
			bucket = n.buckets[0]
		}
		return n.keys.find(bucket, text), nil
	}
	if found := n.of(text).key; found != nil {
		return *found, nil
	}
	return key{}, errNoKey
}

// upload gives the upload of `name.upload` or `name.parts`; errNoKey while there is none.
func (n *names) upload(text string) (*upload, error) {
	if found := n.of(text).upload; found != nil {
		return found, nil
	}
	return nil, errNoKey
}

// text gives the text of a reference to an ETag or a version; any other text is itself.
func (n *names) text(text string) string {
	_, field, ok := n.reference(text)
	if !ok {
		return text
	}
	if field == "version" {
		return n.of(text).version
	}
	return n.of(text).etag
}

// value gives a number, or something else that compares; 0 when the reference has no value yet.
func (n *names) value(expression any) any {
	text, isText := expression.(string)
	if !isText {
		number, _ := strconv.ParseInt(fmt.Sprint(expression), 10, 64)
		if float, ok := expression.(float64); ok {
			number = int64(float)
		}
		return number
	}
	read := expressionForm.FindStringSubmatch(text)
	if read == nil {
		return text
	}
	base := n.operand(read[1])
	number, isNumber := base.(int64)
	if read[3] == "" || !isNumber {
		return base
	}
	constant, _ := strconv.ParseInt(read[2]+read[3], 10, 64)
	return number + constant
}

func (n *names) operand(text string) any {
	name, field, ok := n.reference(text)
	if !ok {
		number, _ := strconv.ParseInt(text, 10, 64)
		return number
	}
	return fieldValues[field](n.of(name))
}

// fieldValues tells how a field compares; what holds nothing is equal to nothing else.
var fieldValues = map[string]func(*binding) any{
	"etag":         func(b *binding) any { return b.etag },
	"version":      func(b *binding) any { return b.version },
	"id":           func(b *binding) any { return b.id },
	"token":        func(b *binding) any { return strings.Join(b.token, "\x00") },
	"size":         func(b *binding) any { return b.size },
	"counter":      func(b *binding) any { return b.counter },
	"now_ms":       func(b *binding) any { return b.nowMs },
	"initiated_ms": func(b *binding) any { return b.initiatedMs },
	"key":          keyValue,
	"upload":       uploadValue,
	"parts":        uploadValue,
	"uploads":      func(b *binding) any { return &b.uploads },
	"keys":         func(b *binding) any { return &b.objects },
	"versions":     func(b *binding) any { return &b.objects },
}

func keyValue(b *binding) any {
	if b.key == nil {
		return new(int)
	}
	return *b.key
}

func uploadValue(b *binding) any {
	if b.upload == nil {
		return new(int)
	}
	return b.upload
}

func (n *names) number(expression any) int64 {
	return asNumber(n.value(expression))
}
