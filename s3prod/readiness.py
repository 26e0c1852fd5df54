"""Patience with new buckets: a store may take a while until a bucket that it has made is there (profile `bucket_ready_s`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from s3prod.plan import Plan, Step, head_bucket, sleep, until_ok, when

POLL_MS = 20


def patient(plan: Plan, ready_s: float) -> Plan:
    """The plan with a wait behind each `create_bucket` that succeeds: the bucket is asked for until it is there, at most
    `ready_s`.

    >>> from s3prod.plan import make_bucket
    >>> wait = patient(Plan("p", groups=[make_bucket()]), 1).groups[0].program[1]
    >>> wait["when"], wait["do"][0]["repeat"]
    (['ok'], {'until': 'ok', 'at_most': 50})
    """
    if ready_s <= 0:
        return plan
    groups = [dataclasses.replace(group, program=_waiting(group.program, ready_s)) for group in plan.groups]
    return dataclasses.replace(plan, groups=groups)


def _waiting(program: Sequence[Step], ready_s: float) -> list[Step]:
    out: list[Step] = []
    for step in program:
        nested = {name: _waiting(step[name], ready_s) for name in ("do", "else") if name in step}
        out.append(step | nested)
        if "create_bucket" in step:
            asks = max(1, round(ready_s * 1000 / POLL_MS))
            poll = until_ok(asks, head_bucket(step["create_bucket"]), when("failed", sleep(POLL_MS)))
            out.append(when("ok", poll))
    return out
