"""The figures of one run as one flat object: in `run.json`, in JUnit reports, and as a row at the end of a pytest session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from s3prod.profile import digest

if TYPE_CHECKING:
    from s3prod.results import Run

CLASSES = {  # class of errors: the statuses of its answers
    "no-answer": (0,),
    "conflict": (409, 412),
    "not-found": (404,),
    "throttled": (429, 503),
    "refused": range(400, 500),
    "server-error": range(500, 600),
}
WORDS = {0: "held", 1: "failed", 2: "error", 3: "inconclusive"}  # by exit status


def errors(metrics: Mapping[str, Any]) -> dict[str, int]:
    """Answers that are errors, by class; a status is of the first class that has it.

    >>> errors({"ops": {"put": {"by_status": {"0": 1, "200": 5, "412": 2, "403": 1, "503": 3}}}})
    {'no-answer': 1, 'conflict': 2, 'throttled': 3, 'refused': 1}
    """
    counted = dict.fromkeys(CLASSES, 0)
    for op in metrics.get("ops", {}).values():
        for status, number in op.get("by_status", {}).items():
            name = next((name for name, statuses in CLASSES.items() if int(status) in statuses), None)
            if name is not None:
                counted[name] += number
    return {name: number for name, number in counted.items() if number}


def word(run: Run) -> str:
    """The verdict in a word: held, violated, load-missed, inconclusive or interrupted.

    >>> word(run)  # doctest: +SKIP
    'held'
    """
    if run.interrupted:
        return "interrupted"
    status = run.exit_status()
    if status == 1:
        return "load-missed" if run.verdict is None or run.verdict.exit_status() != 1 else "violated"
    return WORDS[status]


def summary(run: Run) -> dict[str, Any]:
    """The figures. Times in ms, rates of the main phase; `peak_rss_mb` is the peak of this process and of a driver's, of which
    `memory_mb` came while the plan ran.

    >>> summary(run)["operations_per_second"]  # doctest: +SKIP
    2511.3
    """
    metrics = run.metrics
    attempts = sum(op.get("attempts", 0) for op in metrics.get("ops", {}).values())
    latency = metrics.get("latency", {})
    seconds = metrics.get("main_seconds") or 0.0
    main = sum(group.get("attempts", 0) for group in _main_groups(run))
    seen = {} if run.verdict is None else run.verdict.evidence.get("*", {})
    return {
        "plan": run.plan.name,
        "sdk": run.runner,
        "scale": run.plan.scale,
        "seed": run.plan.seed,
        "profile_hash": digest(run.target.get("profile", {})),
        "verdict": word(run),
        "operations": attempts,
        "operations_per_second": round(main / seconds, 3) if seconds else 0.0,
        **{f"latency_{name}_ms": _ms(latency.get(f"{name}_us")) for name in ("p50", "p99", "p999")},
        "memory_mb": metrics.get("memory_mb"),
        "peak_rss_mb": metrics.get("peak_rss_mb"),
        "errors": errors(metrics),
        "retries": sum(group.get("retries", 0) for group in metrics.get("groups", {}).values()),
        "duration_seconds": round(metrics.get("seconds", 0.0), 6),
        "max_in_flight": metrics.get("max_in_flight", 0),
        "overlap": seen.get("overlap"),
        "contradictions": list(metrics.get("contradictions", ())),
        "left_behind": list(metrics.get("left_behind", ())),
    }


def _main_groups(run: Run) -> list[Mapping[str, Any]]:
    names = {group.group for group in run.plan.groups if group.phase == "main"}
    return [group for name, group in run.metrics.get("groups", {}).items() if name in names]


def _ms(us: float | None) -> float | None:
    return None if us is None else round(us / 1e3, 6)
