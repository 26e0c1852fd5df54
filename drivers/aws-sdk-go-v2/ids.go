package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
)

// ID is a value id: run 48 bits, client 32, counter 48, big-endian.
type ID [16]byte

var noID ID

// metaID is the field of the metadata that names a write; a set of several fields has it too.
const metaID = "s3p-id"

func makeID(run uint64, client uint32, counter uint64) (id ID) {
	binary.BigEndian.PutUint64(id[0:], run<<16)
	binary.BigEndian.PutUint32(id[6:], client)
	var tail [8]byte
	binary.BigEndian.PutUint64(tail[:], counter)
	copy(id[10:], tail[2:])
	return id
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

func (id ID) halves() (high, low uint64) {
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
}

// parseID reads exactly 32 hexadecimal digits.
func parseID(text string) (id ID, ok bool) {
	if len(text) != 32 {
		return noID, false
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return noID, false
	}
	return id, true
}

// mix64 is the finalizer of SplitMix64.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// composite is the id of an object made of parts, from their ids in order; none when that of a part is not known.
func composite(parts []ID) ID {
	for _, id := range parts {
		if id == noID {
			return noID
		}
	}
	if len(parts) < 2 {
		if len(parts) == 1 {
			return parts[0]
		}
		return noID
	}
	var a, b uint64
	for _, id := range parts {
		high, low := id.halves()
		a = mix64(a ^ high)
		b = mix64(b + low + a)
	}
	var out ID
	copy(out[:6], parts[0][:6])
	binary.BigEndian.PutUint32(out[6:], uint32(a>>32))
	var tail [8]byte
	binary.BigEndian.PutUint64(tail[:], b)
	copy(out[10:], tail[:6])
	return out
}

// A field is one tag, or one field of metadata.
type field struct{ name, value string }

// tagSet is the self-describing set of so many fields: 0, or at least 2.
func tagSet(id ID, count int) []field {
	if count == 0 {
		return nil
	}
	high, low := id.halves()
	set := []field{{metaID, id.String()}, {"s3p-n", strconv.Itoa(count)}}
	for i := 1; i < count-1; i++ {
		filler := mix64(high ^ mix64(low^uint64(i)))
		set = append(set, field{fmt.Sprintf("s3p-%d", i), fmt.Sprintf("%016x", filler)})
	}
	return set
}

var (
	countForm   = regexp.MustCompile(`^(?:[2-9]|10)$`)
	fillerForm  = regexp.MustCompile(`^s3p-[1-8]$`)
	fillingForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// tagsFound is the verdict of a set that was read, and the id that it names.
func tagsFound(tags map[string]string) (string, ID) {
	if len(tags) == 0 {
		return "clean", noID
	}
	id, ok := parseID(tags[metaID])
	if !ok || !countForm.MatchString(tags["s3p-n"]) {
		return "corrupt", noID
	}
	count, _ := strconv.Atoi(tags["s3p-n"])
	if sameSet(tagSet(id, count), tags) {
		return "clean", id
	}
	for name, value := range tags {
		if name != metaID && name != "s3p-n" && !(fillerForm.MatchString(name) && fillingForm.MatchString(value)) {
			return "corrupt", id
		}
	}
	return "torn", id
}

func sameSet(set []field, tags map[string]string) bool {
	if len(set) != len(tags) {
		return false
	}
	for _, one := range set {
		if value, there := tags[one.name]; !there || value != one.value {
			return false
		}
	}
	return true
}

// keyHash is FNV-1a 64 over the bucket's role, "/" and the key.
func keyHash(role, key string) uint64 {
	hash := uint64(0xCBF29CE484222325)
	for _, text := range [...]string{role, "/", key} {
		for i := 0; i < len(text); i++ {
			hash = (hash ^ uint64(text[i])) * 0x100000001B3
		}
	}
	return hash
}

// draw is a random number generator of one client: SplitMix64, seeded by plan and client.
type draw struct{ state uint64 }

func newDraw(seed uint64, stream uint64) *draw {
	return &draw{mix64(seed) ^ mix64(stream+0x9E3779B97F4A7C15)}
}

func (d *draw) next() uint64 {
	d.state += 0x9E3779B97F4A7C15
	return mix64(d.state)
}

// below draws from [0, n).
func (d *draw) below(n int64) int64 {
	high, _ := bits.Mul64(d.next(), uint64(n))
	return int64(high)
}

// unit draws from [0, 1).
func (d *draw) unit() float64 { return float64(d.next()>>11) / (1 << 53) }
