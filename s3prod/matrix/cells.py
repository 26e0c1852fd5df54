"""The cells of the matrix: what is run, and what came out.

Each kind of cell is a row of `KINDS`: what it is, and the outcomes that are as they should be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s3prod.errors import UsageError
from s3prod.plans import BUILTIN, LONG
from s3prod.plans.modes import MODES
from s3prod.plans.mutants import EVERY, Mutant
from s3prod.plans.wire import FAULTS
from s3prod.profile import Value

CORRECT = "correct-store"
CRASHES = {"sigkill": None, "power-loss": "none"}  # what crash rounds take instead of a plan: how they lose the power
SUITE = "suite"
WIRE = "wire"

# In front of mutants that must be found all the same. None keeps a write of the setup from being carried out: a
# counter that was never made would be waited for.
NOISE = (
    "drop-ack-after-commit:p=0.01,op=put",
    "status-after-commit:p=0.01,op=put",
    "reset-response-at:p=0.01,op=get",
    "truncate-clean:p=0.01,op=get",
    "late-delivery:p=0.002,op=put,delay_ms=20",
)
BEHIND_NOISE = (
    "lost-ack-write",
    "first-writer-wins",
    "im-check-then-act",
    "inm-check-then-act",
    "torn-get",
    "stale-read-replica",
    "overwrite-404-gap",
    "list-drops-fraction",
)


@dataclass(frozen=True)
class Cell:
    """One run of the matrix: a store (correct, broken or surprising), a plan, a seed, and what stands between."""

    kind: str
    name: str  # of the mutant, the mode or the fault; CORRECT
    plan: str  # a built-in plan, or what judges instead: SUITE, a name of CRASHES
    seed: int
    mutant: str = ""
    mode: str = ""
    faults: tuple[str, ...] = ()
    endpoints: int = 2  # that the clients use
    profile: tuple[tuple[str, Value], ...] = ()
    runner: str = "native"
    scale: str = "full"

    @property
    def label(self) -> str:
        """The cell in a few words, for people and for test ids.

        >>> Cell("mutant", "torn-get", "register-contention", 3, mutant="torn-get:p=0.001").label
        'torn-get:p=0.001 on register-contention, seed 3'
        """
        what = self.mutant or self.mode or self.name
        how = {"one-endpoint": " through one endpoint", "behind-faults": " behind faults"}.get(self.kind, "")
        return f"{what} on {self.plan}{how}, seed {self.seed}"


@dataclass(frozen=True)
class Result:
    """What a cell showed."""

    cell: Cell
    outcome: str
    because: str
    altered: int = 0  # answers that the mutant altered; how often the mode or the fault fired
    attempts: int = 0
    violations: int = 0
    rules: dict[str, int] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0  # of the run
    seconds_to_detection: float | None = None  # until the first witness was complete
    attempts_to_detection: int | None = None

    @property
    def good(self) -> bool:
        """Whether the outcome is as it should be."""
        return self.outcome in KINDS[self.cell.kind].good


@dataclass(frozen=True)
class Kind:
    """A kind of cells: its cells for a seed, and the outcomes that are as they should be."""

    title: str
    good: tuple[str, ...]
    cells: Callable[[int], Iterator[Cell]]


def _mutant(row: Mutant, seed: int, kind: str = "mutant", **settings: int | tuple[str, ...]) -> Cell:
    plan = row.plan or row.judge
    cell = Cell(kind, row.name, plan, seed, mutant=row.subtle, endpoints=row.endpoints, scale=LONG.get(plan, "full"))
    return dataclasses.replace(cell, **settings)  # type: ignore[arg-type]


def _mutants(seed: int) -> Iterator[Cell]:
    return (_mutant(row, seed) for row in EVERY.values())


def _one_endpoint(seed: int) -> Iterator[Cell]:
    rows = (row for row in EVERY.values() if row.endpoints > 1 and row.judge == "plan")
    return (_mutant(row, seed, "one-endpoint", endpoints=1) for row in rows)


def _behind_faults(seed: int) -> Iterator[Cell]:
    return (_mutant(EVERY[name], seed, "behind-faults", faults=NOISE) for name in BEHIND_NOISE)


def _correct(seed: int) -> Iterator[Cell]:
    plans = (*BUILTIN, *CRASHES, SUITE)
    return (Cell("correct", CORRECT, plan, seed, scale=LONG.get(plan, "full")) for plan in plans)


def _mode(name: str, plan: str, seed: int, kind: str, scale: str) -> Cell:
    row = MODES[name]
    return Cell(kind, name, plan, seed, mode=row.spec, profile=tuple(sorted(row.profile.items())), scale=scale)


def _modes(seed: int) -> Iterator[Cell]:
    rows = [row for row in MODES.values() if not row.always]
    return (_mode(row.name, plan, seed, "mode", LONG.get(plan, "full")) for row in rows for plan in row.plans)


def _modes_elsewhere(seed: int) -> Iterator[Cell]:
    rows = [row for row in MODES.values() if not row.always]
    return (
        _mode(row.name, plan, seed, "mode-elsewhere", "smoke")
        for row in rows
        for plan in BUILTIN
        if plan not in row.plans
    )


def _faults(seed: int) -> Iterator[Cell]:
    for row in FAULTS.values():
        scale = "full" if row.runner == "native" else "smoke"
        yield Cell("fault", row.name, WIRE, seed, faults=row.specs, runner=row.runner, scale=scale)


KINDS: dict[str, Kind] = {
    "mutant": Kind("Each mutant on its own plan must be killed", ("killed",), _mutants),
    "one-endpoint": Kind(
        "Mutants of several endpoints, with clients on one: nobody can notice", ("missed", "not-altered"), _one_endpoint
    ),
    "behind-faults": Kind("Mutants behind the fault proxy must be killed all the same", ("killed",), _behind_faults),
    "correct": Kind("The correct store must be held on every plan", ("held",), _correct),
    "mode": Kind("Legal modes must be held on the plans on which they show", ("held",), _modes),
    "fault": Kind("Faults of the wire end as they should, and the store is not blamed", ("held",), _faults),
    "mode-elsewhere": Kind(
        "Legal modes on all other plans: no alarm", ("held", "weak", "never-fired"), _modes_elsewhere
    ),
}
EVERYWHERE_SEEDS = 1


def cells(names: list[str], seeds: int, everywhere: bool = False) -> Iterator[Cell]:
    """The cells of these mutants, modes, faults and plans; with no name all of them. `everywhere`: modes on all plans too."""
    known = {*EVERY, *MODES, *FAULTS, *BUILTIN}
    for name in names:
        if name not in known:
            raise UsageError("mutant", name, f"one of {', '.join([*EVERY, *MODES, *FAULTS, *BUILTIN])}")
    for seed in range(1, seeds + 1):
        for kind, row in KINDS.items():
            if kind == "mode-elsewhere" and (not everywhere or seed > EVERYWHERE_SEEDS):
                continue
            for cell in row.cells(seed):
                wanted = cell.name in names or (kind == "correct" and cell.plan in names)
                if wanted or not names:
                    yield cell
