"""Compile csrc/s3/outcomes.json into the C table that csrc/s3/outcome.c includes.

Usage: gen_outcomes.py OUTCOMES.JSON OUT.INC

The vectors of the file are run first: a wrong one, or a row that none of them reaches, stops the build.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PHASES = ("not_sent", "partly_sent", "sent", "answered")
CONDS = (
    "",
    "if_match",
    "if_none_match",
    "if_none_match_any",
    "if_match_any",
    "if_modified_since",
    "if_unmodified_since",
)
BODIES = ("error_document", "no_etag", "incomplete")
OUTCOMES = {"failed": "S3P_FAILED", "ok": "S3P_OK_OUTCOME", "unknown": "S3P_UNKNOWN"}
EVIDENCE = ("none", "value", "absent", "present", "not_match", "match")

Row = dict[str, Any]
End = dict[str, Any]


def values(row: Row, field: str) -> list[Any] | None:
    """The list of values a row accepts in a field, None for all of them."""
    v = row.get(field, "*")
    if v == "*" or v == ["*"]:
        return None
    return v if isinstance(v, list) else [v]


def ops_of(row: Row, classes: dict[str, list[str]]) -> list[str] | None:
    """The operations of a row, with classes spelled out."""
    names = values(row, "ops")
    if names is None:
        return None
    return [op for name in names for op in classes.get(name, [name])]


def status_range(status: int | str) -> tuple[int, int]:
    """The statuses that a number or "2xx" stands for, both ends included."""
    if isinstance(status, int):
        return status, status
    if len(status) == 3 and status.endswith("xx") and status[0].isdigit():
        return int(status[0]) * 100, int(status[0]) * 100 + 99
    raise ValueError(f"status {status!r}")


def body_fits(body: str, end: End) -> bool:
    """Whether the end is in that body state."""
    states: dict[str, bool] = {
        "error_document": end["error_document"],
        "no_etag": not end["has_etag"],
        "incomplete": not end["body_complete"],
    }
    return states[body]


def fits(row: Row, end: End, classes: dict[str, list[str]]) -> bool:
    """Whether the row fits the end."""
    ops = ops_of(row, classes)
    if ops is not None and end["op"] not in ops:
        return False
    for field in ("phase", "code", "cond"):
        accepted = values(row, field)
        if accepted is not None and end[field] not in accepted:
            return False
    statuses = values(row, "status")
    if statuses is not None and not any(low <= end["status"] <= high for low, high in map(status_range, statuses)):
        return False
    bodies = values(row, "body")
    return bodies is None or all(body_fits(b, end) for b in bodies)


def check(data: dict[str, Any]) -> None:
    """Refuse unknown words, wrong vectors, unreached rows, and an end that nothing fits."""
    rows, classes = data["rows"], data["classes"]
    known = {op for ops in classes.values() for op in ops}
    for row in rows:
        for op in ops_of(row, classes) or []:
            if op not in known:
                raise ValueError(f"row {row}: op {op!r}")
        for field, words in (("phase", PHASES), ("cond", CONDS), ("body", BODIES)):
            for word in values(row, field) or []:
                if word not in words:
                    raise ValueError(f"row {row}: {field} {word!r}")
        if row["outcome"] not in OUTCOMES or row["evidence"] not in EVIDENCE:
            raise ValueError(f"row {row}: outcome or evidence")
    fields = ("ops", "phase", "status", "code", "cond", "body")
    if any(values(rows[-1], f) is not None for f in fields):
        raise ValueError("the last row does not fit everything")
    reached = set()
    for end in data["vectors"]:
        at = next(i for i, row in enumerate(rows) if fits(row, end, classes))
        reached.add(at)
        if (rows[at]["outcome"], rows[at]["evidence"]) != (end["outcome"], end["evidence"]):
            raise ValueError(f"vector {end}: row {at} says {rows[at]}")
    missed = sorted(set(range(len(rows))) - reached)
    if missed:
        raise ValueError(f"no vector reaches rows {missed}")


def mask(names: list[str] | None, macro: str) -> str:
    """C expression of the accepted values of one field."""
    return f"{macro}_ANY" if names is None else " | ".join(f"{macro}({n})" for n in names)


def c_rows(row: Row, classes: dict[str, list[str]]) -> list[str]:
    """One C row for each (status, code) pair that the row lists."""
    ops = ops_of(row, classes)
    conds = values(row, "cond")
    fit = " | ".join(
        (
            mask(None if ops is None else [op.upper() for op in ops], "OP"),
            mask([p.upper() for p in values(row, "phase") or []] or None, "PHASE"),
            mask(None if conds is None else [c.upper() or "NONE" for c in conds], "COND"),
        )
    )
    body = "(" + " & ".join(f"BODY_{b.upper()}" for b in values(row, "body") or ["any"]) + ")"
    out = []
    for status in values(row, "status") or ["*"]:
        low, high = ("0", "INT_MAX") if status == "*" else status_range(status)
        for code in values(row, "code") or [None]:
            text = "NULL" if code is None else json.dumps(code)
            result = f"{OUTCOMES[row['outcome']]}, S3P_EV_{row['evidence'].upper()}"
            out.append(f"{{{fit} | {body}, {low}, {high}, {text}, {result}}},")
    return out


def main() -> int:
    """Read, check, write."""
    source, target = map(Path, sys.argv[1:3])
    data = json.loads(source.read_text(encoding="utf-8"))
    try:
        check(data)
        lines = [line for row in data["rows"] for line in c_rows(row, data["classes"])]
    except (KeyError, ValueError) as error:
        print(f"{source}: {error}", file=sys.stderr)
        return 1
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
