"""`s3prod mutants`: the ways to break the embedded store, and the check that must notice each."""

from __future__ import annotations

import argparse
import json
from typing import Any

from s3prod.cli.options import add_json, whole
from s3prod.errors import UsageError

EXAMPLE = "s3prod mutants --run lost-ack-write"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--run", metavar="NAME", help="run this mutant on its own plan; 0 when the right rule named it")
    parser.add_argument(
        "--seeds", type=whole(1, 1000), default=1, metavar="N", help="of --run: seeds 1 to N, default 1"
    )
    parser.add_argument("--scale", default="full", metavar="SCALE", help="of --run: smoke, full (default) or stress")
    add_json(parser)


def table() -> list[dict[str, Any]]:
    """The mutants of the store, each with the plan that must notice it and the rules that must name it.

    >>> {"name", "plan", "rules"} <= set(table()[0])
    True
    """
    from s3prod import _server
    from s3prod.plans.mutants import EVERY

    rows = []
    for row in _server.mutants():
        cell = EVERY.get(row["name"])
        judged: dict[str, Any] = {"plan": None, "rules": [], "judge": None}
        if cell is not None:
            judged = {"plan": cell.plan or None, "rules": list(cell.rules), "judge": cell.judge}
        rows.append({**row, **judged})
    return rows


def execute(args: argparse.Namespace) -> int:
    """Lists the mutants, or runs one cell of the matrix."""
    if args.run is not None:
        from s3prod import matrix
        from s3prod.plans import SCALES

        if args.scale not in SCALES:
            raise UsageError("scale", args.scale, f"one of {', '.join(SCALES)}")
        return matrix.run_matrix([args.run], args.seeds, args.scale, write=False)
    rows = table()
    if args.json:
        print(json.dumps(rows))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:{width}}  {row['plan'] or row['judge'] or '-'}: {', '.join(row['rules']) or '-'}")
    return 0
