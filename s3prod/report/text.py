"""A run as text: the table, the evidence, both verdicts, a paragraph for each witness, the line that replays it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s3prod.report import numbers
from s3prod.results import Run
from s3prod.verdict import Verdict, Witness

_TIMES = ("t_call", "t_return")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first one to the left.

    >>> print(table(["op", "n"], [["put", "12"]]))
    op    n
    put  12
    """
    grid = [list(headings), *map(list, rows)]
    widths = [max(len(row[i]) for row in grid) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.rjust(widths[i]) if i else cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in grid
    )


def attempt_line(attempt: Mapping[str, Any], base_ns: int) -> str:
    """One attempt of a witness: when, who, what, and how it ended.

    >>> attempt_line({"t_call": 1000000, "client": 2, "op": "put", "outcome": "unknown"}, 0)
    '    1.000 … … ms  client 2  put  no answer unknown'
    """
    start = (attempt.get("t_call", base_ns) - base_ns) / 1e6
    end = attempt.get("t_return")
    ended = "…" if end is None or end >= 2**63 - 1 else f"{(end - base_ns) / 1e6:.3f}"
    words = [f"    {start:.3f} … {ended} ms", f"client {attempt.get('client', '?')}", str(attempt.get("op", "?"))]
    shown = ("cond", "expect_etag", "etag", "body_id", "body_id2", "counter", "body_verdict", "request_id", "endpoint")
    words.append(f"{attempt.get('status') or 'no answer'} {attempt.get('outcome', '?')}")
    words += [f"{name}={attempt[name]}" for name in shown if attempt.get(name) not in (None, "", 0, "none")]
    return "  ".join(words)


def witness_paragraph(witness: Witness) -> str:
    """A violation in a few lines.

    >>> print(witness_paragraph(Witness("lost-update", "K2", "main", "a", "Two writes won.", "", ())))
    lost-update [K2] main/a: Two writes won.
    """
    guess = f" (looks like {witness.guess})" if witness.guess else ""
    lines = [f"{witness.rule} [{witness.level}] {witness.bucket}/{witness.key}: {witness.sentence}{guess}"]
    base = min((a["t_call"] for a in witness.attempts if "t_call" in a), default=0)
    return "\n".join(lines + [attempt_line(attempt, base) for attempt in witness.attempts])


def render_verdict(verdict: Verdict) -> str:
    """The consistency verdict with its evidence and a paragraph for each witness.

    >>> print(render_verdict(Verdict.from_dict({"consistency": "held"})))
    consistency: HELD (0 attempts, 0 of 0 keys checked)
    """
    return "\n".join([render_evidence(verdict)] + ["\n" + witness_paragraph(w) for w in verdict.witnesses])


def render_evidence(verdict: Verdict) -> str:
    """The consistency verdict and what it rests on.

    >>> print(render_evidence(Verdict.from_dict({"consistency": "held", "attempts": 2, "keys": 1, "keys_checked": 1})))
    consistency: HELD (2 attempts, 1 of 1 keys checked)
    """
    doc = verdict.document
    checked = f"{numbers.count(doc.get('keys_checked', 0))} of {numbers.count(doc.get('keys', 0))} keys checked"
    lines = [
        f"consistency: {verdict.consistency.upper()} ({numbers.count(doc.get('attempts', 0))} attempts, {checked})"
    ]
    lines += [f"  because {sentence}" for sentence in verdict.because]
    for space, seen in verdict.evidence.items():
        shown = ", ".join(f"{name} {_number(value)}" for name, value in seen.items() if value)
        lines.append(f"  evidence {space or 'literal keys'}: {shown or 'none'}")
    for floor in verdict.require:
        sign = "met" if floor["met"] else "NOT MET"
        lines.append(
            f"  required {floor['space']}.{floor['what']} {_number(floor['asked'])}: {_number(floor['got'])}, {sign}"
        )
    for entry in verdict.not_checked:
        lines.append(f"  not checked: {entry['reason']} ({numbers.count(entry['keys'])} keys)")
    if verdict.violations:
        by_rule = ", ".join(f"{rule} {number}" for rule, number in verdict.by_rule.items())
        lines.append(f"  {verdict.violations} violations: {by_rule}")
    return "\n".join(lines)


def _number(value: object) -> str:
    if isinstance(value, float) and value != int(value):
        return f"{value:.3g}"
    return f"{value:.0f}" if isinstance(value, int | float) else str(value)


def render_load(load: Mapping[str, Any]) -> str:
    """The load verdict with what was asked.

    >>> print(render_load({"verdict": "reached", "asked": [{"what": "rate", "asked": 100, "got": 99.5, "met": True}]}))
    load: REACHED
      rate: asked 100, got 99.5
    """
    lines = [f"load: {str(load.get('verdict', 'not-asked')).upper()}"]
    lines += [f"  because {sentence}" for sentence in load.get("because", ())]
    for asked in load.get("asked", ()):
        missed = "" if asked["met"] else ", NOT MET"
        lines.append(f"  {asked['what']}: asked {_number(asked['asked'])}, got {_number(asked['got'])}{missed}")
    return "\n".join(lines)


def render_groups(metrics: Mapping[str, Any]) -> list[str]:
    """What went otherwise than every run of a program to its end.

    >>> render_groups({"groups": {"w": {"runs": 3, "unsent": 1}}})
    ['group w: 3 runs, unsent 1']
    """
    lines = []
    for name, group in metrics.get("groups", {}).items():
        notes = [f"{what} {group[what]}" for what in ("unsent", "no_key", "exhausted", "unknown") if group.get(what)]
        if notes:
            lines.append(f"group {name}: {numbers.count(group.get('runs', 0))} runs, {', '.join(notes)}")
    return lines


def summary_text(run: Run) -> str:
    """What happened, and both verdicts, without the witnesses.

    >>> print(summary_text(run))  # doctest: +SKIP
    """
    metrics = run.metrics
    head = f"{run.plan.name}: {run.runner} runner, seed {run.plan.seed}, {metrics.get('seconds', 0):.1f} s"
    lines = [head + (", INTERRUPTED" if run.interrupted else ""), table(numbers.HEADINGS, numbers.rows(metrics))]
    answers = ", ".join(f"{status if status != '0' else 'none'} {n}" for status, n in numbers.statuses(metrics).items())
    lines += [f"answers: {answers or 'none'}", *render_groups(metrics)]
    if metrics.get("left_behind"):
        lines.append(f"left behind: {', '.join(map(str, metrics['left_behind']))}")
    lines.append(render_load(metrics.get("load", {})))
    return "\n".join(lines + ([] if run.verdict is None else [render_evidence(run.verdict)]))


def failure_text(run: Run) -> str:
    """Why the run did not pass: both verdicts, the witnesses, and the line that replays it.

    >>> print(failure_text(run))  # doctest: +SKIP
    """
    lines = [render_load(run.metrics.get("load", {}))] + (["the run was interrupted"] if run.interrupted else [])
    lines += [] if run.verdict is None else [render_verdict(run.verdict)]
    return "\n".join([*lines, f"replay: {run.replay}"])


def render(run: Run) -> str:
    """The whole report.

    >>> print(render(run))  # doctest: +SKIP
    """
    paragraphs = [] if run.verdict is None else [witness_paragraph(witness) for witness in run.verdict.witnesses]
    return "\n".join([summary_text(run), *("\n" + text for text in paragraphs), f"replay: {run.replay}"])
