"""Rules of S3 that stores are known to break, one a test: what fails says what is broken. No choices of the embedded store."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from storelib import AnyStore, error_of, race

PART = 5 << 20
STALE = '"0123456789abcdef0123456789abcdef"'


def put(s3: Any, bucket: str, body: bytes = b"x", **more: Any) -> Any:
    return s3.put_object(Bucket=bucket, Key="k", Body=body, **more)


def get(s3: Any, bucket: str, **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key="k", **more)["Body"].read())


class Upload:
    """A multipart upload of the key with these parts in it."""

    def __init__(self, s3: Any, bucket: str, *bodies: bytes) -> None:
        self.s3, self.wanted = s3, {"Bucket": bucket, "Key": "k"}
        self.wanted["UploadId"] = s3.create_multipart_upload(**self.wanted)["UploadId"]
        self.parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**self.wanted, PartNumber=number, Body=body)["ETag"]}
            for number, body in enumerate(bodies, 1)
        ]

    def complete(self, parts: list[dict[str, Any]] | None = None, **more: str) -> Any:
        named = {"Parts": self.parts if parts is None else parts}
        return self.s3.complete_multipart_upload(**self.wanted, MultipartUpload=named, **more)


# --- conditions ---------------------------------------------------------------------------------------------------------


def test_create_over_a_delete_marker(s3: Any, versioned: str) -> None:
    put(s3, versioned)
    s3.delete_object(Bucket=versioned, Key="k")
    assert error_of(lambda: put(s3, versioned, b"new", IfNoneMatch="*")) == (200, "")


def test_create_where_a_version_is_current(s3: Any, versioned: str) -> None:
    put(s3, versioned, b"stays", IfNoneMatch="*")
    assert error_of(lambda: put(s3, versioned, b"new", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert get(s3, versioned) == b"stays"


def test_put_if_match_as_received(s3: Any, bucket: str) -> None:
    etag = put(s3, bucket)["ETag"]
    assert error_of(lambda: put(s3, bucket, b"new", IfMatch=etag)) == (200, "")


def test_put_if_match_bare(s3: Any, bucket: str) -> None:
    etag = put(s3, bucket)["ETag"].strip('"')
    assert error_of(lambda: put(s3, bucket, b"new", IfMatch=etag)) == (200, "")


def test_put_if_match_stale(s3: Any, bucket: str) -> None:
    """Proves something only on a store that accepts a condition which holds."""
    old = put(s3, bucket)["ETag"]
    new = put(s3, bucket, b"new", IfMatch=old)["ETag"]
    assert error_of(lambda: put(s3, bucket, b"lost", IfMatch=old)) == (412, "PreconditionFailed")
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == new


def test_put_if_match_of_a_missing_key(s3: Any, bucket: str) -> None:
    assert error_of(lambda: put(s3, bucket, IfMatch=STALE)) == (404, "NoSuchKey")


def test_put_if_none_match_with_an_etag_is_not_implemented(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"stays")
    assert error_of(lambda: put(s3, bucket, b"new", IfNoneMatch=STALE)) == (501, "NotImplemented")
    assert get(s3, bucket) == b"stays"


def test_delete_if_match_stale(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"stays")
    stale = error_of(lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch=STALE))
    assert stale == (412, "PreconditionFailed")
    assert get(s3, bucket) == b"stays"


@pytest.mark.parametrize("condition", [{"IfNoneMatch": "*"}, {"IfMatch": STALE}], ids=["none-match", "match"])
def test_complete_with_a_condition_that_fails(s3: Any, bucket: str, condition: dict[str, str]) -> None:
    upload = Upload(s3, bucket, b"new")
    put(s3, bucket, b"stays")
    assert error_of(lambda: upload.complete(**condition)) == (412, "PreconditionFailed")
    assert get(s3, bucket) == b"stays"


def test_one_of_six_uploads_wins(store: AnyStore, s3: Any, bucket: str) -> None:
    clients = [store.client(number % 2) for number in range(6)]
    for _ in range(5):
        uploads = [Upload(clients[number], bucket, b"%d" % number * 1000) for number in range(6)]

        def complete(number: int, uploads: Any = uploads) -> int:
            return error_of(lambda: uploads[number].complete(IfNoneMatch="*"))[0]

        statuses = race(6, complete)
        assert statuses.count(200) == 1 and set(statuses) <= {200, 409, 412}
        assert get(s3, bucket) == b"%d" % statuses.index(200) * 1000
        s3.delete_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    "condition",
    [{"IfNoneMatch": "*"}, {"IfMatch": STALE}, {"CopySourceIfMatch": STALE}],
    ids=["none-match", "match", "source-match"],
)
def test_copy_with_a_condition_that_fails(s3: Any, bucket: str, condition: dict[str, str]) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"new")
    put(s3, bucket, b"stays")
    source = {"Bucket": bucket, "Key": "source"}
    failed = error_of(lambda: s3.copy_object(Bucket=bucket, Key="k", CopySource=source, **condition))
    assert failed == (412, "PreconditionFailed")
    assert get(s3, bucket) == b"stays"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reads_with_conditions(store: AnyStore, s3: Any, bucket: str, method: str) -> None:
    etag = put(s3, bucket)["ETag"]
    old, new = "Wed, 01 Jan 2020 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    table = [
        ("If-Modified-Since", old, 200),
        ("If-Modified-Since", new, 304),
        ("If-Unmodified-Since", old, 412),
        ("If-Unmodified-Since", new, 200),
        ("If-Match", etag, 200),
        ("If-Match", STALE, 412),
        ("If-None-Match", etag, 304),
        ("If-None-Match", STALE, 200),
    ]
    got = [(name, value, store.signed(method, f"/{bucket}/k", b"", {name: value}).status) for name, value, _ in table]
    assert got == table


@pytest.mark.parametrize(("given", "status", "body"), [
    ("bytes=0-0", 206, b"0"), ("bytes=3-5", 206, b"345"), ("bytes=7-", 206, b"789"), ("bytes=-2", 206, b"89"),
    ("bytes=8-99", 206, b"89"), ("bytes=10-", 416, None), ("bytes=99-100", 416, None),
])  # fmt: skip
def test_ranges(store: AnyStore, s3: Any, bucket: str, given: str, status: int, body: bytes | None) -> None:
    put(s3, bucket, b"0123456789")
    answer = store.signed("GET", f"/{bucket}/k", b"", {"Range": given})
    assert answer.status == status and (body is None or answer.body == body)


def test_ranges_during_overwrites(store: AnyStore, s3: Any, bucket: str) -> None:
    """Old or new, whole or outside: an overwrite is no reason for a 500."""
    clients = [store.client(number % 2) for number in range(6)]
    sizes = [1, 70_000, 900_000]
    put(s3, bucket)

    def act(number: int) -> set[int]:
        if number < 3:
            for turn in range(60):
                put(clients[number], bucket, b"%d" % number * sizes[(turn + number) % 3])
            return set()
        given = ("bytes=0-99999", "bytes=1-5", "bytes=200000-")
        return {store.signed("GET", f"/{bucket}/k", b"", {"Range": given[turn % 3]}).status for turn in range(150)}

    assert set().union(*race(6, act)) <= {206, 416}


# --- objects and copies ---------------------------------------------------------------------------------------------------


def test_copies_take_or_replace_metadata(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"x", Metadata={"a": "1"}, ContentType="text/x")
    source = {"Bucket": bucket, "Key": "source"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert (s3.head_object(Bucket=bucket, Key="k")["Metadata"], get(s3, bucket)) == ({"b": "2"}, b"x")
    same = error_of(lambda: s3.copy_object(Bucket=bucket, Key="source", CopySource=source))
    assert same == (400, "InvalidRequest"), "onto itself, without a change"


def test_copies_say_their_etag(s3: Any, bucket: str) -> None:
    etag = put(s3, bucket)["ETag"]
    done = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert done["CopyObjectResult"]["ETag"] == etag


def tags(s3: Any, bucket: str, **more: str) -> dict[str, str]:
    found = s3.get_object_tagging(Bucket=bucket, Key="k", **more).get("TagSet", [])
    return {tag["Key"]: tag["Value"] for tag in found}


def test_tags_of_objects_and_versions(s3: Any, versioned: str) -> None:
    first = put(s3, versioned, Tagging="a=1&b=2")["VersionId"]
    put(s3, versioned, b"new")
    one = {"TagSet": [{"Key": "c", "Value": "3"}]}
    s3.put_object_tagging(Bucket=versioned, Key="k", Tagging=one)
    assert (tags(s3, versioned), tags(s3, versioned, VersionId=first)) == ({"c": "3"}, {"a": "1", "b": "2"})
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging=one)
    assert tags(s3, versioned, VersionId=first) == {"c": "3"}, "a set is replaced whole"


def test_an_upload_has_the_tags_of_its_beginning(s3: Any, bucket: str) -> None:
    wanted = {"Bucket": bucket, "Key": "k"}
    wanted["UploadId"] = s3.create_multipart_upload(**wanted, Tagging="a=1")["UploadId"]
    parts = [{"PartNumber": 1, "ETag": s3.upload_part(**wanted, PartNumber=1, Body=b"x")["ETag"]}]
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": parts})
    assert tags(s3, bucket) == {"a": "1"}


@pytest.mark.parametrize(("more", "want"), [
    ({}, {"a": "1"}),
    ({"MetadataDirective": "REPLACE"}, {"a": "1"}),
    ({"TaggingDirective": "REPLACE", "Tagging": "b=2"}, {"b": "2"}),
], ids=["copied", "metadata-replaced", "replaced"])  # fmt: skip
def test_copies_and_tags(s3: Any, bucket: str, more: dict[str, str], want: dict[str, str]) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"x", Tagging="a=1")
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "source"}, **more)
    assert tags(s3, bucket) == want


# --- multipart ------------------------------------------------------------------------------------------------------------


def test_an_upload_from_begin_to_end(s3: Any, bucket: str) -> None:
    bodies = [b"a" * PART, b"b" * 100]
    upload = Upload(s3, bucket, *bodies)
    listed = s3.list_parts(**upload.wanted)["Parts"]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed] == [
        (part["PartNumber"], len(body), part["ETag"]) for part, body in zip(upload.parts, bodies, strict=True)
    ]
    assert error_of(lambda: s3.head_object(Bucket=bucket, Key="k"))[0] == 404
    upload.complete()
    inner = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == f'"{hashlib.md5(inner).hexdigest()}-2"'
    assert get(s3, bucket) == b"".join(bodies)


def test_an_aborted_upload_is_gone(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, b"x")
    s3.abort_multipart_upload(**upload.wanted)
    assert error_of(lambda: s3.list_parts(**upload.wanted))[0] == 404
    assert error_of(lambda: s3.abort_multipart_upload(**upload.wanted)) == (404, "NoSuchUpload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_aborted_upload_cannot_be_completed(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, b"x")
    s3.abort_multipart_upload(**upload.wanted)
    assert error_of(upload.complete) == (404, "NoSuchUpload")
    assert error_of(lambda: s3.head_object(Bucket=bucket, Key="k"))[0] == 404


def test_complete_with_some_of_the_parts(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, b"named", b"dropped")
    upload.complete(upload.parts[:1])
    assert get(s3, bucket) == b"named"


def test_deletions_of_many_versions(s3: Any, versioned: str) -> None:
    first, second = put(s3, versioned, b"1")["VersionId"], put(s3, versioned, b"2")["VersionId"]
    wanted = [{"Key": "k", "VersionId": first}, {"Key": "absent"}]
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": wanted})
    assert "Errors" not in done and sorted(one["Key"] for one in done["Deleted"]) == ["absent", "k"]
    marker = next(one for one in done["Deleted"] if one["Key"] == "absent")
    page = s3.list_object_versions(Bucket=versioned)
    assert [one["VersionId"] for one in page["Versions"]] == [second]
    assert [one["VersionId"] for one in page["DeleteMarkers"]] == [marker["DeleteMarkerVersionId"]]


def test_a_part_from_an_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = Upload(s3, bucket)
    source = {"CopySource": {"Bucket": bucket, "Key": "source"}, "CopySourceRange": "bytes=3-6"}
    part = s3.upload_part_copy(**upload.wanted, PartNumber=1, **source)["CopyPartResult"]
    upload.complete([{"PartNumber": 1, "ETag": part["ETag"]}])
    assert get(s3, bucket) == b"3456"


def test_a_small_part_that_is_not_the_last(s3: Any, bucket: str) -> None:
    assert error_of(Upload(s3, bucket, b"small", b"last").complete) == (400, "EntityTooSmall")


def test_parts_out_of_order(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, b"a" * PART, b"b" * PART)
    assert error_of(lambda: upload.complete(upload.parts[::-1])) == (400, "InvalidPartOrder")


def test_complete_says_the_etag(s3: Any, bucket: str) -> None:
    done = Upload(s3, bucket, b"x").complete()
    assert done["ETag"] == s3.head_object(Bucket=bucket, Key="k")["ETag"]


def test_a_second_complete(s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket, b"x")
    upload.complete()
    assert error_of(upload.complete) == (200, "")


def test_a_part_is_read_by_its_number(s3: Any, bucket: str) -> None:
    Upload(s3, bucket, b"a" * PART, b"second").complete()
    assert get(s3, bucket, PartNumber=2) == b"second"


# --- listing and removing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_pages_with_a_delimiter(s3: Any, bucket: str, operation: str, size: int) -> None:
    for key in ("a", "b/1", "b/2", "c", "d/x", "ü"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    given = {"Bucket": bucket, "Delimiter": "/", "PaginationConfig": {"PageSize": size}}
    pages = list(s3.get_paginator(operation).paginate(**given))
    assert [one["Key"] for page in pages for one in page.get("Contents", [])] == ["a", "c", "ü"]
    assert [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])] == ["b/", "d/"]


def test_keys_are_listed_in_the_order_of_utf8(s3: Any, bucket: str) -> None:
    keys = ["Z", "a", "a b", "a+b", "a/b", "ü", "\uffee", "\U0001f600"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(keys, key=str.encode)


def test_a_token_of_somebody_elses_is_refused(store: AnyStore, bucket: str) -> None:
    answer = store.signed("GET", f"/{bucket}?continuation-token=nonsense&list-type=2")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_what_was_put_is_listed(s3: Any, bucket: str) -> None:
    for number in range(200):
        key = f"k{number:03}"
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1, key
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 200


@pytest.mark.parametrize(("count", "status"), [(1000, 200), (1001, 400)])
def test_so_many_keys_are_removed_at_once(s3: Any, bucket: str, count: int, status: int) -> None:
    put(s3, bucket)
    keys = [{"Key": "k"}, *({"Key": f"absent{number}"} for number in range(1, count))]
    assert error_of(lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": keys}))[0] == status
    assert len(s3.list_objects_v2(Bucket=bucket).get("Contents", [])) == (status != 200)


# --- versions ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def suspend(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_removing_a_marker_brings_the_object_back(s3: Any, versioned: str) -> None:
    put(s3, versioned, b"1")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True and error_of(lambda: get(s3, versioned)) == (404, "NoSuchKey")
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert get(s3, versioned) == b"1"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_marker_cannot_be_read(store: AnyStore, s3: Any, versioned: str, method: str) -> None:
    put(s3, versioned)
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    assert store.signed(method, f"/{versioned}/k?versionId={marker}").status == 405


def test_what_was_there_before_versions_is_null(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, b"after")
    assert get(s3, bucket, VersionId="null") == b"before"


def test_suspended_a_put_replaces_null(s3: Any, versioned: str) -> None:
    kept = put(s3, versioned, b"kept")["VersionId"]
    suspend(s3, versioned)
    for body in (b"1", b"2"):
        put(s3, versioned, body)
    listed = [one["VersionId"] for one in s3.list_object_versions(Bucket=versioned)["Versions"]]
    assert (listed, get(s3, versioned, VersionId="null")) == (["null", kept], b"2")


def test_suspended_a_delete_leaves_a_null_marker(s3: Any, versioned: str) -> None:
    kept = put(s3, versioned, b"kept")["VersionId"]
    suspend(s3, versioned)
    put(s3, versioned)
    s3.delete_object(Bucket=versioned, Key="k")
    page = s3.list_object_versions(Bucket=versioned)
    assert [one["VersionId"] for one in page["Versions"]] == [kept]
    assert [(one["VersionId"], one["IsLatest"]) for one in page["DeleteMarkers"]] == [("null", True)]


# --- what not every store has: kept or refused, never dropped ------------------------------------------------------------------

LIFECYCLE = b"<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>p/</Prefix></Filter><Status>Enabled</Status>"
LIFECYCLE += b"<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>"
CORS = b"<CORSConfiguration><CORSRule><AllowedOrigin>http://h.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
CORS += b"</CORSRule></CORSConfiguration>"
POLICY = b'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", '
POLICY += b'"Resource": "arn:aws:s3:::%b/public/*"}]}'


@pytest.mark.parametrize(
    ("name", "document", "mark"),
    [("lifecycle", LIFECYCLE, b"p/"), ("cors", CORS, b"http://h.example"), ("policy", POLICY, b"public/")],
    ids=["lifecycle", "cors", "policy"],
)
def test_a_configuration_is_kept_or_refused(
    store: AnyStore, bucket: str, name: str, document: bytes, mark: bytes
) -> None:
    document = document.replace(b"%b", bucket.encode())
    digest = base64.b64encode(hashlib.md5(document).digest()).decode()
    answer = store.signed("PUT", f"/{bucket}?{name}", document, {"Content-MD5": digest})
    assert answer.status in (200, 204, 501)
    assert answer.status == 501 or mark in store.signed("GET", f"/{bucket}?{name}").body


def test_a_locked_version_stays_or_the_lock_is_refused(s3: Any, fresh: Callable[..., str]) -> None:
    name = fresh()
    if error_of(lambda: s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True))[0] == 501:
        return
    version = put(s3, name)["VersionId"]
    hold = {"Bucket": name, "Key": "k", "VersionId": version}
    s3.put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    assert error_of(lambda: s3.delete_object(**hold)) == (403, "AccessDenied")
    s3.put_object_legal_hold(**hold, LegalHold={"Status": "OFF"})
    assert error_of(lambda: s3.delete_object(**hold))[0] == 204


def test_a_customers_key_is_honoured_or_refused(store: AnyStore, bucket: str) -> None:
    key = b"0123456789abcdef0123456789abcdef"
    given = {
        "algorithm": "AES256",
        "key": base64.b64encode(key),
        "key-MD5": base64.b64encode(hashlib.md5(key).digest()),
    }
    prefix = "x-amz-server-side-encryption-customer-"
    headers = {prefix + n: v if isinstance(v, str) else v.decode() for n, v in given.items()}
    if store.signed("PUT", f"/{bucket}/k", b"secret", headers).status == 200:
        assert store.signed("GET", f"/{bucket}/k").status == 400, "without the key"
        assert store.signed("GET", f"/{bucket}/k", b"", headers).body == b"secret"
    else:
        assert store.signed("GET", f"/{bucket}/k").status == 404
