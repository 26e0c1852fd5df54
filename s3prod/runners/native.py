"""The native runner: the C engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from s3prod import _native
from s3prod.errors import RunError, one_line
from s3prod.plan import Plan
from s3prod.runners import Progress
from s3prod.target import Target


def run(plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
    """Carries the plan out with the engine and gives its metrics.

    >>> run(plan, target, Path("history.s3ph"), None)["interrupted"]  # doctest: +SKIP
    False
    """
    started = time.monotonic()
    try:
        metrics: dict[str, Any] = _native.run(plan.to_json(), target.to_json(), history=str(history), progress=progress)
    except KeyboardInterrupt:
        if not history.exists():
            raise
        return _cut_short(plan, time.monotonic() - started)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise RunError(one_line(str(error))) from None
    return metrics


def _cut_short(plan: Plan, seconds: float) -> dict[str, Any]:
    """What is known of a run that Ctrl-C ended: its history is kept, and is judged."""
    load = {"verdict": "not-asked", "because": ["the run was interrupted"], "asked": []}
    return {
        "seed": plan.seed,
        "interrupted": True,
        "seconds": seconds,
        "main_seconds": 0.0,
        "phases": [],
        "ops": {},
        "groups": {},
        "left_behind": [],
        "load": load,
    }
