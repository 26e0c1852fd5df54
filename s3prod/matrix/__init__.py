"""The kill matrix: every mutant on its own plan, and the correct store on every plan.

    python -m s3prod.matrix --seeds 20

A mutant is *killed* when the run is violated, a rule that its row names is among the violations, and a witness contains an
answer that the store's admin port lists as altered. A mutant that never altered an answer proves nothing and is an error.
The correct store must be *held* on every plan: anything else is a false alarm. Some mutants have another judge:

* `progress`: no answer is wrong, but nothing moves: killed means that a floor of the plan which the row names was missed.
* `usage`: no answer is wrong, but when the last bucket is gone the store still keeps bodies: killed means that it does.
* `suite`: tests of `tests/store` instead of a plan: killed means that all that the row names fail.
* `sigkill`, `power-loss`: crash rounds (`s3prod.crash`): killed means that something acknowledged was gone after a crash.

Cells that are done are kept under `build/kill-matrix` and not run again until the program changes.
"""

from __future__ import annotations

import json
from pathlib import Path

from s3prod.matrix.cells import CRASHES, Cell, Result, cells
from s3prod.matrix.document import summary, table
from s3prod.matrix.journal import Journal
from s3prod.matrix.runs import run_cell

__all__ = ["CRASHES", "Cell", "Result", "cells", "run_cell", "run_matrix"]


def run_matrix(names: list[str], seeds: int, scale: str, write: bool) -> int:
    """Runs what is not done yet, prints a line a cell and the closing line, writes the documents; the exit status."""
    journal = Journal(Path("build/kill-matrix"), scale)
    results = []
    for cell in cells(names, seeds):
        result = journal.done.get(cell)
        if result is None:
            result = run_cell(cell, scale)
            journal.add(result)
        results.append(result)
        print(
            f"{result.outcome:12} {cell.spec or cell.store} on {cell.plan}, seed {cell.seed}: {result.because}",
            flush=True,
        )
    document = summary(results)
    if write:
        command = f"python -m s3prod.matrix --seeds {seeds}"
        Path("benchmarks/results").mkdir(parents=True, exist_ok=True)
        Path("benchmarks/results/kill-matrix.json").write_text(json.dumps(document, indent=1) + "\n")
        Path("docs/kill-matrix.md").write_text(table(document, command))
    print(
        f"mutants {document['mutants']}  killed {document['killed']}  missed {document['missed']}  "
        f"false-alarms {document['false_alarms']}"
    )
    return 1 if document["missed"] or document["false_alarms"] else 0
