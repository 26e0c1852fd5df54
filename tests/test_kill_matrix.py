"""A tenth of the kill matrix, which one goes by the commit; `make kill-matrix` runs all of it. Each cell is a test of its own."""

from __future__ import annotations

import subprocess
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from s3prod.matrix import Cell, cells, run_cell
from s3prod.matrix.cells import KINDS, Result
from s3prod.matrix.document import page, summary
from s3prod.matrix.journal import Journal, key
from s3prod.plans import BUILTIN
from s3prod.plans.modes import MODES
from s3prod.plans.mutants import EVERY
from s3prod.plans.wire import FAULTS

ROOT = Path(__file__).resolve().parent.parent
PARTS = 10


def _part() -> list[Cell]:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return list(cells([], 1))[int(head[:8] or "0", 16) % PARTS :: PARTS]


@pytest.mark.parametrize("cell", _part(), ids=lambda cell: f"{cell.kind}: {cell.label}")
def test_cell(cell: Cell) -> None:
    result = run_cell(cell)
    assert result.good, f"{result.outcome}: {result.because}"


def test_the_tables_fit_the_store() -> None:
    """What the store and the proxy offer is what the matrix runs, and plans that are named exist."""
    from s3prod import _server

    rows = _server.mutants()
    assert {row["name"] for row in rows if row["kind"] == "mutant"} == set(EVERY)
    assert {row["name"]: row["always"] for row in rows if row["kind"] == "mode"} == {
        m.name: m.always for m in MODES.values()
    }
    assert all(row["legal"] for row in rows if row["kind"] == "mode")
    assert {row["name"] for row in _server.faults()} == set(FAULTS)
    for mode in MODES.values():
        assert set(mode.plans) <= {*BUILTIN, "suite"} and mode.plans


def test_cells_are_kept_by_what_they_are() -> None:
    all_cells = list(cells([], 2, everywhere=True))
    assert {cell.kind for cell in all_cells} == set(KINDS)
    assert len({key(cell) for cell in all_cells}) == len(all_cells)


def test_what_went_wrong_in_a_cell_is_tried_again(tmp_path: Path) -> None:
    held, error = cells(["ok-short-page"], 2)
    journal = Journal(tmp_path)
    journal.add(Result(held, "held", ""))
    journal.add(Result(error, "error", "it did not end in time"))
    kept = Journal(tmp_path)
    assert kept.get(held) == Result(held, "held", "") and kept.get(error) is None


@pytest.mark.parametrize(
    ("table", "name"), [(EVERY, "lost-ack-write"), (FAULTS, "half-open"), (MODES, "ok-short-page")]
)
def test_a_result_ends_with_its_row(table: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = next(cell for cell in cells([name], 1, everywhere=False) if cell.name == name)
    before = key(cell)
    field = next(field.name for field in fields(table[name]) if field.name in ("rules", "ends", "plans"))
    monkeypatch.setitem(table, name, replace(table[name], **{field: ("other",)}))
    assert key(cell) != before


def test_a_cell_that_is_bad_is_said() -> None:
    """The page has every kind of cells, and counts what is not as it should be."""
    from s3prod.matrix import Result

    bad = [Result(cell, "false-alarm", "it is so") for cell in cells(["ok-short-page", "lost-ack-write"], 1)]
    document = summary(bad)
    assert document["missed"] == 1 and document["false_alarms"] == 1 and document["hidden_by_faults"] == 1
    assert "false-alarm 1" in page(document, "this test")
