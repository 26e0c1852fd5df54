"""Buckets: create, head, list, locate, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import NEVER, AnyStore, code_of, error_of


def test_life_of_a_bucket(s3: Any, fresh: Callable[..., str]) -> None:
    name = fresh(".dots")
    s3.create_bucket(Bucket=name)
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    s3.put_object(Bucket=name, Key="k", Body=b"")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=name)
    assert code_of(error.value) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket=name)
    assert code_of(error.value)[0] == 404
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=name)
    assert code_of(error.value) == (404, "NoSuchBucket")


@pytest.mark.embedded("S3 says 200 in its first region")
def test_a_bucket_is_made_once(s3: Any, bucket: str) -> None:
    assert error_of(lambda: s3.create_bucket(Bucket=bucket)) == (409, "BucketAlreadyOwnedByYou")


def test_a_bucket_made_anew_is_empty(s3: Any, fresh: Callable[..., str]) -> None:
    name = fresh()
    for _ in range(3):
        s3.create_bucket(Bucket=name)
        assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 0
        s3.put_object(Bucket=name, Key="k", Body=b"")
        s3.delete_object(Bucket=name, Key="k")
        s3.delete_bucket(Bucket=name)


@pytest.mark.embedded("S3 does not say")
def test_a_bucket_made_anew_while_a_body_comes_in(store: AnyStore, s3: Any, bucket: str) -> None:
    body = b"x" * 50_000
    headers = store.sign("PUT", f"/{bucket}/k", body) | {"Host": store.address, "Content-Length": str(len(body))}
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with store.socket() as raw:
        raw.sendall(f"PUT /{bucket}/k HTTP/1.1\r\n{fields}Expect: 100-continue\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 100"), "the bucket has been looked up"
        s3.delete_bucket(Bucket=bucket)
        s3.create_bucket(Bucket=bucket)
        raw.sendall(body)
        assert b"<Code>NoSuchBucket</Code>" in raw.recv(4096)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_list_buckets_is_sorted(s3: Any, bucket: str) -> None:
    names = [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert bucket in names and names == sorted(names)


@pytest.mark.embedded("it has every region")
def test_location(s3: Any, bucket: str, fresh: Callable[..., str]) -> None:
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    in_dublin = fresh()
    s3.create_bucket(Bucket=in_dublin, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket=in_dublin)["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize("name", ["ab", "Upper", "under_score", "-x1", "x1-", "a..b", "1.2.3.4", "x" * 64])
def test_names_that_cannot_be(store: AnyStore, name: str) -> None:
    answer = store.signed("PUT", f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


@pytest.mark.parametrize("operation", ["put_object", "get_object", "delete_object"])
def test_no_such_bucket(s3: Any, operation: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(s3, operation)(Bucket=NEVER, Key="k")
    assert code_of(error.value) == (404, "NoSuchBucket")
