"""What a plan needs of a store beyond plain objects, and whether the store's profile has it.

A plan that needs what the profile calls unsupported is not run: `fitted` raises `Unsupported`, which is no verdict.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from s3prod.plan import Plan, Step, sleep
from s3prod.profile import Profile, Unsupported, lacks

VERBS = {  # step: the key of the profile that it needs
    "put_versioning": "versioning",
    "get_versioning": "versioning",
    "list_versions": "versioning",
    "put_tags": "tagging",
    "get_tags": "tagging",
    "delete_tags": "tagging",
    "delete_objects": "multi_delete",
    "put_lifecycle": "lifecycle_day_ms",
    "put_replication": "replication",
}
ANY_STEP = ""
OPTIONS = {  # of which step, which option: the same
    (ANY_STEP, "version"): "versioning",
    (ANY_STEP, "source_version"): "versioning",
    (ANY_STEP, "tags"): "tagging",
    ("put", "if_none_match"): "cond_put_none_match",
    ("put", "if_match"): "cond_put_match",
    ("complete_upload", "if_none_match"): "cond_complete",
    ("complete_upload", "if_match"): "cond_complete",
    ("copy", "if_none_match"): "cond_copy_dst",
    ("copy", "if_match"): "cond_copy_dst",
    ("delete", "if_match"): "cond_delete",
    ("delete_objects", "etags"): "cond_multi_delete",
}


def needs(plan: Plan) -> dict[str, str]:
    """The keys of the profile that the plan needs, each with the step that needs it first.

    >>> from s3prod.plan import Group, put
    >>> needs(Plan("p", groups=[Group("g", [put("a", tags=3, if_none_match="*")])]))
    {'tagging': 'put with tags', 'cond_put_none_match': 'put with if_none_match'}
    """
    found: dict[str, str] = {}
    for step in plan.steps():
        for verb in step.keys() & VERBS.keys():
            found.setdefault(VERBS[verb], verb)
        for (verb, option), key in OPTIONS.items():
            if step.get(option) not in (None, False) and verb in (*step, ANY_STEP):
                found.setdefault(key, f"{verb or next(iter(step))} with {option}")
    return found


def fitted(plan: Plan, profile: Profile) -> Plan:
    """The plan as the store of that profile can carry it out; raises `Unsupported` when it cannot.

    Where versions are never kept, teardown empties buckets by their plain listing; where DeleteObjects is not there, it leaves
    the buckets to `s3prod.sweep`.

    >>> from s3prod.plan import Group, put_tags
    >>> fitted(Plan("p", groups=[Group("g", [put_tags("a", 2)])]), {"name": "swift", "tagging": "unsupported"})
    Traceback (most recent call last):
    s3prod.profile.Unsupported: unsupported: profile swift says tagging = unsupported (the plan has put_tags)
    """
    for key, change in (("versioning", _plain), ("multi_delete", _without_batches)):
        if lacks(profile, key):
            plan = dataclasses.replace(plan, groups=[
                dataclasses.replace(group, program=change(group.program)) if group.phase == "teardown" else group
                for group in plan.groups
            ])  # fmt: skip
    for key, step in needs(plan).items():
        if why := lacks(profile, key):
            raise Unsupported(f"unsupported: {why} (the plan has {step})")
    return plan


def _plain(program: Sequence[Step]) -> list[Step]:
    """The program with listings of objects instead of versions."""
    return [{("list" if key == "list_versions" else key): _plain_value(value) for key, value in step.items()}
            for step in program]  # fmt: skip


def _without_batches(program: Sequence[Step]) -> list[Step]:
    """The program without the steps that delete batches, whole as they are; a group keeps a step in any case."""
    return [step for step in program if "delete_objects" not in json.dumps(step)] or [sleep(0)]


def _plain_value(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return _plain(value)
    if isinstance(value, str) and value.endswith(".versions"):
        return value.removesuffix(".versions") + ".keys"
    return value
