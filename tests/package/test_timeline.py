"""The line of time of a witness: positions, lanes, marks, and text that cannot break the page."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from s3prod.report import timeline
from s3prod.verdict import Witness

MS = 1_000_000


def _attempt(client: int, call: float, end: float | None, op: str = "put", **more: object) -> dict[str, object]:
    row = {"client": client, "t_call": 5000 * MS + int(call * MS), "op": op, "outcome": "ok", "status": 200, **more}
    return row if end is None else {**row, "t_return": 5000 * MS + int(end * MS)}


def _witness(*attempts: dict[str, object], key: str = "k") -> Witness:
    return Witness("stale-read", "K1", "main", key, "", "", tuple(attempts))


def _rects(picture: str) -> list[tuple[str, ElementTree.Element]]:
    root = ElementTree.fromstring(picture)
    return [(group.get("class", ""), rect) for group in root.iter("g") for rect in group.iter("rect")]


def _number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "nan"))


def test_bars_are_where_the_times_are() -> None:
    witness = _witness(_attempt(2, 60, 100, "get"), _attempt(1, 0, 20), _attempt(3, 40, 50))
    room = timeline.WIDTH - timeline.LEFT - timeline.RIGHT
    rects = _rects(timeline.svg(witness))
    assert [kind for kind, _ in rects] == ["write", "write", "offending"]
    for (_, rect), (call, end) in zip(rects, [(0, 20), (40, 50), (60, 100)], strict=True):
        assert _number(rect, "x") == pytest.approx(timeline.LEFT + room * call / 100, abs=0.1)
        assert _number(rect, "width") == pytest.approx(room * (end - call) / 100, abs=0.1)
        assert rect.get("stroke-dasharray") is None
    assert [_number(rect, "y") for _, rect in rects] == sorted(_number(rect, "y") for _, rect in rects)
    ticks = [
        element.text
        for element in ElementTree.fromstring(timeline.svg(witness)).iter("text")
        if element.get("class") == "tick"
    ]
    assert ticks[0] == "0.000 ms" and ticks[-1] == "100.000 ms"


def test_a_client_has_a_lane_and_what_overlaps_a_further_one() -> None:
    found = timeline.bars(_witness(_attempt(1, 0, 10), _attempt(2, 5, 30), _attempt(1, 20, 30), _attempt(2, 8, 9)))
    assert [(bar.client, bar.lane) for bar in found] == [("1", 0), ("2", 1), ("2", 2), ("1", 0)]


def test_an_answer_that_never_came_is_open_to_the_right() -> None:
    witness = _witness(_attempt(1, 20, 30, "get"), _attempt(2, 10, None), _attempt(3, 15, timeline.NEVER / MS))
    rects = [rect for _, rect in _rects(timeline.svg(witness))]
    for rect in rects[:2]:
        assert rect.get("stroke-dasharray")
        assert _number(rect, "x") + _number(rect, "width") == pytest.approx(timeline.WIDTH - timeline.RIGHT, abs=0.2)
    assert timeline.text(witness)[0].count(">") == 1


def test_values_and_requests_are_named() -> None:
    value = "76bd6271bfa500000008000000000001"
    witness = _witness(_attempt(2, 5, 6, "get", body_id=value, request_id="R<1>"), _attempt(1, 0, 1, meta_id=value))
    picture = timeline.svg(witness)
    assert "get w8.1" in picture and "put w8.1" in picture and "request R&lt;1&gt;" in picture
    assert timeline.text(witness)[1].endswith("get w8.1 !")


def test_text_bars() -> None:
    lines = timeline.text(_witness(_attempt(12, 30, 60, "get"), _attempt(1, 0, 15)))
    assert lines[0].startswith("client  1 |===============" + " " * 45 + "|")
    assert lines[1].startswith("client 12 |" + " " * 30 + "=" * 30 + "|")


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "</svg>", "a&b", "'x", "\u00e9"])
def test_nothing_breaks_out(hostile: str) -> None:
    picture = timeline.svg(_witness(_attempt(1, 0, 1, op=hostile, request_id=hostile), key=hostile))
    root = ElementTree.fromstring(picture)
    assert "<script" not in picture and {element.tag for element in root.iter()} <= {
        "svg",
        "g",
        "rect",
        "path",
        "text",
        "title",
    }
    assert any(hostile in (element.text or "") for element in root.iter("text"))


def test_control_characters_are_replaced() -> None:
    root = ElementTree.fromstring(timeline.svg(_witness(_attempt(1, 0, 1), key="a\x00\x1b\u2028b")))
    assert root.get("aria-label") == "stale-read on a\ufffd\ufffd\ufffdb: attempts over time"


def test_one_moment_and_nothing() -> None:
    assert len(_rects(timeline.svg(_witness(_attempt(1, 0, 0), _attempt(2, 0, 0))))) == 2
    assert timeline.svg(_witness()) == "" and timeline.text(_witness()) == []
