"""Rules of S3 about signatures, digests and the encoding of bodies that stores are known to break, one a test."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest
from storelib import AnyStore
from test_chunked import CRC, MODES, SIGNED, UNSIGNED_TRAILER, Chunked


def crc_of(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def test_a_wrong_secret(store: AnyStore, bucket: str) -> None:
    answer = store.with_secret("wrong").signed("GET", f"/{bucket}")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_nobody_lists_a_private_bucket(store: AnyStore, bucket: str) -> None:
    answer = store.send("GET", f"/{bucket}")
    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_presigned_put_and_get(store: AnyStore, bucket: str) -> None:
    assert store.send("PUT", store.presign("PUT", f"/{bucket}/k"), b"hello").status == 200
    answer = store.send("GET", store.presign("GET", f"/{bucket}/k"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert store.send("GET", store.presign("PUT", f"/{bucket}/k")).status == 403, "the method is under the signature"


def test_a_wrong_digest_of_the_payload(store: AnyStore, bucket: str) -> None:
    answer = store.send("PUT", f"/{bucket}/k", b"hellO", store.sign("PUT", f"/{bucket}/k", b"hello"))
    assert answer.status == 400
    assert store.signed("GET", f"/{bucket}/k").status == 404


def test_a_wrong_md5(store: AnyStore, bucket: str) -> None:
    digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = store.signed("PUT", f"/{bucket}/k", b"hello", {"Content-MD5": digest})
    assert (answer.status, answer.code) == (400, "BadDigest")


@pytest.mark.parametrize("more", [{}, {"x-amz-sdk-checksum-algorithm": "CRC32"}], ids=["alone", "as-sdks-send-it"])
def test_a_wrong_checksum(store: AnyStore, bucket: str, more: dict[str, str]) -> None:
    assert store.signed("PUT", f"/{bucket}/k", b"hello", {CRC: crc_of(b"other")} | more).status == 400
    assert store.signed("GET", f"/{bucket}/k").status == 404


def test_a_checksum_is_given_back(store: AnyStore, bucket: str) -> None:
    given = {CRC: crc_of(b"hello"), "x-amz-sdk-checksum-algorithm": "CRC32"}
    assert store.signed("PUT", f"/{bucket}/k", b"hello", given).status == 200
    for method in ("HEAD", "GET"):
        headers = store.signed(method, f"/{bucket}/k", b"", {"x-amz-checksum-mode": "ENABLED"}).headers
        assert headers.get(CRC) == crc_of(b"hello")


def test_a_signed_body_in_chunks(store: AnyStore, bucket: str) -> None:
    body = b"0123456789" * 10_000
    assert Chunked(store, f"/{bucket}/k", SIGNED, body, 65_536).send().status == 200
    assert store.signed("GET", f"/{bucket}/k").body == body


def test_the_encoding_of_chunks_is_not_stored(store: AnyStore, bucket: str) -> None:
    Chunked(store, f"/{bucket}/k", SIGNED, b"hello").send()
    assert "aws-chunked" not in store.signed("GET", f"/{bucket}/k").headers.get("content-encoding", "")


def test_a_changed_chunk(store: AnyStore, bucket: str) -> None:
    good = Chunked(store, f"/{bucket}/k", SIGNED, b"a" * 50, 20)
    answer = good.send(b"".join(good.pieces).replace(b"aaa", b"aab", 1))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert store.signed("GET", f"/{bucket}/k").status == 404


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_body_with_a_trailer(store: AnyStore, bucket: str, mode: str) -> None:
    assert Chunked(store, f"/{bucket}/k", mode, b"hello").send().status == 200
    assert store.signed("GET", f"/{bucket}/k").body == b"hello"


def test_a_trailer_with_a_wrong_checksum(store: AnyStore, bucket: str) -> None:
    """Proves something only on a store that takes a right one."""
    assert Chunked(store, f"/{bucket}/k", UNSIGNED_TRAILER, b"stays").send().status == 200
    assert Chunked(store, f"/{bucket}/k", UNSIGNED_TRAILER, b"hello", value=crc_of(b"other")).send().status == 400
    assert store.signed("GET", f"/{bucket}/k").body == b"stays"


def test_a_multipart_checksum_of_the_whole(s3: Any, bucket: str) -> None:
    wanted = {"Bucket": bucket, "Key": "k"}
    declared = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
    wanted["UploadId"] = s3.create_multipart_upload(**wanted, **declared)["UploadId"]
    sent = s3.upload_part(**wanted, PartNumber=1, Body=b"hello", ChecksumCRC64NVME="M3eFcAZSQlc=")
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": sent["ETag"]}]})
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head.get("ChecksumCRC64NVME"), head.get("ChecksumType")) == ("M3eFcAZSQlc=", "FULL_OBJECT")


def test_attributes_are_a_document(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    answer = store.signed("GET", f"/{bucket}/k?attributes", b"", {"x-amz-object-attributes": "ObjectSize"})
    assert answer.status == 200 and b"<ObjectSize>5</ObjectSize>" in answer.body
