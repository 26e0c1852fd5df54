package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A table of outcomes: csrc/s3/outcomes.json, as the settings bring it.
type outcomeTable struct {
	Classes map[string][]string `json:"classes"`
	Rows    []outcomeRow        `json:"rows"`
	Vectors []outcomeVector     `json:"vectors"` // of the file; the settings leave them out

	byOp map[string][]*outcomeRow
}

type outcomeRow struct {
	Ops      []string `json:"ops"`
	Phase    texts    `json:"phase"`
	Status   anyOf    `json:"status"`
	Code     texts    `json:"code"`
	Cond     texts    `json:"cond"`
	Body     texts    `json:"body"`
	Outcome  string   `json:"outcome"`
	Evidence string   `json:"evidence"`
}

type outcomeVector struct {
	end
	Outcome  string `json:"outcome"`
	Evidence string `json:"evidence"`
}

// An end is how an attempt ended.
type end struct {
	Op            string `json:"op"`
	Cond          string `json:"cond"`
	Phase         string `json:"phase"`
	Status        int    `json:"status"`
	Code          string `json:"code"`
	ErrorDocument bool   `json:"error_document"`
	HasETag       bool   `json:"has_etag"`
	BodyComplete  bool   `json:"body_complete"`
}

// texts is one text or a list of them; nil fits everything.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(t))
	}
	var one string
	err := json.Unmarshal(data, &one)
	*t = texts{one}
	return err
}

func (t texts) fits(text string) bool { return t == nil || slices.Contains(t, text) }

// anyOf is a status ("2xx" or a number), or a list of them.
type anyOf []string

func (a *anyOf) UnmarshalJSON(data []byte) error {
	var raw []any
	if data[0] != '[' {
		data = append(append([]byte{'['}, data...), ']')
	}
	err := json.Unmarshal(data, &raw)
	for _, one := range raw {
		*a = append(*a, fmt.Sprint(one))
	}
	return err
}

func (a anyOf) fits(status int) bool {
	if a == nil {
		return true
	}
	exact, class := fmt.Sprint(status), fmt.Sprintf("%dxx", status/100)
	return slices.ContainsFunc(a, func(one string) bool { return one == exact || one == class })
}

// index finds the rows of each operation once.
func (t *outcomeTable) index() {
	t.byOp = map[string][]*outcomeRow{}
	ops := map[string]bool{}
	for _, names := range t.Classes {
		for _, op := range names {
			ops[op] = true
		}
	}
	for op := range ops {
		for i := range t.Rows {
			row := &t.Rows[i]
			covers := func(name string) bool {
				return name == "*" || name == op || slices.Contains(t.Classes[name], op)
			}
			if slices.ContainsFunc(row.Ops, covers) {
				t.byOp[op] = append(t.byOp[op], row)
			}
		}
	}
}

// of gives outcome and evidence: those of the first row that fits.
func (t *outcomeTable) of(e end) (outcome, evidence string) {
	for _, row := range t.byOp[e.Op] {
		if row.fits(e) {
			return row.Outcome, row.Evidence
		}
	}
	return "unknown", "none"
}

func (r *outcomeRow) fits(e end) bool {
	body := map[string]bool{"error_document": e.ErrorDocument, "no_etag": !e.HasETag, "incomplete": !e.BodyComplete}
	for _, state := range r.Body {
		if !body[state] {
			return false
		}
	}
	return r.Phase.fits(e.Phase) && r.Status.fits(e.Status) && r.Code.fits(e.Code) && r.Cond.fits(e.Cond)
}

// isMutation tells whether the operation changes objects: an unknown end of it ends the `repeat until` around it.
func (t *outcomeTable) isMutation(op string) bool { return slices.Contains(t.Classes["mutation"], op) }

// worst is the worst of several outcomes: unknown is worse than failed, failed worse than ok.
func worst(outcomes []string) string {
	return slices.MaxFunc(outcomes, func(a, b string) int { return badness[a] - badness[b] })
}

var badness = map[string]int{"ok": 0, "failed": 1, "unknown": 2}

// oneLine is the text without line breaks, cut to so many bytes.
func oneLine(text string, limit int) string {
	flat := strings.Join(strings.Fields(text), " ")
	if len(flat) > limit {
		flat = strings.ToValidUTF8(flat[:limit-3], "") + "…"
	}
	return flat
}
