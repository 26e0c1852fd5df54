package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
)

// An asked answer is a line of `aws-sdk-go-v2 verify`, with which tests hold the judge of bodies to the engine's.
type askedAnswer struct {
	Data   string `json:"data"`
	Hash   uint64 `json:"hash"`
	Whole  bool   `json:"whole"`
	Start  int64  `json:"start"`
	Expect int64  `json:"expect"`
	Total  int64  `json:"total"`
	MetaID string `json:"meta_id"`
	Chunk  int    `json:"chunk"` // bytes at a time
}

// verifyLines judges one body a line: verdict, the two ids, the offset, the counter.
func verifyLines(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		var asked askedAnswer
		if err := json.Unmarshal(line, &asked); err != nil {
			return err
		}
		data, err := hex.DecodeString(asked.Data)
		if err != nil {
			return err
		}
		meta, _ := parseID(asked.MetaID)
		j := newJudge(answer{asked.Hash, asked.Whole, asked.Start, asked.Expect, asked.Total, meta})
		for len(data) > 0 {
			n, _ := j.Write(data[:min(len(data), asked.Chunk)])
			data = data[n:]
		}
		found := j.end()
		counter := int64(noCounter)
		if found.counter != nil {
			counter = *found.counter
		}
		told := []any{found.verdict, found.id.String(), found.id2.String(), found.badOffset, counter}
		if err := answers.Encode(told); err != nil {
			return err
		}
	}
}
