"""What a run counts while it is recorded: its attempts by operation, group and client, whoever sends them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from s3prod.errors import RunError

Record = dict[str, Any]


class Book:
    """What a run's clients share for writing down: the history, the counters, whether the run was cancelled."""

    def __init__(self, run: int, buckets: Mapping[str, str], keys: Any, append: Callable[[Record], None]) -> None:
        self.run, self.buckets, self.keys = run, dict(buckets), keys
        self.lock = threading.Lock()
        self._append = append
        self.cancelled = False
        self.phase = "setup"
        self.constant: set[Any] = set()  # keys that a constant body was written to: they are not checked
        self.in_flight = self.max_in_flight = self.bytes_out = self.bytes_in = 0
        self.counts = {"attempts": 0, "ok": 0, "failed": 0, "unknown": 0}
        self.by_group: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.commits: Counter[int] = Counter()  # conditional puts that ended ok, by client
        self.first_failure = ""
        self.made: set[str] = set()  # real names of buckets that were made and not removed
        self.ops: dict[str, dict[str, Any]] = {}

    @contextlib.contextmanager
    def flight(self) -> Iterator[None]:
        """One call in flight."""
        with self.lock:
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1

    def write(self, records: list[Record], out: int, in_: int) -> None:
        """One attempt: its record, and those of a batch's children behind it."""
        first = records[0]
        with self.lock:
            for record in records:
                self._append(record)
            self.bytes_out += out
            self.bytes_in += in_
            self._count(first)

    def _count(self, record: Record) -> None:
        outcome, op = record["outcome"], record["op"]
        self.counts["attempts"] += 1
        self.counts[outcome] += 1
        self.by_group[record["group"]].update(("attempts", outcome))
        self.commits[record["client"]] += op == "put" and "cond" in record and outcome == "ok"
        if outcome == "failed" and not self.first_failure:
            answer = str(record["status"]) if record.get("status") else "no answer"
            self.first_failure = f"{op}: {answer} {record.get('code_text', '')}".strip()
        if op == "create_bucket" and outcome != "failed":
            self.made.add(self.buckets[record["bucket"]])
        if op == "delete_bucket" and outcome == "ok":
            self.made.discard(self.buckets[record["bucket"]])
        if op not in self.ops:
            self.ops[op] = {"attempts": 0, "ok": 0, "failed": 0, "unknown": 0, "by_status": Counter(), "latency_ns": []}
        counted = self.ops[op]
        counted["attempts"] += 1
        counted[outcome] += 1
        counted["by_status"][str(record.get("status", 0))] += 1
        if record["run_phase"] == "main" and record["phase"] != "not_sent" and record["wire"] != "cancelled":
            end = record.get("t_return") or time.monotonic_ns()  # unanswered: up to when it was given up
            counted["latency_ns"].append(end - (record.get("t_sched") or record["t_call"]))

    def check_setup(self) -> None:
        """A setup of which every attempt failed has made no bucket to work in: that is no run to be judged."""
        if self.counts["failed"] and not self.counts["ok"] and not self.counts["unknown"]:
            raise RunError(f"setup: {self.first_failure}, expected a store that lets it begin")
