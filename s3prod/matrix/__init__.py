"""The kill matrix: every mutant is found, and neither the correct store nor what is legal ever raises an alarm.

    python -m s3prod.matrix --seeds 20

A mutant is *killed* when the run is violated, a rule that its row names is among the violations, and a witness contains an
answer that the store's admin port lists as altered. A mutant that never altered an answer proves nothing and is an error;
so is a mode or a fault of the wire that never fired. The kinds of cells are rows of `s3prod.matrix.cells.KINDS`. Some
mutants have another judge:

* `progress`: no answer is wrong, but nothing moves: killed means that a floor of the plan which the row names was missed.
* `usage`: no answer is wrong, but when the last bucket is gone the store still keeps bodies: killed means that it does.
* `suite`: tests of `tests/store` instead of a plan: killed means that all that the row names fail.
* `sigkill`, `power-loss`: crash rounds (`s3prod.crash`): killed means that something acknowledged was gone after a crash.

Each cell is run in a process of its own, two side by side. Cells that are done are kept under `build/kill-matrix` and not run
again until the program, their row or their plan changes.
"""

from __future__ import annotations

import sys
import time

from s3prod.matrix.cells import CRASHES, Cell, Result, cells
from s3prod.matrix.document import closing, summary, write
from s3prod.matrix.journal import Journal
from s3prod.matrix.pool import run_cells
from s3prod.matrix.runs import run_cell

__all__ = ["CRASHES", "JOBS", "Cell", "Result", "cells", "run_cell", "run_matrix"]

JOBS = 2


def run_matrix(
    names: list[str],
    seeds: int,
    *,
    everywhere: bool = False,
    budget_s: float | None = None,
    jobs: int = JOBS,
    command: str | None = None,
) -> int:
    """Runs what is not done yet, prints a line a cell and the closing line; the exit status: 0 all as it should be, 1 not,
    3 the budget ended first. With `command`, the line that was typed, the documents are written when all is done.
    """
    journal, begun = Journal(), time.monotonic()
    wanted = list(cells(names, seeds, everywhere))
    left = [cell for cell in wanted if journal.get(cell) is None]

    def go_on() -> bool:
        return budget_s is None or time.monotonic() - begun < budget_s

    for kept in filter(None, map(journal.get, wanted)):
        _say(kept)
    for result in run_cells(left, jobs, go_on):
        journal.add(result)
        _say(result)
    results = [*filter(None, map(journal.get, wanted))]
    document = summary(results)
    missing = len(wanted) - len(results)
    if missing:
        print(f"{missing} of {len(wanted)} cells are left: the same command goes on", file=sys.stderr)
    elif command is not None:
        write(document, command)
    bad = [result for result in results if not result.good]
    if bad:
        print("not as it should be:")
    for result in bad:
        _say(result)
    print(closing(document))
    return 1 if bad else 3 if missing else 0


def _say(result: Result) -> None:
    print(f"{result.outcome:13} {result.cell.label}: {result.because}".rstrip(": "), flush=True)
