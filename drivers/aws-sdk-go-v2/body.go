package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Bodies are sequences of 64-byte cells; docs/semantics.md section 2 and csrc/s3/body.h define them.
const (
	cellBytes      = 64
	counterBodyMax = 112
	golden         = 0x9E3779B97F4A7C15
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fillCell generates the cell at an offset that is a multiple of 64. Length and key hash go into cell 0 only.
func fillCell(cell *[cellBytes]byte, id ID, offset, length, hash uint64) {
	copy(cell[:16], id[:])
	binary.LittleEndian.PutUint64(cell[16:], offset)
	high, low := id.halves()
	seed := mix64(high ^ mix64(low^offset))
	var filler [40]byte
	for j := uint64(0); j < 5; j++ {
		binary.LittleEndian.PutUint64(filler[8*j:], mix64(seed+(j+1)*golden))
	}
	if offset == 0 {
		binary.LittleEndian.PutUint64(filler[0:], length)
		binary.LittleEndian.PutUint64(filler[8:], hash)
	}
	copy(cell[28:], filler[:36])
	crc := crc32.Update(crc32.Checksum(cell[:24], castagnoli), castagnoli, cell[28:])
	binary.LittleEndian.PutUint32(cell[24:], crc)
}

// isRight tells whether a cell is what its own id and offset generate (of a first cell: and its length and key).
func isRight(cell []byte) bool {
	offset := binary.LittleEndian.Uint64(cell[16:])
	if offset%cellBytes != 0 {
		return false
	}
	var want [cellBytes]byte
	id := ID(cell[:16])
	fillCell(&want, id, offset, binary.LittleEndian.Uint64(cell[28:]), binary.LittleEndian.Uint64(cell[36:]))
	return string(want[:]) == string(cell)
}

// A bodyReader gives the bytes of a body without holding them; the SDK may read it more than once.
type bodyReader struct {
	id           ID
	length, hash uint64
	at           uint64
	cell         [cellBytes]byte
	cellAt       uint64 // offset of the cell that is at hand, plus one; 0: none
}

func newBody(id ID, length int64, hash uint64) *bodyReader {
	return &bodyReader{id: id, length: uint64(length), hash: hash}
}

// Read generates cells straight into out as long as whole ones fit.
func (b *bodyReader) Read(out []byte) (int, error) {
	if b.at >= b.length {
		return 0, io.EOF
	}
	n := 0
	for n < len(out) && b.at < b.length {
		skip := b.at % cellBytes
		if skip == 0 && len(out)-n >= cellBytes && b.length-b.at >= cellBytes {
			fillCell((*[cellBytes]byte)(out[n:]), b.id, b.at, b.length, b.hash)
			n += cellBytes
			b.at += cellBytes
			continue
		}
		if first := b.at - skip; b.cellAt != first+1 {
			fillCell(&b.cell, b.id, first, b.length, b.hash)
			b.cellAt = first + 1
		}
		took := copy(out[n:], b.cell[skip:min(cellBytes, skip+b.length-b.at)])
		n += took
		b.at += uint64(took)
	}
	return n, nil
}

// Seek moves within the body.
func (b *bodyReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(b.at)
	case io.SeekEnd:
		offset += int64(b.length)
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a body")
	}
	b.at = uint64(offset)
	return offset, nil
}

// counterBody is the JSON body of a counter register.
func counterBody(id ID, counter int64) []byte {
	start := fmt.Appendf(nil, `{"id":"%s","counter":%d`, id, counter)
	return fmt.Appendf(start, `,"crc32c":"%08x"}`, crc32.Checksum(start, castagnoli))
}

// A constantReader gives the same byte over and over.
type constantReader struct{ at, length int64 }

func (c *constantReader) Read(out []byte) (int, error) {
	if c.at >= c.length {
		return 0, io.EOF
	}
	n := int(min(int64(len(out)), c.length-c.at))
	for i := range out[:n] {
		out[i] = 'c'
	}
	c.at += int64(n)
	return n, nil
}

// Seek moves within the body.
func (c *constantReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.length
	}
	c.at = offset
	return offset, nil
}
