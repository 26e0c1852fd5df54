"""Object lock: what keeps a version, until when, and who may end it; nothing else is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from storelib import AnyStore, Store, error_of, eventually

SHORT, LONG = timedelta(seconds=0.3), timedelta(hours=1)
DENIED = (403, "AccessDenied")
NO_LOCK = (404, "NoSuchObjectLockConfiguration")
NO_CONFIGURATION = (404, "ObjectLockConfigurationNotFoundError")
WITHOUT = (400, "InvalidRequest")
ARGUMENT = (400, "InvalidArgument")
STATE = (409, "InvalidBucketState")
XML = (400, "MalformedXML")


def later(how: timedelta = LONG) -> datetime:
    return datetime.now(UTC) + how


def until(mode: str, how: timedelta = LONG) -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": later(how)}


def retention(mode: str, how: timedelta = LONG) -> dict[str, Any]:
    return {"Retention": {"Mode": mode, "RetainUntilDate": later(how)}}


HELD = {"ObjectLockLegalHoldStatus": "ON"}
RELEASED = {"LegalHold": {"Status": "OFF"}}


@pytest.fixture
def locked(s3: Any, fresh: Callable[..., str]) -> str:
    """A bucket with object lock."""
    name = fresh()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def put(s3: Any, bucket: str, key: str = "k", **lock: Any) -> dict[str, str]:
    """Writes an object, and returns what names its version."""
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"stays", **lock)["VersionId"]
    return {"Bucket": bucket, "Key": key, "VersionId": version}


def put_briefly(s3: Any, bucket: str, key: str = "k", how: timedelta = SHORT, **lock: Any) -> dict[str, str]:
    """As put, under COMPLIANCE for less than a second: boto3 cuts the date of a field off to seconds, not that of a document."""
    version = put(s3, bucket, key, **lock)
    s3.put_object_retention(**version, **retention("COMPLIANCE", how))
    return version


def lock_of(s3: Any, version: dict[str, str]) -> tuple[str | None, datetime | None, str | None]:
    head = s3.head_object(**version)
    names = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")
    mode, date, hold = (head.get(name) for name in names)
    return mode, date, hold


def near(found: datetime, wanted: datetime) -> bool:
    return abs(found - wanted) < timedelta(milliseconds=1)


# --- of buckets ---------------------------------------------------------------------------------------------------------


def configuration(**default: Any) -> dict[str, Any]:
    rule = {"Rule": {"DefaultRetention": default}} if default else {}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"} | rule}


def test_a_bucket_is_made_with_it(s3: Any, locked: str) -> None:
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    said = s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]
    assert said == {"ObjectLockEnabled": "Enabled"}
    suspended = {"Status": "Suspended"}
    assert error_of(lambda: s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration=suspended)) == STATE
    s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration={"Status": "Enabled"})
    assert s3.delete_bucket(Bucket=locked)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_bucket_gets_it_later(s3: Any, bucket: str) -> None:
    assert error_of(lambda: s3.get_object_lock_configuration(Bucket=bucket)) == NO_CONFIGURATION
    assert error_of(lambda: s3.put_object_lock_configuration(Bucket=bucket, **configuration())) == STATE
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, **configuration())
    before = {"Bucket": bucket, "Key": "k", "VersionId": "null"}
    s3.put_object_legal_hold(**before, LegalHold={"Status": "ON"})
    put(s3, bucket)
    assert error_of(lambda: s3.delete_object(**before)) == DENIED
    assert s3.get_object(**before)["Body"].read() == b"before"


@pytest.mark.parametrize(("unit", "number", "days"), [("Days", 2, 2), ("Years", 1, 365)])
def test_the_default_of_a_bucket(s3: Any, locked: str, unit: str, number: int, days: int) -> None:
    free = put(s3, locked, "before")
    given = configuration(Mode="GOVERNANCE", **{unit: number})
    s3.put_object_lock_configuration(Bucket=locked, **given)
    assert (
        s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == given["ObjectLockConfiguration"]
    )
    version = put(s3, locked)
    mode, date, hold = lock_of(s3, version)
    head = s3.head_object(**version)
    assert mode == "GOVERNANCE" and hold is None
    assert date is not None and timedelta(0) <= date - head["LastModified"] - timedelta(days=days) < timedelta(
        seconds=1
    )
    own = put(s3, locked, **until("COMPLIANCE"), **HELD)
    assert lock_of(s3, own)[0] == "COMPLIANCE"
    assert lock_of(s3, free) == (None, None, None)
    assert "ObjectLockMode" not in s3.delete_object(Bucket=locked, Key="k")  # a marker
    s3.put_object_lock_configuration(Bucket=locked, **configuration())
    assert lock_of(s3, put(s3, locked)) == (None, None, None)


@pytest.mark.parametrize(
    ("default", "error"),
    [
        ({"Mode": "GOVERNANCE"}, XML),
        ({"Days": 1}, XML),
        ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, XML),
        ({"Mode": "governance", "Days": 1}, XML),
        ({"Mode": "GOVERNANCE", "Days": 0}, ARGUMENT),
        ({"Mode": "GOVERNANCE", "Days": -1}, ARGUMENT),
        ({"Mode": "GOVERNANCE", "Days": 36501}, ARGUMENT),
        ({"Mode": "GOVERNANCE", "Years": 101}, ARGUMENT),
    ],
    ids=str,
)
def test_bad_defaults_change_nothing(s3: Any, locked: str, default: dict[str, Any], error: tuple[int, str]) -> None:
    s3.put_object_lock_configuration(Bucket=locked, **configuration(Mode="COMPLIANCE", Years=100))
    assert error_of(lambda: s3.put_object_lock_configuration(Bucket=locked, **configuration(**default))) == error
    said = s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]
    assert said["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Years": 100}


def test_the_field_of_create_bucket(store: AnyStore, fresh: Callable[..., str]) -> None:
    field = "x-amz-bucket-object-lock-enabled"
    assert store.signed("PUT", f"/{fresh()}", b"", {field: "perhaps"}).code == "InvalidArgument"
    name = fresh()
    assert store.signed("PUT", f"/{name}", b"", {field: "False"}).status == 200
    assert store.signed("GET", f"/{name}?object-lock").code == NO_CONFIGURATION[1]


# --- what keeps a version -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lock", [until("GOVERNANCE"), until("COMPLIANCE"), HELD], ids=["governance", "compliance", "hold"]
)
def test_a_locked_version_stays(s3: Any, locked: str, lock: dict[str, Any]) -> None:
    version = put(s3, locked, **lock)
    assert error_of(lambda: s3.delete_object(**version)) == DENIED
    newer = put(s3, locked)
    marker = s3.delete_object(Bucket=locked, Key="k")
    assert marker["DeleteMarker"] and error_of(lambda: s3.get_object(Bucket=locked, Key="k")) == (404, "NoSuchKey")
    assert error_of(lambda: s3.delete_object(**version)) == DENIED
    assert s3.get_object(**version)["Body"].read() == b"stays"
    s3.delete_object(**newer)
    s3.delete_object(Bucket=locked, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=locked, Key="k")["Body"].read() == b"stays"
    assert error_of(lambda: s3.delete_bucket(Bucket=locked)) == (409, "BucketNotEmpty")


@pytest.mark.parametrize("quiet", [False, True])
def test_a_batch_names_what_is_locked(s3: Any, locked: str, quiet: bool) -> None:
    free, governed, held = (
        put(s3, locked, "a"),
        put(s3, locked, "b", **until("GOVERNANCE")),
        put(s3, locked, "c", **HELD),
    )
    named = [{name: version[name] for name in ("Key", "VersionId")} for version in (free, governed, held)]
    done = s3.delete_objects(Bucket=locked, Delete={"Objects": named, "Quiet": quiet})
    errors = [(error["Key"], error["VersionId"], error["Code"]) for error in done["Errors"]]
    assert errors == [("b", governed["VersionId"], "AccessDenied"), ("c", held["VersionId"], "AccessDenied")]
    assert [entry["Key"] for entry in done.get("Deleted", [])] == ([] if quiet else ["a"])
    assert error_of(lambda: s3.head_object(**free))[0] == 404
    bypassed = s3.delete_objects(Bucket=locked, Delete={"Objects": named}, BypassGovernanceRetention=True)
    assert [error["Key"] for error in bypassed["Errors"]] == ["c"], "a legal hold has no bypass"
    plain = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "c"}]})
    assert plain["Deleted"][0]["DeleteMarker"] and s3.get_object(**held)["Body"].read() == b"stays"


def test_bypass_is_of_governance(s3: Any, locked: str) -> None:
    governed, complied = put(s3, locked, **until("GOVERNANCE")), put(s3, locked, **until("COMPLIANCE"))
    assert error_of(lambda: s3.delete_object(**complied, BypassGovernanceRetention=True)) == DENIED
    assert error_of(lambda: s3.delete_object(**governed, BypassGovernanceRetention=False)) == DENIED
    s3.delete_object(**governed, BypassGovernanceRetention=True)
    assert error_of(lambda: s3.head_object(**governed))[0] == 404


def test_a_retention_ends(s3: Any, locked: str) -> None:
    version = put_briefly(s3, locked)
    assert error_of(lambda: s3.delete_object(**version)) == DENIED
    eventually(lambda: error_of(lambda: s3.delete_object(**version))[0] == 204)
    held = put_briefly(s3, locked, **HELD)
    eventually(lambda: lock_of(s3, held)[1] < datetime.now(UTC))  # type: ignore[operator]
    assert error_of(lambda: s3.delete_object(**held)) == DENIED
    s3.put_object_legal_hold(**held, **RELEASED)
    s3.delete_object(**held)


def test_lifecycle_leaves_a_locked_version(days_store: Store) -> None:
    s3 = days_store.client()
    s3.create_bucket(Bucket="bucket", ObjectLockEnabledForBucket=True)
    governed = put(s3, "bucket", "governed", **until("GOVERNANCE"))
    held = put(s3, "bucket", "held", **HELD)
    brief = put_briefly(s3, "bucket", "brief", 3 * SHORT)
    free = put(s3, "bucket", "free")
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": 1}
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": [rule]})

    def left() -> set[str]:
        return {version["Key"] for version in s3.list_object_versions(Bucket="bucket").get("Versions", [])}

    eventually(lambda: "free" not in left())
    for version in (governed, held, brief):
        assert s3.get_object(**version)["Body"].read() == b"stays"
    assert lock_of(s3, brief)[1] > datetime.now(UTC), "it stays as long as it is locked"  # type: ignore[operator]
    eventually(lambda: "brief" not in left())
    assert left() == {"governed", "held"} and error_of(lambda: s3.head_object(**free))[0] == 404
    s3.put_object_legal_hold(**held, **RELEASED)
    eventually(lambda: left() == {"governed"})


def test_a_replica_is_locked_where_its_bucket_has_it(start: Callable[..., Store]) -> None:
    s3 = start("--replication-lag", "1ms").client()
    s3.create_bucket(Bucket="source", ObjectLockEnabledForBucket=True)
    for name, with_lock in (("locked", True), ("plain", False)):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=with_lock)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rules = [
        {
            "ID": name,
            "Priority": priority,
            "Status": "Enabled",
            "Filter": {"Prefix": name},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{name}"},
        }
        for priority, name in enumerate(("locked", "plain"), 1)
    ]
    role = "arn:aws:iam::000000000000:role/r"
    s3.put_bucket_replication(Bucket="source", ReplicationConfiguration={"Role": role, "Rules": rules})
    for name in ("locked", "plain"):
        put(s3, "source", name, **until("GOVERNANCE"))
        eventually(lambda name=name: s3.list_objects_v2(Bucket=name)["KeyCount"] == 1)
    replicas = [
        {"Bucket": n, "Key": n, "VersionId": s3.head_object(Bucket=n, Key=n)["VersionId"]} for n in ("locked", "plain")
    ]
    assert [lock_of(s3, replica)[0] for replica in replicas] == ["GOVERNANCE", None]
    assert error_of(lambda: s3.delete_object(**replicas[0])) == DENIED
    s3.delete_object(**replicas[1])


# --- how it is said -----------------------------------------------------------------------------------------------------


def test_locks_of_a_put_an_upload_and_a_copy(s3: Any, locked: str) -> None:
    lock = until("GOVERNANCE")
    wanted = lock["ObjectLockRetainUntilDate"]
    written = put(s3, locked, "put", **lock, ObjectLockLegalHoldStatus="OFF")
    upload = {"Bucket": locked, "Key": "upload"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **lock, **HELD)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"stays")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    made = s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    completed = {"Bucket": locked, "Key": "upload", "VersionId": made["VersionId"]}
    source = {"Bucket": locked, "Key": "put"}
    made = s3.copy_object(Bucket=locked, Key="copy", CopySource=source, **until("COMPLIANCE", LONG / 2))
    copied = {"Bucket": locked, "Key": "copy", "VersionId": made["VersionId"]}
    made = s3.copy_object(Bucket=locked, Key="plain", CopySource=source)
    found = [lock_of(s3, version) for version in (written, completed, copied)]
    assert [(mode, hold) for mode, _, hold in found] == [
        ("GOVERNANCE", "OFF"),
        ("GOVERNANCE", "ON"),
        ("COMPLIANCE", None),
    ]
    assert all(date is not None and near(date, wanted.replace(microsecond=0)) for _, date, _ in found[:2])
    plain = {"Bucket": locked, "Key": "plain", "VersionId": made["VersionId"]}
    assert lock_of(s3, plain) == (None, None, None), "a copy does not take the lock along"
    for version in (written, completed, copied):
        assert error_of(lambda version=version: s3.delete_object(**version)) == DENIED
    got = s3.get_object(**written)
    assert (got["ObjectLockMode"], got["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "OFF")


def test_retention_and_hold_are_read_and_set(s3: Any, locked: str) -> None:
    version = put(s3, locked)
    before = s3.head_object(**version)
    assert error_of(lambda: s3.get_object_retention(**version)) == NO_LOCK
    assert error_of(lambda: s3.get_object_legal_hold(**version)) == NO_LOCK
    given = retention("GOVERNANCE")
    s3.put_object_retention(**version, **given)
    s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    said = s3.get_object_retention(**version)["Retention"]
    assert said["Mode"] == "GOVERNANCE" and near(said["RetainUntilDate"], given["Retention"]["RetainUntilDate"])
    assert s3.get_object_legal_hold(**version)["LegalHold"]["Status"] == "ON"
    put(s3, locked)
    assert error_of(lambda: s3.get_object_retention(Bucket=locked, Key="k")) == NO_LOCK, "of the current version"
    s3.put_object_legal_hold(**version, **RELEASED)
    assert s3.get_object_legal_hold(**version)["LegalHold"]["Status"] == "OFF"
    after = s3.head_object(**version)
    for name in ("ETag", "LastModified", "ContentLength", "Metadata"):
        assert after[name] == before[name]


def test_a_retention_gets_longer_and_not_shorter(s3: Any, locked: str) -> None:
    version = put(s3, locked, **until("GOVERNANCE"))
    s3.put_object_retention(**version, **retention("GOVERNANCE", 2 * LONG))
    for shorter in (retention("GOVERNANCE"), retention("COMPLIANCE", 3 * LONG), {"Retention": {}}):
        assert error_of(lambda shorter=shorter: s3.put_object_retention(**version, **shorter)) == DENIED
    s3.put_object_retention(**version, **retention("GOVERNANCE"), BypassGovernanceRetention=True)
    s3.put_object_retention(**version, Retention={}, BypassGovernanceRetention=True)
    assert lock_of(s3, version) == (None, None, None)
    s3.put_object_retention(**version, **retention("COMPLIANCE"))
    s3.put_object_retention(**version, **retention("COMPLIANCE", 2 * LONG))
    for shorter in (retention("COMPLIANCE"), retention("GOVERNANCE", 3 * LONG), {"Retention": {}}):
        refused = error_of(
            lambda shorter=shorter: s3.put_object_retention(**version, **shorter, BypassGovernanceRetention=True)
        )
        assert refused == DENIED
    assert lock_of(s3, version)[0] == "COMPLIANCE"
    ended = put_briefly(s3, locked)
    eventually(lambda: error_of(lambda: s3.put_object_retention(**ended, **retention("GOVERNANCE"))) == (200, ""))


@pytest.mark.parametrize(
    "lock",
    [
        {"ObjectLockMode": "GOVERNANCE"},
        {"ObjectLockRetainUntilDate": later()},
        until("governance"),
        until("GOVERNANCE", -LONG),
        {"ObjectLockLegalHoldStatus": "on"},
    ],
    ids=["no date", "no mode", "mode", "past", "hold"],
)
def test_bad_locks_write_nothing(s3: Any, locked: str, lock: dict[str, Any]) -> None:
    put(s3, locked, "source")
    source = {"Bucket": locked, "Key": "source"}
    assert error_of(lambda: s3.put_object(Bucket=locked, Key="k", Body=b"new", **lock)) == ARGUMENT
    assert error_of(lambda: s3.copy_object(Bucket=locked, Key="k", CopySource=source, **lock)) == ARGUMENT
    assert error_of(lambda: s3.create_multipart_upload(Bucket=locked, Key="k", **lock)) == ARGUMENT
    assert [entry["Key"] for entry in s3.list_object_versions(Bucket=locked)["Versions"]] == ["source"]
    assert not s3.list_multipart_uploads(Bucket=locked).get("Uploads")


def test_dates_have_one_form(store: AnyStore, s3: Any, locked: str) -> None:
    for date in ("tomorrow", "2999-02-30T00:00:00Z", "2999-01-01T00:00:00+01:00"):
        fields = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": date}
        md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
        answer = store.signed("PUT", f"/{locked}/k", b"x", fields | {"Content-MD5": md5})
        assert (answer.status, answer.code) == ARGUMENT
    assert not s3.list_object_versions(Bucket=locked).get("Versions")


def test_a_bucket_without_it(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = put(s3, bucket)
    for lock in (until("GOVERNANCE"), HELD):
        assert error_of(lambda lock=lock: put(s3, bucket, **lock)) == WITHOUT
        assert error_of(lambda lock=lock: s3.create_multipart_upload(Bucket=bucket, Key="k", **lock)) == WITHOUT
    assert error_of(lambda: s3.put_object_retention(**version, **retention("GOVERNANCE"))) == WITHOUT
    assert error_of(lambda: s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})) == WITHOUT
    assert error_of(lambda: s3.get_object_retention(**version)) == WITHOUT
    assert error_of(lambda: s3.get_object_legal_hold(**version)) == WITHOUT
    s3.delete_object(**version, BypassGovernanceRetention=True)


def test_what_is_not_there(s3: Any, locked: str) -> None:
    gone = put(s3, locked)
    s3.delete_object(**gone)
    marker = {
        "Bucket": locked,
        "Key": "marked",
        "VersionId": s3.delete_object(Bucket=locked, Key="marked")["VersionId"],
    }
    cases = [({"Bucket": locked, "Key": "none"}, "NoSuchKey"), (gone, "NoSuchKey"), (marker, "MethodNotAllowed")]
    put(s3, locked)
    cases[1] = (gone, "NoSuchVersion")
    for named, code in cases:
        for call in (
            lambda named=named: s3.get_object_retention(**named),
            lambda named=named: s3.get_object_legal_hold(**named),
            lambda named=named: s3.put_object_retention(**named, **retention("GOVERNANCE")),
            lambda named=named: s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"}),
        ):
            assert error_of(call)[1] == code
    assert (
        error_of(lambda: s3.put_object_retention(Bucket=locked, Key="k", **retention("GOVERNANCE", -LONG))) == ARGUMENT
    )


RETENTION = "<Mode>GOVERNANCE</Mode><RetainUntilDate>2999-01-01T00:00:00Z</RetainUntilDate>"


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("retention", ""),
        ("retention", "<Other/>"),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>"),
        (
            "retention",
            "<Retention><Mode>NONE</Mode><RetainUntilDate>2999-01-01T00:00:00Z</RetainUntilDate></Retention>",
        ),
        ("retention", "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate></Retention>"),
        ("retention", f"<Retention>{RETENTION}<Mode>GOVERNANCE</Mode></Retention>"),
        ("retention", f"<Retention>{RETENTION}<Other/></Retention>"),
        ("legal-hold", "<LegalHold/>"),
        ("legal-hold", "<LegalHold><Status>on</Status></LegalHold>"),
        ("object-lock", "<ObjectLockConfiguration/>"),
        (
            "object-lock",
            "<ObjectLockConfiguration><ObjectLockEnabled>Off</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
    ],
)
def test_malformed_documents(store: AnyStore, s3: Any, locked: str, query: str, document: str) -> None:
    version = put(s3, locked)
    where = f"/{locked}?{query}" if query == "object-lock" else f"/{locked}/k?{query}"
    body = document.encode()
    assert store.signed("PUT", where, body).code == "InvalidRequest", "neither Content-MD5 nor a checksum"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = store.signed("PUT", where, body, {"Content-MD5": md5})
    assert (answer.status, answer.code) == XML
    assert lock_of(s3, version) == (None, None, None)


def test_a_locked_put_has_a_checksum(store: AnyStore, s3: Any, locked: str) -> None:
    held = {"x-amz-object-lock-legal-hold": "ON"}
    assert store.signed("PUT", f"/{locked}/k", b"x", held).code == "InvalidRequest"
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert store.signed("PUT", f"/{locked}/k", b"x", held | {"Content-MD5": md5}).status == 200
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "ON"


def test_locks_outlive_the_store(start: Callable[..., Store], tmp_path: Any) -> None:
    first = start("--data", str(tmp_path))
    s3 = first.client()
    s3.create_bucket(Bucket="bucket", ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(Bucket="bucket", **configuration(Mode="GOVERNANCE", Days=1))
    version = put(s3, "bucket", **HELD)
    assert first.close() == 0
    s3 = start("--data", str(tmp_path)).client()
    assert lock_of(s3, version)[0::2] == ("GOVERNANCE", "ON")
    assert error_of(lambda: s3.delete_object(**version, BypassGovernanceRetention=True)) == DENIED
    assert "Rule" in s3.get_object_lock_configuration(Bucket="bucket")["ObjectLockConfiguration"]
