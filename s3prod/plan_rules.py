"""Constructors of the steps that give a bucket rules: which objects expire, which go to another bucket.

program = [
    put_versioning("Enabled"),
    put_lifecycle(expire(prefix="tmp/", days=1), expire(tags=3, noncurrent_days=2)),
    put_replication(replicate("copy", prefix="kept/")),
]
"""

from __future__ import annotations

from typing import Any, TypeAlias

from s3prod.plan_steps import Step, make_step

Rule: TypeAlias = dict[str, Any]


def _rule(**fields: object) -> Rule:
    return {name: value for name, value in fields.items() if value is not None}


def expire(
    *,
    prefix: str | None = None,
    tags: int | None = None,
    above: int | None = None,
    below: int | None = None,
    days: int | None = None,
    noncurrent_days: int | None = None,
    abort_days: int | None = None,
    markers: bool | None = None,
) -> Rule:
    """A lifecycle rule: objects of a `prefix`, with a set of so many `tags`, of more than `above` and less than `below` bytes
    expire after `days`, when they are no more current after `noncurrent_days`, uploads after `abort_days`; `markers`:
    delete markers that hide nothing go.

    >>> expire(prefix="tmp/", days=1)
    {'prefix': 'tmp/', 'days': 1}
    """
    return _rule(
        prefix=prefix,
        tags=tags,
        above=above,
        below=below,
        days=days,
        noncurrent_days=noncurrent_days,
        abort_days=abort_days,
        markers=markers,
    )


def replicate(
    to: str,
    *,
    prefix: str | None = None,
    tags: int | None = None,
    above: int | None = None,
    below: int | None = None,
    markers: bool | None = None,
) -> Rule:
    """A replication rule: new versions of such objects go to the bucket of the role `to`; with `markers` delete markers too.

    >>> replicate("copy", prefix="kept/")
    {'to': 'copy', 'prefix': 'kept/'}
    """
    return _rule(to=to, prefix=prefix, tags=tags, above=above, below=below, markers=markers)


def put_lifecycle(*rules: Rule, bucket: str = "main") -> Step:
    """Gives the bucket of a role these lifecycle rules (`expire`) instead of those that it has.

    >>> put_lifecycle(expire(days=1))
    {'put_lifecycle': 'main', 'rules': [{'days': 1}]}
    """
    return make_step("put_lifecycle", bucket, rules=list(rules))


def put_replication(*rules: Rule, bucket: str = "main") -> Step:
    """Gives the bucket of a role these replication rules (`replicate`); it and the destinations must keep versions.

    >>> put_replication(replicate("copy"))
    {'put_replication': 'main', 'rules': [{'to': 'copy'}]}
    """
    return make_step("put_replication", bucket, rules=list(rules))
