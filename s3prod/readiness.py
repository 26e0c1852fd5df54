"""Patience with buckets: a store may take a while until one that it has made is there (profile `bucket_ready_s`), and until
it keeps the versions of one that has just been told to (`versioning_settle_s`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from s3prod.plan import Plan, Step, head_bucket, sleep, until_ok, when
from s3prod.profile import Profile

POLL_MS = 20


def patient(plan: Plan, profile: Profile) -> Plan:
    """The plan with a wait behind each `create_bucket` that succeeds: the bucket is asked for until it is there, at most
    `bucket_ready_s`. Behind what enables the versions of a bucket it waits `versioning_settle_s`.

    >>> from s3prod.plan import make_bucket
    >>> wait = patient(Plan("p", groups=[make_bucket()]), {"bucket_ready_s": 1}).groups[0].program[1]
    >>> wait["when"], wait["do"][0]["repeat"]
    (['ok'], {'until': 'ok', 'at_most': 50})
    """
    ready_s, settle_s = (float(profile.get(key, 0)) for key in ("bucket_ready_s", "versioning_settle_s"))
    if ready_s <= 0 and settle_s <= 0:
        return plan

    def wait(step: Step) -> Step | None:
        if "create_bucket" in step and ready_s > 0:
            asks = max(1, round(ready_s * 1000 / POLL_MS))
            return until_ok(asks, head_bucket(step["create_bucket"]), when("failed", sleep(POLL_MS)))
        if step.get("status") == "Enabled" and "put_versioning" in step and settle_s > 0:
            return sleep(round(settle_s * 1000))
        return None

    groups = [dataclasses.replace(group, program=_waiting(group.program, wait)) for group in plan.groups]
    return dataclasses.replace(plan, groups=groups)


def _waiting(program: Sequence[Step], wait: Callable[[Step], Step | None]) -> list[Step]:
    out: list[Step] = []
    for step in program:
        nested = {name: _waiting(step[name], wait) for name in ("do", "else") if name in step}
        out.append(step | nested)
        if (waiting := wait(step)) is not None:
            out.append(when("ok", waiting))
    return out
