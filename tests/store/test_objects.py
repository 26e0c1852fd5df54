"""Objects: what goes in comes out, with its metadata, in ranges, under odd names."""

from __future__ import annotations

import base64
import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import AnyStore, code_of, path_of

SIZES = [0, 1, 1024, 16384, 16385, 65536, 65537, 1_000_003, 8 << 20]


def body_of(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_put_get_head_delete(s3: Any, bucket: str, size: int) -> None:
    body = body_of(size)
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.put_object(Bucket=bucket, Key="k", Body=body)["ETag"] == etag
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["ETag"], got["ContentLength"]) == (body, etag, size)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ETag"], head["ContentLength"], head["LastModified"]) == (etag, size, got["LastModified"])
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k")
    assert code_of(error.value) == (404, "NoSuchKey")
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=bucket, Key="k")
    assert code_of(error.value)[0] == 404
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_overwrite_replaces_everything(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=body_of(100_000), Metadata={"a": "1"}, ContentType="text/plain")
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"new", {}, "binary/octet-stream")


def test_metadata_comes_back(s3: Any, bucket: str) -> None:
    system = {
        "ContentType": "text/x-test",
        "CacheControl": "max-age=5",
        "ContentDisposition": "attachment",
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"one": "1", "two": "a  b", "three": ""}, **system)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"one": "1", "two": "a  b", "three": ""}
    assert {name: head[name] for name in system} == system


def test_metadata_limit_is_2_kib(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"m": "v" * 2047})
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"y", Metadata={"m": "v" * 2048})
    assert code_of(error.value) == (400, "MetadataTooLarge")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-", slice(0, None)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-999999", slice(0, None)),
        ("bytes=90-9999999999999999999999", slice(90, None)),
    ],
)
@pytest.mark.parametrize("size", [100, 70_000])
def test_ranges(s3: Any, bucket: str, spec: str, part: slice, size: int) -> None:
    body = body_of(size)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k", Range=spec)
    assert got["Body"].read() == body[part]
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    first = range(size)[part][0]
    assert got["ContentRange"] == f"bytes {first}-{first + len(body[part]) - 1}/{size}"
    assert "ChecksumCRC32" not in got, "a checksum of the whole object on a part of it"


@pytest.mark.parametrize("spec", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_range_outside(s3: Any, bucket: str, spec: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=body_of(100))
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", Range=spec)
    assert code_of(error.value) == (416, "InvalidRange")
    assert error.value.response["ResponseMetadata"]["HTTPHeaders"]["content-range"] == "bytes */100"


@pytest.mark.parametrize("spec", ["bytes=5-4", "bytes=x-y", "lines=1-2", "bytes="])
def test_malformed_range_is_ignored(store: AnyStore, s3: Any, bucket: str, spec: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    answer = store.signed("GET", f"/{bucket}/k", headers={"Range": spec})
    assert (answer.status, answer.body) == (200, b"0123456789")


@pytest.mark.embedded("refused with 501")
def test_several_ranges_are_refused(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    answer = store.signed("GET", f"/{bucket}/k", headers={"Range": "bytes=0-1,4-5"})
    assert (answer.status, answer.code) == (501, "NotImplemented")


ODD_KEYS = [
    "a b", "a+b", "a%2Fb", "a//b", "/lead", "trail/", "./x", "../x", "x/../y", "ü/ö", "😀", "a&b=c", "a?b", "a#b", "'\"<>",
    "~-_.", "a\tb", "%", "\x7f", "a;b,c:d@e!f$g*h(i)", "k" * 1024, "ü" * 512,
]  # fmt: skip


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key)[:20])
def test_odd_keys(store: AnyStore, bucket: str, key: str) -> None:
    body = key.encode()
    target = path_of(bucket, key)
    assert store.signed("PUT", target, body).status == 200
    got = store.signed("GET", target)
    assert (got.status, got.body) == (200, body)
    listed = store.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == [key]
    assert store.signed("DELETE", target).status == 204


CHOICE = pytest.mark.embedded("S3 does not say")


@pytest.mark.parametrize(("target", "status", "code"), [
    ("k" * 1025, 400, "KeyTooLongError"),
    pytest.param("a%00b", 400, "InvalidURI", marks=CHOICE),
    pytest.param("a%ffb", 400, "InvalidURI", marks=CHOICE),
    pytest.param("a%zzb", 400, "InvalidURI", marks=CHOICE),
])  # fmt: skip
def test_keys_that_cannot_be(store: AnyStore, bucket: str, target: str, status: int, code: str) -> None:
    answer = store.signed("PUT", f"/{bucket}/{target}", b"x")
    assert (answer.status, answer.code) == (status, code)


def test_long_keys_that_differ_in_their_last_byte(s3: Any, bucket: str) -> None:
    keys = [("x" * (length - 1)) + last for length in (479, 480, 481, 482, 511, 512, 1024) for last in "abc"]
    for key in reversed(keys):  # over and below what stands in a record
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode() * 3)
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(keys)
    paged = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [entry["Key"] for page in paged for entry in page["Contents"]] == sorted(keys)
    for key in keys[::2]:
        s3.delete_object(Bucket=bucket, Key=key)
    for key in keys[1::2]:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(keys[1::2])


def test_response_overrides(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/html", ResponseCacheControl="no-store")
    assert (got["ContentType"], got["CacheControl"]) == ("text/html", "no-store")
    split = store.signed("GET", f"/{bucket}/k?response-content-type=a%0D%0Ax%3A%20y")
    assert (split.status, split.code) == (400, "InvalidArgument")


CHECKSUMS = {
    "CRC32": base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode(),
    "CRC32C": "mnG7TA==",
    "CRC64NVME": "M3eFcAZSQlc=",
    "SHA1": base64.b64encode(hashlib.sha1(b"hello").digest()).decode(),
    "SHA256": base64.b64encode(hashlib.sha256(b"hello").digest()).decode(),
}


@pytest.mark.parametrize("name", CHECKSUMS)
def test_checksum_is_verified_kept_and_given_back(s3: Any, store: AnyStore, bucket: str, name: str) -> None:
    header = f"x-amz-checksum-{name.lower()}"
    put = store.signed("PUT", f"/{bucket}/k", b"hello", {header: CHECKSUMS[name]})
    assert (put.status, put.headers[header]) == (200, CHECKSUMS[name])
    assert header not in store.signed("GET", f"/{bucket}/k").headers
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{name}"] == CHECKSUMS[name]
    wrong = store.signed("PUT", f"/{bucket}/k", b"hellO", {header: CHECKSUMS[name]})
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    for malformed in ("AAAA", "!", CHECKSUMS[name] + "AAAA"):
        answer = store.signed("PUT", f"/{bucket}/k", b"hello", {header: malformed})
        assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert store.signed("GET", f"/{bucket}/k").body == b"hello"


def test_a_range_has_no_checksum(store: AnyStore, bucket: str) -> None:
    """A client that verifies what it gets would reject a correct 206."""
    store.signed("PUT", f"/{bucket}/k", b"hello", {"x-amz-checksum-sha256": CHECKSUMS["SHA256"]})
    answer = store.signed("GET", f"/{bucket}/k", b"", {"Range": "bytes=1-2", "x-amz-checksum-mode": "ENABLED"})
    assert (answer.status, answer.body) == (206, b"el")
    assert not any(name.startswith("x-amz-checksum") for name in answer.headers)


def test_two_checksums_are_one_too_many(store: AnyStore, bucket: str) -> None:
    headers = {f"x-amz-checksum-{name.lower()}": CHECKSUMS[name] for name in ("CRC32", "SHA1")}
    assert store.signed("PUT", f"/{bucket}/k", b"hello", headers).code == "InvalidRequest"


def test_without_a_checksum_crc64nvme_is_computed(store: AnyStore, bucket: str) -> None:
    assert store.signed("PUT", f"/{bucket}/k", b"hello").headers["x-amz-checksum-crc64nvme"] == CHECKSUMS["CRC64NVME"]


def test_content_md5(store: AnyStore, bucket: str) -> None:
    def put(value: str) -> tuple[int, str]:
        answer = store.signed("PUT", f"/{bucket}/k", b"hello", {"Content-MD5": value})
        return answer.status, answer.code

    assert put(base64.b64encode(hashlib.md5(b"hello").digest()).decode()) == (200, "")
    assert put(base64.b64encode(hashlib.md5(b"other").digest()).decode()) == (400, "BadDigest")
    assert put("nonsense") == (400, "InvalidDigest")


def test_a_refused_large_body_leaves_nothing(store: AnyStore, s3: Any, bucket: str) -> None:
    body = body_of(3 << 20)
    answer = store.signed("PUT", f"/{bucket}/k", body, {"x-amz-checksum-crc32": "AAAAAA=="})
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_thousand_puts_at_once(s3: Any, bucket: str) -> None:
    def put(number: int) -> int:
        body = b"%d" % number
        s3.put_object(Bucket=bucket, Key=f"k{number:04}", Body=body)
        return int(s3.get_object(Bucket=bucket, Key=f"k{number:04}")["Body"].read())

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(put, range(1000))) == list(range(1000))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1000


def test_reads_during_overwrites_are_old_or_new(s3: Any, bucket: str) -> None:
    sizes = [1, 1500, 17_000, 100_000]
    s3.put_object(Bucket=bucket, Key="k", Body=b"a")

    def write(letter: bytes) -> None:
        for size in sizes * 8:
            s3.put_object(Bucket=bucket, Key="k", Body=letter * size)

    def read(_: int) -> None:
        for _ in range(40):
            got = s3.get_object(Bucket=bucket, Key="k")
            body = got["Body"].read()
            assert len(set(body)) == 1 and len(body) in sizes
            assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(write, letter) for letter in (b"a", b"b", b"c", b"d")]
        work += [pool.submit(read, number) for number in range(4)]
        for one in work:
            one.result()


def test_reads_during_overwrites_in_many_threads(start: Any) -> None:
    """The body that a record names may go before it is opened: the read starts over."""
    one = start("--threads", "3").client()
    one.create_bucket(Bucket="bkt")
    test_reads_during_overwrites_are_old_or_new(one, "bkt")
