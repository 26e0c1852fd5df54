"""A run as text: the table, the evidence, both verdicts, a paragraph for each witness, the line that replays it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from s3prod.errors import one_line
from s3prod.report import numbers, timeline
from s3prod.report.timeline import value_name
from s3prod.results import Run
from s3prod.summary import word
from s3prod.verdict import Verdict, Witness

SHOWN = 5  # witnesses in a text; run.json has more
HEADLINE = 400  # characters
REFUSED = (401, 403, 405)  # beside 5xx: what says that the store would not serve, not what it holds


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: int | None = None) -> str:
    """Aligned columns: the first to the left and the others to the right; with `right` the first so many to the right.

    >>> print(table(["op", "n"], [["put", "12"]]))
    op    n
    put  12
    """
    grid = [list(headings), *map(list, rows)]
    widths = [max(len(row[i]) for row in grid) for i in range(len(headings))]
    to_right = [i > 0 if right is None else i < right for i in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if flag else cell.ljust(width)
            for cell, width, flag in zip(row, widths, to_right, strict=True)
        ).rstrip()
        for row in grid
    )


def attempt_row(attempt: Mapping[str, Any], base_ns: int) -> list[str]:
    """One attempt of a witness: when (ms), who, what, how it ended, and what it saw or wrote.

    >>> attempt_row({"t_call": 1000000, "client": 2, "op": "put", "outcome": "unknown"}, 0)
    ['1.000', '-', 'client 2', 'put', 'no answer, unknown', '']
    """
    end = attempt.get("t_return")
    ended = "-" if end is None or end >= 2**63 - 1 else f"{(end - base_ns) / 1e6:.3f}"
    value = attempt.get("body_id") or attempt.get("meta_id")
    notes = {
        "value": value and value_name(value),
        "second": attempt.get("body_id2") and value_name(attempt["body_id2"]),
        "counter": attempt.get("counter"),
        attempt.get("cond", ""): attempt.get("expect_etag", "*" if str(attempt.get("cond")).endswith("_any") else ""),
        "etag": attempt.get("etag"),
        "body": None if attempt.get("body_verdict") in ("clean", "none") else attempt.get("body_verdict"),
        "size": attempt.get("size"),
        "part": attempt.get("part_number"),
        "version": attempt.get("version_asked") or attempt.get("version_id"),
        "source": attempt.get("source_key"),
        "endpoint": attempt.get("endpoint"),
        "request": attempt.get("request_id"),
    }
    shown = [
        f"{name}={text if name == 'request' else str(text)[:12]}"
        for name, text in notes.items()
        if text not in (None, "")
    ]
    return [
        f"{(attempt.get('t_call', base_ns) - base_ns) / 1e6:.3f}",
        ended,
        f"client {attempt.get('client', '?')}",
        str(attempt.get("op", "?")),
        f"{attempt.get('status') or 'no answer,'} {attempt.get('outcome', '?')}",
        "  ".join(shown),
    ]


def witness_paragraph(witness: Witness) -> str:
    """A violation in a few lines.

    >>> print(witness_paragraph(Witness("lost-update", "K2", "main", "a", "Two writes won.", "", ())))
    lost-update [K2] main/a: Two writes won.
    """
    guess = f" (looks like {witness.guess})" if witness.guess else ""
    line = f"{witness.rule} [{witness.level}] {witness.bucket}/{witness.key}: {witness.sentence}{guess}"
    attempts = sorted(witness.attempts, key=lambda attempt: attempt.get("t_call", 0))
    if not attempts:
        return line
    rows = [attempt_row(attempt, attempts[0].get("t_call", 0)) for attempt in attempts]
    shown = table(("call ms", "return", "who", "op", "answer", "seen or written"), rows, right=2)
    return "\n".join([line, *("    " + row for row in (*shown.splitlines(), *timeline.text(witness)))])


def witness_text(verdict: Verdict, limit: int = SHOWN) -> list[str]:
    """The first witnesses as paragraphs, and how many violations have none here.

    >>> witness_text(Verdict.from_dict({"consistency": "held"}))
    []
    """
    shown = verdict.witnesses[:limit]
    first = {witness.rule: i for i, witness in reversed(list(enumerate(shown)))}
    more = verdict.violations - len(shown)
    rest = [f"\n… and {numbers.count(more)} more violations; run.json has {len(verdict.witnesses)} with their attempts"]
    paragraphs = [
        "\n" + witness_paragraph(witness) + (explanation(verdict, witness.rule) if first[witness.rule] == i else "")
        for i, witness in enumerate(shown)
    ]
    return paragraphs + (rest if more > 0 else [])


def explanation(verdict: Verdict, rule: str) -> str:
    """What the rule means, as indented lines below its first witness.

    >>> print(explanation(Verdict.from_dict({"consistency": "violated", "explained": {"x": "It broke."}}), "x"))
    <BLANKLINE>
        It broke.
    """
    lines = textwrap.wrap(verdict.explained.get(rule, ""), 110)
    return "".join(f"\n    {line}" for line in lines)


def render_verdict(verdict: Verdict) -> str:
    """The consistency verdict with its evidence and a paragraph for each witness.

    >>> print(render_verdict(Verdict.from_dict({"consistency": "held"})))
    consistency: HELD (0 attempts, 0 of 0 keys checked)
    """
    return "\n".join([render_evidence(verdict), *witness_text(verdict)])


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
    lines += [f"  {sentence}" for sentence in grade_lines(verdict.grade)]
    for space, seen in verdict.evidence.items():
        shown = ", ".join(f"{name} {_number(value)}" for name, value in seen.items() if value)
        lines.append(f"  evidence {space or 'literal keys'}: {shown or 'none'}")
    for floor in verdict.require:
        sign = "met" if floor["met"] else "NOT MET"
        lines.append(
            f"  required {floor['space']}.{floor['what']} {_number(floor['asked'])}: {_number(floor['got'])}, {sign}"
        )
    for entry in verdict.not_checked:
        counts = f"{numbers.count(entry['keys'])} keys, {numbers.count(entry['attempts'])} attempts"
        lines.append(f"  not checked: {entry['reason']} ({counts})")
    for window in doc.get("unknown_windows", {}).get("first", ()):
        span = f"{window['from_ns'] / 1e9:.6f} s to {window['to_ns'] / 1e9:.6f} s"
        lines.append(
            f"  not decided: key {window['key']} in {window['bucket']}, {window['count']} windows, the first {span}"
        )
    return "\n".join(lines)


LEVELS = {
    "linearizable": "every register has an order",
    "session": "reads are stale, but no client saw its own session broken",
    "eventual": "reads are stale, and clients saw their own sessions broken",
    "none": "no staleness explains it: writes were lost, conditions ignored, or bytes invented",
}


def grade_lines(grade: Mapping[str, Any]) -> list[str]:
    """The grade of a history in a few lines; nothing when it was not judged.

    >>> grade_lines({"level": "linearizable"})
    ['grade: linearizable (every register has an order)']
    """
    if grade.get("ungraded_keys"):
        return [f"grade: not judged, {numbers.count(grade['ungraded_keys'])} violated keys are too large for it"]
    if grade.get("level") not in LEVELS:
        return []
    lines = [f"grade: {grade['level']} ({LEVELS[grade['level']]})"]
    if grade.get("stale_reads"):
        behind = f"by up to {numbers.count(grade['versions'])} versions and {grade['ms']:.3f} ms"
        lines.append(
            f"  stale: {numbers.count(grade['stale_reads'])} of {numbers.count(grade['reads'])} reads of"
            f" {numbers.count(grade['keys'])} violated keys, {behind}"
        )
    if grade.get("oldest"):
        oldest = grade["oldest"]
        lines.append(f"  oldest: client {oldest['client']} on {oldest['bucket']}/{oldest['key']}")
    broken = [f"{name.replace('_', ' ')} {numbers.count(n)}" for name, n in grade.get("sessions", {}).items() if n]
    return lines + ([f"  sessions, reads that broke them: {', '.join(broken)}"] if broken else [])


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


def render_contradictions(run: Run) -> list[str]:
    """Where the store was seen, before the load, to do otherwise than its profile says."""
    name = run.target.get("profile", {}).get("name", "?")
    return [f"profile {name}: {line}" for line in run.metrics.get("contradictions", ())]


def render_proxy(run: Run) -> list[str]:
    """What the fault proxy did, and why the run does not show what it is for."""
    faults = run.metrics.get("proxy", {}).get("faults", {})
    lines = [f"proxy: {spec} fired {numbers.count(fired)}" for spec, fired in faults.items()]
    return lines + [f"inconclusive: {why}" for why in run.unproven]


def happened(run: Run) -> list[str]:
    """What there is to say beside the table: the answers, what groups did not do, what was left behind or cleaned up, and what
    the fault proxy did.
    """
    statuses = numbers.statuses(run.metrics)
    answers = ", ".join(f"{status if status != '0' else 'none'} {n}" for status, n in statuses.items())
    return [
        f"answers: {answers or 'none'}",
        *render_groups(run.metrics),
        *remains(run.metrics),
        *render_proxy(run),
    ]


def summary_text(run: Run) -> str:
    """What happened, and both verdicts, without the witnesses.

    >>> print(summary_text(run))  # doctest: +SKIP
    """
    metrics = run.metrics
    head = f"{run.plan.name}: {run.runner} runner, seed {run.plan.seed}, {metrics.get('seconds', 0):.1f} s"
    head += f", {run.store}" if run.store else ""
    lines = [head + (", INTERRUPTED" if run.interrupted else ""), table(numbers.HEADINGS, numbers.rows(metrics))]
    lines += [*happened(run), *render_contradictions(run), render_load(metrics.get("load", {}))]
    return "\n".join(lines + ([] if run.verdict is None else [render_evidence(run.verdict)]))


def remains(metrics: Mapping[str, Any]) -> list[str]:
    """The buckets that a run which was cut short left, and what was cleaned up of them.

    >>> remains({"left_behind": ["a", "b"], "cleaned_up": []})
    ['left behind: a, b']
    """
    notes = {"cleaned up": metrics.get("cleaned_up"), "left behind": metrics.get("left_behind")}
    return [f"{what}: {', '.join(map(str, names))}" for what, names in notes.items() if names]


def troubles(metrics: Mapping[str, Any]) -> list[str]:
    """What the store did not do: requests without an answer, and those that it refused to serve.

    >>> troubles({"ops": {"put": {"by_status": {"0": 2, "200": 7, "501": 1}}}})
    ['no answer to 2 of 10 requests', '501 to 1 of 10 put']
    """
    answers = numbers.statuses(metrics)
    total = numbers.count(sum(answers.values()))
    lines = [f"no answer to {numbers.count(answers['0'])} of {total} requests"] if answers.get("0") else []
    for name, op in metrics.get("ops", {}).items():
        by_status = op.get("by_status", {})
        of = f"of {numbers.count(sum(by_status.values()))} {name}"
        refused = {status: n for status, n in by_status.items() if int(status) in REFUSED or int(status) >= 500}
        lines += [f"{status} to {numbers.count(number)} {of}" for status, number in refused.items()]
    return lines[:SHOWN]


def headline(run: Run) -> str:
    """Why the run did not pass, in one line.

    >>> headline(run)  # doctest: +SKIP
    'violated: stale-read [K1] main/hot: client 2 read a value that was replaced before the read began'
    """
    verdict, reasons = run.verdict, list(run.metrics.get("load", {}).get("because", ()))
    if verdict is not None and verdict.consistency != "held":
        first = verdict.witnesses[:1]
        reasons = [
            f"{one.rule} [{one.level}] {one.bucket}/{one.key}: {one.sentence}" for one in first
        ] or verdict.because
    why = "; ".join([*reasons, *run.unproven, *troubles(run.metrics)])
    left = "; ".join(remains(run.metrics))  # whole, whatever else there is to say: somebody has to remove it
    said = one_line(f"{word(run)}: {why}".removesuffix(": "), max(HEADLINE - 2 - len(left), HEADLINE // 2))
    return "; ".join(filter(None, [said, left]))


def failure_text(run: Run) -> str:
    """Why the run did not pass: a headline, both verdicts, the witnesses, and the line that replays it.

    >>> print(failure_text(run))  # doctest: +SKIP
    """
    lines = [headline(run), *render_contradictions(run), *render_proxy(run), render_load(run.metrics.get("load", {}))]
    lines += [] if run.verdict is None else [render_verdict(run.verdict)]
    return "\n".join([*lines, f"replay: {run.replay}"])


def render(run: Run) -> str:
    """The whole report.

    >>> print(render(run))  # doctest: +SKIP
    """
    paragraphs = [] if run.verdict is None else witness_text(run.verdict)
    return "\n".join([summary_text(run), *paragraphs, f"replay: {run.replay}"])
