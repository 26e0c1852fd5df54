"""What writing the history costs the engine."""

from __future__ import annotations

from benchmarks.bench_engine import put_plan
from benchmarks.harness import Record, interleave, run_engine, server


def history() -> list[Record]:
    """CPU µs a request with the history on, over the same with it off."""
    plan = put_plan(32)
    with server("null") as serve:
        found = interleave(
            {
                "on": lambda: run_engine(plan, serve)[1],
                "off": lambda: run_engine(plan, serve, history=False)[1],
            }
        )
    return [
        Record("history", found["on"] / found["off"], found["on"], found["off"], "CPU µs/request", "lower", 1.05,
               "engine with its history on over off", "s3prod bench history")
    ]  # fmt: skip
