"""`s3prod mutants`: the ways to break the embedded store, the check that must notice each, and the modes that none may."""

from __future__ import annotations

import argparse
import json
from typing import Any

from s3prod.cli.options import add_json, whole

EXAMPLE = "s3prod mutants --run lost-ack-write"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--run",
        metavar="NAME",
        help="run this mutant on its own plans (0: the right rule named it), or this mode (0: no alarm)",
    )
    parser.add_argument(
        "--seeds", type=whole(1, 1000), default=1, metavar="N", help="of --run: seeds 1 to N, default 1"
    )
    add_json(parser)


def table() -> list[dict[str, Any]]:
    """The mutants of the store, each with the plan that must notice it and the rules that must name it; and its modes, each
    with the plans on which it shows (`kind` says which).

    >>> {"kind", "name", "plan", "rules"} <= set(table()[0])
    True
    """
    from s3prod import _server
    from s3prod.plans.modes import MODES
    from s3prod.plans.mutants import EVERY

    rows = []
    for row in _server.mutants():
        cell = EVERY.get(row["name"])
        judged: dict[str, Any] = {"plan": None, "rules": [], "judge": None}
        if cell is not None:
            judged = {"plan": cell.plan or None, "rules": list(cell.rules), "judge": cell.judge}
        elif row["name"] in MODES:
            mode = MODES[row["name"]]
            judged = {"plan": mode.plans[0], "plans": list(mode.plans), "rules": [], "judge": "held"}
        rows.append({**row, **judged})
    return rows


def execute(args: argparse.Namespace) -> int:
    """Lists the mutants, or runs one cell of the matrix."""
    if args.run is not None:
        from s3prod import matrix

        return matrix.run_matrix([args.run], args.seeds)
    rows = table()
    if args.json:
        print(json.dumps(rows))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        said = "legal, no rule" if row["kind"] == "mode" else ", ".join(row["rules"]) or "-"
        print(f"{row['name']:{width}}  {row['plan'] or row['judge'] or '-'}: {said}")
    return 0
