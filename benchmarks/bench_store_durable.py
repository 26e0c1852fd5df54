"""Group commit: durable PUTs by many clients, beside one synced write after the other on the same disk."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from benchmarks.harness import ROOT, Record, interleave, run_engine, server
from benchmarks.stores import SECONDS, write_plan

CLIENTS = 64


def _synced_writes(folder: Path) -> float:
    """Appends of 1 KiB a second, each followed by fdatasync."""
    data, count, begin = os.urandom(1024), 0, time.monotonic()
    with (folder / "appended").open("ab", buffering=0) as file:
        while time.monotonic() - begin < SECONDS:
            file.write(data)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - begin)


def _put_rate(serve: dict, clients: int) -> float:
    metrics, _ = run_engine(write_plan(clients=clients), serve)
    counts = metrics["ops"]["put"]
    assert counts["ok"] == counts["attempts"], f"the store answered {counts['by_status']}"
    return float(counts["ok"] / metrics["main_seconds"])


def durable() -> list[Record]:
    """PUTs a second. The folder is below the checkout: a disk, where the checkout is on one."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-durable-", dir=ROOT / "build") as folder,
        server("--data", f"{folder}/data", "--durable") as serve,
    ):
        found = interleave(
            {
                "many": lambda: _put_rate(serve, CLIENTS),
                "sync": lambda: _synced_writes(Path(folder)),
                "one": lambda: _put_rate(serve, 1),
            }
        )
    command = "s3prod bench store-durable"
    return [
        Record("store-durable", found["many"] / found["sync"], found["many"], found["sync"], "PUT/s", "higher", 5,
               f"durable 1 KiB PUT, {CLIENTS} clients: rate over that of appends of 1 KiB with an fdatasync each", command),
        Record("store-durable-one", found["many"] / found["one"], found["many"], found["one"], "PUT/s", "higher", 0,
               f"the same with {CLIENTS} clients over one client (no goal)", f"{command}  # store-durable-one"),
    ]  # fmt: skip
