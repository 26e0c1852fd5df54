"""Results that are kept between calls, so that an interrupted matrix goes on where it stopped.

A result holds as long as the program, the cell and its plan are the same: a row or a plan that is edited costs its own cells.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from s3prod.matrix.cells import SUITE, Cell, Result
from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.plans.modes import MODES
from s3prod.plans.mutants import EVERY
from s3prod.plans.wire import FAULTS

FOLDER = Path("build/kill-matrix")
PACKAGE = Path(__file__).parents[1]
# What the results depend on beside the cells' own rows and plans.
PROGRAM = ("*.so", "matrix/runs.py", "matrix/judges.py", "crash/*.py", "runners/*.py", "plan_needs.py", "proxy.py",
           "readiness.py", "store.py", "child.py", "verdict.py", "profiles/*.toml")  # fmt: skip


@cache
def _program() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in PROGRAM for path in PACKAGE.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _plan(name: str, scale: str, seed: int) -> str:
    return BUILTIN[name](scale, seed).to_json() if name in BUILTIN else name


@cache
def _suite() -> str:
    digest = hashlib.sha256()
    for path in sorted((PACKAGE.parent / "tests" / "store").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key(cell: Cell) -> str:
    """What the result of a cell is kept under."""
    row = EVERY.get(cell.name) or FAULTS.get(cell.name) or MODES.get(cell.name)
    parts = [_program(), repr(cell), repr(row), _plan(cell.plan, cell.scale, cell.seed), repr(STORE_OPTIONS)]
    if cell.plan == SUITE:
        parts.append(_suite())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Journal:
    """The results of former calls, by cell."""

    def __init__(self, folder: Path = FOLDER) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "journal.jsonl"
        self.done: dict[str, dict[str, Any]] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut off when the matrix was stopped
            if entry["result"]["outcome"] != "error":  # it says nothing of the store: the cell is tried again
                self.done[entry["key"]] = entry["result"]

    def get(self, cell: Cell) -> Result | None:
        """The kept result of a cell."""
        kept = self.done.get(key(cell))
        return None if kept is None else Result(cell, **kept)

    def add(self, result: Result) -> None:
        """Keeps a result."""
        document = asdict(result)
        del document["cell"]
        self.done[key(result.cell)] = document
        with self.path.open("a") as file:
            file.write(json.dumps({"key": key(result.cell), "cell": result.cell.label, "result": document}) + "\n")
