"""Production test 9: metadata and tag consistency. See docs/production/metadata_consistency.md.

Pattern: backup, compliance and analytics systems update the tags and the metadata of the same objects at once.

What it tests: 100 clients put tag sets on, and copy onto itself with new metadata, one object; 100 more do so to one that
gets tags alone and to one that gets metadata alone; others read all the while. Every update is a self-describing set of a
size of its own, and every set that is read must be one whole update, the right one in time. Beside that: reads of one's own
writes on private objects, overwrites against tags, and a bucket that keeps versions, where each update is a version with its
own sets, and there are exactly as many as updates were acknowledged. Every update must be acknowledged, and bodies, lengths
and ETags stay.

Why it matters: a blend of two updates, or a tag that a later update should have taken away, makes a retention rule keep or
delete the wrong objects.
"""

from collections import Counter

from s3prod.plans.metadata_consistency import KEPT, SIZES, metadata_consistency
from s3prod.testing import random_string

TYPE = "application/x-s3prod"


def test_production_metadata_consistency(run_plan, report, supports, config):
    size, versions = SIZES[config["scale"]], supports("versioning")
    run = run_plan(metadata_consistency(config["scale"], config["seed"], versions=versions))

    ops = run.metrics["ops"]
    for op in ("put_tags", "delete_tags", "copy", "put", "get_tags", "head", "get"):
        assert ops[op]["failed"] == ops[op]["unknown"] == 0, f"{op} without success: {ops[op]['by_status']}"
    assert ops["put_tags"]["ok"] == size.tag_sets(versions), f"tag sets acknowledged: {ops['put_tags']}"
    assert ops["copy"]["ok"] == size.updates(versions), f"updates of metadata acknowledged: {ops['copy']}"

    records = list(run.records())
    seen = Counter(r.get("list_args", "none") for r in records if r["op"] in ("get", "head"))
    assert len(seen) > 4 and "none" not in seen, f"reads without whole sets of fields, by what they showed: {seen}"
    sets = Counter(r.get("size", 0) for r in records if r["op"] == "get_tags")
    assert len(sets) > 4, f"tag sets of too few sizes were read to show what is left over: {sets}"
    if versions:
        pages = [
            r for r in records if r["op"] == "list_versions" and r["run_phase"] == "teardown" and r["bucket"] == KEPT
        ]
        listed = [(entry["key"], entry["version_id"]) for entry in pages[0]["entries"]]
        assert len(listed) == len(set(listed)) == size.versions, f"{len(listed)} versions, expected {size.versions}"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"
    report("metadata-consistency", f"fields read {dict(seen)}, tags read {dict(sets)}")


def test_production_content_type(s3_client, needs, config):
    """Of the Content-Type histories tell nothing: one client looks, after each kind of update."""
    needs("tagging")
    bucket, key = f"{config['s3_bucket_prefix']}-type-{random_string()}", "typed"
    s3_client.create_bucket(bucket)
    try:
        first = s3_client.put_object(bucket, key, b"text", ContentType=TYPE, Metadata={"update": "1"})
        s3_client.put_object_tagging(bucket, key, {"update": "2"})
        tagged = s3_client.head_object(bucket, key)
        assert tagged["ContentType"] == TYPE, f"tags changed the Content-Type to {tagged['ContentType']}"
        assert tagged["Metadata"] == {"update": "1"}, f"tags changed the metadata to {tagged['Metadata']}"
        again = {"ContentType": TYPE, "Metadata": {"update": "3"}, "MetadataDirective": "REPLACE"}
        s3_client.copy_object(bucket, key, bucket, key, **again)
        copied = s3_client.head_object(bucket, key)
        assert copied["ContentType"] == TYPE, f"new metadata changed the Content-Type to {copied['ContentType']}"
        assert copied["Metadata"] == {"update": "3"}, f"metadata after the update: {copied['Metadata']}"
        for head in (tagged, copied):
            assert (head["ETag"], head["ContentLength"]) == (first["ETag"], 4), f"the body is another one: {head}"
    finally:
        s3_client.empty_bucket(bucket)
        s3_client.delete_bucket(bucket)
