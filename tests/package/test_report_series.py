"""Rates and latencies over the time of a run, held against the same numbers counted one by one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from s3prod._native import HistoryWriter
from s3prod.report import html, plot, series
from tests.native.conftest import HEADER

MS = 1_000_000


def write(path: Path, attempts: list[dict[str, object]]) -> None:
    with HistoryWriter(str(path), HEADER) as writer:
        for attempt in attempts:
            writer.append({"key": "hot/object", "outcome": "ok"} | attempt)


def test_series_are_what_is_counted(tmp_path: Path) -> None:
    """1,000 puts over 10 s whose latencies depend on the second, in a mixed order; a get that never came back counts nowhere."""
    path, latencies = tmp_path / "history.s3ph", defaultdict(list)
    attempts = []
    for i in range(1000):
        call, latency = i * 10 * MS, (1 + i * 7919 % 100) * (1 + i // 100) * MS
        latencies[i // 100].append(latency / MS)
        attempts.append({"op": "put", "t_call": 5 + call, "t_return": 5 + call + latency})
    attempts.append({"op": "get", "outcome": "unknown", "t_call": 1})
    write(path, attempts[::2] + attempts[1::2])
    [(name, found)] = series.read(path, bins=10).items()
    assert name == "put"
    assert [rate for _, rate in found.per_second] == pytest.approx([100] * 10, rel=0.02)
    assert found.per_second[0][0] == pytest.approx(0.5, rel=0.01)
    for (_, p50), (_, p99), (_, of) in zip(found.p50, found.p99, sorted(latencies.items()), strict=True):
        assert p50 == sorted(of)[49] and p99 == sorted(of)[98]


def test_what_is_rare_has_no_curve(tmp_path: Path) -> None:
    write(tmp_path / "h", [{"op": "put", "t_call": i, "t_return": i + 5} for i in range(1, series.FEWEST)])
    assert series.read(tmp_path / "h") == {}
    assert html.over_time(tmp_path / "h", ["put"]) == "" == html.over_time(tmp_path / "pruned", ["put"])


def test_a_second_without_answers_is_a_rate_of_zero(tmp_path: Path) -> None:
    calls = [*range(20), *range(80, 100)]
    write(tmp_path / "h", [{"op": "get", "t_call": 1 + i * MS, "t_return": 9 + i * MS} for i in calls])
    found = series.read(tmp_path / "h", bins=5)["get"]
    assert [rate > 0 for _, rate in found.per_second] == [True, False, False, False, True]
    assert len(found.p99) == 2


def test_an_operation_has_one_colour_in_all_charts() -> None:
    axis = plot.linear(1, "s")
    one = plot.chart("a", {"get": [(0, 0), (1, 1)]}, axis, axis, ["put", "get"])
    both = plot.chart("b", {"put": [(0, 0), (1, 1)], "get": [(0, 0), (1, 1)]}, axis, axis, ["put", "get"])
    assert plot.COLOURS[1] in one and plot.COLOURS[0] not in one
    assert plot.COLOURS[0] in both and plot.COLOURS[1] in both
