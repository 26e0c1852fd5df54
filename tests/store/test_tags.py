"""Tags of objects: set, replaced, removed, with PUT, copies and uploads."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from storelib import AnyStore, error_of


def as_set(**tags: str) -> dict[str, list[dict[str, str]]]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tags_of(s3: Any, bucket: str, key: str = "k") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_set_is_replaced_whole_and_nothing_else_changes(s3: Any, bucket: str, size: int) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * size, Metadata={"m": "1"})
    before = s3.head_object(Bucket=bucket, Key="k")
    assert tags_of(s3, bucket) == {} and "TagCount" not in before
    time.sleep(1.1)  # times have whole seconds
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(a="1", b="2"))
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(b="3", c=""))
    assert tags_of(s3, bucket) == {"b": "3", "c": ""}
    after = s3.get_object(Bucket=bucket, Key="k")
    assert after["Body"].read() == b"x" * size and after["TagCount"] == 2
    for name in ("ETag", "LastModified", "Metadata"):
        assert after[name] == before[name]
    gone = s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204 and tags_of(s3, bucket) == {}
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(a="1"))
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set())
    assert tags_of(s3, bucket) == {}


def test_tags_of_a_put(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=x+y&c%2Bd=%C3%BC%3D&e=&f")
    assert tags_of(s3, bucket) == {"a": "1", "b": "x y", "c+d": "ü=", "e": "", "f": ""}
    assert s3.head_object(Bucket=bucket, Key="k")["TagCount"] == 5
    s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert tags_of(s3, bucket) == {}


BAD = [
    ({f"k{number}": "v" for number in range(11)}, "BadRequest"),
    ({"": "v"}, "InvalidTag"),
    ({"k" * 129: "v"}, "InvalidTag"),
    ({"k": "v" * 257}, "InvalidTag"),
    ({"aws:k": "v"}, "InvalidTag"),
    ({"k": "a\nb"}, "InvalidTag"),
    ({"k": "<>"}, "InvalidTag"),
]


@pytest.mark.parametrize(("tags", "code"), BAD, ids=lambda value: str(value)[:20])
def test_bad_tags_change_nothing(store: AnyStore, bucket: str, tags: dict[str, str], code: str) -> None:
    s3 = store.client(parameter_validation=False)
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays", Tagging="old=1")
    assert error_of(lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(**tags))) == (400, code)
    assert error_of(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"new", Tagging=urlencode(tags))) == (400, code)
    assert error_of(lambda: s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging=urlencode(tags))) == (400, code)
    assert tags_of(s3, bucket) == {"old": "1"}
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


def test_limits_are_characters(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    tags = {"\U0001f600" * 128: "ü" * 256} | {f"k{number}": "v" for number in range(9)}
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(**tags))
    assert tags_of(s3, bucket) == tags


def test_the_same_key_twice(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert error_of(lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=twice)) == (400, "InvalidTag")
    assert error_of(lambda: s3.put_object(Bucket=bucket, Key="k", Tagging="a=1&a=2")) == (400, "InvalidTag")


def test_refusals(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="old=1")
    document = b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    answer = store.signed("PUT", f"/{bucket}/k?tagging", document)
    assert (answer.status, answer.code) == (400, "InvalidRequest"), "neither Content-MD5 nor a checksum"
    assert error_of(lambda: s3.get_object_tagging(Bucket=bucket, Key="no")) == (404, "NoSuchKey")
    assert error_of(lambda: s3.delete_object_tagging(Bucket=bucket, Key="no")) == (404, "NoSuchKey")
    assert error_of(lambda: s3.put_object_tagging(Bucket=bucket, Key="no", Tagging=as_set(a="1"))) == (404, "NoSuchKey")
    for header in ("a=%zz", "%=1"):
        answer = store.signed("PUT", f"/{bucket}/k", b"y", {"x-amz-tagging": header})
        assert (answer.status, answer.code) == (400, "InvalidArgument")
    for method in ("GET", "DELETE"):
        assert store.signed(method, f"/{bucket}/k?tagging", b"", {"If-Match": "*"}).code == "NotImplemented"
    assert tags_of(s3, bucket) == {"old": "1"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<Tagging>",
        b"<Tagging></Tagging>",
        b"<Other><TagSet/></Other>",
        b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>",
    ],
)
def test_malformed_documents(store: AnyStore, s3: Any, bucket: str, document: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="old=1")
    md5 = base64.b64encode(hashlib.md5(document).digest()).decode()
    answer = store.signed("PUT", f"/{bucket}/k?tagging", document, {"Content-MD5": md5})
    assert (answer.status, answer.code) == (400, "MalformedXML")
    assert tags_of(s3, bucket) == {"old": "1"}


def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="s", Body=b"x", Tagging="a=1&b=2", Metadata={"m": "1"})
    source = {"Bucket": bucket, "Key": "s"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    assert tags_of(s3, bucket) == {"a": "1", "b": "2"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE")
    assert tags_of(s3, bucket) == {"a": "1", "b": "2"}, "the directives are independent"
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, TaggingDirective="REPLACE", Tagging="c=3")
    assert tags_of(s3, bucket) == {"c": "3"}
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "1"}
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, TaggingDirective="REPLACE")
    assert tags_of(s3, bucket) == {}
    s3.copy_object(Bucket=bucket, Key="s", CopySource=source, TaggingDirective="REPLACE", Tagging="own=1")
    assert tags_of(s3, bucket, "s") == {"own": "1"}
    many = error_of(
        lambda: s3.copy_object(
            Bucket=bucket, Key="k", CopySource=source, TaggingDirective="REPLACE", Tagging="&".join("abcdefghijk")
        )
    )
    assert many == (400, "BadRequest")
    wrong = error_of(lambda: s3.copy_object(Bucket=bucket, Key="k", CopySource=source, TaggingDirective="MERGE"))
    assert wrong == (400, "InvalidArgument")


def test_an_upload_brings_its_tags(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging="a=1")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=named)
    assert tags_of(s3, bucket) == {"a": "1"}
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=as_set(b="2"))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x" and tags_of(s3, bucket) == {"b": "2"}
