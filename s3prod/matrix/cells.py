"""The cells of the matrix: what is run, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from s3prod.errors import UsageError
from s3prod.plans import BUILTIN
from s3prod.plans.mutants import EVERY

CORRECT = "correct-store"
CRASHES = {"sigkill": None, "power-loss": "none"}  # what crash rounds take instead of a plan: how they lose the power
SUITE = "suite"


@dataclass(frozen=True)
class Cell:
    """One run of the matrix: a store (correct or broken), a plan, a seed."""

    store: str
    spec: str
    plan: str
    seed: int
    endpoints: int


@dataclass(frozen=True)
class Result:
    """What a cell showed."""

    cell: Cell
    outcome: str  # killed, missed, not-altered, held, false-alarm
    because: str
    altered: int
    attempts: int
    rules: dict[str, int]
    seconds: float
    seconds_to_detection: float | None


def cells(names: list[str], seeds: int) -> Iterator[Cell]:
    """The mutants' own cells, and with no name asked for the correct store on every plan."""
    for name in names or list(EVERY):
        if name not in EVERY:
            raise UsageError("mutant", name, f"one of {', '.join(EVERY)}")
        row = EVERY[name]
        for seed in range(1, seeds + 1):
            yield Cell(name, row.subtle, row.plan or row.judge, seed, row.endpoints)
    for plan in [] if names else [*BUILTIN, *CRASHES, SUITE]:
        for seed in range(1, seeds + 1):
            yield Cell(CORRECT, "", plan, seed, 2)
