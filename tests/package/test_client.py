"""The client for the thin parts of a test: names and shapes of its calls, and that it hides nothing."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import urllib.request

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from s3prod.capabilities.wire import WireServer
from s3prod.client import LeftBehindError, S3Client
from s3prod.client.base import code_of, status_of
from s3prod.store import EmbeddedStore
from s3prod.target import Target
from s3prod.testing import NetworkFailureInjector, random_string

PART = 5 << 20
KEYS = [f"k/{number}" for number in range(7)]


@pytest.fixture(scope="module")
def client(embedded_target):
    return S3Client(embedded_target)


@pytest.fixture
def bucket(client):
    name = f"client-{random_string()}"
    client.create_bucket(name)
    yield name
    client.empty_bucket(name)
    client.delete_bucket(name)


def status(call, *words, **kwargs):
    """The HTTP status that the call fails with."""
    with pytest.raises(ClientError) as caught:
        call(*words, **kwargs)
    return status_of(caught.value)


def test_buckets(client, bucket):
    assert bucket in [entry["Name"] for entry in client.list_buckets()]
    assert client.bucket_exists(bucket) is True and client.bucket_exists(f"{bucket}-no") is False
    assert client.get_bucket_location(bucket) == "us-east-1"
    assert client.get_bucket_lifecycle(bucket) == []
    client.put_bucket_lifecycle(
        bucket, [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "t/"}, "Expiration": {"Days": 1}}]
    )
    assert [rule["ID"] for rule in client.get_bucket_lifecycle(bucket)] == ["r"]
    assert client.get_bucket_replication(bucket) == []


def test_a_bucket_of_another_region():
    with EmbeddedStore(region="eu-west-1") as store:
        client = S3Client(store.target())
        client.create_bucket("far")
        assert client.get_bucket_location("far") == "eu-west-1"


def test_objects(client, bucket, tmp_path):
    etag = client.put_object(bucket, "a+b c", b"value", Metadata={"m": "1"})["ETag"]
    assert client.get_object(bucket, "a+b c")["Body"].read() == b"value"
    assert client.head_object(bucket, "a+b c")["Metadata"] == {"m": "1"}
    assert client.object_exists(bucket, "a+b c") is True and client.object_exists(bucket, "no") is False
    assert client.copy_object(bucket, "a+b c", bucket, "copy")["CopyObjectResult"]["ETag"] == etag
    client.put_object_tagging(bucket, "copy", {"x": "1", "y": "2"})
    assert client.get_object_tagging(bucket, "copy") == {"x": "1", "y": "2"}
    client.delete_object_tagging(bucket, "copy")
    assert client.get_object_tagging(bucket, "copy") == {}
    (tmp_path / "in").write_bytes(b"file")
    assert client.upload_file(tmp_path / "in", bucket, "file") is None
    client.download_file(bucket, "file", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"file"
    with urllib.request.urlopen(client.generate_presigned_url(bucket, "file"), timeout=30) as answer:
        assert answer.read() == b"file"
    answer = client.delete_objects(bucket, ["file", {"Key": "copy"}, "never"])
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == ["copy", "file", "never"]
    assert "Deleted" not in client.delete_objects(bucket, ["file"], quiet=True)


def test_no_page_is_dropped(client, bucket):
    for key in KEYS:
        client.put_object(bucket, key)
    assert [entry["Key"] for entry in client.list_objects(bucket, max_keys=2)] == KEYS
    assert [entry["Key"] for entry in client.list_objects(bucket, "k/", 3, StartAfter="k/2")] == KEYS[3:]
    assert [page["KeyCount"] for page in client.object_pages(bucket, max_keys=3)] == [3, 3, 1]


def test_versions_and_their_pages(client, bucket):
    client.put_bucket_versioning(bucket, {"Status": "Enabled"})
    assert client.get_bucket_versioning(bucket)["Status"] == "Enabled"
    made = [client.put_object(bucket, "k", b"%d" % number)["VersionId"] for number in range(3)]
    client.delete_object(bucket, "k")
    pages = list(client.version_pages(bucket, max_keys=1))
    assert [entry["VersionId"] for page in pages for entry in page.get("Versions", [])] == made[::-1]
    assert len(client.list_object_versions(bucket)["DeleteMarkers"]) == 1
    assert client.copy_object(bucket, "k", bucket, "old", SourceVersionId=made[0])["CopySourceVersionId"] == made[0]
    assert client.get_object(bucket, "old")["Body"].read() == b"0"


def test_uploads_and_their_pages(client, bucket):
    client.put_object(bucket, "source", b"tail")
    upload = client.create_multipart_upload(bucket, "big")
    assert isinstance(upload, str)
    parts = [{"PartNumber": 1, "ETag": client.upload_part(bucket, "big", upload, 1, bytes(PART))["ETag"]}]
    copied = client.upload_part_copy(bucket, "big", upload, 2, bucket, "source")
    parts.append({"PartNumber": 2, "ETag": copied["CopyPartResult"]["ETag"]})
    pages = client.part_pages(bucket, "big", upload, max_parts=1)
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [1, 2]
    assert client.list_parts(bucket, "big", upload, MaxParts=1)["IsTruncated"] is True
    others = sorted(client.create_multipart_upload(bucket, "other") for _ in range(2))
    pages = client.upload_pages(bucket, max_uploads=1)
    assert sorted(each["UploadId"] for page in pages for each in page["Uploads"]) == sorted([upload, *others])
    assert len(client.list_multipart_uploads(bucket, Prefix="other")["Uploads"]) == 2
    for each in others:
        client.abort_multipart_upload(bucket, "other", each)
    client.complete_multipart_upload(bucket, "big", upload, parts)
    assert client.head_object(bucket, "big")["ContentLength"] == PART + 4


def test_conditions_on_every_verb(client, bucket):
    etag = client.put_object(bucket, "k", b"1", IfNoneMatch="*")["ETag"]
    wrong = f'"{hashlib.md5(b"2").hexdigest()}"'
    assert status(client.put_object, bucket, "k", b"2", IfNoneMatch="*") == 412
    assert status(client.put_object, bucket, "k", b"2", IfMatch=wrong) == 412
    assert status(client.get_object, bucket, "k", IfMatch=wrong) == 412
    assert status(client.head_object, bucket, "k", IfNoneMatch=etag) == 304
    assert status(client.delete_object, bucket, "k", IfMatch=wrong) == 412
    assert status(client.copy_object, bucket, "k", bucket, "k2", CopySourceIfMatch=wrong) == 412
    assert status(client.copy_object, bucket, "k", bucket, "k", IfNoneMatch="*", MetadataDirective="REPLACE") == 412
    upload = client.create_multipart_upload(bucket, "k")
    part = {"PartNumber": 1, "ETag": client.upload_part(bucket, "k", upload, 1, b"1")["ETag"]}
    assert status(client.complete_multipart_upload, bucket, "k", upload, [part], IfNoneMatch="*") == 412
    [error] = client.delete_objects(bucket, [{"Key": "k", "ETag": wrong}])["Errors"]
    assert error["Code"] == "PreconditionFailed"
    assert client.get_object(bucket, "k")["Body"].read() == b"1"


def test_conditions_that_boto3_has_no_parameter_for_go_out_as_signed_headers():
    when = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    with WireServer() as wire:
        client = S3Client(Target((wire.endpoint,), "k", "s"))
        client.upload_part("b", "k", "u", 1, b"x", IfMatch='"e"', IfUnmodifiedSince=when, headers={"x-amz-own": "1"})
        client.client.put_object(Bucket="b", Key="k")
    sent, after = (seen.headers for seen in wire.seen)
    assert (sent["if-match"], sent["x-amz-own"]) == ('"e"', "1")
    assert sent["if-unmodified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert "x-amz-own" in sent["authorization"]
    assert "if-match" not in after and "x-amz-own" not in after


# Calls that the embedded store does not have, as they go out: call, method, target.
SENT = [
    (lambda c: c.put_bucket_acl("b", "private"), "PUT", "/b?acl"),
    (lambda c: c.get_bucket_acl("b"), "GET", "/b?acl"),
    (lambda c: c.put_object_acl("b", "k", "private"), "PUT", "/b/k?acl"),
    (lambda c: c.get_object_acl("b", "k"), "GET", "/b/k?acl"),
    (lambda c: c.put_bucket_encryption("b", "aws:kms", "id"), "PUT", "/b?encryption"),
    (lambda c: c.put_bucket_replication("b", [], "role"), "PUT", "/b?replication"),
    (lambda c: c.delete_bucket_replication("b"), "DELETE", "/b?replication"),
    (lambda c: c.put_object_lock_configuration("b", {"ObjectLockEnabled": "Enabled"}), "PUT", "/b?object-lock"),
    (lambda c: c.put_object_retention("b", "k", {"Mode": "GOVERNANCE"}, VersionId="v"), "PUT", "/b/k?retention&versionId=v"),
    (lambda c: c.put_object_legal_hold("b", "k", "ON"), "PUT", "/b/k?legal-hold"),
]  # fmt: skip


def test_calls_of_other_stores_go_out_as_they_should():
    with WireServer(lambda seen: (200, {}, b"<A/>" if seen.method == "GET" else b"")) as wire:
        client = S3Client(Target((wire.endpoint,), "k", "s"))
        for call, method, target in SENT:
            call(client)
            assert (wire.seen[-1].method, wire.seen[-1].target) == (method, target)
    assert b"KMSMasterKeyID" in wire.seen[4].body and b"GOVERNANCE" in wire.seen[8].body


ABSENT = [
    (lambda c: c.get_bucket_lifecycle("b"), "NoSuchLifecycleConfiguration", []),
    (lambda c: c.get_bucket_encryption("b"), "ServerSideEncryptionConfigurationNotFoundError", {}),
    (lambda c: c.get_bucket_replication("b"), "ReplicationConfigurationNotFoundError", []),
    (lambda c: c.get_object_lock_configuration("b"), "ObjectLockConfigurationNotFoundError", {}),
    (lambda c: c.get_object_retention("b", "k"), "NoSuchObjectLockConfiguration", {}),
    (lambda c: c.get_object_legal_hold("b", "k"), "NoSuchObjectLockConfiguration", "OFF"),
]


def test_what_is_not_set_is_empty_and_other_errors_are_raised():
    codes = []
    with WireServer(lambda seen: (404, {}, b"<Error><Code>%s</Code></Error>" % codes[-1])) as wire:
        client = S3Client(Target((wire.endpoint,), "k", "s"))
        for call, code, empty in ABSENT:
            codes.append(code.encode())
            assert call(client) == empty
            codes.append(b"NoSuchBucket")
            with pytest.raises(ClientError, match="NoSuchBucket"):
                call(client)


@pytest.mark.parametrize("answer", [403, 500, 503])
def test_only_404_means_that_it_is_not_there(answer):
    with WireServer(lambda seen: (answer, {}, b"")) as wire:
        client = S3Client(Target((wire.endpoint,), "k", "s"))
        assert status(client.object_exists, "b", "k") == status(client.bucket_exists, "b") == answer
        assert len(wire.seen) == 2, "it was tried again behind the test's back"


def test_a_page_that_leads_to_itself_is_an_error():
    page = (
        b"<ListBucketResult><IsTruncated>%s</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        b"</ListBucketResult>"
    )
    with WireServer(lambda seen: (200, {}, page % (b"true" if len(wire.seen) < 9 else b"false"))) as wire:
        with pytest.raises(RuntimeError, match="IsTruncated"):
            S3Client(Target((wire.endpoint,), "k", "s")).list_objects("b")
        assert len(wire.seen) == 2


def test_raw_requests(client, bucket):
    key = "a+b &%c/ü"
    assert client.request("PUT", f"/{bucket}/{key}", body=b"raw", headers={"x-amz-meta-m": "1"}).status == 200
    assert client.get_object(bucket, key)["Metadata"] == {"m": "1"}
    answer = client.request("GET", f"/{bucket}/{key}")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"raw", "3")
    listed = client.request("GET", f"/{bucket}", {"list-type": "2", "prefix": "a+b &"})
    assert b"<KeyCount>1</KeyCount>" in listed.body
    missing = client.request("GET", f"/{bucket}/no")
    assert (missing.status, missing.code) == (404, "NoSuchKey") and missing.request_id
    lie = {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    assert client.request("PUT", f"/{bucket}/{key}", headers=lie, body=b"raw").status == 400


def test_every_attempt_is_recorded(embedded_target, bucket):
    told = []
    client = S3Client(embedded_target, on_attempt=told.append)
    client.put_object(bucket, "k", b"1")
    assert status(client.get_object, bucket, "no") == 404
    assert client.object_exists(bucket, "no") is False
    client.request("GET", f"/{bucket}/no")
    assert told == list(client.attempts)
    shown = [(each.operation, each.method, each.status, each.code) for each in told]
    assert shown == [
        ("PutObject", "PUT", 200, ""),
        ("GetObject", "GET", 404, "NoSuchKey"),
        ("HeadObject", "HEAD", 404, ""),
        ("raw", "GET", 404, "NoSuchKey"),
    ]
    assert len({each.request_id for each in told}) == 4 and "" not in {each.request_id for each in told}
    assert all(a.start_ns < a.end_ns <= b.start_ns for a, b in itertools.pairwise(told))


def test_an_attempt_without_an_answer_is_recorded(embedded_target, bucket):
    with NetworkFailureInjector(embedded_target) as network, network.failing("drop-ack-after-commit:p=1,op=put"):
        client = network.client()
        with pytest.raises(ConnectionClosedError):
            client.put_object(bucket, "k", b"1")
    [attempt] = client.attempts
    assert (attempt.status, attempt.error) == (0, "ConnectionClosedError")


# --- emptying ----------------------------------------------------------------------------------------------------------


def fill(client, bucket, prefix=""):
    client.put_bucket_versioning(bucket, {"Status": "Enabled"})
    for key in ("a", "b"):
        client.put_object(bucket, prefix + key, b"1")
        client.put_object(bucket, prefix + key, b"2")
    client.delete_object(bucket, f"{prefix}a")
    client.create_multipart_upload(bucket, f"{prefix}up")


def test_empty_bucket_removes_versions_markers_and_uploads(client, bucket):
    fill(client, bucket)
    assert client.empty_bucket(bucket) == 6
    assert list(client.things(bucket)) == []


def test_empty_bucket_of_a_prefix(client, bucket):
    fill(client, bucket, "mine/")
    fill(client, bucket, "mine")
    assert client.empty_bucket(bucket, "mine/") == 6
    assert {thing.key for thing in client.things(bucket)} == {"minea", "mineb", "mineup"}


def test_empty_bucket_tries_again(embedded_target, client, bucket):
    fill(client, bucket)
    with NetworkFailureInjector(embedded_target, seed=3) as network:
        with network.failing("status-before-commit:p=0.3,status=503"):
            network.client().empty_bucket(bucket)
        assert list(client.things(bucket)) == []


def test_empty_bucket_says_what_is_left(monkeypatch):
    monkeypatch.setattr("s3prod.client.emptying._PAUSE_S", 0.001)
    with EmbeddedStore(mutants=["bulk-silent-failure:p=1"]) as store:
        client = S3Client(store.target())
        client.create_bucket("left")
        client.put_object("left", "k")
        with pytest.raises(
            LeftBehindError, match="left, expected to be empty, but version null of k is left"
        ) as caught:
            client.empty_bucket("left")
        assert caught.value.left == ["version null of k"]


def test_empty_bucket_of_a_store_without_batches():
    with EmbeddedStore(mutants=["bulk-unsupported:p=1"]) as store:
        client = S3Client(store.target())
        client.create_bucket("single")
        fill(client, "single")
        assert client.empty_bucket("single") == 6
        assert list(client.things("single")) == []


def test_a_bucket_that_is_not_there_cannot_be_emptied(client):
    with pytest.raises(ClientError) as caught:
        client.empty_bucket(f"never-{random_string()}")
    assert code_of(caught.value) == "NoSuchBucket"


def test_capabilities_that_were_given(embedded_target):
    client = S3Client(embedded_target, capabilities={"retry_mode": "standard", "sigv4_chunked": False})
    assert client.get_capability("retry_mode") == "standard" and client.get_capability("no", 5) == 5
    assert client.has_capability("retry_mode") and not client.has_capability("sigv4_chunked")
