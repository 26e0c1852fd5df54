"""The embedded store's cost of 8 MiB bodies over one connection."""

from __future__ import annotations

from benchmarks.harness import Record, interleave, server
from benchmarks.stores import Meter, read_plan, write_plan

NBYTES = 8 * 1024 * 1024
GOALS = {"put": 300, "get": 2000}
WHAT = {"put": "8 MiB PUT, MD5 and SHA-256 checked", "get": "8 MiB GET"}


def large() -> list[Record]:
    """MB per CPU second of the store."""
    shape = {"nbytes": NBYTES, "clients": 1, "keys": 8}
    with server() as serve:
        meter = Meter(serve)
        found = interleave(
            {
                "put": lambda: meter.put(write_plan(**shape, signed=True)),
                "get": lambda: meter.read("get", read_plan("get", **shape)),
            }
        )
    rate = {op: NBYTES / cpu for op, cpu in found.items()}
    return [
        Record(f"store-large-{op}", rate[op] / goal, rate[op], goal, "MB/s a core", "higher", 1,
               f"{WHAT[op]}, one connection: rate a store core over the goal of {goal:,} MB/s",
               f"s3prod bench store-large  # store-large-{op}")
        for op, goal in GOALS.items()
    ]  # fmt: skip
