"""s3prod puts an S3 store under load, records every attempt, and proves whether the store kept its promises.

    from s3prod import EmbeddedStore, run_plan
    from s3prod.plan import Group, Plan, cas, make_bucket, put, remove_bucket

    with EmbeddedStore() as store:
        run = run_plan(plan, store.target(), out="reports/one")
    assert run.exit_status() == 0

A plan goes in, a verdict comes out: `s3prod.plan`, `s3prod.target`, `s3prod.runners`, `s3prod.verdict`.
"""

from __future__ import annotations

import platform

from s3prod.errors import PlanError, RunError, S3ProdError, StoreError, TargetError, UsageError
from s3prod.plan import Group, Load, Plan, Require, Space, Stop
from s3prod.results import Run
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore
from s3prod.target import Target
from s3prod.verdict import Verdict, Witness, check

__version__ = "0.1.0"

__all__ = [
    "EmbeddedStore",
    "Group",
    "Load",
    "Plan",
    "PlanError",
    "Require",
    "Run",
    "RunError",
    "S3ProdError",
    "Space",
    "Stop",
    "StoreError",
    "Target",
    "TargetError",
    "UsageError",
    "Verdict",
    "Witness",
    "__version__",
    "check",
    "run_plan",
    "versions",
]


def versions() -> dict[str, str]:
    """The versions that a report carries.

    >>> sorted(versions())[-1]
    's3prod'
    """
    return {"s3prod": __version__, "python": platform.python_version(), "platform": platform.platform()}
