"""Results of a run of the suite: the fields that reports have, and the exit status."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

STATUSES = ("PASSED", "FAILED", "ERROR", "SKIPPED", "TIMEOUT")
COUNTS = {"passed": ("PASSED",), "failed": ("FAILED",), "skipped": ("SKIPPED",), "errors": ("ERROR", "TIMEOUT")}


def now() -> str:
    """The time in UTC, to the second.

    >>> now()[-1]
    'Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def group_of(test_id: str) -> str:
    """The group of a test: its folder of `tests/`.

    >>> group_of("tests/production/test_x.py::test_y"), group_of("tests/test_x.py")
    ('production', '')
    """
    folders = test_id.partition("::")[0].split("/")[:-1]
    return folders[1] if len(folders) > 1 else ""


@dataclass(frozen=True)
class Result:
    """How one test ended. `message` is a line, `error` the whole text; `properties` are for JUnit reports only."""

    test_id: str
    status: str
    duration: float = 0.0
    message: str = ""
    error: str | None = None
    timestamp: str = field(default_factory=now)
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status: {self.status}, expected one of {', '.join(STATUSES)}")

    @property
    def test_name(self) -> str:
        """The function with its parameters; the file when it could not be collected."""
        return self.test_id.rpartition("::")[2].rpartition("/")[2]

    @property
    def test_group(self) -> str:
        """The folder of `tests/`."""
        return group_of(self.test_id)

    def to_dict(self) -> dict[str, Any]:
        """The result as reports have it.

        >>> sorted(Result("tests/a/test_b.py::test_c", "PASSED").to_dict())
        ['duration', 'error', 'message', 'status', 'test_group', 'test_id', 'test_name', 'timestamp']
        """
        names = ("test_id", "test_name", "test_group", "status", "duration", "message", "error", "timestamp")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Result:
        """The result of a child's message, which has the fields of this class."""
        return cls(**{entry.name: document[entry.name] for entry in fields(cls) if entry.name in document})


@dataclass(frozen=True)
class Report:
    """A run of the suite."""

    results: Sequence[Result]
    timestamp: str = field(default_factory=now)

    def counts(self) -> dict[str, int]:
        """How many tests there were, and how they ended; a TIMEOUT is among the errors.

        >>> Report([Result("a", "PASSED"), Result("b", "TIMEOUT")]).counts()
        {'total': 2, 'passed': 1, 'failed': 0, 'skipped': 0, 'errors': 1}
        """
        counted = {name: _count(self.results, statuses) for name, statuses in COUNTS.items()}
        return {"total": len(self.results)} | counted

    def to_dict(self) -> dict[str, Any]:
        """The run as reports have it."""
        return {"timestamp": self.timestamp} | self.counts() | {"results": [one.to_dict() for one in self.results]}

    def exit_status(self) -> int:
        """0 clean; 1 when a test failed or erred, or none was there.

        >>> Report([Result("a", "SKIPPED")]).exit_status(), Report([]).exit_status()
        (0, 1)
        """
        counts = self.counts()
        return 1 if counts["failed"] or counts["errors"] or not counts["total"] else 0


def _count(results: Iterable[Result], statuses: Sequence[str]) -> int:
    return sum(one.status in statuses for one in results)
