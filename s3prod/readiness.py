"""Patience with buckets: a store may take a while until one that it has made is there (profile `bucket_ready_s`), and until
it keeps the versions of one that has just been told to (`versioning_settle_s`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from s3prod.plan import Plan, Step, head_bucket, sleep, when
from s3prod.profile import Profile

POLL_MS = 20  # the first pause; each is twice the one before


def patient(plan: Plan, profile: Profile) -> Plan:
    """The plan with a wait behind each `create_bucket` that succeeds: the bucket is asked for until it is there, at most
    `bucket_ready_s` and as long as the store answers. Behind what enables the versions of a bucket it waits
    `versioning_settle_s`.

    >>> from s3prod.plan import make_bucket
    >>> wait = patient(Plan("p", groups=[make_bucket()]), {"bucket_ready_s": 0.05}).groups[0].program[1]
    >>> wait["do"]  # doctest: +NORMALIZE_WHITESPACE
    [{'head_bucket': 'main'},
     {'when': ['failed'], 'do': [{'sleep': 20}, {'head_bucket': 'main'}]},
     {'when': ['failed'], 'do': [{'sleep': 30}, {'head_bucket': 'main'}]}]
    """
    ready_s, settle_s = (float(profile.get(key, 0)) for key in ("bucket_ready_s", "versioning_settle_s"))
    if ready_s <= 0 and settle_s <= 0:
        return plan

    def wait(step: Step) -> list[Step]:
        if "create_bucket" in step and ready_s > 0:
            ask = head_bucket(step["create_bucket"])
            return [ask, *(when("failed", sleep(pause), ask) for pause in _pauses(round(ready_s * 1000)))]
        if step.get("status") == "Enabled" and "put_versioning" in step and settle_s > 0:
            return [sleep(round(settle_s * 1000))]
        return []

    groups = [dataclasses.replace(group, program=_waiting(group.program, wait)) for group in plan.groups]
    return dataclasses.replace(plan, groups=groups)


def _pauses(whole_ms: int) -> list[int]:
    """Pauses between the questions, `whole_ms` in all."""
    pauses: list[int] = []
    while (left := whole_ms - sum(pauses)) > 0:
        pauses.append(min(left, POLL_MS * 2 ** len(pauses)))
    return pauses


def _waiting(program: Sequence[Step], wait: Callable[[Step], list[Step]]) -> list[Step]:
    out: list[Step] = []
    for step in program:
        nested = {name: _waiting(step[name], wait) for name in ("do", "else") if name in step}
        out.append(step | nested)
        if waiting := wait(step):
            out.append(when("ok", *waiting))
    return out
