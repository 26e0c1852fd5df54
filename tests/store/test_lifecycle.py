"""Lifecycle rules: what may be said, what they do, never before it is due, and what they leave alone."""

from __future__ import annotations

import base64
import hashlib
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from storelib import Store, command, error_of, eventually

DAY_S = 0.2
DAY = timedelta(seconds=DAY_S)
LISTED = timedelta(milliseconds=1)  # what a listing cuts off a time
MISSING = (404, "NoSuchLifecycleConfiguration")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def life() -> Iterator[Store]:
    running = Store("--lifecycle-day", f"{int(DAY_S * 1000)}ms", "--min-part-bytes", "1")
    yield running
    assert running.close() == 0


@pytest.fixture(scope="module")
def s3(life: Store) -> Any:
    return life.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def rules(s3: Any, bucket: str, *given: dict[str, Any]) -> None:
    """Each rule is for everything and enabled unless it says otherwise."""
    whole = [{"Status": "Enabled"} | ({} if "Prefix" in rule else {"Filter": {"Prefix": ""}}) | rule for rule in given]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": whole})


def keys(s3: Any, bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def entries(s3: Any, bucket: str) -> list[dict[str, Any]]:
    """Versions and markers, each key newest first."""
    page = s3.list_object_versions(Bucket=bucket)
    markers = [entry | {"Marker": True} for entry in page.get("DeleteMarkers", [])]
    both = [*[entry | {"Marker": False} for entry in page.get("Versions", [])], *markers]
    return sorted(both, key=lambda entry: (entry["Key"], not entry["IsLatest"], -entry["LastModified"].timestamp()))


def ids(s3: Any, bucket: str) -> list[str]:
    return [entry["VersionId"] for entry in entries(s3, bucket)]


def put(s3: Any, bucket: str, key: str, body: bytes = b"x", **more: Any) -> str:
    return str(s3.put_object(Bucket=bucket, Key=key, Body=body, **more).get("VersionId"))


def days_pass(count: float = 2.5) -> None:
    """Nothing to wait for: what must not happen has had its time."""
    time.sleep(count * DAY_S)


def test_off_every_request_is_refused(store: Store) -> None:
    plain, off = store.client(), (501, "NotImplemented")
    plain.create_bucket(Bucket="lifecycle-is-off")
    named = {"Bucket": "lifecycle-is-off"}
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    config = {"Rules": [rule]}
    assert error_of(lambda: plain.get_bucket_lifecycle_configuration(**named)) == off
    assert error_of(lambda: plain.delete_bucket_lifecycle(**named)) == off
    call = plain.put_bucket_lifecycle_configuration
    assert error_of(lambda: call(**named, LifecycleConfiguration=config)) == off


def test_a_configuration_comes_back_as_it_was(s3: Any, bucket: str) -> None:
    assert error_of(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == MISSING
    given = [
        {"ID": "a & b", "Status": "Enabled", "Filter": {"Prefix": "p/"}, "Expiration": {"Days": 3}},
        {"ID": "old", "Status": "Disabled", "Prefix": "é<", "Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"ID": "tag", "Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": ""}}, "Expiration": {"Days": 1}},
        {
            "ID": "and",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "",
                    "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
                    "ObjectSizeGreaterThan": 0,
                    "ObjectSizeLessThan": 2**40,
                }
            },
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
        },
        {
            "ID": "date",
            "Status": "Enabled",
            "Filter": {"ObjectSizeLessThan": 9},
            "Expiration": {"Date": datetime(2099, 1, 1, tzinfo=UTC)},
        },
        {
            "ID": "mpu",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 4},
        },
    ]
    rules(s3, bucket, *given)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == given
    rules(s3, bucket, {"Expiration": {"Days": 1}})
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"]) > 8
    for _ in range(2):
        assert s3.delete_bucket_lifecycle(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_of(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == MISSING
    assert error_of(lambda: s3.get_bucket_lifecycle_configuration(Bucket="nowhere")) == (404, "NoSuchBucket")


DAYS = {"Expiration": {"Days": 1}}
TAG = {"Tag": {"Key": "a", "Value": "b"}}
REFUSED = [
    ([{"Expiration": {"Days": 0}}], (400, "InvalidArgument")),
    ([{"Expiration": {"Date": datetime(2099, 1, 1, 0, 0, 0, 7000, tzinfo=UTC)}}], (400, "InvalidArgument")),
    ([DAYS | {"ID": "x" * 256}], (400, "InvalidArgument")),
    ([DAYS | {"ID": "x"}, DAYS | {"ID": "x"}], (400, "InvalidArgument")),
    ([{"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}], (400, "InvalidArgument")),
    ([{}], (400, "InvalidRequest")),
    ([{"Filter": TAG, "Expiration": {"ExpiredObjectDeleteMarker": True}}], (400, "InvalidRequest")),
    ([{"Filter": TAG, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}], (400, "InvalidRequest")),
    ([DAYS | {"Filter": {"Prefix": "a"} | TAG}], (400, "MalformedXML")),
    ([DAYS | {"Filter": {"Prefix": "a"}, "Prefix": "a"}], (400, "MalformedXML")),
    ([DAYS | {"Status": "On"}], (400, "MalformedXML")),
    ([{"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}], (400, "MalformedXML")),
    ([], (400, "MalformedXML")),
    ([DAYS | {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}], (501, "NotImplemented")),
    (
        [{"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]} | DAYS],
        (501, "NotImplemented"),
    ),
]


@pytest.mark.parametrize(("given", "want"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused_rules_change_nothing(s3: Any, bucket: str, given: list[dict[str, Any]], want: tuple[int, str]) -> None:
    rules(s3, bucket, {"ID": "stays", "Expiration": {"Days": 9}})
    assert error_of(lambda: rules(s3, bucket, *given)) == want
    assert [rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]] == ["stays"]


def test_the_body_must_be_summed(life: Store, bucket: str) -> None:
    for body, code in ((b"<LifecycleConfiguration/>", "InvalidRequest"), (b"", "InvalidRequest")):
        answer = life.signed("PUT", f"/{bucket}?lifecycle", body)
        assert (answer.status, answer.code) == (400, code)
    wrong = life.signed("PUT", f"/{bucket}?lifecycle", b"<x/>", {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="})
    assert (wrong.status, wrong.code) == (400, "BadDigest")


@pytest.mark.parametrize("twice", ["<ID>b</ID>", "<Status>Enabled</Status>", "<Expiration><Days>1</Days></Expiration>"])
def test_an_element_that_stands_twice(life: Store, bucket: str, twice: str) -> None:
    once = "<ID>a</ID><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>"
    for extra, want in (("", (200, "")), (twice, (400, "MalformedXML"))):
        body = f"<LifecycleConfiguration><Rule>{once}{extra}</Rule></LifecycleConfiguration>".encode()
        summed = {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}
        answer = life.signed("PUT", f"/{bucket}?lifecycle", body, summed)
        assert (answer.status, answer.code) == want


def test_filters_choose_what_goes(s3: Any, bucket: str) -> None:
    both = {"And": {"Prefix": "b/", "Tags": [{"Key": "t", "Value": "1"}], "ObjectSizeGreaterThan": 3}}
    given: list[dict[str, Any]] = [
        {"Filter": {"Prefix": "p/"}},
        {"Filter": {"Tag": {"Key": "drop", "Value": "yes"}}},
        {"Filter": {"And": {"ObjectSizeGreaterThan": 50_000, "ObjectSizeLessThan": 60_000}}},
        {"Filter": both},
        {"Filter": {"Prefix": "off/"}, "Status": "Disabled"},
    ]
    goes = {
        "p/": ({}, b"x"),
        "p/1": ({}, b"x" * 100),
        "tag": ({"Tagging": "a=b&drop=yes"}, b"x"),
        "size": ({}, b"x" * 50_001),
        "b/1": ({"Tagging": "t=1&u=2"}, b"xxxx"),
        "p/" + "k" * 1000: ({}, b"x"),
    }
    stays = {
        "p": ({}, b"x"),
        "q/p/": ({}, b"x"),
        "tag-value": ({"Tagging": "drop=no"}, b"x"),
        "tag-key": ({"Tagging": "dropped=yes"}, b"x"),
        "size-low": ({}, b"x" * 50_000),
        "size-high": ({}, b"x" * 60_000),
        "b/tag": ({"Tagging": "t=2"}, b"xxxx"),
        "b/size": ({"Tagging": "t=1"}, b"xxx"),
        "c/1": ({"Tagging": "t=1"}, b"xxxx"),
        "off/1": ({}, b"x"),
    }
    for key, (more, body) in (goes | stays).items():
        put(s3, bucket, key, body, Metadata={"m": "1"}, **more)
    rules(s3, bucket, *[rule | DAYS for rule in given])
    eventually(lambda: not set(keys(s3, bucket)) & set(goes))
    days_pass()
    assert keys(s3, bucket) == sorted(stays)
    for key, (more, body) in stays.items():
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == body and got["Metadata"] == {"m": "1"}
        assert got.get("TagCount", 0) == len(more)


def test_expiry_is_a_marker_in_a_versioned_bucket_and_never_early(s3: Any, versioned: str) -> None:
    rules(s3, versioned, {"Filter": {"Prefix": "p/"}} | DAYS)
    made = {}
    for number in range(12):
        made[f"p/{number:02}"] = put(s3, versioned, f"p/{number:02}", b"body %d" % number)
        time.sleep(DAY_S / 20)
    control = put(s3, versioned, "control")
    eventually(lambda: len(entries(s3, versioned)) == 25)
    listed = [entry for entry in entries(s3, versioned) if entry["Key"] != "control"]
    for marker, version in zip(listed[::2], listed[1::2], strict=True):
        assert marker["Marker"] and marker["IsLatest"] and not version["Marker"]
        assert version["VersionId"] == made[version["Key"]]
        age = marker["LastModified"] - version["LastModified"]
        assert age >= DAY - LISTED
        old = s3.get_object(Bucket=versioned, Key=version["Key"], VersionId=version["VersionId"])
        assert old["Body"].read() == b"body %d" % int(version["Key"][2:]) and "Expiration" not in old
    days_pass()
    assert len(entries(s3, versioned)) == 25 and control in ids(s3, versioned)


def test_in_a_suspended_bucket_the_null_version_gives_way(s3: Any, versioned: str) -> None:
    kept = put(s3, versioned, "k", b"kept")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    assert put(s3, versioned, "k", b"gone") == "null"
    rules(s3, versioned, DAYS)
    eventually(lambda: entries(s3, versioned)[0]["Marker"])
    assert [(entry["VersionId"], entry["Marker"]) for entry in entries(s3, versioned)] == [
        ("null", True),
        (kept, False),
    ]


def test_noncurrent_counts_from_the_successor(s3: Any, versioned: str) -> None:
    rules(s3, versioned, {"NoncurrentVersionExpiration": {"NoncurrentDays": 2}})
    first = put(s3, versioned, "k", b"1", Tagging="a=b")
    days_pass(3)  # as the current version: no age
    assert ids(s3, versioned) == [first]
    second = put(s3, versioned, "k", b"2")
    since = next(e["LastModified"] for e in entries(s3, versioned) if e["VersionId"] == second)
    eventually(lambda: first not in ids(s3, versioned))
    assert datetime.now(UTC) - since >= 2 * DAY - LISTED
    days_pass()
    assert ids(s3, versioned) == [second]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"2"


def test_the_newest_noncurrent_versions_are_kept(s3: Any, versioned: str) -> None:
    rule = {"NoncurrentDays": 1, "NewerNoncurrentVersions": 3}
    rules(s3, versioned, {"Filter": {"Prefix": "k"}, "NoncurrentVersionExpiration": rule})
    made = [put(s3, versioned, "k", b"%d" % number) for number in range(9)]
    others = [put(s3, versioned, "other", b"%d" % number) for number in range(5)]
    want = [*made[:-5:-1], *others[::-1]]
    eventually(lambda: len(ids(s3, versioned)) <= len(want))
    days_pass()
    assert ids(s3, versioned) == want
    newest = put(s3, versioned, "k", b"new")
    eventually(lambda: made[-4] not in ids(s3, versioned))
    days_pass()
    assert ids(s3, versioned) == [newest, *made[:-4:-1], *others[::-1]]


def test_a_lone_marker_goes_and_one_with_versions_stays(s3: Any, versioned: str) -> None:
    lone = s3.delete_object(Bucket=versioned, Key="lone")["VersionId"]
    version = put(s3, versioned, "held")
    marker = s3.delete_object(Bucket=versioned, Key="held")["VersionId"]
    out = s3.delete_object(Bucket=versioned, Key="out")["VersionId"]
    rules(s3, versioned, {"Filter": {"Prefix": "l"}, "Expiration": {"ExpiredObjectDeleteMarker": True}})
    eventually(lambda: lone not in ids(s3, versioned))
    assert ids(s3, versioned) == [marker, version, out]
    rules(s3, versioned, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    eventually(lambda: out not in ids(s3, versioned))
    days_pass()
    assert ids(s3, versioned) == [marker, version]
    s3.delete_object(Bucket=versioned, Key="held", VersionId=version)
    eventually(lambda: not ids(s3, versioned))


def test_versions_markers_and_the_rest_go_one_after_the_other(s3: Any, versioned: str) -> None:
    for number in range(3):
        put(s3, versioned, "k", b"%d" % number)
    rules(
        s3,
        versioned,
        DAYS | {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    eventually(lambda: not ids(s3, versioned))
    assert error_of(lambda: s3.delete_bucket(Bucket=versioned)) == (204, "")


def test_uploads_are_aborted_and_nothing_else(s3: Any, bucket: str) -> None:
    def begin(key: str) -> str:
        upload = str(s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])
        s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"p" * 70_000)
        return upload

    def complete(key: str, upload: str) -> None:
        part = s3.list_parts(Bucket=bucket, Key=key, UploadId=upload)["Parts"][0]
        named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=named)

    def parts_of(key: str, upload: str) -> tuple[int, str]:
        return error_of(lambda: s3.list_parts(Bucket=bucket, Key=key, UploadId=upload))

    dead = [begin("a/1") for _ in range(3)] + [begin("a/2")]
    alive, done = begin("b/1"), begin("a/done")
    complete("a/done", done)
    rules(s3, bucket, {"Filter": {"Prefix": "a/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})
    eventually(lambda: len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])) == 1)
    for upload, key in zip(dead, ["a/1"] * 3 + ["a/2"], strict=True):
        assert parts_of(key, upload) == (404, "NoSuchUpload")
    began, young = time.monotonic(), s3.create_multipart_upload(Bucket=bucket, Key="a/young")["UploadId"]
    eventually(lambda: parts_of("a/young", young) == (404, "NoSuchUpload"))
    assert time.monotonic() - began >= DAY_S, "not before its day has passed"
    days_pass()
    complete("b/1", alive)
    for key in ("a/done", "b/1"):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"p" * 70_000


def test_the_expiration_header(start: Callable[..., Store]) -> None:
    s3 = start("--lifecycle-day", "24h", "--min-part-bytes", "1").client()
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    rules(
        s3,
        "bkt",
        {"ID": "longest", "Filter": {"Prefix": "p/"}, "Expiration": {"Days": 40}},
        {"ID": "a/ü b", "Filter": {"Prefix": "p/"}, "Expiration": {"Days": 2}},
        {"ID": "long", "Filter": {"Prefix": "p"}, "Expiration": {"Days": 30}},
        {"ID": "tag", "Filter": {"Tag": {"Key": "t", "Value": "1"}}, "Expiration": {"Days": 1}},
    )
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def shown(answer: dict[str, Any]) -> tuple[int, str]:
        date, _, rule = answer["Expiration"].partition(", rule-id=")
        at = parsedate_to_datetime(date.removeprefix("expiry-date=").strip('"'))
        return round((at - midnight) / timedelta(days=1)), rule.strip('"')

    first = s3.put_object(Bucket="bkt", Key="p/1", Body=b"x")
    answers = [first, s3.head_object(Bucket="bkt", Key="p/1"), s3.get_object(Bucket="bkt", Key="p/1")]
    answers.append(s3.copy_object(Bucket="bkt", Key="p/2", CopySource="bkt/p/1"))
    upload = s3.create_multipart_upload(Bucket="bkt", Key="p/3")["UploadId"]
    part = s3.upload_part(Bucket="bkt", Key="p/3", UploadId=upload, PartNumber=1, Body=b"x")
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    answers.append(s3.complete_multipart_upload(Bucket="bkt", Key="p/3", UploadId=upload, MultipartUpload=named))
    assert [shown(answer) for answer in answers] == [(3, "a%2F%C3%BC%20b")] * 5
    assert shown(s3.put_object(Bucket="bkt", Key="px", Body=b"x")) == (31, "long")
    assert shown(s3.put_object(Bucket="bkt", Key="x", Body=b"x", Tagging="t=1")) == (2, "tag")
    s3.put_object_tagging(Bucket="bkt", Key="x", Tagging={"TagSet": []})
    assert "Expiration" not in s3.head_object(Bucket="bkt", Key="x")
    s3.put_object(Bucket="bkt", Key="p/1", Body=b"y")
    old = s3.head_object(Bucket="bkt", Key="p/1", VersionId=first["VersionId"])
    assert "Expiration" not in old  # not current: an expiration is not about it


def test_a_date_holds_for_all_from_then_on(s3: Any, bucket: str) -> None:
    ticks = int(datetime.now(UTC).timestamp() / DAY_S) + 6
    at = datetime.fromtimestamp(0, UTC) + ticks * DAY
    put(s3, bucket, "before")
    rules(s3, bucket, {"Expiration": {"Date": at}})
    eventually(lambda: not keys(s3, bucket))
    assert datetime.now(UTC) >= at
    put(s3, bucket, "after")
    eventually(lambda: not keys(s3, bucket))


LATE = "ok-lifecycle-late"
DUE = {"Filter": {"Tag": {"Key": "due", "Value": "yes"}}} | DAYS


def found(
    start: Callable[..., Store], versioning: str, given: list[dict[str, Any]], *made: str, marker: str = ""
) -> tuple[Store, Any]:
    """A store whose rules have found these keys of `bkt`, and leave them until `acted`."""
    store = start("--lifecycle-day", f"{int(DAY_S * 1000)}ms", "--mode", f"{LATE}:delay_ms=600000")
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    if versioning:
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": versioning})
    for key in made:
        put(s3, "bkt", key, Tagging="due=yes")
    if marker:
        s3.delete_object(Bucket="bkt", Key=marker)
    days_pass()
    rules(s3, "bkt", *given)
    eventually(lambda: store.admin("/altered")["modes"][LATE]["fired"] == len(made) + bool(marker))
    return store, s3


def acted(store: Store, s3: Any) -> list[str]:
    """The keys that are there when the rules have acted: the key `found` goes, in one transaction with all the others."""
    assert "found" in keys(s3, "bkt")
    store.admin("/mutants", b"")
    eventually(lambda: "found" not in keys(s3, "bkt"))
    return keys(s3, "bkt")


@pytest.mark.parametrize("versioning", ["", "Enabled"])
def test_no_write_is_lost_to_a_rule_that_runs(start: Callable[..., Store], versioning: str) -> None:
    """Keys are written anew, without the tag, when the rules have found them already."""
    store, s3 = found(start, versioning, [DUE], "again", "copied", "found", "removed")
    put(s3, "bkt", "again")
    s3.copy_object(Bucket="bkt", Key="copied", CopySource="bkt/again")
    s3.delete_object(Bucket="bkt", Key="removed")
    put(s3, "bkt", "removed")
    assert acted(store, s3) == ["again", "copied", "removed"]


def test_a_version_that_comes_onto_a_marker_stays(start: Callable[..., Store]) -> None:
    """And so does the marker, which is not alone any more."""
    given = [{"Filter": {"Prefix": "found"}} | DAYS, {"Expiration": {"ExpiredObjectDeleteMarker": True}}]
    store, s3 = found(start, "Enabled", given, "found", marker="marked")
    version = put(s3, "bkt", "marked")
    assert acted(store, s3) == ["marked"]
    both = [entry for entry in entries(s3, "bkt") if entry["Key"] == "marked"]
    assert [entry["Marker"] for entry in both] == [False, True] and both[0]["VersionId"] == version


def test_what_is_due_is_judged_again_before_it_goes(start: Callable[..., Store]) -> None:
    """Tags and rules change when the rules have found the keys already."""
    store, s3 = found(start, "", [DUE, {"Filter": {"Prefix": "rule"}} | DAYS], "found", "rule", "tags")
    for key in ("rule", "tags"):
        s3.put_object_tagging(Bucket="bkt", Key=key, Tagging={"TagSet": []})
    rules(s3, "bkt", DUE)
    assert acted(store, s3) == ["rule", "tags"]


def test_rules_that_are_gone_or_off_do_nothing(s3: Any, bucket: str) -> None:
    rules(s3, bucket, DAYS)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    put(s3, bucket, "k")
    days_pass()
    assert keys(s3, bucket) == ["k"]
    rules(s3, bucket, DAYS | {"Status": "Disabled"})
    days_pass()
    assert keys(s3, bucket) == ["k"]
    s3.delete_object(Bucket=bucket, Key="k")
    rules(s3, bucket, DAYS)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert error_of(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket)) == MISSING
    put(s3, bucket, "k")
    days_pass()
    assert keys(s3, bucket) == ["k"]


@pytest.mark.parametrize("mode", ["--fast", "--durable"])
def test_rules_and_ages_survive_a_crash(tmp_path: Path, start: Callable[..., Store], mode: str) -> None:
    options = ("--data", str(tmp_path), mode, "--lifecycle-day", "300ms")
    store = start(*options[:3])  # off: nothing happens, but the ages count
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    versions = [put(s3, "bkt", "k", body) for body in (b"1", b"2")]
    store.close()
    store = start(*options)
    rules(store.client(), "bkt", {"ID": "r", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    store.process.kill()
    store.process.wait()
    store.process.returncode = 0  # as meant
    store = start(*options)
    s3 = store.client()
    assert s3.get_bucket_lifecycle_configuration(Bucket="bkt")["Rules"][0]["ID"] == "r"
    eventually(lambda: ids(s3, "bkt") == versions[1:])


def test_more_than_one_view_and_one_transaction(s3: Any, bucket: str) -> None:
    for number in range(1200):
        s3.put_object(Bucket=bucket, Key=f"{'a' if number % 2 else 'b'}/{number}", Body=b"x")
    rules(s3, bucket, {"Filter": {"Prefix": "a/"}} | DAYS)
    eventually(lambda: len(keys(s3, bucket)) == 600)
    days_pass()
    assert all(key.startswith("b/") for key in keys(s3, bucket)) and len(keys(s3, bucket)) == 600


@pytest.mark.parametrize("value", ["2", "0s", "9ms", "25h", "1d", "-1s", ""])
def test_a_bad_day_ends_the_start(value: str) -> None:
    done = subprocess.run([*command(), f"--lifecycle-day={value}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f'--lifecycle-day: "{value}"' in done.stderr
