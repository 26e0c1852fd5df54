"""The table at the end of a pytest session: what was measured, one row a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s3prod.report import numbers, text

HEADINGS = ("test", "plan", "operations", "rate/s", "p50", "p99", "p99.9", "in flight", "overlap", "MB", "verdict")


def table(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """The runs, each the name of its test and its summary (`s3prod.summary`).

    >>> print(table([("test_it", {"plan": "p", "operations": 12000, "latency_p50_ms": 2, "verdict": "held"})]))
    test     plan  operations  rate/s   p50  p99  p99.9  in flight  overlap  MB  verdict
    test_it     p      12,000       -  2 ms    -      -          -        -   -     held
    """
    return text.table(HEADINGS, [_row(test, figures) for test, figures in runs])


def _row(test: str, figures: Mapping[str, Any]) -> list[str]:
    counts = [numbers.count(figures.get(name)) for name in ("operations", "operations_per_second")]
    times = [_time(figures.get(f"latency_{name}_ms")) for name in ("p50", "p99", "p999")]
    overlap, memory = figures.get("overlap"), figures.get("peak_rss_mb")
    shown = ["-" if overlap is None else f"{overlap:.3g}", "-" if memory is None else f"{memory:.0f}"]
    return [
        test,
        figures["plan"],
        *counts,
        *times,
        numbers.count(figures.get("max_in_flight")),
        *shown,
        figures["verdict"],
    ]


def _time(ms: float | None) -> str:
    return numbers.latency(None if ms is None else ms * 1e3)
