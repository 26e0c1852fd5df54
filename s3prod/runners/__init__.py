"""Runners carry out a plan and write down every attempt; `run_plan` is the one way to start one.

A runner is a row of `RUNNERS`: a name and a function (plan, target, history path, progress) → metrics, whose shape is
`s3p_engine_finish`'s (`csrc/engine/engine.h`), whoever sends the requests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s3prod.errors import RunError, UsageError
from s3prod.memory import peak_memory
from s3prod.plan import Plan
from s3prod.plan_needs import fitted
from s3prod.proxy import FaultProxy, Watch
from s3prod.readiness import patient
from s3prod.results import EVENTS_FILE, HISTORY_FILE, Run
from s3prod.settings import TARGET
from s3prod.sweep import sweep
from s3prod.target import Secret, Target
from s3prod.verdict import Verdict, check

Progress = Callable[[Mapping[str, Any]], None]
Runner = Callable[[Plan, Target, Path, Progress | None], dict[str, Any]]


def _native(plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
    from s3prod.runners.native import run

    return run(plan, target, history, progress)


def _boto3(plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
    from s3prod.runners.boto3 import run

    return run(plan, target, history, progress)


def _driver(name: str) -> Runner:
    def carry_out(plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
        from s3prod.runners.driver import DRIVERS, run

        return run(DRIVERS[name], plan, target, history, progress)

    return carry_out


RUNNERS: dict[str, Runner] = {"native": _native, "boto3": _boto3, "aws-sdk-go-v2": _driver("aws-sdk-go-v2")}


def find(name: str) -> Runner:
    """The runner of that name; a `UsageError` lists the names.

    >>> find("perl")
    Traceback (most recent call last):
    s3prod.errors.UsageError: runner: perl, expected one of native, boto3, aws-sdk-go-v2
    """
    if name not in RUNNERS:
        raise UsageError("runner", name, f"one of {', '.join(RUNNERS)}")
    return RUNNERS[name]


_HISTORY = re.compile(r"^(?:history: )?(?:\[Errno \d+\] )?history: ")  # what could not be written, without its path
HINTS = {  # code of a refused set-up: the field of the target that is likely wrong
    "SignatureDoesNotMatch": "secret_key",
    "InvalidAccessKeyId": "access_key",
    "AuthorizationHeaderMalformed": "region",
    "IllegalLocationConstraintException": "region",
    "PermanentRedirect": "region",
    "no answer": "endpoints",
}


def hint(text: str, target: Target) -> str:
    """Which setting a set-up that was refused is likely about, and where it comes from.

    >>> hint("setup: create_bucket: 403 InvalidAccessKeyId", Target(("http://h",), "key", "s"))
    '; is access_key right (key; S3_ACCESS_KEY)?'
    """
    field = next((field for code, field in HINTS.items() if text.startswith("setup: ") and code in text), None)
    if field is None:
        return ""
    value = getattr(target, field)
    shown = "…" if isinstance(value, Secret) else value if isinstance(value, str) else ", ".join(value)
    return f"; is {field} right ({shown}; {TARGET[field].env})?"


def run_plan(
    plan: Plan, target: Target, *, runner: str = "native", out: str | Path, progress: Progress | None = None
) -> Run:
    """Carries a plan out against a target, judges its history, and writes `run.json` and `history.s3ph` to `out`.
    A plan that needs what the target's profile calls unsupported raises `Unsupported`, and no request is sent.

    >>> run_plan(plan, store.target(), out="reports/herd").verdict.consistency  # doctest: +SKIP
    'held'
    """
    import s3prod

    carry_out, out = find(runner), Path(out)
    fit = fitted(plan.validate(), target.profile)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("out", str(out), f"a folder that can be made ({error.strerror})") from None
    history = out / HISTORY_FILE
    if history.exists():
        raise UsageError("out", str(out), f"a folder without a {HISTORY_FILE}")
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    contradictions, left = _before(fit, target)
    with peak_memory() as peak:
        metrics, verdict = _judged(carry_out, plan, fit, target, history, progress)
    driver_mb = metrics.get("driver_rss_mb", 0.0)
    metrics["contradictions"] = contradictions
    metrics["left_behind"] = [*metrics.get("left_behind", ()), *left]
    metrics["memory_mb"] = round(peak.mb + driver_mb, 1)
    metrics["peak_rss_mb"] = round(peak.rss_mb + driver_mb, 1)
    run = Run(plan, target.public(), runner, metrics, out, verdict, started, s3prod.versions())
    run.write()
    return run


def _before(plan: Plan, target: Target) -> tuple[list[str], list[str]]:
    """Where the store contradicts its profile (`s3prod.probe.before`). The embedded store's is what the store itself says, and
    behind a fault proxy answers say nothing of the store.
    """
    if target.embedded or target.via is not None:
        return [], []
    from s3prod.probe.before import contradictions

    return contradictions(plan, target)


def _judged(
    carry_out: Runner, plan: Plan, fit: Plan, target: Target, history: Path, progress: Progress | None
) -> tuple[dict[str, Any], Verdict]:
    """What came of carrying out `fit` (the plan as the store can have it), and what the checker says of its history."""
    with contextlib.ExitStack() as stack:
        through = target
        if plan.faults:
            through = stack.enter_context(FaultProxy.before(target, plan.faults, plan.seed)).target(target)
        watch = None if through.via is None else Watch(through.via)
        ready = patient(fit, target.profile)
        try:
            metrics = carry_out(dataclasses.replace(ready, faults=()), through, history, progress)
        except RunError as error:
            text = _HISTORY.sub(f"{history}: ", str(error), count=1)
            raise RunError(text + hint(text, target)) from None
        metrics = sweep(plan, target, metrics)
        if watch is not None:
            metrics["proxy"] = watch.join(history, history.with_name(EVENTS_FILE), metrics["buckets"])
    try:
        return metrics, check(str(history))
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise RunError(f"check: {history}, {error}") from None
