// The driver aws-sdk-go-v2 carries out a plan of s3prod with the AWS SDK for Go: settings and plan come on standard input,
// one line an attempt goes to standard output. docs/drivers.md describes the protocol.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

const (
	protocol   = 1
	sdk        = "aws-sdk-go-v2"
	module     = "github.com/aws/aws-sdk-go-v2/service/s3"
	clientsMax = 20_000
)

// unsupported is what the SDK cannot express, and the options of faults behind which nothing can be judged, with the reason.
var unsupported = map[string]string{
	"behaviour":   "a driver has no behaviours",
	"chunked":     "aws-sdk-go-v2 chooses the encoding of a body itself",
	"how=surplus": "net/http may take bytes behind an answer for the answer to the next request",
}

func main() {
	var err error
	if len(os.Args) == 2 && os.Args[1] == "verify" {
		err = verifyLines(os.Stdin, os.Stdout)
	} else {
		err = drive(os.Stdin, newOutput(os.Stdout))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", sdk, oneLine(err.Error(), 400))
		os.Exit(1)
	}
}

func hello() helloLine {
	return helloLine{
		Rec: "hello", V: protocol, SDK: sdk, Version: sdkVersion(), Language: runtime.Version(),
		Verbs: slices.Sorted(maps.Keys(verbs)), Unsupported: unsupported, ClientsMax: clientsMax,
		SeesAttempt: true, ClockNs: monotonic(),
	}
}

// sdkVersion is that of the module which is linked in.
func sdkVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, one := range info.Deps {
			if one.Path == module {
				return strings.TrimPrefix(one.Version, "v")
			}
		}
	}
	return "unknown"
}

// drive says hello, reads settings and plan and carries the plan out. The end of the input cancels it.
func drive(stdin io.Reader, out *output) error {
	if err := out.line(hello()); err != nil {
		return err
	}
	input := bufio.NewReader(stdin)
	s := &settings{VerifyTLS: true, ConnectTimeoutMs: 5000}
	line, err := input.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil // the engine has changed its mind
	}
	if err := json.Unmarshal(line, s); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if s.V != protocol {
		return fmt.Errorf("settings: v: %d, expected %d", s.V, protocol)
	}
	line, err = input.ReadBytes('\n')
	if err != nil {
		return errors.New("plan: the input ended before it")
	}
	p, err := readPlan(line)
	if err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := newRun(cancelled, s, p, out)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	complete, err := r.carryOut()
	last := endLine{Rec: "end", Complete: complete, StallNs: out.stallNs}
	last.CPUNs, last.PeakRSSKB = used()
	if err != nil {
		last.Error = oneLine(err.Error(), 400)
	}
	return out.line(last)
}
