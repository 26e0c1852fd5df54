"""What writing the history costs the engine: in rate, and in CPU time (its writer thread included)."""

from __future__ import annotations

import statistics

from benchmarks.bench_engine import put_plan
from benchmarks.harness import ROUNDS, Record, run_engine, server


def history() -> list[Record]:
    """PUTs a second, and CPU µs a request, with the history on and with it off."""
    plan = put_plan(32)
    rate: dict[bool, list[float]] = {True: [], False: []}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    with server("null") as serve:
        for _ in range(ROUNDS):
            for on in (True, False):
                metrics, cpu_us = run_engine(plan, serve, history=on)
                rate[on].append(metrics["ops"]["put"]["attempts"] / metrics["main_seconds"])
                cpu[on].append(cpu_us)
    rates = {on: statistics.median(found) for on, found in rate.items()}
    cpus = {on: statistics.median(found) for on, found in cpu.items()}
    return [
        Record("history", rates[True] / rates[False], rates[True], rates[False], "PUT/s", "higher", 0.95,
               "rate with the history on over off", "s3prod bench history"),
        Record("history-cpu", cpus[True] / cpus[False], cpus[True], cpus[False], "CPU µs/request", "lower", 1.05,
               "CPU time with the history on over off, its writer thread included", "s3prod bench history  # history-cpu"),
    ]  # fmt: skip
