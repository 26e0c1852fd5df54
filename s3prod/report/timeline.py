"""The attempts of a witness on a line of time, as text and as SVG: a lane for each client, a bar from call to return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from s3prod.verdict import Witness

WIDTH, LEFT, RIGHT, LANE, TOP = 760, 90, 60, 26, 8
COLUMNS = 60  # of the text
NEVER = 2**63 - 1
_READS = ("get", "head", "list", "list_v1", "list_versions", "list_uploads", "list_parts", "get_tags", "get_attributes")
_OFFENDING, _READ, _WRITE = "#c62828", "#1565c0", "#2e7d32"


@dataclass(frozen=True)
class Bar:
    """One attempt: its lane from 0, its times from 0 to 1, whether its answer never came, and what it says."""

    lane: int
    client: str
    call: float
    end: float
    open: bool
    offending: bool
    read: bool
    label: str
    title: str


def value_name(value_id: str) -> str:
    """A value id as sentences name it: `w`, the client, its number.

    >>> value_name("76bd6271bfa500000008000000000001")
    'w8.1'
    """
    return f"w{int(value_id[12:20], 16)}.{int(value_id[20:], 16)}"


def _safe(words: str) -> str:
    """Text for XML: escaped, and without the control characters that it cannot hold."""
    return escape("".join(c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in words))


def _value(attempt: Mapping[str, Any]) -> str:
    value = attempt.get("body_id") or attempt.get("meta_id")
    return value_name(value) if value else ""


def _label(attempt: Mapping[str, Any]) -> str:
    status = "" if attempt.get("outcome") == "ok" else f" {attempt.get('status') or 'no answer'}"
    return f"{attempt.get('op', '?')} {_value(attempt)}".rstrip() + status


def _title(attempt: Mapping[str, Any], base: int) -> str:
    end = attempt.get("t_return")
    ended = "never answered" if end is None or end >= NEVER else f"answered at {(end - base) / 1e6:.3f} ms"
    request = f", request {attempt['request_id']}" if attempt.get("request_id") else ""
    return f"{_label(attempt)}: called at {(attempt.get('t_call', base) - base) / 1e6:.3f} ms, {ended}{request}"


def span_of(attempts: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """The first call and the last time that is known, in ns.

    >>> span_of([{"t_call": 5, "t_return": 9}, {"t_call": 7}])
    (5, 9)
    """
    calls = [int(attempt.get("t_call", 0)) for attempt in attempts]
    ends = [end for attempt in attempts if (end := attempt.get("t_return")) is not None and end < NEVER]
    return min(calls), max(*calls, *ends, min(calls) + 1)


def bars(witness: Witness) -> list[Bar]:
    """The attempts in the order of their calls. A lane belongs to one client; what overlaps in it gets a further one.

    >>> [bar.lane for bar in bars(Witness("r", "K1", "b", "k", "", "", ({"t_call": 0, "t_return": 2, "client": 1},)))]
    [0]
    """
    if not witness.attempts:
        return []
    base, last = span_of(witness.attempts)
    order = sorted(range(len(witness.attempts)), key=lambda i: witness.attempts[i].get("t_call", 0))
    clients = list(dict.fromkeys(str(witness.attempts[i].get("client", "?")) for i in order))
    rows: list[tuple[int, int, int]] = []  # (client, its lane, attempt)
    busy: dict[tuple[int, int], int] = {}
    for i in order:
        attempt, client = witness.attempts[i], clients.index(str(witness.attempts[i].get("client", "?")))
        call, lane = int(attempt.get("t_call", 0)), 0
        while busy.get((client, lane), -NEVER) > call:
            lane += 1
        end = attempt.get("t_return")
        busy[client, lane] = NEVER if end is None else int(end)
        rows.append((client, lane, i))
    lanes = sorted({(client, lane) for client, lane, _ in rows})
    found = []
    for client, lane, i in rows:
        attempt = witness.attempts[i]
        end = int(attempt["t_return"]) if attempt.get("t_return") is not None else NEVER
        found.append(
            Bar(
                lane=lanes.index((client, lane)),
                client=clients[client],
                call=(int(attempt.get("t_call", 0)) - base) / (last - base),
                end=min(1.0, (end - base) / (last - base)),
                open=end >= NEVER,
                offending=i == 0,
                read=attempt.get("op") in _READS,
                label=_label(attempt),
                title=_title(attempt, base),
            )
        )
    return found


def text(witness: Witness) -> list[str]:
    """A line for each attempt; the offending one has a `!`, one without an answer is open to the right.

    >>> print(*text(Witness("r", "K1", "b", "k", "", "", ({"t_call": 0, "t_return": 2, "client": 1, "op": "get"},))), sep="|")
    client 1 |============================================================| get no answer !
    """
    found = bars(witness)
    width = max((len(bar.client) for bar in found), default=0)
    lines = []
    for bar in found:
        start = min(int(bar.call * COLUMNS), COLUMNS - 1)
        stop = max(start + 1, min(COLUMNS, round(bar.end * COLUMNS)))
        drawn = "=" * (stop - start - 1) + (">" if bar.open else "=")
        row = " " * start + drawn + " " * (COLUMNS - stop)
        lines.append(f"client {bar.client.rjust(width)} |{row}| {bar.label}{' !' if bar.offending else ''}")
    return lines


def svg(witness: Witness) -> str:
    """The same as one `<svg>` element; nothing when the witness has no attempts.

    >>> svg(Witness("r", "K1", "b", "k", "", "", ()))
    ''
    """
    found = bars(witness)
    if not found:
        return ""
    base, last = span_of(witness.attempts)
    height = TOP + LANE * (1 + max(bar.lane for bar in found)) + 22
    room = WIDTH - LEFT - RIGHT
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" font-size="11"'
        f' aria-label="{_safe(f"{witness.rule} on {witness.key}: attempts over time")}">'
    ]
    for tick in range(5):
        x = LEFT + room * tick / 4
        parts.append(f'<path d="M{x:.1f} {TOP}V{height - 18}" stroke="#eee"/>')
        at = (last - base) / 1e6 * tick / 4
        parts.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="middle" class="tick">{at:.3f} ms</text>')
    for bar in found:
        y, x = TOP + LANE * bar.lane, LEFT + room * bar.call
        wide = max(3.0, room * (bar.end - bar.call))
        colour = _OFFENDING if bar.offending else _READ if bar.read else _WRITE
        kind = "offending" if bar.offending else "read" if bar.read else "write"
        dashes = ' stroke-dasharray="4 3"' if bar.open else ""
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end" class="client">client {_safe(bar.client)}</text>'
        )
        parts.append(
            f'<g class="{kind}"><title>{_safe(bar.title)}</title>'
            f'<rect x="{x:.1f}" y="{y + 3}" width="{wide:.1f}" height="17" fill="{colour}" fill-opacity=".2"'
            f' stroke="{colour}" stroke-width="{2 if bar.offending else 1}"{dashes}/>'
            f'<text x="{min(x + 4, WIDTH - RIGHT - 60):.1f}" y="{y + 15}" fill="{colour}">'
            f"{'! ' if bar.offending else ''}{_safe(bar.label)}</text></g>"
        )
    return "".join(parts) + "</svg>"
