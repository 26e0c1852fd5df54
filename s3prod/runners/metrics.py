"""The metrics of a recorded run, in the shape of `s3p_engine_finish` (`csrc/engine/engine.h`), without histograms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s3prod.plan import walk
from s3prod.runners.recording import Recording

LATE_MS = 10  # an arrival that a free client took up later than this was held up by the generator
POISSON_DEVIATIONS = 3.3  # one run in two thousand draws fewer
BUSY = 0.9  # so much of the cores that a runner can use is all of them


@dataclass
class Arrived:
    """What the clients of a group came to: runs of its program, and of an open group what its arrivals met."""

    runs: int = 0
    runs_ok: int = 0  # whose last S3 step ended ok
    no_key: int = 0
    exhausted: int = 0
    unknown: int = 0
    retries: int = 0  # rounds of a `repeat until` behind its first
    unsent: int = 0
    late_ns: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Used:
    """What the runner has used: CPU time, the cores that it can use at once, how long it waited for the history."""

    cpu_s: float
    cores: int
    stall_s: float = 0.0


def latencies(ns: Sequence[int]) -> dict[str, float]:
    """Percentiles in microseconds; nothing of nothing.

    >>> latencies([1000, 3000])["max_us"]
    3.0
    """
    if not ns:
        return {}
    us = np.sort(np.asarray(ns, dtype=np.float64)) / 1e3
    points = {"p50_us": 50, "p99_us": 99, "p999_us": 99.9}
    out = {name: float(us[max(0, int(np.ceil(q / 100 * len(us))) - 1)]) for name, q in points.items()}
    return out | {"max_us": float(us[-1]), "mean_us": float(us.mean())}


def _op(counted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in counted.items() if name != "latency_ns"} | latencies(counted["latency_ns"])


def _group(
    recording: Recording, number: int, row: Mapping[str, Any], arrived: Arrived, seconds: float
) -> dict[str, Any]:
    given, book = recording.plan["groups"][number], recording.book
    names = ("runs", "no_key", "exhausted", "unknown", "retries", "unsent")
    out: dict[str, Any] = {name: getattr(arrived, name) for name in names}
    out["rate_per_s"] = arrived.runs / seconds if seconds else 0.0
    out |= {name: book.by_group[number][name] for name in ("attempts", "ok", "failed")}
    if any("put" in step and ("if_match" in step or "if_none_match" in step) for step in walk(given["program"])):
        first = row["first_client"]
        out["commits_by_client"] = [book.commits[client] for client in range(first, first + row["clients"])]
    if _open(given) is not None:
        out["lateness"] = latencies(arrived.late_ns)
    return out


def _open(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    arrival: Mapping[str, Any] | None = given.get("arrival", {}).get("open")
    return arrival


def _offered_per_s(given: Mapping[str, Any], per_s: float, seconds: float) -> float:
    """The least rate that a schedule of this length may well offer: Poisson draws vary."""
    arrival = _open(given)
    poisson = arrival is not None and arrival.get("process", "poisson") == "poisson"
    spread = POISSON_DEVIATIONS * (per_s / seconds) ** 0.5 if poisson and seconds else 0.0
    return float(max(0.0, per_s - spread))


def _ask_rate(
    plan: Mapping[str, Any],
    question: Mapping[str, Any],
    arrived: Mapping[str, Arrived],
    seconds: float,
    because: list[str],
) -> dict[str, Any]:
    """The rate that counts is that of runs whose last S3 step ended ok."""
    given = next(group for group in plan["groups"] if group["group"] == question["group"])
    got = arrived.get(given["group"], Arrived()).runs_ok / seconds if seconds else 0.0
    within = question.get("within", 0.9)
    met = got > 0 and got >= _offered_per_s(given, question["per_s"], seconds) * within
    if not met:
        because.append(
            f"group {given['group']} ended {got:.6g} runs a second ok, asked were {question['per_s']:.6g} x {within:.6g}"
        )
    return {"what": "rate_per_s", "asked": float(question["per_s"]), "got": got, "met": met}


def _ask_percentile(
    name: str, question: Mapping[str, Any], ops: Mapping[str, Mapping[str, Any]], because: list[str]
) -> dict[str, Any]:
    us = ops.get(question["op"], {}).get(name.replace("_ms", "_us"))
    what, got = f"{name} {question['op']}", (us or 0.0) / 1e3
    met = us is not None and got <= question["at_most"]
    if us is None:
        because.append(f"{what}: nothing was measured")
    elif not met:
        because.append(f"{what} is {got:.6g}, asked is at most {question['at_most']:.6g}")
    return {"what": what, "asked": float(question["at_most"]), "got": got, "met": met}


def _generator_limits(arrived: Mapping[str, Arrived], busy: float, cores: int) -> list[str]:
    """Why the runner itself was the limit, if it was."""
    because = [f"the runner used {busy:.0%} of the {cores} core(s) that it can use"] if busy > BUSY else []
    for name, group in arrived.items():
        late_ms = latencies(group.late_ns).get("p99_us", 0.0) / 1e3
        if late_ms > LATE_MS:
            because.append(f"the generator was late in group {name}: p99 {late_ms:.3f} ms")
    return because


def _load(
    plan: Mapping[str, Any], metrics: Mapping[str, Any], arrived: Mapping[str, Arrived], used: Used
) -> dict[str, Any]:
    """The load verdict: what was missed while the runner itself was the limit is nobody's fault."""
    questions: Mapping[str, Any] = plan.get("load", {})
    because: list[str] = []
    asked = []
    if "rate" in questions:
        asked.append(_ask_rate(plan, questions["rate"], arrived, metrics["main_seconds"], because))
    for name in ("p50_ms", "p99_ms", "p999_ms"):
        if name in questions:
            asked.append(_ask_percentile(name, questions[name], metrics["ops"], because))
    if all(question["met"] for question in asked):
        return {"verdict": "reached" if asked else "not-asked", "because": because, "asked": asked}
    busy = used.cpu_s / metrics["seconds"] / used.cores if metrics["seconds"] else 0.0
    limits = _generator_limits(arrived, busy, used.cores)
    return {"verdict": "generator-limited" if limits else "missed", "because": because + limits, "asked": asked}


def of_run(
    recording: Recording,
    arrived: Mapping[str, Arrived],
    spans: Mapping[str, tuple[int, int]],
    used: Used,
    *,
    interrupted: bool,
) -> dict[str, Any]:
    """The metrics of a run that has ended: `spans` are start and end of its phases (0: not ended)."""
    book, now = recording.book, time.monotonic_ns()
    lengths = {name: ((ended or now) - started) / 1e9 for name, (started, ended) in spans.items()}
    attempts, seconds = book.counts["attempts"], (now - recording.started) / 1e9
    rows = {row["name"]: row for row in recording.group_rows()}
    metrics: dict[str, Any] = {
        "run": f"{book.run:012x}",
        "seed": recording.plan["seed"],
        "interrupted": interrupted,
        "start_ns": recording.started,
        "seconds": seconds,
        "main_seconds": lengths.get("main", 0.0),
        "phases": [{"phase": name, "seconds": length} for name, length in lengths.items()],
        "ops": {name: _op(counted) for name, counted in book.ops.items()},
        "latency": latencies([ns for counted in book.ops.values() for ns in counted["latency_ns"]]),
        "groups": {
            name: _group(recording, number, row, arrived.get(name, Arrived()), lengths.get(row["phase"], 0.0))
            for number, (name, row) in enumerate(rows.items())
        },
        "bytes_out": book.bytes_out,
        "bytes_in": book.bytes_in,
        "cpu_s": used.cpu_s,
        "cpu_us_per_attempt": used.cpu_s * 1e6 / attempts if attempts else 0.0,
        "max_in_flight": book.max_in_flight,
        "history_stall_s": used.stall_s,
        "buckets": dict(book.buckets),
        "left_behind": sorted(book.made),
    }
    metrics["load"] = _load(recording.plan, metrics, arrived, used)
    return metrics
