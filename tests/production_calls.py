"""Calls production tests as pytest does, with the verdicts of their runs left aside: what fails is an assertion of the test's own.

A run can be *replayed* to its test with records that were harmed, so that an assertion which no mutant reaches alone is seen to
fail as well.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from s3prod.client import S3Client
from s3prod.plan import Plan
from s3prod.profile import lacks
from s3prod.results import Run
from s3prod.runners import run_plan
from s3prod.target import Target

FOLDER = Path(__file__).parent / "production"


def module_of(file: str) -> ModuleType:
    """A fresh module of the test `test_<file>.py`, or of `conftest`."""
    name = file if file == "conftest" else f"test_{file}"
    spec = importlib.util.spec_from_file_location(f"production_{file}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def runner_of(target: Target, folder: Path) -> Callable[[Plan], Run]:
    """`run_plan` against the target."""
    return lambda plan: run_plan(plan, target, out=folder / plan.name)


def call(
    test: Callable[..., None], target: Target, run: Callable[[Plan], Run], scale: str = "smoke", client: Any = None
) -> None:
    """Calls a test with what it asks for."""
    names = inspect.signature(test).parameters
    config = {"s3_endpoints": list(target.endpoints), "s3_bucket_prefix": target.bucket_prefix,
              "profile": dict(target.profile), "scale": scale, "seed": 1, "duration": None, "s3_sdk": "native"}  # fmt: skip
    fixtures: dict[str, Any] = {
        "run_plan": run,
        "config": config,
        "round_trip_ms": lambda clients: 0.0,
        "needs": lambda *keys: None,
        "supports": lambda *keys: not lacks(target.profile, *keys),
        "report": lambda name, value: None,
        "record_property": lambda name, value: None,
    }
    if "s3_client" in names:
        fixtures["s3_client"] = client or S3Client(target)
    test(**{name: fixtures[name] for name in names})


@dataclass(frozen=True)
class Replayed(Run):
    """A run whose records are in memory, where they can be harmed."""

    kept: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, run: Run) -> Replayed:
        """A copy of a run."""
        return cls(
            run.plan, run.target, run.runner, copy.deepcopy(run.metrics), run.out, run.verdict, kept=list(run.records())
        )

    def fresh(self) -> Replayed:
        """A copy of this one, whose metrics and fields of records may be changed."""
        metrics, kept = copy.deepcopy(self.metrics), [dict(record) for record in self.kept]
        return Replayed(self.plan, self.target, self.runner, metrics, self.out, self.verdict, kept=kept)

    def group_of(self, record: dict[str, Any]) -> str:
        """The name of its group."""
        return self.plan.groups[record.get("group", 0)].group

    def records(
        self, op: str | None = None, *, phase: str | None = None, group: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """As `Run.records`."""
        return (r for r in self.kept if op in (None, r["op"]) and phase in (None, r["run_phase"])
                and group in (None, self.group_of(r)))  # fmt: skip

    def span(self, op: str, group: str) -> tuple[int, float]:
        """As `Run.span`."""
        found = list(self.records(op, phase="main", group=group))
        return len(found), (max(r["t_return"] for r in found) - min(r["t_call"] for r in found)) / 1e9 if found else 0.0
