"""Every assertion of every production test can fail, and fails alone: a correct run, harmed in one place, is replayed to the test,
and neither an earlier assertion nor the checker is asked.

Mutants of the store are caught by the checker's verdict (`test_production_catches.py`), mostly before a test asserts anything.
"""

from __future__ import annotations

import ast
import dataclasses
import io
import os
import traceback
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from unittest.mock import MagicMock

import production_calls
import pytest
from botocore.exceptions import ClientError
from production_harms import ALL, Stage, add, change, client, drop, entries, full, metric, promise, setting

from s3prod.commits import Chain
from s3prod.plan import Plan
from s3prod.plans import STORE_OPTIONS
from s3prod.plans.coordination import KEY
from s3prod.plans.leases import GUARDED, LEASE
from s3prod.plans.list_consistency import SIZES
from s3prod.results import Run
from s3prod.store import EmbeddedStore
from s3prod.testing import LockedBucket

LEFT = [metric("left_behind", value=["bucket"])]
LATE = 10**15  # ns: a time after all others


def failed(record):
    return record["outcome"] == "failed"


def acked(record):
    return record["outcome"] == "ok"


def static(record):
    return "prefix=static" in record.get("list_args", "")


def asked(record):
    return "version_asked" in record


def there(record):
    return bool(record.get("entries"))


def nothing(page):
    return []


def without_first(page):
    return page[1:]


def doubled(page):
    return page[:1] + page


def turned(page):
    return page[::-1]


def other_etag(page):
    return [page[0] | {"etag": "other"}, *page[1:]]


def other_etags(page):
    return [entry | {"etag": "other"} for entry in page]


def oldest_first(page):
    return [page[-1] | {"flags": ["latest"]}, *unlatest(page[:-1])]


def unlatest(page):
    return [entry | {"flags": [flag for flag in entry.get("flags", ()) if flag != "latest"]} for entry in page]


def stranger(page):
    return [*page, page[0] | {"version_id": "of nobody"}] if page else [{"key": "of nobody", "version_id": "x"}]


def left_after_all(stage):
    """The last look of the owner shows what its first one did."""
    first, *_, last = stage.run.records("list_versions", phase="main", group="owner")
    last["entries"] = first["entries"]


def all_answered(stage):
    """No commit of the chain has ended unknown."""
    for link in Chain.of(stage.kept, KEY).links:
        link["outcome"] = "ok"


def of_bodies(body, status=400):
    """A client that reads this body always, and whose batch deletes are refused with this status; 200: they are not."""
    error = ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "DeleteObjects")
    made = MagicMock()
    made.client.delete_objects.side_effect = None if status == 200 else error
    made.get_object.side_effect = lambda *words: {"Body": io.BytesIO(body)}
    return client(made)


def of_heads(tagged=(), copied=()):
    """A client that sees an object after its tags, and then after its metadata were changed, each with something else."""
    right = {"ContentType": "application/x-s3prod", "ETag": "e", "ContentLength": 4}
    made = MagicMock()
    made.put_object.return_value = {"ETag": "e"}
    made.head_object.side_effect = [
        right | {"Metadata": {"update": "1"}} | dict(tagged),
        right | {"Metadata": {"update": "3"}} | dict(copied),
    ]
    return client(made)


def of_rules(kept):
    """A client of a store that keeps its rules, or forgets them, and matches none."""
    made, rules = MagicMock(), []
    made.put_bucket_lifecycle.side_effect = lambda bucket, given: rules.extend(given)
    made.get_bucket_lifecycle.side_effect = lambda bucket: rules if kept else []
    made.head_object.return_value = {}
    return client(made)


def of_locks(**methods):
    """Buckets with locks of which these methods do something else."""
    return setting("LockedBucket", type("Harmed", (LockedBucket,), methods))


def put_other(bucket, key, body, **lock):
    """Other bytes than were given."""
    return LockedBucket.put(bucket, key, b"other", **lock)


def never_refused(bucket, version, **how):
    """No refusal is told."""
    return LockedBucket.remove(bucket, version, **how) and ""


def never_bypassed(bucket, version, **how):
    """Refused, with a bypass: and gone all the same, so that nothing is left behind."""
    return LockedBucket.remove(bucket, version, **how) or ("AccessDenied" if how else "")


def untagging(bucket, version, **how):
    """The tags of a version that is not removed go."""
    refused = LockedBucket.remove(bucket, version, **how)
    if refused:
        bucket.client.delete_object_tagging(bucket.name, version.key, VersionId=version.id)
    return refused


def batch(*, fail=None, quiet_fails=True, delete=None, plain_fails=None):
    """Batches that tell something else of what failed (of a quiet one: nothing), was deleted, and failed without an id."""

    def remove_all(bucket, things, **how):
        deleted, failed = LockedBucket.remove_all(bucket, things, **how)
        if isinstance(next(iter(things)), str):
            return deleted, failed if plain_fails is None else plain_fails
        told = failed if fail is None else fail
        return deleted if delete is None else delete, told if quiet_fails or not how else {}

    return of_locks(remove_all=remove_all)


LONG_DAY = promise(lifecycle_day_ms=86_400_000)
WEIGHED = promise(usage_probe="true")


# test: harms, each of which another assertion must notice
ROWS = {
    "batch_operations::batch_operations": [
        [change("delete_objects", "over-limit", status=200)],
        [change("delete_objects", "deleting-*", outcome="unknown")],
        [change("delete_child", "outdated", where=failed, key="other")],
        [entries("list_versions", "versioned-*", stranger, at=-1)],
        [drop("delete_objects", "deleting-*")],
        [full, change("delete_objects", "deleting-*", t_return=LATE)],
        LEFT,
    ],
    "batch_operations::batch_without_checksum": [
        [of_bodies(b"stays", 200)],
        [of_bodies(b"stays", 500)],
        [of_bodies(b"gone")],
    ],
    "batch_operations::batch_of_locked_versions": [
        [batch(fail={})],
        [batch(delete=set())],
        [batch(quiet_fails=False)],
        [batch(plain_fails={"batch/held": "AccessDenied"})],
        [of_locks(read=lambda bucket, version: b"")],
    ],
    "concurrent_multipart::concurrent_multipart": [
        [drop("complete_upload", "actor-*")],
        [change("complete_upload", "actor-*", outcome="failed")],
        [entries("list_uploads", "at-rest", stranger, phase="teardown")],
        [change("list_parts", "actor-*", at=ALL, status=200)],
        LEFT,
        [drop("complete_upload", "abort", at=ALL), drop("abort_upload", "abort-other", at=ALL)],
        [change("complete_upload", "resend", outcome="failed", status=500)],
        [change("complete_upload", "lists*", at=ALL, outcome="ok")],
        [change("complete_upload", "abort", at=ALL, outcome="ok"),
         change("abort_upload", "abort-other", at=ALL, outcome="ok", t_call=0)],
        [change("complete_upload", "twice*", at=ALL, outcome="failed")],
    ],
    "concurrent_multipart::concurrent_multipart_versions": [
        [change("complete_upload", "actor-*", at=ALL, version_id="one")],
        [change("get", "actor-*", where=asked, body_id="other")],
        [change("complete_upload", "actor-*", etag=None)],
        [change("get", "actor-*", where=asked, etag_text="other")],
        [entries("list_versions", "at-rest", without_first, phase="teardown")],
        [entries("list_versions", "at-rest", unlatest, phase="teardown")],
        [entries("list_versions", "at-rest", oldest_first, phase="teardown")],
        [change("head", "at-rest", phase="teardown", version_id="other")],
    ],
    "concurrent_multipart::concurrent_multipart_creates": [
        [drop("complete_upload", at=ALL)],
        [change("complete_upload", where=failed, status=200)],
        [change("complete_upload", where=failed, status=500)],
    ],
    "cross_feature_interaction::cross_feature_interaction": [
        [entries("list_versions", "at-rest", nothing, phase="teardown", at=ALL)],
        [entries("list_uploads", "at-rest", stranger, phase="teardown")],
        [entries("list_versions", "at-rest", other_etags, phase="teardown", where=lambda r: r["bucket"] == "copy", at=ALL)],
        [change("get_tags", "replicated", body_id="other")],
        LEFT,
        [LONG_DAY, of_rules(False)],
        [LONG_DAY, of_rules(True)],
    ],
    "cross_feature_interaction::locked_versions": [
        [of_locks(remove=never_refused)],
        [of_locks(put=put_other)],
        [of_locks(remove=untagging)],
        [of_locks(remove=never_bypassed)],
    ],
    "cross_feature_interaction::locked_versions_expire": [
        [of_locks(read=lambda bucket, version: b"")],
    ],
    "distributed_coordination::create_race": [
        [metric("ops", "put", "ok", value=0)],
        [metric("ops", "put", "failed", value=0)],
        [metric("ops", "put", "by_status", value={"500": 1})],
        [change("put", where=acked, key="other", at=ALL)],
    ],
    "distributed_coordination::compare_and_swap": [
        [add("put", "*", where=acked, body_id="other")],
        [change("put", where=acked, outcome="failed", status=412)],
        [change("put", where=acked, counter=-1)],
        [change("put", where=acked, outcome="unknown", status=200)],
        [change("put", where=acked, client=999)],
        [change("put", where=failed, status=500)],
        [change("put", at=ALL, endpoint=0)],
    ],
    "distributed_coordination::lost_answers": [
        [change("put", where=acked, counter=-1)],
        [change("put", where=acked, outcome="failed")],
        [all_answered],
        [change("put", at=ALL, where=lambda r: r["outcome"] != "failed", client=0)],
        [metric("groups", "committers", "exhausted", value=1)],
    ],
    "distributed_coordination::created_again": [
        [change("put", where=acked, cond="if_match")],
        [add("delete", where=acked)],
        [change("delete", where=acked, expect_etag="other")],
        [add("put", where=acked, etag="other")],
        [change("put", where=failed, status=500)],
    ],
    "distributed_coordination::leases": [
        [add("put", where=lambda r: r["key"] == LEASE and r["outcome"] == "ok" and r["counter"] % 2, client=998)],
        [change("put", at=ALL, where=lambda r: r["key"] == LEASE and r["counter"] == 1, outcome="failed")],
        [change("put", at=-1, where=lambda r: r["key"] == GUARDED and r["outcome"] == "ok", counter=1)],
        [change("put", where=lambda r: r["key"] == GUARDED and r["outcome"] == "ok", client=997)],
        [change("put", where=failed, status=500)],
    ],
    "large_scale_enumeration::large_scale_enumeration": [
        [change("list", "solo", at=-1, flags=["truncated"])],
        [entries("list", "solo", without_first)],
        [promise(key_order="other"), entries("list", "solo", without_first)],
        [drop("list", "at-once-v2")],
        [drop("list", "writing-v2", at=ALL)],
        [full, setting("busy", lambda: False), setting("POPULATED_S", 0)],
        LEFT,
    ],
    "list_consistency::list_consistency": [
        [metric("groups", "delete", "rate_per_s", value=0)],
        [drop("list", "list-sevens", at=ALL)],
        [change("list", "at-rest", phase="teardown", at=ALL, flags=["truncated"])],
        [change("put", phase="setup", at=ALL, key="other")],
        [setting("CONVERGES_S", -(10**9))],
        [change("list", "at-rest", phase="teardown", at=ALL, where=static, flags=["truncated"])],
        [entries("list", "at-rest", turned, phase="teardown", at=ALL, where=static)],
        [setting("SIZES", {"smoke": dataclasses.replace(SIZES["smoke"], page=1)})],
        LEFT,
    ],
    "metadata_consistency::metadata_consistency": [
        [metric("ops", "get_tags", "failed", value=1)],
        [metric("ops", "put_tags", "ok", value=0)],
        [metric("ops", "copy", "ok", value=0)],
        [change("head", at=ALL, list_args=None)],
        [change("get_tags", at=ALL, size=1), change("get_tags", phase="teardown", at=ALL, size=1)],
        [entries("list_versions", "*", doubled, phase="teardown", at=ALL)],
        LEFT,
    ],
    "metadata_consistency::content_type": [
        [of_heads({"ContentType": "other"})],
        [of_heads({"Metadata": {}})],
        [of_heads({}, {"ContentType": "other"})],
        [of_heads({}, {"Metadata": {}})],
        [of_heads({}, {"ETag": "other"})],
    ],
    "orphan_management::orphan_management": [
        [entries("list_uploads", "list-ones", doubled)],
        [entries("list_uploads", "list-ones", lambda page: [])],
        [entries("list_uploads", "list-whole", turned)],
        [change("list_parts", "abandoned", at=ALL, status=404)],
        [entries("list_parts", "abandoned", other_etag, where=lambda r: there(r) and "list_args" not in r)],
        [change("list_parts", "aborted", status=200)],
        [drop("complete_upload", "a*", at=ALL, where=failed)],
        [change("get", "aborted", status=200)],
        [change("complete_upload", "completed", at=ALL, key="other")],
        [change("get", "completed", status=404)],
        [add("create_upload", "abandoned", outcome="failed", upload_id="other")],
        [add("abort_upload", "cleaner", outcome="failed", upload_id="other")],
        [change("abort_upload", "cleaner", outcome="failed")],
        LEFT,
        [full, setting("CLEANUP_S", 0)],
        [WEIGHED, of_bodies(b""), setting("given_back", lambda *words: 799_999)],
        [WEIGHED, of_bodies(b""), setting("given_back", lambda *words: 800_000)],
    ],
    "thundering_herd::thundering_herd": [
        [metric("ops", "put", "ok", value=0)],
        [metric("ops", "put", "by_status", value={"500": 1})],
        LEFT,
        [metric("ops", "get", "by_status", value={"404": 1})],
        [change("get", "at-rest", phase="teardown", at=ALL, endpoint=0),
         change("head", "at-rest", phase="teardown", at=ALL, endpoint=0)],
        [change("get", "at-rest", phase="teardown", etag="other")],
        [full, metric("main_seconds", value=100), metric("cpu_s", value=0)],
    ],
    "thundering_herd::thundering_herd_versions": [
        [change("put", "herd", at=ALL, client=0)],
        [change("put", "herd", at=ALL, version_id="one")],
        [drop("get", "herd", where=asked)],
        [change("get", "herd", where=asked, body_id="other")],
        [entries("list_versions", "at-rest", without_first, phase="teardown", at=ALL)],
        [entries("list_versions", "at-rest", doubled, phase="teardown", at=ALL)],
        [entries("list_versions", "at-rest", other_etag, phase="teardown", at=ALL)],
        [entries("list_versions", "at-rest", unlatest, phase="teardown", at=ALL)],
    ],
    "version_scalability::version_scalability": [
        [change("put", "owner", outcome="failed")],
        [change("put", "owner", version_id=None)],
        [change("put", "racers", version_id="one", at=ALL)],
        [entries("list_versions", "list-thousands", stranger)],
        [entries("list_versions", "list-thousands", other_etag)],
        [entries("list_versions", "list-thousands", turned)],
        [change("put", "owner", at=5, t_call=LATE)],
        [change("put", "owner", at=ALL, t_return=LATE)],
        [entries("list_versions", "list-thousands", without_first)],
        [entries("list_versions", "list-thousands", doubled)],
        [entries("list_versions", "list-hundreds", without_first)],
        [entries("list_versions", "list-ones", without_first)],
        [entries("list_versions", "list-pairs", without_first)],
        [entries("list_versions", "list-thousands", unlatest)],
        [left_after_all],
        [change("get", "owner", at=-1, status=200)],
        LEFT,
        [change("list_versions", "list-thousands", at=ALL, flags=["truncated"])],
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "scale", "runner", "memory_mb", "peak_rss_mb", "allowed"),
    [
        ("batch-delete", "full", "native", 20, 300, True), ("batch-delete", "full", "native", 20, 301, False),
        ("thundering-herd", "full", "boto3", 700, 780, True), ("thundering-herd", "stress", "native", 700, 780, True),
        ("leases", "smoke", "boto3", 300, 400, True), ("leases", "smoke", "native", 301, 400, False),
        ("prefix-enumeration", "full", "native", 900, 1000, True), ("prefix-enumeration", "full", "native", 9, 1001, False),
    ],
)  # fmt: skip
def test_a_client_that_takes_too_much_memory_fails(plan, scale, runner, memory_mb, peak_rss_mb, allowed):
    found = {"memory_mb": memory_mb, "peak_rss_mb": peak_rss_mb}
    run = Run(Plan(plan, scale=scale), {}, runner, found, Path("out"))
    judged = production_calls.module_of("conftest").judged(lambda plan: run)
    limit = nullcontext() if allowed else pytest.raises(AssertionError, match=rf"{plan}: .* \d+ MB .*at most \d+ are")
    with limit:
        assert judged(run.plan) is run


@cache
def asserts_of(path: Path) -> dict[int, ast.AST]:
    """The statements that can fail a test, by each of their lines."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        fails = isinstance(node, ast.Assert | ast.Raise) or (
            isinstance(node, ast.Return | ast.Expr) and "pytest.fail(" in ast.unparse(node)
        )
        if fails:
            found |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), node)
    return found


def noticed(path, function, stage, target):
    """The assertion of the test that fails."""
    store = dataclasses.replace(target, profile=stage.profile)
    with pytest.raises((AssertionError, pytest.fail.Exception)) as caught:
        test = getattr(stage.module, function)
        production_calls.call(test, store, lambda plan: stage.run, stage.scale, stage.client)
    lines = [frame.lineno for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == str(path)]
    return asserts_of(path)[lines[-1]]


@pytest.fixture(scope="module")
def target():
    with EmbeddedStore(endpoints=2, options=STORE_OPTIONS) as store:
        yield store.target()


FILES = sorted({name.partition("::")[0] for name in ROWS})


@pytest.mark.parametrize("file", FILES)
def test_every_assertion_can_fail(file, target, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    path, seen = production_calls.FOLDER / f"test_{file}.py", set()
    for name, rows in ROWS.items():
        if name.partition("::")[0] == file:
            seen |= {
                ast.unparse(node) for node in failing(path, name, rows, target, tmp_path / name.replace("::", "-"))
            }
    unseen = {ast.unparse(node): node.lineno for node in asserts_of(path).values() if ast.unparse(node) not in seen}
    assert not unseen, f"{path.name}: no row makes these fail: {unseen}"


def failing(path, name, rows, target, folder):
    """The assertion that each row makes fail; before, the test is called with a run as it was."""
    file, _, function = name.partition("::")
    runs = []

    def run(plan):
        runs.append(production_calls.Replayed.of(production_calls.runner_of(target, folder)(plan)))
        return runs[0]

    def stage_of(harms):
        stage = Stage(runs[0].fresh() if runs else None, production_calls.module_of(file), dict(target.profile))
        for harm in harms:
            harm(stage)
        return stage

    production_calls.call(getattr(production_calls.module_of(file), f"test_production_{function}"), target, run)
    for harms in rows:
        yield noticed(path, f"test_production_{function}", stage_of(harms), target)
