"""A run as one HTML file without any other: summary, table, latency curves as SVG, verdict and witnesses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from s3prod.report import hdr, numbers, plot, series, text, timeline
from s3prod.results import Run
from s3prod.verdict import Verdict

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#222}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
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


def distribution(ops: Mapping[str, Mapping[str, Any]]) -> str:
    """Latency by percentile, both axes logarithmic.

    >>> distribution({"put": {"p50_us": 1000, "p99_us": 9000, "max_us": 20000}}).startswith("<svg")
    True
    """
    every = {name: _curve(op) for name, op in ops.items()}
    curves = {name: curve for name, curve in every.items() if any(ms > 0 for _, ms in curve)}
    times = [ms for curve in curves.values() for _, ms in curve]
    return plot.chart("latency by percentile", curves, plot.percentiles(), plot.decades(times, "ms"), list(ops))


_OVER_TIME = (("Answers a second", "per_second"), ("Median latency", "p50"), ("99th percentile of latency", "p99"))


def over_time(history: Path, ops: Sequence[str]) -> str:
    """Rate and latency of each of `ops` over the time of the run; nothing without a history (it may have been pruned)."""
    read = series.read(history) if history.exists() else {}
    found = {name: read[name] for name in ops if name in read}
    if not found:
        return ""
    seconds = plot.linear(max(one.per_second[-1][0] for one in found.values()), "s")
    figures = []
    for title, field in _OVER_TIME:
        curves = {name: getattr(one, field) for name, one in found.items()}
        values = [value for curve in curves.values() for _, value in curve]
        y = plot.linear(max(values), "/s") if field == "per_second" else plot.decades(values, "ms")
        figures.append(
            _figure(plot.chart(f"{title} over time", curves, seconds, y, ops), f"{title}, by the time of the call")
        )
    return "".join(["<h2>Over time</h2>", *figures])


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>" if svg else ""


def _table(metrics: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in numbers.HEADINGS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in numbers.rows(metrics)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _profile(profile: Mapping[str, Any]) -> str:
    """What the store was taken to promise."""
    rows = (f"<tr><td>{escape(key)}</td><td>{escape(str(value))}</td></tr>" for key, value in profile.items())
    return f"<table>{''.join(rows)}</table>"


def _lines(verdict: Verdict) -> str:
    """The witnesses that the text shows, on lines of time."""
    figures = [
        _figure(timeline.svg(witness), f"{witness.rule} on {witness.bucket}/{witness.key}: {witness.sentence}")
        for witness in verdict.witnesses[: text.SHOWN]
    ]
    return "".join(["<h2>Witnesses over time</h2>", *figures]) if any(figures) else ""


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
    ops, plan = run.metrics.get("ops", {}), json.dumps(run.plan.to_dict(), indent=1)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(run.plan.name)}: {consistency}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(run.plan.name)}</h1><p>{escape(facts)}</p>
<h2>consistency: <span class="{consistency}">{consistency}</span>, load: <span class="{run.load}">{run.load}</span></h2>
<pre>{escape(text.render_load(run.metrics.get("load", {})))}</pre>{verdict}
<h2>Operations</h2>{_table(run.metrics)}<pre>{escape(chr(10).join(text.happened(run)))}</pre>
{_figure(distribution(ops), "Latency by percentile")}
{over_time(run.history, list(ops))}
<h2>Profile</h2><pre>{escape(chr(10).join(text.render_contradictions(run)))}</pre>{_profile(run.target.get("profile", {}))}
<h2>Replay</h2><pre>{escape(run.replay)}</pre>
<details><summary>Plan</summary><pre>{escape(plan)}</pre></details>
</body></html>
"""
