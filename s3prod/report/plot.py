"""Line charts as SVG: axes that map values to 0…1 and say their ticks, and one function that draws curves between two of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 300, 64, 32, 10, 30
COLOURS = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f", "#4e342e", "#ad1457")
_DEPTH = 5.0  # the axis of percentiles ends at 99.999 %

Curves = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Axis:
    """Where a value stands, from 0 to 1, and the (value, label) of its ticks."""

    share: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]


def decades(values: Sequence[float], unit: str) -> Axis:
    """A logarithmic axis over whole decades; values of 0 stand at its beginning.

    >>> [label for _, label in decades([0.5, 40], "ms").ticks]
    ['0.1 ms', '1 ms', '10 ms', '100 ms']
    """
    known = [value for value in values if value > 0] or [1.0]
    low = math.floor(math.log10(min(known)))
    high = max(math.ceil(math.log10(max(known)) + 1e-9), low + 1)
    ticks = [(10.0**power, f"{10.0**power:,g} {unit}") for power in range(low, high + 1)]
    return Axis(lambda value: (math.log10(max(value, 10.0**low)) - low) / (high - low), ticks)


def linear(top: float, unit: str) -> Axis:
    """An axis from 0 to `top`, with a tick at about every fifth of it, at 1, 2 or 5 times a power of ten.

    >>> [label for _, label in linear(7, "s").ticks]
    ['0 s', '2 s', '4 s', '6 s']
    """
    top = top if top > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(top / 5))
    step = next(power * by for by in (1, 2, 5, 10) if power * by * 5 >= top * 0.999)
    ticks = [(step * i, f"{step * i:,g} {unit}".rstrip()) for i in range(int(top / step + 1e-9) + 1)]
    return Axis(lambda value: min(value / top, 1.0), ticks)


def percentiles() -> Axis:
    """Shares of all, which come closer to all of them by a factor of ten a tick.

    >>> round(percentiles().share(0.999), 3)
    0.6
    """
    labels = ("0", "90", "99", "99.9", "99.99", "99.999")
    return Axis(
        lambda share: min(_DEPTH, -math.log10(max(1 - share, 10**-_DEPTH))) / _DEPTH,
        [(float(label) / 100, f"{label} %") for label in labels],
    )


def chart(label: str, curves: Curves, x: Axis, y: Axis, names: Sequence[str] = ()) -> str:
    """The curves as one `<svg>`; nothing when there are none. Curves of the same names have the same colours in charts with the
    same `names` (those of the curves, when not given).

    >>> chart("rates", {"put": [(0, 1), (1, 2)]}, linear(1, "s"), linear(2, "/s")).startswith("<svg")
    True
    >>> chart("rates", {}, linear(1, "s"), linear(2, "/s"))
    ''
    """
    if not curves:
        return ""

    def across(value: float) -> float:
        return LEFT + x.share(value) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - y.share(value) * (HEIGHT - BOTTOM - TOP)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" font-size="11">']
    for value, words in y.ticks:
        parts.append(f'<path d="M{LEFT} {up(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(value) + 4:.1f}" text-anchor="end">{escape(words)}</text>')
    for value, words in x.ticks:
        parts.append(f'<path d="M{across(value):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{across(value):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(words)}</text>')
    names = names or list(curves)
    for i, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[names.index(name) % len(COLOURS)]
        line = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{LEFT + 10}" y="{24 + 14 * i}" fill="{colour}">{escape(name)}</text>')
    return "".join(parts) + "</svg>"
