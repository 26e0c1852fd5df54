package main

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// A record is one attempt as a history has it; the names are those of csrc/history/record.h.
type record struct {
	Op        string `json:"op"`
	Outcome   string `json:"outcome"`
	Evidence  string `json:"evidence"`
	RunPhase  string `json:"run_phase"`
	Phase     string `json:"phase"`
	Wire      string `json:"wire"`
	Bucket    string `json:"bucket"`
	Client    int    `json:"client"`
	Group     int    `json:"group"`
	Endpoint  int    `json:"endpoint"`
	OpSeq     int    `json:"op_seq"`
	Attempt   int    `json:"attempt"`
	TCall     int64  `json:"t_call"`
	TSched    int64  `json:"t_sched,omitempty"`
	TSent     int64  `json:"t_sent,omitempty"`
	TFirst    int64  `json:"t_first,omitempty"`
	TReturn   int64  `json:"t_return,omitempty"`
	Status    int    `json:"status,omitempty"`
	Space     *int   `json:"space,omitempty"`
	KeyIndex  *int64 `json:"key_index,omitempty"`
	Size      int64  `json:"size,omitempty"`
	Counter   *int64 `json:"counter,omitempty"`
	BytesIn   int64  `json:"bytes_in,omitempty"`
	BodyKind  string `json:"body_kind,omitempty"`
	BodyID    string `json:"body_id,omitempty"`
	BodyID2   string `json:"body_id2,omitempty"`
	MetaID    string `json:"meta_id,omitempty"`
	Verdict   string `json:"body_verdict,omitempty"`
	BadOffset int64  `json:"bad_offset,omitempty"`

	Cond         string   `json:"cond,omitempty"`
	ExpectETag   string   `json:"expect_etag,omitempty"`
	ETag         string   `json:"etag,omitempty"`
	VersionID    string   `json:"version_id,omitempty"`
	VersionAsked string   `json:"version_asked,omitempty"`
	UploadID     string   `json:"upload_id,omitempty"`
	PartNumber   int      `json:"part_number,omitempty"`
	RangeFirst   int64    `json:"range_first,omitempty"`
	RangeLen     int64    `json:"range_len,omitempty"`
	SourceKey    string   `json:"source_key,omitempty"`
	ListArgs     string   `json:"list_args,omitempty"`
	ListNext     string   `json:"list_next,omitempty"`
	Checksum     string   `json:"checksum,omitempty"`
	LastModified int64    `json:"last_modified,omitempty"`
	RequestID    string   `json:"request_id,omitempty"`
	CodeText     string   `json:"code_text,omitempty"`
	Parent       int      `json:"parent,omitempty"`
	Flags        []string `json:"flags,omitempty"`
	Entries      []entry  `json:"entries,omitempty"`
}

// An entry is one of a page's, of a complete_upload's parts, or of a batch's surplus results.
type entry struct {
	Key          string   `json:"key,omitempty"`
	KeyIndex     *int64   `json:"key_index,omitempty"`
	Size         *int64   `json:"size,omitempty"`
	ETag         string   `json:"etag,omitempty"`
	VersionID    string   `json:"version_id,omitempty"`
	LastModified *int64   `json:"last_modified_ns,omitempty"`
	Flags        []string `json:"flags,omitempty"`
}

func (r *record) flag(name string) { r.Flags = append(r.Flags, name) }

// place says where the key is in the header's table of spaces.
func (r *record) place(k key) {
	if k.space >= 0 {
		r.Space, r.KeyIndex = &k.space, &k.index
	}
}

const stallFrom = time.Millisecond // a write that took longer waited for the engine

// An output is the driver's standard output: one line a call, so that no line is ever cut by another.
type output struct {
	mu      sync.Mutex
	to      io.Writer
	buffer  bytes.Buffer
	encoder *json.Encoder
	stallNs int64
}

func newOutput(to io.Writer) *output {
	out := &output{to: to}
	out.encoder = json.NewEncoder(&out.buffer)
	out.encoder.SetEscapeHTML(false)
	return out
}

// line writes lines of the protocol, in one write.
func (o *output) line(lines ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buffer.Reset()
	for _, one := range lines {
		if err := o.encoder.Encode(one); err != nil {
			return err
		}
	}
	begun := time.Now()
	_, err := o.to.Write(o.buffer.Bytes())
	if took := time.Since(begun); took > stallFrom {
		o.stallNs += int64(took)
	}
	return err
}

// The lines of the protocol: docs/drivers.md.
type helloLine struct {
	Rec         string            `json:"rec"`
	V           int               `json:"v"`
	SDK         string            `json:"sdk"`
	Version     string            `json:"version"`
	Language    string            `json:"language"`
	Verbs       []string          `json:"verbs"`
	Unsupported map[string]string `json:"unsupported"`
	ClientsMax  int               `json:"clients_max"`
	SeesAttempt bool              `json:"sees_attempts"`
	ClockNs     int64             `json:"clock_ns"`
}

type callLine struct {
	Rec    string  `json:"rec"`
	Record *record `json:"record"`
}

type attemptLine struct {
	Rec      string    `json:"rec"`
	Record   *record   `json:"record"`
	Children []*record `json:"children,omitempty"`
	Out      int64     `json:"out"`
	In       int64     `json:"in"`
}

type groupLine struct {
	counts
	Unsent int64   `json:"unsent"`
	LateNs []int64 `json:"late_ns,omitempty"`
}

type phaseLine struct {
	Rec     string               `json:"rec"`
	Phase   string               `json:"phase"`
	StartNs int64                `json:"start_ns"`
	EndNs   int64                `json:"end_ns"`
	Groups  map[string]groupLine `json:"groups"`
}

type endLine struct {
	Rec       string `json:"rec"`
	Complete  bool   `json:"complete"`
	CPUNs     int64  `json:"cpu_ns"`
	StallNs   int64  `json:"stall_ns"`
	PeakRSSKB int64  `json:"peak_rss_kb"`
	Error     string `json:"error,omitempty"`
}
