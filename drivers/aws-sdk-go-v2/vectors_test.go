package main

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The golden vectors that the engine and the package are held to.
const vectors = "../../csrc/tests/vectors/"

func load(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func idOf(t *testing.T, text string) ID {
	t.Helper()
	id, ok := parseID(text)
	if !ok {
		t.Fatalf("%q is no id", text)
	}
	return id
}

func whole(t *testing.T, id ID, length int64, hash uint64) []byte {
	t.Helper()
	data, err := io.ReadAll(newBody(id, length, hash))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestIDs(t *testing.T) {
	var given struct {
		IDs []struct {
			Run, Counter uint64
			Client       uint32
			Text         string
		}
		Bad []string
	}
	load(t, vectors+"id.json", &given)
	for _, one := range given.IDs {
		if got := makeID(one.Run, one.Client, one.Counter).String(); got != one.Text {
			t.Errorf("%+v: %s", one, got)
		}
	}
	for _, text := range given.Bad {
		if _, ok := parseID(text); ok {
			t.Errorf("%q was taken for an id", text)
		}
	}
}

func TestBodies(t *testing.T) {
	var given struct {
		KeyHashes []struct{ Role, Key, Hash string } `json:"key_hashes"`
		Bodies    []struct {
			ID, Role, Key, MD5 string
			Len                int64
			Ranges             []struct {
				First, Len  int64
				Hex, SHA256 *string
			}
		}
		Counters []struct {
			ID, Text string
			Counter  int64
		}
	}
	load(t, vectors+"body.json", &given)
	for _, one := range given.KeyHashes {
		if want, _ := strconv.ParseUint(one.Hash, 16, 64); keyHash(one.Role, one.Key) != want {
			t.Errorf("key hash of %s/%s", one.Role, one.Key)
		}
	}
	for _, one := range given.Bodies {
		body := newBody(idOf(t, one.ID), one.Len, keyHash(one.Role, one.Key))
		sum := md5.New()
		if _, err := io.Copy(sum, onlyReader{body}); err != nil || hex.EncodeToString(sum.Sum(nil)) != one.MD5 {
			t.Errorf("body %s of %d bytes: %v", one.ID, one.Len, err)
		}
		for _, r := range one.Ranges {
			if _, err := body.Seek(r.First, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(io.LimitReader(body, r.Len))
			digest := sha256.Sum256(got)
			if (r.Hex != nil && hex.EncodeToString(got) != *r.Hex) || (r.SHA256 != nil && hex.EncodeToString(digest[:]) != *r.SHA256) {
				t.Errorf("body %s of %d bytes, range %d+%d", one.ID, one.Len, r.First, r.Len)
			}
		}
	}
	for _, one := range given.Counters {
		if got := string(counterBody(idOf(t, one.ID), one.Counter)); got != one.Text {
			t.Errorf("%s, expected %s", got, one.Text)
		}
	}
}

func TestParts(t *testing.T) {
	var given struct {
		Composites []struct {
			IDs []string
			ID  string
		}
		Bodies []struct {
			Parts []struct {
				ID  string
				Len int64
			}
			Role, Key, SHA256, ID string
		}
	}
	load(t, vectors+"parts.json", &given)
	for _, one := range given.Composites {
		ids := []ID{}
		for _, text := range one.IDs {
			ids = append(ids, idOf(t, text))
		}
		if got := composite(ids).String(); got != one.ID {
			t.Errorf("composite %s, expected %s", got, one.ID)
		}
	}
	for _, one := range given.Bodies {
		hash := keyHash(one.Role, one.Key)
		var data []byte
		for _, part := range one.Parts {
			data = append(data, whole(t, idOf(t, part.ID), part.Len, hash)...)
		}
		j := newJudge(answer{hash: hash, whole: true, expect: int64(len(data)), total: unknownLength})
		for len(data) > 0 { // in pieces of odd sizes
			n, _ := j.Write(data[:min(len(data), 37)])
			data = data[n:]
		}
		if found := j.end(); found.verdict != "parts" || found.id.String() != one.ID {
			t.Errorf("%s: %+v", one.ID, found)
		}
	}
}

func TestTags(t *testing.T) {
	var given struct {
		Sets []struct {
			ID   string
			N    int
			Tags map[string]string
		}
		Read []struct {
			Tags        map[string]string
			Verdict, ID string
		}
	}
	load(t, vectors+"tags.json", &given)
	for _, one := range given.Sets {
		if !sameSet(tagSet(idOf(t, one.ID), one.N), one.Tags) {
			t.Errorf("set of %d tags of %s", one.N, one.ID)
		}
	}
	for _, one := range given.Read {
		verdict, id := tagsFound(one.Tags)
		if verdict != one.Verdict || (id != noID && one.ID != "" && id.String() != one.ID) {
			t.Errorf("%v: %s %s, expected %s %s", one.Tags, verdict, id, one.Verdict, one.ID)
		}
	}
}

func TestOutcomes(t *testing.T) {
	var table outcomeTable
	load(t, "../../csrc/s3/outcomes.json", &table)
	table.index()
	if len(table.Vectors) < 100 {
		t.Fatalf("%d vectors", len(table.Vectors))
	}
	for _, one := range table.Vectors {
		if outcome, evidence := table.of(one.end); outcome != one.Outcome || evidence != one.Evidence {
			t.Errorf("%+v: %s %s", one, outcome, evidence)
		}
	}
}

func TestChecksums(t *testing.T) { // the check values of the CRC catalogue
	for name, want := range map[string]string{"crc32": "y/Q5Jg==", "crc32c": "4waSgw==", "crc64nvme": "rosUhgp5mIg="} {
		if got, err := checksumOf(name, newBytes([]byte("123456789"))); got != want || err != nil {
			t.Errorf("%s: %s, expected %s (%v)", name, got, want, err)
		}
	}
}

// collected is an output that is kept.
type collected []byte

func (c *collected) Write(data []byte) (int, error) {
	*c = append(*c, data...)
	return len(data), nil
}

func (c *collected) count(text string) int { return strings.Count(string(*c), text) }

func (c *collected) String() string { return string(*c) }
