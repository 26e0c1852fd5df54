"""What a profile calls unsupported is not asked of the store, and that is said; everything else is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from s3prod import profile as profiles
from s3prod.cli import main
from s3prod.client import S3Client
from s3prod.errors import StoreError
from s3prod.plan import (
    Group,
    Plan,
    complete_upload,
    copy,
    create_bucket,
    create_upload,
    delete,
    delete_objects,
    get,
    head,
    head_bucket,
    list_versions,
    make_bucket,
    put,
    put_lifecycle,
    put_replication,
    put_tags,
    put_versioning,
    remove_bucket,
    repeat,
    replicate,
    upload_part,
    when,
)
from s3prod.plan_needs import fitted, needs
from s3prod.plan_rules import expire
from s3prod.plans import BUILTIN
from s3prod.profile import Unsupported, lacks
from s3prod.proxy import FaultProxy
from s3prod.readiness import patient
from s3prod.runners import run_plan
from s3prod.usage import stored_bytes

ROOT = Path(__file__).resolve().parents[2]
UP = create_upload("a", as_="up")
GENERIC = profiles.load("generic")


def plan_of(*program):
    return Plan("p", buckets=["main", "copy"], groups=[make_bucket(), Group("g", program), remove_bucket()])


def main_of(*program):
    return Plan("p", buckets=["main", "copy"], groups=[Group("g", program)])


@pytest.mark.parametrize(("key", "program"), [
    ("versioning", [put_versioning("Enabled")]),
    ("versioning", [list_versions("main")]),
    ("versioning", [put("a", as_="x"), get("a", version="x.version")]),
    ("versioning", [put("a", as_="x"), copy("b", "a", source_version="x.version")]),
    ("tagging", [put("a", tags=3)]),
    ("tagging", [repeat(2, when("failed", put_tags("a", 2)))]),
    ("tagging", [create_upload("a", tags=2)]),
    ("multi_delete", [delete_objects(["a"])]),
    ("cond_multi_delete", [{"list": "main", "as": "p"}, delete_objects("p.keys", etags=True)]),
    ("cond_put_match", [put("a", if_match='"x"')]),
    ("cond_put_none_match", [put("a", if_none_match="*")]),
    ("cond_delete", [delete("a", if_match='"x"')]),
    ("cond_complete", [UP, upload_part("up.upload", 1, as_="up"), complete_upload("up.parts", if_none_match="*")]),
    ("cond_copy_dst", [copy("b", "a", if_none_match="*")]),
    ("lifecycle_day_ms", [put_lifecycle(expire(days=1))]),
    ("replication", [put_replication(replicate("copy"))]),
])  # fmt: skip
def test_what_a_step_needs(key, program):
    """Each row of the tables: the key that the profile says is unsupported is named, and only it stops the plan."""
    plan = main_of(*program)
    without = GENERIC | {"name": "mine", key: "none" if key == "lifecycle_day_ms" else "unsupported"}
    with pytest.raises(
        Unsupported, match=f"^unsupported: profile mine says {key} = (unsupported|none) \\(the plan has "
    ):
        fitted(plan, without)
    assert fitted(plan, GENERIC) == plan
    others = {other: "unsupported" for other in set(GENERIC) - set(needs(plan)) if GENERIC[other] in profiles.STATES}
    fitted(plan, GENERIC | others)


def test_plain_steps_need_nothing():
    assert needs(main_of(put("a"), get("a", if_match="*"), head("a", if_none_match='"x"'), delete("a"))) == {}
    assert lacks({"name": "old", "tagging": "ignored", "versioning": "broken"}, "tagging", "versioning") == "", (
        "faults are run"
    )


@pytest.mark.parametrize("runner", ["native", "boto3"])
def test_buckets_without_versions_are_emptied_by_their_listing(runner, embedded_target, tmp_path):
    """And nothing but teardown is changed: a plan that needs versions is refused before a request is sent."""
    target = dataclasses.replace(embedded_target, profile=dict(embedded_target.profile) | {"versioning": "unsupported"})
    run = run_plan(plan_of(put("a"), put("b")), target, runner=runner, out=tmp_path / "out")
    assert run.exit_status() == 0
    ops = [record["op"] for record in run.records()]
    assert ops[-1] == "delete_bucket" and "list" in ops and "list_versions" not in ops, ops
    with pytest.raises(Unsupported, match="the plan has put_versioning"):
        run_plan(plan_of(put_versioning("Enabled")), target, runner=runner, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("runner", ["native", "boto3"])
def test_buckets_without_batch_deletes_are_emptied_key_by_key(runner, embedded_target, tmp_path):
    """By who swept them, since no plan needs DeleteObjects only to clean up; one that has it among its steps is refused."""
    profile = dict(embedded_target.profile) | {"multi_delete": "unsupported"}
    target, fault = (
        dataclasses.replace(embedded_target, profile=profile),
        "status-before-commit:status=501,op=delete_objects",
    )
    with FaultProxy.before(target, [fault], 1) as proxy:
        run = run_plan(plan_of(put("a"), put("b")), proxy.target(target), runner=runner, out=tmp_path / "out")
    assert run.exit_status() == 0 and not {r["op"] for r in run.records()} & {"delete_objects", "delete_bucket"}
    name = run.metrics["buckets"]["main"]
    assert run.metrics["cleaned_up"] == [name] and not S3Client(embedded_target).bucket_exists(name)
    with pytest.raises(Unsupported, match="the plan has delete_objects"):
        run_plan(plan_of(delete_objects(["a"])), target, runner=runner, out=tmp_path / "none")


def test_a_command_says_it_and_ends_with_3(tmp_path, monkeypatch, capsys, embedded_target):
    """Every production plan that keeps versions, on a store that does not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('name = "mine"\ntagging = "unsupported"\n')
    given = ["--endpoint", embedded_target.endpoints[0], "--access-key", "a", "--secret-key", "b"]
    assert main(["run", "metadata-consistency", "--scale", "smoke", "--profile", "mine.toml", *given]) == 3
    line = "s3prod: unsupported: profile mine says tagging = unsupported (the plan has put with tags)\n"
    assert capsys.readouterr().err == line
    assert not (tmp_path / "reports").exists()


def test_waits_of_the_profile():
    plan = Plan("p", groups=[Group("g", [put_versioning("Enabled"), repeat(2, put_versioning("Suspended"))])])
    waiting = patient(plan, {"versioning_settle_s": 0.25})
    assert list(waiting.groups[0].program) == [
        put_versioning("Enabled"),
        when("ok", {"sleep": 250}),
        repeat(2, put_versioning("Suspended")),
    ]
    assert patient(plan, {"bucket_ready_s": 0}) is plan


@pytest.mark.parametrize("ready_s", [0.001, 0.05, 1, 30, 900])
def test_a_bucket_is_waited_for_as_long_as_the_profile_says_and_asked_for_seldom(ready_s):
    """Twice as seldom each time, so that a store that answers late is not asked for hours; and not again without an answer."""
    plan = Plan("p", groups=[Group("g", [create_bucket()])])
    [made, wait] = patient(plan, {"bucket_ready_s": ready_s}).groups[0].program
    assert made == create_bucket() and wait["when"] == ["ok"]
    first, *others = wait["do"]
    assert first == head_bucket("main") and len(others) < 20
    assert all(step["when"] == ["failed"] and step["do"][1:] == [first] for step in others)
    assert sum(step["do"][0]["sleep"] for step in others) == round(ready_s * 1000)


def test_built_in_plans_need_no_more_than_the_embedded_store_has(embedded_target):
    for name, build in BUILTIN.items():
        assert fitted(build("smoke", 1), embedded_target.profile).name == name


@pytest.mark.parametrize(("command", "says"), [
    ("sh -c 'echo of {bucket}; echo 4096'", None),
    ("sh -c 'echo none of {bucket}'", "'none of b-1', expected a number of bytes in its last line"),
    ("sh -c 'echo no such bucket >&2; exit 3'", "status 3: no such bucket, expected a number of bytes"),
    ("no-such-program {bucket}", "No such file or directory"),
    ("sh -c 'it", "No closing quotation"),
])  # fmt: skip
def test_a_command_says_what_is_stored(command, says):
    """Where the profile has one: it is asked, and nothing is made up."""
    if says is None:
        assert stored_bytes(GENERIC | {"usage_probe": command}, "b-1") == 4096
        return
    with pytest.raises(StoreError, match=re.escape(says)):
        stored_bytes(GENERIC | {"usage_probe": command}, "b-1")


def test_without_a_command_it_cannot_be_observed():
    with pytest.raises(Unsupported, match=r"^unsupported: profile generic says usage_probe = none$"):
        stored_bytes(GENERIC, "b-1")
    assert lacks(GENERIC, "usage_probe") == "profile generic says usage_probe = none"


def test_no_production_test_skips_by_itself():
    """What is not run is said by the profile alone: `run_plan`, `needs` and `supports` do that."""
    for path in sorted((ROOT / "tests/production").glob("*.py")):
        assert not re.search(r"skip|xfail|importorskip", path.read_text("utf-8")), path
