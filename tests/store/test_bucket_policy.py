"""Bucket policies of the one form that is offered: everybody may read, and perhaps list."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from storelib import Store, error_of

_numbers = itertools.count(1)
MISSING = (404, "NoSuchBucketPolicy")


@pytest.fixture(scope="module")
def open_store() -> Iterator[Store]:
    running = Store("--bucket-policy")
    yield running
    assert running.close() == 0


@pytest.fixture
def bucket(open_store: Store) -> str:
    name = f"bucket-{next(_numbers)}"
    open_store.client().create_bucket(Bucket=name)
    open_store.client().put_object(Bucket=name, Key="k", Body=b"public")
    return name


def policy(bucket: str, *actions: str, **changes: Any) -> str:
    arns = {"s3:GetObject": f"arn:aws:s3:::{bucket}/*", "s3:ListBucket": f"arn:aws:s3:::{bucket}"}
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(actions),
        "Resource": [arns.get(action, arns["s3:GetObject"]) for action in actions],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changes]})


def statuses(store: Store, bucket: str) -> list[tuple[int, str]]:
    """Anonymous: GET, HEAD, GET of an absent key, LIST in both forms."""
    targets = [("GET", "/k"), ("HEAD", "/k"), ("GET", "/none"), ("GET", ""), ("GET", "?list-type=2")]
    answers = [store.send(method, f"/{bucket}{rest}") for method, rest in targets]
    return [(answer.status, answer.code) for answer in answers]


DENIED = (403, "AccessDenied")
CLOSED = [DENIED, (403, ""), DENIED, DENIED, DENIED]


def test_off_every_request_is_refused(s3: Any, store: Store) -> None:
    bucket = "policies-are-off"
    s3.create_bucket(Bucket=bucket)
    off = (501, "NotImplemented")
    assert error_of(lambda: s3.get_bucket_policy(Bucket=bucket)) == off
    assert error_of(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:GetObject"))) == off
    assert error_of(lambda: s3.delete_bucket_policy(Bucket=bucket)) == off
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert statuses(store, bucket) == CLOSED


def test_reading_is_opened_and_closed(open_store: Store, bucket: str) -> None:
    s3, document = open_store.client(), policy(bucket, "s3:GetObject")
    assert statuses(open_store, bucket) == CLOSED
    assert error_of(lambda: s3.get_bucket_policy(Bucket=bucket)) == MISSING
    put = s3.put_bucket_policy(Bucket=bucket, Policy=document)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == document
    assert statuses(open_store, bucket) == [(200, ""), (200, ""), DENIED, DENIED, DENIED]
    assert open_store.send("GET", f"/{bucket}/k").body == b"public"
    ranged = open_store.send("GET", f"/{bucket}/k", headers={"Range": "bytes=1-2"})
    assert (ranged.status, ranged.body) == (206, b"ub")
    for _ in range(2):
        assert s3.delete_bucket_policy(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert statuses(open_store, bucket) == CLOSED


def test_listing_too_then_absence_shows(open_store: Store, bucket: str) -> None:
    open_store.client().put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:GetObject", "s3:ListBucket"))
    assert statuses(open_store, bucket) == [(200, ""), (200, ""), (404, "NoSuchKey"), (200, ""), (200, "")]


def test_listing_alone(open_store: Store, bucket: str) -> None:
    open_store.client().put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:ListBucket"))
    assert statuses(open_store, bucket) == [DENIED, (403, ""), DENIED, (200, ""), (200, "")]


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("PUT", "/k"), ("DELETE", "/k"), ("GET", "/k?tagging"), ("GET", "/k?attributes"), ("GET", "/k?versionId=null"),
        ("GET", "?policy"), ("GET", "?versions"), ("GET", "?uploads"), ("HEAD", ""), ("DELETE", ""), ("POST", "?delete"),
    ],
)  # fmt: skip
def test_nothing_else_is_opened(open_store: Store, bucket: str, method: str, rest: str) -> None:
    document = policy(bucket, "s3:GetObject", "s3:ListBucket")
    open_store.client().put_bucket_policy(Bucket=bucket, Policy=document)
    assert open_store.send(method, f"/{bucket}{rest}").status == 403
    assert open_store.client().get_object(Bucket=bucket, Key="k")["Body"].read() == b"public"


def test_a_wrong_signature_is_not_anonymous(open_store: Store, bucket: str) -> None:
    open_store.client().put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:GetObject"))
    headers = open_store.sign("GET", f"/{bucket}/k")
    headers["Authorization"] = headers["Authorization"][:-4] + "0000"
    assert open_store.send("GET", f"/{bucket}/k", headers=headers).code == "SignatureDoesNotMatch"
    named = open_store.send("GET", f"/{bucket}/k?response-content-type=text/html")
    assert (named.status, named.code) == (400, "InvalidRequest")


def test_refused_documents_change_nothing(open_store: Store, bucket: str) -> None:
    s3, document = open_store.client(), policy(bucket, "s3:GetObject")
    s3.put_bucket_policy(Bucket=bucket, Policy=document)
    malformed, other = (400, "MalformedPolicy"), (501, "NotImplemented")
    rows = [
        ("{", malformed),
        (policy("elsewhere", "s3:GetObject"), malformed),
        (policy(bucket, "s3:GetObject", Effect="Deny"), other),
        (policy(bucket, "s3:PutObject"), other),
        (policy(bucket, "s3:GetObject", Principal={"AWS": "arn:aws:iam::123456789012:root"}), other),
        (policy(bucket, "s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}}), other),
    ]
    for text, want in rows:
        assert error_of(lambda text=text: s3.put_bucket_policy(Bucket=bucket, Policy=text)) == want, text
    bare = open_store.signed("PUT", f"/{bucket}?policy", document.encode())
    assert (bare.status, bare.code) == (400, "InvalidRequest")  # neither Content-MD5 nor a checksum
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == document


def test_a_new_bucket_of_the_same_name_is_closed(open_store: Store, bucket: str) -> None:
    s3 = open_store.client()
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:GetObject"))
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert error_of(lambda: s3.get_bucket_policy(Bucket=bucket)) == MISSING
