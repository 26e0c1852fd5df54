"""The matrix as a document: a row a mutant, a row a plan of the correct store."""

from __future__ import annotations

import statistics
from typing import Any

from s3prod.matrix.cells import CORRECT, Result


def summary(results: list[Result]) -> dict[str, Any]:
    """The matrix as one document: a row a mutant, a row a plan of the correct store."""
    rows: list[dict[str, Any]] = []
    for store, plan in dict.fromkeys((r.cell.store, r.cell.plan) for r in results):
        mine = [r for r in results if (r.cell.store, r.cell.plan) == (store, plan)]
        detected = [r.seconds_to_detection for r in mine if r.seconds_to_detection is not None]
        rows.append(
            {
                "store": store,
                "spec": mine[0].cell.spec,
                "plan": plan,
                "seeds": len(mine),
                "outcomes": {o: sum(r.outcome == o for r in mine) for o in sorted({r.outcome for r in mine})},
                "rules": sorted({rule for r in mine for rule in r.rules}),
                "altered_median": statistics.median(r.altered for r in mine),
                "attempts_median": statistics.median(r.attempts for r in mine),
                "seconds_to_detection_median": round(statistics.median(detected), 3) if detected else None,
                "because": next((r.because for r in mine if r.outcome not in ("killed", "held")), ""),
            }
        )
    broken = [row for row in rows if row["store"] != CORRECT]
    killed = [row for row in broken if row["outcomes"] == {"killed": row["seeds"]}]
    return {
        "mutants": len(broken),
        "killed": len(killed),
        "missed": len(broken) - len(killed),
        "false_alarms": sum(r.outcome == "false-alarm" for r in results),
        "rows": rows,
    }


def table(document: dict[str, Any], command: str) -> str:
    """The matrix as a Markdown page."""
    lines = [
        "# Kill matrix",
        "",
        f"Written by `{command}`. Each mutant breaks one promise of the embedded store, in its subtle form, and its own plan must "
        "notice: the rule is among those that its row names, and a witness contains an altered answer. The correct store must be "
        "held on every plan.",
        "",
        f"**mutants {document['mutants']}  killed {document['killed']}  missed {document['missed']}  "
        f"false alarms {document['false_alarms']}**",
        "",
        "| store | plan | seeds | outcome | rules that fired | altered answers | attempts | seconds to detection |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["rows"]:
        outcome = ", ".join(f"{name} {count}" for name, count in row["outcomes"].items())
        when = "" if row["seconds_to_detection_median"] is None else row["seconds_to_detection_median"]
        lines.append(
            f"| `{row['spec'] or row['store']}` | {row['plan']} | {row['seeds']} | {outcome} | {', '.join(row['rules'])} "
            f"| {row['altered_median']:g} | {row['attempts_median']:g} | {when} |"
        )
    return "\n".join([*lines, ""])
