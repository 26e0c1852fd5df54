"""Production test 8: batch deletes at scale. See docs/production/batch_operations.md.

Pattern: retention jobs, table compaction, tenant offboarding: a thousand keys a request.

What it tests: at full scale 20 clients at once delete 20,000 keys in batches of 1,000 (half there, a quarter deleted before,
a quarter never written), every second batch quiet, while another writes some of them again. Each key of a batch has exactly
one result; keys whose ETag is outdated, and only they, fail; what was acknowledged is gone for HEAD and LIST; what looks like
a target stays, byte for byte. In a bucket of versions each delete makes one marker, and a second pass by version ids leaves
nothing. 1,001 keys, and a batch without a checksum, are refused and delete nothing. Versions under a retention or a legal
hold fail, and only they; without a version id such a key gets a marker, and its locked version stays.

Why it matters: the answer is 200 even if every key failed; clients that read only the status lose track of what is left.
"""

import pytest
from botocore.exceptions import ClientError

from s3prod.plans.batch_delete import OUTDATED, SIZES, batch_delete
from s3prod.testing import LockedBucket, random_string

DELETES_PER_S = 100  # asserted at full scale
CHECKSUMS = ("content-md5", "x-amz-checksum-", "x-amz-sdk-checksum-")


def test_production_batch_operations(run_plan, config, supports, report):
    size = SIZES[config["scale"]]
    parts = [key for key in ("versioning", "cond_multi_delete") if supports(key)]
    run = run_plan(batch_delete(config["scale"], config["seed"], parts))

    names = [group.group for group in run.plan.groups]
    requests = list(run.records("delete_objects", phase="main"))
    refused = [r["status"] for r in requests if names[r["group"]] == "over-limit"]
    assert refused == [400] * size.refused, f"1,001 keys must be refused with 400: {refused}"
    failed = [r for r in requests if r["outcome"] != "ok" and names[r["group"]] != "over-limit"]
    assert not failed, f"batches without a result: {failed}"

    if "cond_multi_delete" in parts:
        children = list(run.records("delete_child", phase="main", group="outdated"))
        outdated = [f"outdated/{number}/{key}" for number in (0, 1) for key in range(0, OUTDATED, 3)]
        errors = sorted(r["key"] for r in children if r["outcome"] == "failed")
        assert errors == outdated, f"those with outdated ETags, and only they, must fail: {errors}"

    for name in [name for name in names if name.startswith("versioned-")]:
        *_, last = run.records("list_versions", phase="main", group=name)
        assert not last.get("entries"), f"{name}: left after everything was deleted by version id: {last['entries']}"

    batches = [r for r in requests if names[r["group"]].startswith("deleting-")]
    assert len(batches) == size.batches, f"{len(batches)} batches, expected {size.batches}"
    times = sorted((r["t_return"] - r["t_call"]) / 1e6 for r in batches)
    seconds = (max(r["t_return"] for r in batches) - min(r["t_call"] for r in batches)) / 1e9
    rate = size.batches * size.keys / seconds
    report("deletes per second", f"{rate:.0f} ({size.batches} batches of {size.keys} keys)")
    report("a batch, p50 and p99", f"{times[len(times) // 2]:.1f} ms, {times[len(times) * 99 // 100]:.1f} ms")
    if config["scale"] == "full":
        assert rate > DELETES_PER_S, f"{rate:.0f} deletes a second, asked are more than {DELETES_PER_S}"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"


def test_production_batch_without_checksum(s3_client, config, needs):
    needs("multi_delete")
    bucket = f"{config['s3_bucket_prefix']}-nosum-{random_string()}"
    keys = [f"batch/{number}" for number in range(3)]

    def without_checksum(request, **_):
        for name in [name for name in request.headers if name.lower().startswith(CHECKSUMS)]:
            del request.headers[name]

    s3_client.create_bucket(bucket)
    try:
        for key in keys:
            s3_client.put_object(bucket, key, b"stays")
        s3_client.client.meta.events.register_last("before-sign.s3.DeleteObjects", without_checksum)
        with pytest.raises(ClientError) as refusal:
            taken = s3_client.client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
            pytest.fail(f"a batch without a checksum was taken: {taken}")
        status = refusal.value.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 400, f"a batch without a checksum must be refused with 400: {refusal.value}"
        for key in keys:
            body = s3_client.get_object(bucket, key)["Body"].read()
            assert body == b"stays", f"{key} after the refused batch: {body!r}"
    finally:
        s3_client.client.meta.events.unregister("before-sign.s3.DeleteObjects", without_checksum)
        s3_client.empty_bucket(bucket)
        s3_client.delete_bucket(bucket)


def test_production_batch_of_locked_versions(s3_client, config, needs):
    needs("object_lock", "multi_delete")
    with LockedBucket(s3_client, f"{config['s3_bucket_prefix']}-lock-{random_string()}") as bucket:
        locked = {bucket.put("batch/retained", b"stays", retained=True), bucket.put("batch/held", b"stays", hold=True)}
        free = {bucket.put(key, b"goes") for key in ("batch/retained", "batch/held", "batch/free")}
        deleted, failed = bucket.remove_all([*free, *locked])
        denied = dict.fromkeys(locked, "AccessDenied")
        assert failed == denied, f"locked versions, and only they, must fail: {failed}, expected {denied}"
        assert deleted == free, f"what is not locked must be deleted: {deleted}, expected {free}"
        _, failed = bucket.remove_all([*locked], quiet=True)
        assert failed == denied, f"a quiet batch must name the locked versions: {failed}, expected {denied}"
        keys = sorted(version.key for version in locked)
        markers, failed = bucket.remove_all(keys)
        marked = sorted(marker.key for marker in markers - locked)
        assert (marked, failed) == (keys, {}), (
            f"without a version id each key gets a marker: {markers}, failed: {failed}"
        )
        left = {version: bucket.read(version) for version in bucket.versions()}
        assert left == dict.fromkeys(locked, b"stays"), f"locked versions, and only they, must stay: {left}"
