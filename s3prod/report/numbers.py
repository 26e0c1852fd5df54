"""Numbers and rows that the text and the HTML report share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADINGS = ("op", "attempts", "ok", "failed", "unknown", "rate/s", "p50", "p99", "p99.9", "max")


def latency(us: float | None) -> str:
    """Microseconds for people.

    >>> [latency(x) for x in (850, 8500, 2_500_000, None)]
    ['0.85 ms', '8.5 ms', '2.5 s', '-']
    """
    if us is None:
        return "-"
    return f"{us / 1e6:.3g} s" if us >= 1e6 else f"{us / 1e3:.3g} ms"


def count(number: float | None) -> str:
    """A count with separators.

    >>> count(12345)
    '12,345'
    """
    return "-" if number is None else f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"


def rows(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row an operation, in the order of `HEADINGS`.

    >>> rows({"main_seconds": 2, "ops": {"put": {"attempts": 4, "ok": 4, "p50_us": 850}}})[0][:6]
    ('put', '4', '4', '0', '0', '2')
    """
    seconds = metrics.get("main_seconds") or metrics.get("seconds") or 0
    out = []
    for name, op in metrics.get("ops", {}).items():
        rate = op["attempts"] / seconds if seconds and op.get("p50_us") is not None else None
        counts = [count(op.get(field, 0)) for field in ("attempts", "ok", "failed", "unknown")]
        times = [latency(op.get(f"{field}_us")) for field in ("p50", "p99", "p999", "max")]
        out.append((name, *counts, count(rate), *times))
    return out


def statuses(metrics: Mapping[str, Any]) -> dict[str, int]:
    """Answers by status over all operations; `0` is no answer.

    >>> statuses({"ops": {"put": {"by_status": {"200": 1}}, "get": {"by_status": {"200": 2}}}})
    {'200': 3}
    """
    total: dict[str, int] = {}
    for op in metrics.get("ops", {}).values():
        for status, number in op.get("by_status", {}).items():
            total[status] = total.get(status, 0) + number
    return dict(sorted(total.items()))
