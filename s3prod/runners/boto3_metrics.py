"""The metrics of a boto3 run, in the shape of `s3p_engine_finish` (`csrc/engine/engine.h`), without histograms."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from s3prod.plan import walk
from s3prod.runners.boto3_phase import Group, Phase
from s3prod.runners.boto3_record import Book

LATE_MS = 10  # an arrival that a free client took up later than this was held up by the generator
POISSON_DEVIATIONS = 3.3  # one run in two thousand draws fewer
BUSY = 0.9  # so much of one core is all that Python's threads have


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


def _group(group: Group, seconds: float) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in ("runs", "no_key", "exhausted", "unknown", "retries"):
        out[name] = sum(interpreter.counts[name] for interpreter in group.interpreters)
    out["unsent"] = 0 if group.arrivals is None else group.arrivals.unsent
    out["rate_per_s"] = out["runs"] / seconds if seconds else 0.0
    for name in ("attempts", "ok", "failed"):
        out[name] = sum(sender.counts[name] for sender in group.senders)
    if any("put" in step and ("if_match" in step or "if_none_match" in step) for step in walk(group.program)):
        out["commits_by_client"] = [sender.commits for sender in group.senders]
    if group.arrivals is not None:
        out["lateness"] = latencies(group.arrivals.late_ns)
    return out


def _offered_per_s(group: Group, per_s: float, seconds: float) -> float:
    """The least rate that a schedule of this length may well offer: Poisson draws vary."""
    poisson = group.open is not None and group.open.get("process", "poisson") == "poisson"
    spread = POISSON_DEVIATIONS * (per_s / seconds) ** 0.5 if poisson and seconds else 0.0
    return float(max(0.0, per_s - spread))


def _ask_rate(
    question: Mapping[str, Any], groups: Sequence[Group], seconds: float, because: list[str]
) -> dict[str, Any]:
    """The rate that counts is that of runs whose last S3 step ended ok."""
    group = next(group for group in groups if group.name == question["group"])
    got = sum(interpreter.counts["runs_ok"] for interpreter in group.interpreters) / seconds if seconds else 0.0
    within = question.get("within", 0.9)
    met = got > 0 and got >= _offered_per_s(group, question["per_s"], seconds) * within
    if not met:
        because.append(
            f"group {group.name} ended {got:.6g} runs a second ok, asked were {question['per_s']:.6g} x {within:.6g}"
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


def _generator_limits(groups: Sequence[Group], busy: float) -> list[str]:
    """Why the runner itself was the limit, if it was."""
    because = [f"the runner used {busy:.0%} of a core, which is all that Python's threads have"] if busy > BUSY else []
    for group in groups:
        late_ms = 0.0 if group.arrivals is None else latencies(group.arrivals.late_ns).get("p99_us", 0.0) / 1e3
        if late_ms > LATE_MS:
            because.append(f"the generator was late in group {group.name}: p99 {late_ms:.3f} ms")
    return because


def _load(plan: Mapping[str, Any], metrics: Mapping[str, Any], groups: Sequence[Group], busy: float) -> dict[str, Any]:
    """The load verdict: what was missed while the runner itself was the limit is nobody's fault."""
    questions: Mapping[str, Any] = plan.get("load", {})
    because: list[str] = []
    asked = []
    if "rate" in questions:
        asked.append(_ask_rate(questions["rate"], groups, metrics["main_seconds"], because))
    for name in ("p50_ms", "p99_ms", "p999_ms"):
        if name in questions:
            asked.append(_ask_percentile(name, questions[name], metrics["ops"], because))
    if all(question["met"] for question in asked):
        return {"verdict": "reached" if asked else "not-asked", "because": because, "asked": asked}
    limits = _generator_limits(groups, busy)
    return {"verdict": "generator-limited" if limits else "missed", "because": because + limits, "asked": asked}


def of_run(
    plan: Mapping[str, Any],
    book: Book,
    groups: Sequence[Group],
    phases: Sequence[Phase],
    usage: resource.struct_rusage,
    started: int,
    interrupted: bool,
) -> dict[str, Any]:
    """The metrics of a run that has ended."""
    now, used = time.monotonic_ns(), resource.getrusage(resource.RUSAGE_SELF)
    spans = {phase.name: ((phase.ended or now) - phase.started) / 1e9 for phase in phases if phase.started}
    cpu_s = used.ru_utime + used.ru_stime - usage.ru_utime - usage.ru_stime
    attempts, main_seconds = book.counts["attempts"], spans.get("main", 0.0)
    seconds = (now - started) / 1e9
    metrics: dict[str, Any] = {
        "run": f"{book.run:012x}",
        "seed": plan["seed"],
        "interrupted": interrupted,
        "start_ns": started,
        "seconds": seconds,
        "main_seconds": main_seconds,
        "phases": [{"phase": name, "seconds": span} for name, span in spans.items()],
        "ops": {name: _op(counted) for name, counted in book.ops.items()},
        "latency": latencies([ns for counted in book.ops.values() for ns in counted["latency_ns"]]),
        "groups": {group.name: _group(group, spans.get(group.phase, 0.0)) for group in groups},
        "bytes_out": book.bytes_out,
        "bytes_in": book.bytes_in,
        "cpu_s": cpu_s,
        "cpu_us_per_attempt": cpu_s * 1e6 / attempts if attempts else 0.0,
        "max_in_flight": book.max_in_flight,
        "history_stall_s": 0.0,
        "buckets": dict(book.buckets),
        "left_behind": sorted(book.made),
    }
    metrics["load"] = _load(plan, metrics, groups, cpu_s / seconds if seconds else 0.0)
    return metrics
