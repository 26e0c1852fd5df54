"""The native runner: the C engine."""

from __future__ import annotations

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
    try:
        metrics: dict[str, Any] = _native.run(plan.to_json(), target.to_json(), history=str(history), progress=progress)
    except KeyboardInterrupt as stop:
        if not hasattr(stop, "metrics"):
            raise
        return _cut_short(stop.metrics)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise RunError(one_line(str(error))) from None
    return metrics


def _cut_short(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics of a run that Ctrl-C ended: its history is kept and judged, its load is not."""
    load = {"verdict": "not-asked", "because": ["the run was interrupted"], "asked": []}
    return metrics | {"interrupted": True, "load": load}
