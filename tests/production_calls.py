"""Calls a production test as pytest does, except that the verdict of its runs is left aside: what fails is the test's own
assertion.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
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


def module_of(name: str) -> ModuleType:
    """A fresh module of the file `test_<name>.py`."""
    spec = importlib.util.spec_from_file_location(f"production_{name}", FOLDER / f"test_{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def runner_of(target: Target, folder: Path) -> Callable[[Plan], Run]:
    """`run_plan` against the target."""
    return lambda plan: run_plan(plan, target, out=folder / plan.name)


def call(
    test: Callable[..., None], target: Target, run: Callable[[Plan], Run], scale: str = "smoke", seed: int = 1
) -> None:
    """Calls a test with what it asks for."""
    config = {"s3_endpoints": list(target.endpoints), "s3_bucket_prefix": target.bucket_prefix,
              "profile": dict(target.profile), "scale": scale, "seed": seed}  # fmt: skip
    fixtures: dict[str, Any] = {
        "run_plan": run,
        "config": config,
        "needs": lambda *keys: None,
        "supports": lambda *keys: not lacks(target.profile, *keys),
        "report": lambda name, value: None,
        "record_property": lambda name, value: None,
        "s3_client": S3Client(target) if "s3_client" in inspect.signature(test).parameters else None,
    }
    test(**{name: fixtures[name] for name in inspect.signature(test).parameters})
