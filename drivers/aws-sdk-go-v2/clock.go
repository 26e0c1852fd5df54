package main

import (
	"syscall"
	"time"
	"unsafe"
)

const clockMonotonic = 1

// Go has no public reading of CLOCK_MONOTONIC: one raw reading, then the time since.
var (
	monoBase = time.Now()
	mono0    = rawMonotonic()
)

func rawMonotonic() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// monotonic is CLOCK_MONOTONIC in nanoseconds: one clock for all processes of a host.
func monotonic() int64 { return mono0 + int64(time.Since(monoBase)) }
