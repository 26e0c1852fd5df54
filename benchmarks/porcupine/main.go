// Judges register histories with porcupine: porcupine [-timeout SECONDS] FILE, in the form that s3p_registerbench -x writes.
// Prints one JSON line: operations, keys that were decided, CPU seconds of the judging alone.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

type input struct {
	kind  byte
	value int
}

func step(state, in, out interface{}) (bool, interface{}) {
	now, op := state.(int), in.(input)
	switch op.kind {
	case 'w':
		return true, op.value
	case 'd':
		return true, 0
	case 'n':
		return now != 0, now
	default:
		return now == out.(int), now
	}
}

func read(path string) ([][]porcupine.Operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var keys [][]porcupine.Operation
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var key, value int
		var kind string
		var call, end int64
		if _, err := fmt.Sscanf(lines.Text(), "%d %1s %d %d %d", &key, &kind, &call, &end, &value); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		for len(keys) <= key {
			keys = append(keys, nil)
		}
		op := porcupine.Operation{Input: input{kind[0], value}, Call: call, Output: value, Return: end}
		keys[key] = append(keys[key], op)
	}
	return keys, nil
}

func cpu() float64 {
	var use syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return float64(use.Utime.Nano()+use.Stime.Nano()) / 1e9
}

func main() {
	timeout := flag.Float64("timeout", 0, "seconds for a key; 0: no limit")
	flag.Parse()
	keys, err := read(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "porcupine:", err)
		os.Exit(2)
	}
	model := porcupine.Model{Init: func() interface{} { return 0 }, Step: step}
	limit := time.Duration(*timeout * float64(time.Second))
	ops, decided, begun := 0, 0, cpu()
	for _, history := range keys {
		ops += len(history)
		switch porcupine.CheckOperationsTimeout(model, history, limit) {
		case porcupine.Ok:
			decided++
		case porcupine.Illegal:
			fmt.Fprintln(os.Stderr, "porcupine: an honest history is called illegal")
			os.Exit(2)
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"ops": ops, "keys": len(keys), "decided": decided, "cpu_s": cpu() - begun})
}
