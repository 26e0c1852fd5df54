"""Production test 5: features together. See docs/production/cross_feature_interaction.md.

Pattern: versioning, lifecycle rules, tags and replication together, as enterprises run them; each works alone.

What it tests: in buckets whose versioning is on, suspended or was never on, rules expire current and old versions, delete
markers and uploads, by prefix, tags or size; each has keys that match and controls that do not. Clients read all of them for
two days of the store, while others write what expires. Nothing goes early, what no rule is about stays with its bytes,
metadata and tags, and at the end exactly the versions and markers are there that must be. A bucket is a replica of another:
the same order of versions, metadata and tags; deletes and expiry go over only where the rule says so.

Why it matters: the combination deletes the wrong version, and nobody asked for it.

A store whose day is too long to wait for is *partially observable*: its rules must come back as they were given, and
`x-amz-expiration` must name the rule of those objects that match, and of no others. Its replicas are looked at all the same.
A locked version stays under a marker, a newer version, other tags and rules for old versions, and goes when its lock is lifted.
"""

import time

from s3prod.listings import walks
from s3prod.plans.cross_feature import (
    CLIENTS,
    DAYS,
    LAG_MS,
    PARTS,
    cross_feature,
    left,
    prefix_of,
    replicated,
    survivors,
)
from s3prod.plans.shown_rules import OLD_GO, SHOWN_OBJECTS, SHOWN_RULES
from s3prod.testing import LockedBucket, random_string

DAY_MS, LONGEST_LAG_MS = 10_000, 10_000  # what a test waits for


def check_left(run, bucket, clients, expected):
    found = left(run, bucket)
    for prefix, per_key in expected.items():
        keys = [count for key, count in found.items() if prefix_of(key) == prefix]
        wanted = {(0, 0): [], (0, None): [(0, 1)] * len(keys)}.get(per_key, [per_key] * clients)
        assert keys == wanted, f"{bucket}, {prefix}/: (versions, markers) of its keys are {keys}, expected {wanted}"


def test_production_cross_feature_interaction(run_plan, config, needs, supports, report, s3_client):
    profile = config["profile"]
    parts = [part for part in PARTS if supports(part)]
    day_ms = profile["lifecycle_day_ms"] if "lifecycle_day_ms" in parts else 0
    if day_ms > DAY_MS:
        parts.remove("lifecycle_day_ms")
        report("partially observable", f"a day takes {day_ms / 1000:.0f} s: no rule was seen at work, only understood")
        partially_observable(s3_client, config)
    lag_ms = profile.get("replication_lag_ms", LAG_MS)
    if "replication" in parts and lag_ms > LONGEST_LAG_MS:
        parts.remove("replication")
        report("replication", f"not observable: a replica may take {lag_ms / 1000:.0f} s")
    copied = replicated(parts)
    if "lifecycle_day_ms" not in parts and not copied:
        needs("lifecycle_day_ms")
        return  # partially observable
    run = run_plan(cross_feature(config["scale"], config["seed"], parts, day_ms, max(lag_ms, LAG_MS)))

    clients, plan = CLIENTS[config["scale"]], run.plan
    for role in (role for role in plan.buckets if role not in ("source", "copy")):
        prefixes = [space.prefix[:-1] for space in plan.spaces.values() if space.bucket == role]
        check_left(run, role, clients, {p: survivors(role, p) for p in prefixes if p != "current/again"})
    uploads = [r for r in run.records("list_uploads", phase="teardown", group="at-rest") if r.get("entries")]
    assert not uploads, f"uploads were not aborted within their days: {uploads}"
    if copied:
        for bucket, side in (("source", 0), ("copy", 1)):
            check_left(run, bucket, clients, {prefix: sides[side] for prefix, sides in copied.items()})
        pages = list(run.records("list_versions", phase="teardown", group="at-rest"))
        source, copy = (
            walks([page for page in pages if page["bucket"] == bucket])[-1] for bucket in ("source", "copy")
        )
        order = [
            [(e["key"], e["etag"]) for e in walk.entries if prefix_of(e["key"]) == "kept"] for walk in (source, copy)
        ]
        assert order[0] == order[1], "the replica's versions are not those of the source, in its order"
        puts = run.records("put", phase="main", group="replicated")
        written = {r["meta_id"] for r in puts if "tagged" in r.get("flags", ())}
        read = {r.get("body_id") for r in run.records("get_tags", phase="main", group="replicated")}
        assert read == written, f"the replicas' tags are not those of the source: {read} instead of {written}"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"


def partially_observable(s3_client, config):
    """The rules come back as they were given, and the store says of each new object which rule it matches."""
    bucket = f"{config['s3_bucket_prefix']}-cross-{random_string()}"
    s3_client.create_bucket(bucket)
    try:
        s3_client.put_bucket_lifecycle(bucket, SHOWN_RULES)
        given = {rule["ID"]: rule for rule in SHOWN_RULES}
        said = {rule["ID"]: rule for rule in s3_client.get_bucket_lifecycle(bucket)}
        found = {id_: {name: rule[name] for name in given.get(id_, rule)} for id_, rule in said.items()}
        assert found == given, f"the rules came back as {found}"
        for key, (size, tags, rule) in SHOWN_OBJECTS.items():
            s3_client.put_object(bucket, key, b"x" * size, **({"Tagging": tags} if tags else {}))
            said = s3_client.head_object(bucket, key).get("Expiration", "")
            matches = f'rule-id="{rule}"' in said if rule else said == ""
            assert matches, f"{key}: x-amz-expiration is {said!r}, the rule that matches is {rule or 'none'!r}"
    finally:
        s3_client.empty_bucket(bucket)
        s3_client.delete_bucket(bucket)


def test_production_locked_versions(s3_client, config, needs, supports):
    needs("object_lock")
    tags = {"kind": "long"} if supports("tagging") else {}
    with LockedBucket(s3_client, f"{config['s3_bucket_prefix']}-lock-{random_string()}") as bucket:
        locked = [bucket.put("retained", b"stays", retained=True), bucket.put("held", b"stays", hold=True)]
        for version in locked:
            newer, marker = bucket.put(version.key, b"goes"), bucket.mark(version.key)
            if tags:
                s3_client.put_object_tagging(bucket.name, version.key, tags, VersionId=version.id)
            answers = [bucket.remove(each) for each in (version, marker, newer)]
            right = answers == ["AccessDenied", "", ""]
            assert right, f"{version.key}: DELETE of the locked version, its marker, a newer one: {answers}"
            body = s3_client.get_object(bucket.name, version.key)["Body"].read()
            assert body == b"stays", f"{version}, locked, is not current again: {body!r}"
            found = s3_client.get_object_tagging(bucket.name, version.key, VersionId=version.id) if tags else {}
            assert found == tags, f"the tags of {version}, locked, are {found}, expected {tags}"
        bucket.release(locked[1])
        lifted = [bucket.remove(version, BypassGovernanceRetention=True) for version in locked]
        assert not any(lifted), f"versions whose locks are lifted were not deleted: {lifted}"


def test_production_locked_versions_expire(s3_client, config, needs, report):
    needs("object_lock", "lifecycle_day_ms")
    if (day_ms := config["profile"]["lifecycle_day_ms"]) > DAY_MS:
        report("locked versions", f"not observable: a day takes {day_ms / 1000:.0f} s")
        return
    with LockedBucket(s3_client, f"{config['s3_bucket_prefix']}-old-{random_string()}") as bucket:
        s3_client.put_bucket_lifecycle(bucket.name, [OLD_GO])
        locked = {bucket.put("retained", b"stays", retained=True), bucket.put("held", b"stays", hold=True)}
        free = bucket.put("free", b"goes")
        stay = dict.fromkeys(locked | {bucket.put(version.key, b"stays") for version in (*locked, free)}, b"stays")
        end = time.monotonic() + DAYS * day_ms / 1000
        while free in bucket.versions() and time.monotonic() < end:
            time.sleep(day_ms / 20_000)
        left = {version: bucket.read(version) for version in bucket.versions()}
        assert left == stay, f"old versions that are locked, and current ones, must stay: {left}, expected {stay}"
