"""The matrix as documents: `benchmarks/results/kill-matrix.json`, and `docs/kill-matrix.md` behind its hand-written part."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from s3prod.matrix.cells import CORRECT, KINDS, Result
from s3prod.plans.modes import MODES

ROOT = Path(__file__).parents[2]
JSON_FILE = ROOT / "benchmarks" / "results" / "kill-matrix.json"
PAGE_FILE = ROOT / "docs" / "kill-matrix.md"
INTRO_FILE = ROOT / "tools" / "kill_matrix_intro.md"
ALARMS = ("correct", "mode", "mode-elsewhere", "fault")


def _median(values: Iterable[float | int | None]) -> float | None:
    found = [float(value) for value in values if value is not None]
    return round(statistics.median(found), 3) if found else None


def _row(mine: list[Result]) -> dict[str, Any]:
    first = mine[0].cell
    good = sum(r.good for r in mine)
    return {
        "kind": first.kind,
        "name": first.name,
        "spec": first.mutant or first.mode or "; ".join(first.faults) or first.name,
        "plan": first.plan,
        "scale": first.scale,
        "profile": dict(first.profile),
        "seeds": len(mine),
        "good": good,
        "rate": round(good / len(mine), 3),
        "outcomes": {o: sum(r.outcome == o for r in mine) for o in sorted({r.outcome for r in mine})},
        "rules": sorted({rule for r in mine for rule in r.rules}),
        "altered_median": _median(r.altered for r in mine),
        "altered_min": min(r.altered for r in mine),
        "attempts_median": _median(r.attempts for r in mine),
        "violations_median": _median(r.violations for r in mine),
        "attempts_to_detection_median": _median(r.attempts_to_detection for r in mine),
        "seconds_to_detection_median": _median(r.seconds_to_detection for r in mine),
        "seconds_median": _median(r.seconds for r in mine),
        "because": next((r.because for r in mine if not r.good), ""),
    }


def _evidence(row: dict[str, Any], rows: list[dict[str, Any]]) -> float | None:
    """Of a mutant behind faults: violations for each altered answer, as a part of those without faults."""
    alone = next((r for r in rows if (r["kind"], r["name"]) == ("mutant", row["name"])), None)
    if alone is None or not (alone["violations_median"] and alone["altered_median"] and row["altered_median"]):
        return None
    per = [r["violations_median"] / r["altered_median"] for r in (row, alone)]
    return round(float(per[0] / per[1]), 3)


def summary(results: list[Result]) -> dict[str, Any]:
    """The matrix as one document: a row for each kind, name and plan, in the order of the kinds."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.cell.kind, result.cell.name, result.cell.plan), []).append(result)
    order = list(KINDS)
    rows = [_row(mine) for mine in sorted(groups.values(), key=lambda mine: order.index(mine[0].cell.kind))]
    for row in rows:
        if row["kind"] == "behind-faults":
            row["evidence"] = _evidence(row, rows)
    mutants = [row for row in rows if row["kind"] == "mutant"]
    killed = [row for row in mutants if row["good"] == row["seeds"]]
    return {
        "mutants": len(mutants),
        "killed": len(killed),
        "missed": len(mutants) - len(killed),
        "false_alarms": sum(not r.good for r in results if r.cell.kind in ALARMS),
        "found_with_one_endpoint": sum(not r.good for r in results if r.cell.kind == "one-endpoint"),
        "hidden_by_faults": sum(not r.good for r in results if r.cell.kind == "behind-faults"),
        "cells": len(results),
        "bad_cells": sum(not r.good for r in results),
        "rows": rows,
    }


def closing(document: dict[str, Any]) -> str:
    """The line at the end of a run."""
    return (
        f"mutants {document['mutants']}  killed {document['killed']}  missed {document['missed']}  "
        f"false-alarms {document['false_alarms']}"
    )


_COLUMNS: dict[str, str] = {
    "store": "what is on",
    "plan": "plan",
    "outcome": "outcome",
    "rules": "rules that fired",
    "altered": "answers altered",
    "fired": "fired",
    "attempts": "attempts",
    "attempts_to": "attempts to detection",
    "seconds_to": "seconds to detection",
    "violations": "violations",
    "evidence": "evidence left",
    "profile": "profile",
}
_OF_KIND: dict[str, str] = {
    "mutant": "store plan outcome rules altered attempts attempts_to seconds_to",
    "one-endpoint": "store plan outcome altered attempts",
    "behind-faults": "store plan outcome rules altered violations attempts_to evidence",
    "correct": "plan outcome attempts",
    "mode": "store plan outcome fired attempts profile",
    "fault": "store outcome fired attempts",
    "mode-elsewhere": "store plan outcome fired",
}


def _cell(row: dict[str, Any], column: str) -> str:
    if column == "store":
        return f"`{row['spec']}`"
    if column == "outcome":
        return ", ".join(f"{name} {count}" for name, count in row["outcomes"].items())
    if column == "rules":
        return ", ".join(row["rules"])
    if column == "profile":
        return ", ".join(f"{name} = {str(value).lower()}" for name, value in row["profile"].items())
    field = {
        "altered": "altered_median",
        "fired": "altered_median",
        "attempts": "attempts_median",
        "attempts_to": "attempts_to_detection_median",
        "seconds_to": "seconds_to_detection_median",
        "violations": "violations_median",
    }.get(column, column)
    value = row.get(field)
    return "" if value is None else f"{value:,g}" if isinstance(value, float) else f"{value:,}" if isinstance(
        value, int) else str(value)  # fmt: skip


def _tables(document: dict[str, Any]) -> Iterable[str]:
    for kind, row_of_kind in KINDS.items():
        rows = [row for row in document["rows"] if row["kind"] == kind]
        if not rows:
            continue
        columns = _OF_KIND[kind].split()
        good = sum(row["good"] for row in rows)
        yield f"\n## {row_of_kind.title}\n\n{good} of {sum(row['seeds'] for row in rows)} cells.\n"
        yield "| " + " | ".join(_COLUMNS[column] for column in columns) + " |"
        yield "| " + " | ".join("---" for _ in columns) + " |"
        for row in rows:
            yield "| " + " | ".join(_cell(row, column) for column in columns) + " |"


def _always(document: dict[str, Any]) -> Iterable[str]:
    """What the store does anyway is shown by the correct store's own cells."""
    held = {row["plan"]: row["good"] == row["seeds"] for row in document["rows"] if row["name"] == CORRECT}
    yield "\n## Legal behaviours that the correct store has anyway\n"
    yield "| mode | shown by the correct store on |\n| --- | --- |"
    for row in MODES.values():
        if row.always:
            shown = [f"{plan} ({'held' if held[plan] else 'not held'})" for plan in row.plans if plan in held]
            yield f"| `{row.name}` | {', '.join(shown)} |"


def page(document: dict[str, Any], command: str) -> str:
    """The Markdown page: the hand-written part, then the tables."""
    seeds = max((row["seeds"] for row in document["rows"]), default=0)
    head = [
        INTRO_FILE.read_text("utf-8").rstrip(),
        "",
        "# The last run",
        "",
        f"Written by `{command}`: {document['cells']} cells, up to {seeds} seeds each. Numbers are medians over the seeds.",
        "",
        f"**{closing(document)}** · found with one endpoint {document['found_with_one_endpoint']} · "
        f"hidden by faults {document['hidden_by_faults']}",
    ]
    return "\n".join([*head, *_tables(document), *_always(document), ""])


def write(document: dict[str, Any], command: str) -> None:
    """Writes both documents."""
    JSON_FILE.parent.mkdir(parents=True, exist_ok=True)
    JSON_FILE.write_text(json.dumps(document | {"command": command}, indent=1) + "\n", "utf-8")
    PAGE_FILE.write_text(page(document, command), "utf-8")
