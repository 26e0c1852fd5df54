"""Replication between buckets of the store: what goes, when, and what never goes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from storelib import Store, error_of, eventually

LAG_S = 0.3
MISSING = (404, "ReplicationConfigurationNotFoundError")
_numbers = itertools.count(1)
Start = Callable[..., Store]


@pytest.fixture(scope="module")
def twin() -> Iterator[Store]:
    running = Store("--replication-lag", f"{int(LAG_S * 1000)}ms", "--lifecycle-day", "200ms", "--min-part-bytes", "1")
    yield running
    assert running.close() == 0


@pytest.fixture(scope="module")
def s3(twin: Store) -> Any:
    return twin.client()


def make(s3: Any, count: int = 2) -> list[str]:
    """Fresh buckets with versions."""
    number = next(_numbers)
    names = [f"{word}-{number}" for word in ("src", "dst", "third")[:count]]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return names


def rule(target: str, *, priority: int = 1, markers: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "ID": f"rule-{priority}",
        "Priority": priority,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
        "DeleteMarkerReplication": {"Status": "Enabled" if markers else "Disabled"},
    } | more


def replicate(s3: Any, source: str, *rules: dict[str, Any]) -> None:
    config = {"Role": "arn:aws:iam::123456789012:role/any", "Rules": list(rules)}
    s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=config)


def lag_passes(count: float = 2.5) -> None:
    """Nothing to wait for: what must not happen has had its time."""
    time.sleep(count * LAG_S)


def listed(s3: Any, bucket: str) -> list[tuple[str, str, bool]]:
    """Key, version id and whether it is the newest, of versions and markers, as the listing has them."""
    page = s3.list_object_versions(Bucket=bucket)
    both = page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for entry in both]


def status(s3: Any, bucket: str, key: str, **more: Any) -> str | None:
    word: str | None = s3.head_object(Bucket=bucket, Key=key, **more).get("ReplicationStatus")
    return word


def pending(s3: Any, bucket: str, key: str, began: float) -> bool:
    """A look that came back before the lag had passed must have seen it wait."""
    return status(s3, bucket, key) == "PENDING" or time.monotonic() - began >= LAG_S


def has(s3: Any, bucket: str, key: str, version: str) -> bool:
    return error_of(lambda: s3.head_object(Bucket=bucket, Key=key, VersionId=version))[0] == 200


def put(s3: Any, bucket: str, key: str, body: bytes = b"x", **more: Any) -> str:
    return str(s3.put_object(Bucket=bucket, Key=key, Body=body, **more)["VersionId"])


def test_off_every_request_is_refused(store: Store) -> None:
    plain, off = store.client(), (501, "NotImplemented")
    source, target = "replication-is-off", "replication-is-off-2"
    for name in (source, target):
        plain.create_bucket(Bucket=name)
        plain.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    assert error_of(lambda: plain.get_bucket_replication(Bucket=source)) == off
    assert error_of(lambda: plain.delete_bucket_replication(Bucket=source)) == off
    assert error_of(lambda: replicate(plain, source, rule(target))) == off


def test_a_configuration_comes_back_as_it_was(s3: Any) -> None:
    source, target = make(s3)
    assert error_of(lambda: s3.get_bucket_replication(Bucket=source)) == MISSING
    tag = {"Tag": {"Key": "a", "Value": "b"}}
    both = {"And": {"Prefix": "p/", "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}}
    given = [
        rule(target, priority=9, markers=True, Filter={"Prefix": "x & y"}),
        rule(target, priority=0, Filter=tag, Status="Disabled"),
        rule(target, priority=3, Filter=both),
    ]
    replicate(s3, source, *given)
    got = s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"]
    assert got == {"Role": "arn:aws:iam::123456789012:role/any", "Rules": given}
    suspend = {"Bucket": source, "VersioningConfiguration": {"Status": "Suspended"}}
    assert error_of(lambda: s3.put_bucket_versioning(**suspend)) == (409, "InvalidBucketState")
    for _ in range(2):
        assert s3.delete_bucket_replication(Bucket=source)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_of(lambda: s3.get_bucket_replication(Bucket=source)) == MISSING
    s3.put_bucket_versioning(**suspend)


def test_refused_rules_change_nothing(s3: Any) -> None:
    source, target = make(s3)
    s3.create_bucket(Bucket=f"plain-{source}")
    replicate(s3, source, rule(target, ID="stays"))
    bad = (400, "InvalidRequest")
    rows = [
        ([rule("nowhere-at-all")], bad),
        ([rule(f"plain-{source}")], bad),
        ([rule(source)], bad),
        ([rule(target), rule(target, ID="other")], bad),
        ([rule(target) | {"Destination": {"Bucket": target}}], (400, "InvalidArgument")),
        ([rule(target), rule(target, priority=2, ID="rule-1")], (400, "InvalidArgument")),
        ([rule(target, markers=True, Filter={"Tag": {"Key": "a", "Value": "b"}})], bad),
        ([rule(target, Status="On")], (400, "MalformedXML")),
        ([], (400, "MalformedXML")),
        ([{"Status": "Enabled", "Prefix": "", "Destination": rule(target)["Destination"]}], (501, "NotImplemented")),
        ([rule(target, ExistingObjectReplication={"Status": "Enabled"})], (501, "NotImplemented")),
        (
            [rule(target) | {"Destination": rule(target)["Destination"] | {"StorageClass": "GLACIER"}}],
            (501, "NotImplemented"),
        ),
    ]
    for given, want in rows:
        assert error_of(lambda given=given: replicate(s3, source, *given)) == want, given
    assert error_of(lambda: replicate(s3, f"plain-{source}", rule(target))) == bad
    rules = s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"]
    assert [one["ID"] for one in rules] == ["stays"]


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_a_replica_is_the_same_version_not_before_its_lag(s3: Any, size: int) -> None:
    source, target = make(s3)
    before = put(s3, source, "before")
    replicate(s3, source, rule(target))
    began = time.monotonic()
    version = put(s3, source, "dir/k é", b"x" * size, Metadata={"m": "1"}, Tagging="a=1&b=2", ContentType="text/x")
    assert pending(s3, source, "dir/k é", began)
    eventually(lambda: has(s3, target, "dir/k é", version))
    assert time.monotonic() - began >= LAG_S
    eventually(lambda: status(s3, source, "dir/k é") == "COMPLETED")
    one, other = (s3.get_object(Bucket=name, Key="dir/k é", ChecksumMode="ENABLED") for name in (source, target))
    assert one["Body"].read() == other["Body"].read() == b"x" * size
    for name in ("VersionId", "ETag", "Metadata", "ContentType", "LastModified", "TagCount", "ChecksumCRC32"):
        assert one[name] == other[name], name
    assert other["ReplicationStatus"] == "REPLICA"
    tags = [s3.get_object_tagging(Bucket=name, Key="dir/k é")["TagSet"] for name in (source, target)]
    assert tags[0] == tags[1] and len(tags[0]) == 2
    assert not has(s3, target, "before", before) and status(s3, source, "before") is None


def test_parts_and_copies_are_replicated(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    upload = s3.create_multipart_upload(Bucket=source, Key="mpu", Metadata={"a": "b"})["UploadId"]
    parts = []
    for number, body in ((1, b"a" * 40_000), (2, b""), (3, b"c" * 70_000)):
        sent = s3.upload_part(Bucket=source, Key="mpu", UploadId=upload, PartNumber=number, Body=body or b"-")
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    done = s3.complete_multipart_upload(Bucket=source, Key="mpu", UploadId=upload, MultipartUpload={"Parts": parts})
    copy = s3.copy_object(Bucket=source, Key="copy", CopySource=f"{source}/mpu")["VersionId"]
    eventually(lambda: has(s3, target, "mpu", done["VersionId"]) and has(s3, target, "copy", copy))
    body = b"a" * 40_000 + b"-" + b"c" * 70_000
    s3.delete_object(Bucket=source, Key="mpu", VersionId=done["VersionId"])  # its bodies are the source's own
    got = s3.get_object(Bucket=target, Key="mpu")
    assert got["Body"].read() == body and got["ETag"] == done["ETag"] and got["Metadata"] == {"a": "b"}
    assert s3.get_object(Bucket=target, Key="mpu", PartNumber=3)["Body"].read() == b"c" * 70_000
    assert s3.get_object(Bucket=target, Key="copy")["Body"].read() == body


def test_filters_choose_what_goes(s3: Any) -> None:
    source, target = make(s3)
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    replicate(
        s3,
        source,
        rule(target, priority=1, Filter={"Prefix": "p/"}),
        rule(target, priority=2, Filter={"Tag": {"Key": "go", "Value": "1"}}),
        rule(target, priority=3, Filter={"And": {"Prefix": "q/", "Tags": tags}}),
        rule(target, priority=4, Filter={"Prefix": "off/"}, Status="Disabled"),
    )
    goes = {"p/1": "", "tag": "go=1", "q/1": "a=1&b=2", "p/" + "k" * 1000: ""}
    stays = {"p": "", "tag-2": "go=2", "q/2": "a=1", "r/1": "a=1&b=2", "off/1": ""}
    for key, tagging in (stays | goes).items():
        put(s3, source, key, Tagging=tagging)
    eventually(lambda: {key for key, _, _ in listed(s3, target)} == set(goes))
    lag_passes(1.5)
    assert {key for key, _, _ in listed(s3, target)} == set(goes)
    assert [status(s3, source, key) for key in stays] == [None] * len(stays)
    assert [status(s3, source, key) for key in goes] == ["COMPLETED"] * len(goes)


def test_markers_only_when_asked_for_and_removals_never(s3: Any) -> None:
    source, with_markers, without = make(s3, 3)
    replicate(s3, source, rule(with_markers, priority=1, markers=True), rule(without, priority=2))
    version = put(s3, source, "k")
    marker = s3.delete_object(Bucket=source, Key="k")["VersionId"]
    s3.delete_objects(Bucket=source, Delete={"Objects": [{"Key": "never"}]})
    eventually(lambda: len(listed(s3, with_markers)) == 3 and len(listed(s3, without)) == 1)
    assert ("k", marker, True) in listed(s3, with_markers)
    s3.delete_object(Bucket=source, Key="k", VersionId=marker)
    s3.delete_object(Bucket=source, Key="k", VersionId=version)
    lag_passes()
    assert ("k", version, False) in listed(s3, with_markers) and ("k", marker, True) in listed(s3, with_markers)
    assert listed(s3, without) == [("k", version, True)]


def test_replicas_are_not_replicated_on(s3: Any) -> None:
    first, second, third = make(s3, 3)
    replicate(s3, first, rule(second, markers=True))
    replicate(s3, second, rule(third, priority=1, markers=True), rule(first, priority=2, markers=True))
    version = put(s3, first, "k")
    own = put(s3, second, "own")
    eventually(lambda: has(s3, second, "k", version) and has(s3, third, "own", own) and has(s3, first, "own", own))
    s3.put_object_tagging(Bucket=second, Key="k", Tagging={"TagSet": [{"Key": "replica", "Value": "1"}]})
    lag_passes()
    assert listed(s3, third) == [("own", own, True)]
    assert listed(s3, first) == [("k", version, True), ("own", own, True)]
    assert status(s3, first, "own") == "REPLICA" and status(s3, second, "own") == "COMPLETED"
    assert s3.get_object_tagging(Bucket=first, Key="k")["TagSet"] == []


def test_changes_of_tags_follow_with_their_own_lag(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    older, version = (put(s3, source, "k", Tagging="n=0") for _ in range(2))

    def tags(bucket: str, **more: Any) -> dict[str, str]:
        found = s3.get_object_tagging(Bucket=bucket, Key="k", **more)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    eventually(lambda: has(s3, target, "k", version))
    for number in (1, 2):
        new = {"TagSet": [{"Key": "n", "Value": str(number)}]}
        began = time.monotonic()
        s3.put_object_tagging(Bucket=source, Key="k", Tagging=new)
        assert pending(s3, source, "k", began)
        eventually(lambda number=number: tags(target) == {"n": str(number)})
        assert time.monotonic() - began >= LAG_S
        eventually(lambda: status(s3, source, "k") == "COMPLETED")
    s3.delete_object_tagging(Bucket=source, Key="k", VersionId=older)
    eventually(lambda: tags(target, VersionId=older) == {})
    assert tags(target) == {"n": "2"} and listed(s3, target) == listed(s3, source)
    assert status(s3, target, "k") == "REPLICA"


def test_completed_means_the_last_change_too(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    put(s3, source, "k", Tagging="n=0")
    lag_passes(0.5)
    s3.put_object_tagging(Bucket=source, Key="k", Tagging={"TagSet": [{"Key": "n", "Value": "1"}]})
    eventually(lambda: status(s3, source, "k") == "COMPLETED")
    assert s3.get_object_tagging(Bucket=target, Key="k")["TagSet"] == [{"Key": "n", "Value": "1"}]


def test_the_order_of_versions_is_that_of_the_source(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target, markers=True))

    def write(number: int) -> None:
        if number % 7 == 3:
            s3.delete_object(Bucket=source, Key=f"k{number % 2}")
        else:
            put(s3, source, f"k{number % 2}", b"%d" % number * (1 + number % 3 * 10_000))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    eventually(lambda: len(listed(s3, target)) == 100)
    assert listed(s3, target) == listed(s3, source)
    pages = [s3.list_object_versions(Bucket=name)["Versions"] for name in (source, target)]
    for one, other in zip(*pages, strict=True):
        assert [one[name] for name in ("ETag", "Size", "LastModified")] == [
            other[name] for name in ("ETag", "Size", "LastModified")
        ]


def test_a_replica_takes_its_place_below_what_is_newer(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    version = put(s3, source, "k", b"source")
    own = put(s3, target, "k", b"own")
    eventually(lambda: has(s3, target, "k", version))
    assert listed(s3, target) == [("k", own, True), ("k", version, False)]
    assert s3.get_object(Bucket=target, Key="k")["Body"].read() == b"own"
    s3.delete_object(Bucket=target, Key="k", VersionId=own)
    assert s3.get_object(Bucket=target, Key="k")["Body"].read() == b"source"


def test_what_is_removed_in_time_does_not_go(s3: Any) -> None:
    in_time = False
    while not in_time:  # a busy machine may need more than the lag
        source, target = make(s3)
        replicate(s3, source, rule(target))
        began = time.monotonic()
        removed = put(s3, source, "k", b"x" * 50_000)
        kept = put(s3, source, "k", b"y" * 50_000)
        s3.delete_object(Bucket=source, Key="k", VersionId=removed)
        in_time = time.monotonic() - began < LAG_S
    eventually(lambda: has(s3, target, "k", kept))
    lag_passes(1.5)
    assert listed(s3, target) == [("k", kept, True)]


def test_a_destination_that_is_gone_or_suspended_fails(s3: Any) -> None:
    source, gone, suspended = make(s3, 3)
    replicate(s3, source, rule(gone, priority=1, Filter={"Prefix": "a"}), rule(suspended, priority=2))
    s3.delete_bucket(Bucket=gone)
    put(s3, source, "a", b"x" * 50_000)
    put(s3, source, "b")
    eventually(lambda: status(s3, source, "a") == "FAILED" and status(s3, source, "b") == "COMPLETED")
    assert [key for key, _, _ in listed(s3, suspended)] == ["a", "b"]
    s3.put_bucket_versioning(Bucket=suspended, VersioningConfiguration={"Status": "Suspended"})
    put(s3, source, "b")
    eventually(lambda: status(s3, source, "b") == "FAILED")
    assert len(listed(s3, suspended)) == 2


def test_what_lifecycle_does_is_not_replicated(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target, markers=True))
    expire = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    version = put(s3, source, "k")
    s3.put_bucket_lifecycle_configuration(Bucket=source, LifecycleConfiguration={"Rules": [expire]})
    eventually(lambda: len(listed(s3, source)) == 2 and has(s3, target, "k", version))
    lag_passes()
    assert listed(s3, target) == [("k", version, True)]


def test_rules_that_are_gone_do_nothing(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    s3.delete_bucket_replication(Bucket=source)
    put(s3, source, "k")
    lag_passes()
    assert listed(s3, target) == [] and status(s3, source, "k") is None


@pytest.mark.parametrize("mode", ["--fast", "--durable"])
def test_what_is_pending_survives_a_crash(tmp_path: Path, start: Start, mode: str) -> None:
    options = ("--data", str(tmp_path), mode, "--replication-lag")
    store = start(*options, "1h")
    s3 = store.client()
    source, target = make(s3)
    replicate(s3, source, rule(target, markers=True))
    bodies = {f"k{size}": b"x" * size for size in (5, 60_000)}
    for key, body in bodies.items():
        put(s3, source, key, body, Tagging="a=1")
    s3.put_object_tagging(Bucket=source, Key="k5", Tagging={"TagSet": [{"Key": "a", "Value": "2"}]})
    s3.delete_object(Bucket=source, Key="marker")
    store.process.kill()
    store.process.wait()
    store.process.returncode = 0  # as meant
    store = start(*options, "0s")
    s3 = store.client()
    eventually(lambda: listed(s3, target) == listed(s3, source))
    for key, body in bodies.items():
        assert s3.get_object(Bucket=target, Key=key)["Body"].read() == body
    eventually(lambda: status(s3, source, "k5") == "COMPLETED")
    assert s3.get_object_tagging(Bucket=target, Key="k5")["TagSet"] == [{"Key": "a", "Value": "2"}]
    store.close()
    s3 = start(*options, "0s").client()  # its start has swept what no record names
    for key, body in bodies.items():
        assert s3.get_object(Bucket=target, Key=key)["Body"].read() == body
    files = sum(1 for path in (tmp_path / "bodies").rglob("*") if path.is_file())
    assert files == 2


def test_load_is_replicated_whole(s3: Any) -> None:
    source, target = make(s3)
    replicate(s3, source, rule(target))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(s3, source, f"k{number:04}", b"%d" % number), range(500)))
    eventually(lambda: len(listed(s3, target)) == 500)
    assert listed(s3, target) == listed(s3, source)
