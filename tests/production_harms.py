"""What is done to a correct run, or to what a client answers, so that exactly one assertion of a production test fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from production_calls import Replayed

Record = dict[str, Any]
ALL = "all"
PICKS = {
    "phase": "main",
    "at": 0,
    "where": bool,
}  # which of the records: of a phase, the one at an index or ALL, which fit


class Full(str):
    """A scale that is full in what is asserted, and smoke in what was run."""

    def __hash__(self) -> int:
        return hash("smoke")

    def __eq__(self, other: object) -> bool:
        return other in ("smoke", "full")


@dataclass
class Stage:
    """What a harm may change before the test is called."""

    run: Replayed | None
    module: ModuleType
    profile: dict[str, Any]
    scale: str = "smoke"
    client: Any = None

    @property
    def kept(self) -> list[Record]:
        """The records of the run."""
        assert self.run is not None
        return self.run.kept


Harm = Callable[[Stage], None]


def _picked(stage: Stage, op: str, group: str, how: dict[str, Any]) -> list[Record]:
    """Records of an operation and of groups (a pattern), as PICKS says."""
    run, picks = stage.run, PICKS | how
    assert run is not None
    found = [
        r for r in run.records(op, phase=picks["phase"]) if fnmatchcase(run.group_of(r), group) and picks["where"](r)
    ]
    return found if picks["at"] == ALL else [found[picks["at"]]]


def _set(record: Record, how: dict[str, Any]) -> None:
    for name in how.keys() - PICKS.keys():
        value = how[name](record) if callable(how[name]) else how[name]
        record[name] = value
        if value is None:
            del record[name]


def change(op: str, group: str = "*", **how: Any) -> Harm:
    """Sets fields of records; None takes a field away, a function makes the value of the record."""

    def harm(stage: Stage) -> None:
        for record in _picked(stage, op, group, how):
            _set(record, how)

    return harm


def drop(op: str, group: str = "*", **how: Any) -> Harm:
    """Takes records away."""

    def harm(stage: Stage) -> None:
        gone = {id(record) for record in _picked(stage, op, group, how)}
        stage.kept[:] = [record for record in stage.kept if id(record) not in gone]

    return harm


def add(op: str, group: str = "*", **how: Any) -> Harm:
    """Adds a record that is like another, with other fields."""

    def harm(stage: Stage) -> None:
        record = dict(_picked(stage, op, group, how)[0])
        _set(record, how)
        stage.kept.append(record)

    return harm


def entries(op: str, group: str, make: Callable[[list[Record]], list[Record]], **how: Any) -> Harm:
    """Makes other entries of a page's own."""
    return change(op, group, entries=lambda page: make(list(page.get("entries", ()))), **how)


def metric(*path: str, value: Any) -> Harm:
    """Sets a number of the run's metrics."""

    def harm(stage: Stage) -> None:
        assert stage.run is not None
        place = stage.run.metrics
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return harm


def setting(name: str, value: Any) -> Harm:
    """Sets a name of the test's module."""
    return lambda stage: setattr(stage.module, name, value)


def promise(**keys: Any) -> Harm:
    """Sets keys of the profile."""
    return lambda stage: stage.profile.update(keys)


def client(made: Any) -> Harm:
    """Gives the test another client of the store."""
    return lambda stage: setattr(stage, "client", made)


def full(stage: Stage) -> None:
    """Asserts what is asserted at full scale alone."""
    stage.scale = Full("full")
