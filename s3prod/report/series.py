"""How rate and latency of each operation went over the time of a run, from the columns of its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s3prod._native import History
from s3prod.report.timeline import NEVER

BINS = 100
FEWEST = 20  # answers of an operation, for a curve to say something
_CHILD = "delete_child"  # has no times of its own

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """Of one operation, by the second in which it was called: answers a second; the median and the 99th percentile of the
    latencies, in ms, where something was called at all.
    """

    per_second: Curve
    p50: Curve
    p99: Curve


def read(path: str | Path, bins: int = BINS) -> dict[str, Series]:
    """The series of each operation with some answers, most frequent first. The time of the run is cut into `bins` equal parts.

    >>> read("reports/herd/history.s3ph")["put"].p99[0]  # doctest: +SKIP
    (0.01, 4.2)
    """
    with History(str(path)) as history:
        op, call, back = (np.asarray(history.column(name)) for name in ("op", "t_call", "t_return"))
        names = history.names("op")
    answered = (back < NEVER) & (op != names.index(_CHILD)) & (back >= call)
    op, call, back = op[answered], call[answered], back[answered]
    if not len(op):
        return {}
    start, span = int(call.min()), max(int(call.max()) - int(call.min()), 1)
    at = np.minimum((call - start) * bins // span, bins - 1)
    numbers, counts = np.unique(op, return_counts=True)
    order = sorted((-count, number) for number, count in zip(numbers, counts, strict=True) if count >= FEWEST)
    return {
        names[number]: _series(at[op == number], (back - call)[op == number] / 1e6, span / 1e9 / bins)
        for _, number in order
    }


def _series(at: np.ndarray, latency: np.ndarray, width: float) -> Series:
    """`at` is the part of each answer, `width` that of a part in seconds."""
    order = np.lexsort((latency, at))
    at, latency = at[order], latency[order]
    parts, first, count = np.unique(at, return_index=True, return_counts=True)
    middle = (parts + 0.5) * width

    def percentile(share: float) -> Curve:
        return _pairs(middle, latency[first + np.ceil(count * share).astype(np.int64) - 1])

    rate = np.zeros(int(parts[-1]) + 1)
    rate[parts] = count / width
    return Series(_pairs((np.arange(len(rate)) + 0.5) * width, rate), percentile(0.5), percentile(0.99))


def _pairs(x: np.ndarray, y: np.ndarray | Sequence[float]) -> Curve:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
