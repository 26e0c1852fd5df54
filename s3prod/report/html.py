"""A run as one HTML file without any other: summary, table, latency curves as SVG, verdict and witnesses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from html import escape
from typing import Any

from s3prod.report import hdr, numbers, text, timeline
from s3prod.results import Run
from s3prod.verdict import Verdict

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 760, 300, 64, 30
_COLOURS = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f", "#4e342e", "#ad1457")
_DEPTH = 5.0  # the axis ends at 99.999 %
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#222}
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}pre{background:#f6f6f6;padding:1em;overflow-x:auto;font-size:13px}
figure{margin:1em 0}figcaption{font-size:13px;color:#555}
.held,.reached{color:#2e7d32}.violated,.missed{color:#c62828}.inconclusive,.generator-limited{color:#ef6c00}
"""


def _curve(op: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(share, milliseconds): the whole histogram when the runner kept one, else the percentiles that it gave."""
    if op.get("hist"):
        return [(share, value / 1e6) for share, value in hdr.percentiles(hdr.decode(op["hist"]))]
    points = [(0.5, op.get("p50_us")), (0.99, op.get("p99_us")), (0.999, op.get("p999_us")), (1.0, op.get("max_us"))]
    return [(share, us / 1e3) for share, us in points if us is not None]


def _x(share: float) -> float:
    depth = min(_DEPTH, -math.log10(max(1 - share, 10**-_DEPTH)))
    return _LEFT + depth / _DEPTH * (_WIDTH - _LEFT - 10)


def plot(ops: Mapping[str, Mapping[str, Any]]) -> str:
    """Latency by percentile, both axes logarithmic.

    >>> plot({"put": {"p50_us": 1000, "p99_us": 9000, "max_us": 20000}}).startswith("<svg")
    True
    """
    curves = {name: curve for name, op in ops.items() if (curve := _curve(op))}
    times = [ms for curve in curves.values() for _, ms in curve if ms > 0]
    if not times:
        return ""
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)) + 1e-9)
    high = max(high, low + 1)

    def y(ms: float) -> float:
        share = (math.log10(max(ms, 10.0**low)) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - 10)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="latency by percentile" font-size="11">']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - 10}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>')
    for label in ("0", "90", "99", "99.9", "99.99", "99.999"):
        at = _x(float(label) / 100)
        parts.append(f'<path d="M{at:.1f} 10V{_HEIGHT - _BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{label} %</text>')
    for i, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        line = " ".join(f"{_x(share):.1f},{y(ms):.1f}" for share, ms in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{_LEFT + 10}" y="{24 + 14 * i}" fill="{colour}">{escape(name)}</text>')
    return "".join(parts) + "</svg>"


def _table(metrics: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in numbers.HEADINGS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in numbers.rows(metrics)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _lines(verdict: Verdict) -> str:
    """The witnesses that the text shows, on lines of time."""
    figures = [
        f"<figure>{timeline.svg(witness)}<figcaption>{escape(f'{witness.rule} on {witness.bucket}/{witness.key}')}</figcaption>"
        "</figure>"
        for witness in verdict.witnesses[: text.SHOWN]
        if witness.attempts
    ]
    return "".join(["<h2>Witnesses over time</h2>", *figures]) if figures else ""


def render(run: Run) -> str:
    """The report as an HTML document.

    >>> Path("report.html").write_text(render(run))  # doctest: +SKIP
    """
    consistency = "not judged" if run.verdict is None else run.verdict.consistency
    verdict = (
        "" if run.verdict is None else f"<pre>{escape(text.render_verdict(run.verdict))}</pre>{_lines(run.verdict)}"
    )
    facts = (
        f"{run.runner} runner · seed {run.plan.seed} · scale {run.plan.scale or '-'} · started {run.started} · "
        f"{run.metrics.get('seconds', 0):.1f} s · {', '.join(run.target.get('endpoints', ()))}"
        f"{' · ' + run.store if run.store else ''}"
    )
    plan = json.dumps(run.plan.to_dict(), indent=1)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(run.plan.name)}: {consistency}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(run.plan.name)}</h1><p>{escape(facts)}</p>
<h2>consistency: <span class="{consistency}">{consistency}</span>, load: <span class="{run.load}">{run.load}</span></h2>
<pre>{escape(text.render_load(run.metrics.get("load", {})))}</pre>{verdict}
<h2>Operations</h2>{_table(run.metrics)}{plot(run.metrics.get("ops", {}))}
<h2>Replay</h2><pre>{escape(run.replay)}</pre>
<details><summary>Plan</summary><pre>{escape(plan)}</pre></details>
</body></html>
"""
