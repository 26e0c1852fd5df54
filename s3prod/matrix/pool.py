"""Cells side by side, each in a process of its own, so that one that never ends can be ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from s3prod.matrix.cells import CRASHES, SUITE, Cell, Result
from s3prod.matrix.runs import run_cell

LIMIT_S = 150.0  # of a plan: the longest takes a tenth of it
LONG_LIMIT_S = 600.0
_FORK = multiprocessing.get_context("fork")


def _work(cell: Cell, out: Connection) -> None:
    try:
        result = run_cell(cell)
    except Exception as error:  # the cell's failure, whatever it is, is its result
        result = Result(cell, "error", f"{type(error).__name__}: {error}")
    out.send(result)


def run_cells(cells: Iterable[Cell], jobs: int, go_on: Callable[[], bool]) -> Iterator[Result]:
    """The results as they come. No cell is begun any more once `go_on` says no."""
    waiting = iter(cells)
    running: dict[Connection, tuple[Cell, BaseProcess, float]] = {}
    try:
        while True:
            while len(running) < jobs and go_on() and (cell := next(waiting, None)) is not None:
                inside, outside = _FORK.Pipe(duplex=False)
                process: BaseProcess = _FORK.Process(target=_work, args=(cell, outside), daemon=False)
                process.start()
                outside.close()
                limit = LONG_LIMIT_S if cell.plan in (*CRASHES, SUITE) else LIMIT_S
                running[inside] = (cell, process, time.monotonic() + limit)
            if not running:
                return
            ready = wait(list(running), timeout=1.0)
            late = [end for end, (_, _, until) in running.items() if time.monotonic() > until]
            for end in {*ready, *late}:
                assert isinstance(end, Connection)
                cell, process, _ = running.pop(end)
                yield _take(end, cell, process)
    finally:
        for end, (_, process, _) in running.items():
            process.kill()
            process.join()
            end.close()


def _take(end: Connection, cell: Cell, process: BaseProcess) -> Result:
    result = Result(cell, "error", "it did not end in time, or its process died")
    with contextlib.suppress(EOFError):
        if end.poll():
            result = end.recv()
    if result.outcome == "error":
        process.kill()
    process.join()
    end.close()
    return result
