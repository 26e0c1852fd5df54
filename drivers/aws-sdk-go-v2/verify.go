package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
)

// The verdicts of csrc/s3/body.h, from the lightest to the gravest.
var gravity = map[string]int{
	"opaque": 0, "clean": 1, "parts": 2, "short": 3, "long": 4, "foreign": 5, "torn": 6, "corrupt": 7,
}

const (
	unknownLength = -1
	namesWrite    = 24 // so many bytes from the start of a cell hold id and offset
	counterMin    = 73
	endless       = int64(1) << 62
)

var (
	counterStart = []byte(`{"id":"`)
	counterForm  = regexp.MustCompile(`^\{"id":"([0-9a-fA-F]{32})","counter":(-?[0-9]+)`)
)

// An answer is what is known of a body before it is read. Lengths that are not known are unknownLength.
type answer struct {
	hash          uint64
	whole         bool
	start         int64
	expect, total int64 // Content-Length, and the object's length
	metaID        ID
}

// A finding is what a body turned out to be.
type finding struct {
	verdict   string
	id, id2   ID
	badOffset int64
	counter   *int64
}

// A piece is a run of right cells of one write: where the write would begin in the object, and its length once seen.
type piece struct {
	id     ID
	base   int64
	length int64
}

// A judge verifies a body as it comes in: whole cells in order, then the cut one at the end, then the one at the start.
type judge struct {
	answer
	found  finding
	pieces []piece
	beyond int64 // first cell behind the end of a write that is none; -1: none

	got     int64
	start8  []byte // the first bytes, at most counterBodyMax
	json    bool
	head    []byte // of the cell that the range begins inside
	pending []byte // of the cell at hand
	at      int64  // offset of the next whole cell
	begun   bool
}

func newJudge(a answer) *judge {
	return &judge{answer: a, found: finding{verdict: "opaque"}, beyond: -1}
}

// Write takes the next bytes; it never fails.
func (j *judge) Write(data []byte) (int, error) {
	n := len(data)
	j.got += int64(n)
	if !j.begun {
		j.start8 = append(j.start8, data[:min(n, counterBodyMax-len(j.start8))]...)
		if len(j.pending)+n < counterBodyMax {
			j.pending = append(j.pending, data...)
			return n, nil
		}
		j.begin()
		if len(j.pending) > 0 {
			data = append(j.pending, data...)
			j.pending = nil
		}
		data = j.takeHead(data)
	}
	j.feed(data)
	return n, nil
}

// begin is called once, when enough of the body is there to tell what it is.
func (j *judge) begin() {
	j.begun = true
	j.json = j.start == 0 && bytes.HasPrefix(j.start8, counterStart)
	j.at = (j.start + cellBytes - 1) / cellBytes * cellBytes
}

// takeHead keeps the bytes before the first whole cell.
func (j *judge) takeHead(data []byte) []byte {
	n := min(int64(len(data)), j.at-j.start)
	j.head = append(j.head, data[:n]...)
	return data[n:]
}

func (j *judge) feed(data []byte) {
	if j.json {
		return
	}
	if len(j.pending) > 0 {
		n := min(len(data), cellBytes-len(j.pending))
		j.pending = append(j.pending, data[:n]...)
		data = data[n:]
		if len(j.pending) < cellBytes {
			return
		}
		j.wholeCell(j.pending)
		j.pending = j.pending[:0]
	}
	for ; len(data) >= cellBytes; data = data[cellBytes:] {
		j.wholeCell(data[:cellBytes])
	}
	j.pending = append(j.pending, data...)
}

// end is the verdict on everything.
func (j *judge) end() finding {
	if !j.begun {
		data := j.pending
		j.pending = nil
		j.begin()
		j.feed(j.takeHead(data))
	}
	switch {
	case j.json:
		j.counterBody()
	case j.got == 0:
		if j.whole && j.metaID != noID {
			j.findID(&piece{length: unknownLength}, j.metaID, 0)
		}
	default:
		j.cutCells()
		j.perhapsJSON()
	}
	if len(j.pieces) > 1 && j.beyond >= 0 {
		j.find("corrupt", j.beyond)
	}
	j.lengths()
	if len(j.pieces) > 0 {
		j.found.id = j.pieces[0].id
		if j.found.verdict == "parts" || j.found.verdict == "foreign" {
			ids := make([]ID, len(j.pieces))
			for i, one := range j.pieces {
				ids[i] = one.id
			}
			j.found.id = composite(ids)
		}
	}
	return j.found
}

// perhapsJSON: a small range of printable bytes may be a piece of a JSON body.
func (j *judge) perhapsJSON() {
	if j.found.verdict != "corrupt" || j.whole || j.start+j.got > counterBodyMax {
		return
	}
	for _, one := range j.start8 {
		if one < 0x20 || one > 0x7E {
			return
		}
	}
	j.found.verdict, j.found.badOffset = "opaque", 0
}

// current is the piece at hand; before the first one a nameless one.
func (j *judge) current() *piece {
	if len(j.pieces) == 0 {
		return &piece{length: unknownLength}
	}
	return &j.pieces[len(j.pieces)-1]
}

// find keeps the gravest verdict, and where it was found first.
func (j *judge) find(verdict string, offset int64) {
	if gravity[verdict] > gravity[j.found.verdict] {
		j.found.verdict = verdict
		if verdict == "torn" || verdict == "corrupt" {
			j.found.badOffset = offset
		}
	}
}

// findID tells of one more part that is of a write: the second id in one piece makes a torn body. It gives the piece that
// is kept.
func (j *judge) findID(p *piece, id ID, offset int64) *piece {
	if len(j.pieces) == 0 {
		p.id = id
		j.pieces = append(j.pieces, *p)
		p = &j.pieces[0]
	}
	if p.id == id {
		j.find("clean", offset)
		return p
	}
	if j.found.id2 == noID {
		j.found.id2 = id
	}
	j.find("torn", offset)
	return p
}

func (j *judge) wholeCell(cell []byte) {
	at := j.at
	j.at += cellBytes
	p := j.current()
	place := at - p.base
	if p.id != noID && place != 0 && place+cellBytes <= orEndless(p.length) {
		var want [cellBytes]byte
		fillCell(&want, p.id, uint64(place), 0, 0)
		if string(want[:]) == string(cell) {
			return
		}
	}
	j.cell(p, at, cell, isRight(cell))
}

func orEndless(length int64) int64 {
	if length == unknownLength {
		return endless
	}
	return length
}

// cell is told a whole cell that is not the next one of the piece at hand.
func (j *judge) cell(p *piece, at int64, cell []byte, right bool) {
	own, named := ID(cell[:16]), binary.LittleEndian.Uint64(cell[16:])
	place, known := at-p.base, p.length != unknownLength
	switch {
	case right && named != uint64(place) && own != noID:
		j.beginPiece(at, cell)
	case known && place != 0 && place+cellBytes > p.length && right:
		j.findID(p, own, at)
	case known && place >= p.length:
		if j.beyond < 0 {
			j.beyond = at
		}
	case right && place != 0 && own != noID:
		j.findID(p, own, at)
	case !right && place != 0 && (!known || place+cellBytes <= p.length):
		j.find("corrupt", at)
	default:
		j.part(p, at, 0, cell)
	}
}

// beginPiece: a right cell stands where no cell of the piece at hand would.
func (j *judge) beginPiece(at int64, cell []byte) {
	place := binary.LittleEndian.Uint64(cell[16:])
	length, hash := binary.LittleEndian.Uint64(cell[28:]), binary.LittleEndian.Uint64(cell[36:])
	begun := piece{id: ID(cell[:16]), base: at - int64(place), length: unknownLength}
	if place == 0 {
		begun.length = int64(length)
	}
	j.pieces = append(j.pieces, begun)
	j.find("parts", at)
	if place == 0 && hash != j.hash {
		j.find("foreign", 0)
	}
}

// part is told bytes of the cell at `at`, from its byte `low` on, as a piece of p.
func (j *judge) part(p *piece, at int64, low int, data []byte) {
	place := uint64(at - p.base)
	if p.length != unknownLength { // what lies behind the end is `long`, not corrupt
		left := int64(0)
		if place < uint64(p.length) {
			left = p.length - int64(place) - int64(low)
		}
		data = data[:max(0, min(int64(len(data)), left))]
	}
	high := low + len(data)
	if len(data) == 0 {
		return
	}
	length, hash := int64(unknownLength), j.hash
	if p.base == 0 {
		length = j.told()
	}
	if place == 0 {
		if low == 0 && high >= 36 {
			length = int64(binary.LittleEndian.Uint64(data[28:]))
		}
		if low == 0 && high >= 44 {
			hash = binary.LittleEndian.Uint64(data[36:])
		}
		if low < 36 && high > 24 && length == unknownLength {
			return
		}
	}
	claimed := j.claimed(p, place, low, data)
	if claimed == noID {
		if low == 0 && high >= 16 {
			j.find("corrupt", at)
		}
		return
	}
	id, ok := j.generates([...]ID{claimed, j.found.id2, j.metaID}, place, max(0, length), hash, low, data)
	if !ok {
		j.find("corrupt", at)
		return
	}
	p = j.findID(p, id, at)
	if place == 0 && low == 0 && high >= 36 {
		p.length = length
	}
	if place == 0 && hash != j.hash {
		j.find("foreign", 0)
	}
}

// generates finds the id whose cell has those bytes.
func (j *judge) generates(ids [3]ID, place uint64, length int64, hash uint64, low int, data []byte) (ID, bool) {
	for _, id := range ids {
		if id == noID {
			continue
		}
		var cell [cellBytes]byte
		fillCell(&cell, id, place, uint64(length), hash)
		if string(cell[low:low+len(data)]) == string(data) {
			return id, true
		}
	}
	return noID, false
}

// claimed is whose cell the part claims to be, or must be.
func (j *judge) claimed(p *piece, place uint64, low int, data []byte) ID {
	if low == 0 && len(data) >= 16 {
		names := len(data) >= namesWrite && binary.LittleEndian.Uint64(data[16:]) == place
		if names || p.id == noID {
			return ID(data[:16])
		}
	}
	if p.id == noID {
		return j.metaID
	}
	return p.id
}

// cutCells: the cut cell at the end, then the one that the range begins inside.
func (j *judge) cutCells() {
	end := j.start + j.got
	last := end / cellBytes * cellBytes
	if end%cellBytes != 0 {
		if last >= j.start {
			j.part(j.current(), last, 0, j.pending)
		} else {
			j.part(j.current(), last, int(j.start-last), j.head)
		}
	}
	if j.start%cellBytes != 0 && last >= j.start {
		first := piece{length: unknownLength}
		kept := &first
		if len(j.pieces) > 0 {
			kept = &j.pieces[0]
		}
		at := (j.start + cellBytes - 1) / cellBytes * cellBytes
		if kept.base != at { // the cell belongs to the first piece, or to one before it that nothing else shows
			j.part(kept, at-cellBytes, int(j.start-(at-cellBytes)), j.head)
		}
	}
}

// told is the object's length as the answer tells it.
func (j *judge) told() int64 {
	if j.total != unknownLength || !j.whole {
		return j.total
	}
	if j.expect == unknownLength {
		return j.got
	}
	return j.expect
}

// counterBody: a JSON body is right when it is what its id and counter generate.
func (j *judge) counterBody() {
	text := j.start8
	partial := !j.whole && (j.total == unknownLength || j.got < j.total)
	cut := "short"
	if partial {
		cut = "opaque"
	}
	if len(text) < counterMin {
		j.find(cut, 0)
		return
	}
	read := counterForm.FindSubmatch(text)
	if read == nil {
		j.find("corrupt", 0)
		return
	}
	id, _ := parseID(string(read[1]))
	counter, err := strconv.ParseInt(string(read[2]), 10, 64)
	right := counterBody(id, counter)
	if err != nil || !bytes.Equal(right[:min(len(right), len(text))], text[:min(len(right), len(text))]) {
		j.find("corrupt", 0)
		return
	}
	if len(text) < len(right) {
		j.find(cut, 0)
		return
	}
	j.found.counter = &counter
	j.findID(&piece{length: int64(len(right))}, id, 0)
}

// lengths: what is shorter or longer than announced, or than its write.
func (j *judge) lengths() {
	seen := j.total
	if j.whole {
		seen = j.got
	}
	if j.expect != unknownLength && j.got != j.expect {
		j.find(map[bool]string{true: "short", false: "long"}[j.got < j.expect], 0)
	}
	p := j.current()
	if p.length == unknownLength || len(j.pieces) > 1 || p.base != 0 {
		return
	}
	end, known := j.start+j.got, seen != unknownLength
	switch {
	case !j.whole && end <= p.length && known && seen > p.length:
		j.find("parts", 0) // of something longer
	case end > p.length || (known && seen > p.length):
		j.find("long", 0)
	case known && seen < p.length:
		j.find("short", 0)
	}
}

// noCounter is how a history says that a body has none.
const noCounter = math.MinInt64
