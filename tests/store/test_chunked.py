"""aws-chunked: three modes, their signatures and trailers, bodies cut anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from typing import Any

import pytest
from storelib import AnyStore

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = SIGNED + "-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
MODES = [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER]
EMPTY = hashlib.sha256(b"").hexdigest()
CRC = "x-amz-checksum-crc32"


def crc_of(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


class Chunked:
    """A request with an aws-chunked body, signed as its mode says."""

    def __init__(self, store: AnyStore, target: str, mode: str, body: bytes, size: int = 1000, **more: Any) -> None:
        self.store, self.target, self.mode = store, target, mode
        headers = {"x-amz-content-sha256": mode, "x-amz-decoded-content-length": str(len(body))}
        headers = {"Content-Encoding": "aws-chunked"} | headers | more.get("headers", {})
        if mode != SIGNED:
            headers.setdefault("x-amz-trailer", CRC)
        headers = {name: value for name, value in headers.items() if value is not None}
        self.headers = store.sign("PUT", target, b"", headers)
        stamp = self.headers["X-Amz-Date"]
        self.signature = self.headers["Authorization"].rpartition("=")[2]
        key = b"AWS4" + store.credentials.secret_key.encode()
        for step in (stamp[:8], "us-east-1", "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        self.key, self.stamp, self.scope = key, stamp, f"{stamp[:8]}/us-east-1/s3/aws4_request"
        chunks = [body[at : at + size] for at in range(0, len(body), size)] + [b""]
        self.pieces = [self.chunk(one) for one in chunks]
        value = more.get("value", crc_of(body))
        self.end = self.trailer(f"{CRC}:{value}") if mode != SIGNED and value is not None else self.trailer()

    def next_signature(self, kind: str, *lines: str) -> str:
        text = "\n".join([kind, self.stamp, self.scope, self.signature, *lines])
        self.signature = hmac.new(self.key, text.encode(), "sha256").hexdigest()
        return self.signature

    def chunk(self, data: bytes) -> bytes:
        head = b"%x" % len(data)
        if self.mode != UNSIGNED_TRAILER:
            digest = hashlib.sha256(data).hexdigest()
            head += f";chunk-signature={self.next_signature('AWS4-HMAC-SHA256-PAYLOAD', EMPTY, digest)}".encode()
        return head + b"\r\n" + data + (b"\r\n" if data else b"")

    def trailer(self, *lines: str) -> bytes:
        out = "".join(f"{line}\r\n" for line in lines)
        if self.mode == SIGNED_TRAILER:
            digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
            out += f"x-amz-trailer-signature:{self.next_signature('AWS4-HMAC-SHA256-TRAILER', digest)}\r\n"
        return (out + "\r\n").encode()

    def send(self, encoded: bytes | None = None) -> Any:
        body = encoded if encoded is not None else b"".join(self.pieces) + self.end
        return self.store.send("PUT", self.target, body, self.headers)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("length", "size"), [(0, 10), (1, 1), (999, 100), (200_000, 8192), (200_000, 65_536)])
def test_bodies_arrive(store: AnyStore, s3: Any, bucket: str, mode: str, length: int, size: int) -> None:
    body = bytes(number % 251 for number in range(length))
    answer = Chunked(store, f"/{bucket}/k", mode, body, size, headers={"Content-Encoding": "aws-chunked,gzip"}).send()
    assert (answer.status, answer.body) == (200, b"")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["ContentEncoding"]) == (body, "gzip")
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    if mode != SIGNED:
        assert answer.headers[CRC] == crc_of(body) == got["ChecksumCRC32"]
    else:
        assert "x-amz-checksum-crc64nvme" in answer.headers
    Chunked(store, f"/{bucket}/k", mode, body, size).send()
    assert "ContentEncoding" not in s3.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", [1, 7, 90])
def test_boundaries_fall_anywhere(store: AnyStore, s3: Any, bucket: str, mode: str, step: int) -> None:
    body = b"0123456789" * 20
    request = Chunked(store, f"/{bucket}/k", mode, body, 33)
    encoded = b"".join(request.pieces) + request.end
    connection = store.connection()
    pieces = (encoded[at : at + step] for at in range(0, len(encoded), step))
    headers = request.headers | {"Transfer-Encoding": "chunked"}
    connection.request("PUT", request.target, pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_wrong_signatures(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    for mode in (SIGNED, SIGNED_TRAILER):
        good = Chunked(store, f"/{bucket}/k", mode, b"a" * 50, 20)
        encoded = b"".join(good.pieces) + good.end
        last = encoded.rindex(b"signature") + 20
        for changed in (
            encoded.replace(b"aaa", b"aab", 1),
            encoded[:last] + (b"0" if encoded[last : last + 1] != b"0" else b"1") + encoded[last + 1 :],
            b"".join([good.pieces[1], good.pieces[0], *good.pieces[2:]]) + good.end,
        ):
            answer = good.send(changed)
            assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    good = Chunked(store, f"/{bucket}/k", SIGNED_TRAILER, b"a" * 50, 20)
    assert good.send(b"".join(good.pieces) + b"\r\n").code == "SignatureDoesNotMatch", "no trailer signature"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.parametrize("mode", MODES[1:])
def test_trailers(store: AnyStore, s3: Any, bucket: str, mode: str) -> None:
    target = f"/{bucket}/k"
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    answer = Chunked(store, target, mode, b"hello", value=crc_of(b"hellO")).send()
    assert (answer.status, answer.code) == (400, "BadDigest")
    answer = Chunked(store, target, mode, b"hello", value="AAAA").send()
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    both = Chunked(store, target, mode, b"hello", headers={CRC: crc_of(b"hello")}).send()
    assert (both.status, both.code) == (400, "InvalidRequest")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"
    answer = Chunked(store, target, mode, b"hello", value=None).send()
    assert answer.status == 200 and "x-amz-checksum-crc64nvme" in answer.headers, "announced and missing"
    answer = Chunked(store, target, mode, b"hello", headers={"x-amz-trailer": None}).send()
    assert answer.status == 200 and CRC not in answer.headers, "sent and not announced"


def test_malformed_bodies(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    end = f"0\r\n{CRC}:{crc_of(b'hello')}\r\n\r\n".encode()
    for body in (
        b"",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\n",
        b"5\r\nhell\r\n" + end,
        b"5\r\nhelloo\r\n" + end,
        b"5\nhello\r\n" + end,
        b"x\r\nhello\r\n" + end,
        b"\r\nhello\r\n" + end,
        b"00000000000000005\r\nhello\r\n" + end,
        b"4\r\nhell\r\n" + end,
        b"6\r\nhello!\r\n" + end,
        b"5\r\nhello\r\n" + end + b"more\r\n",
        b"5" * 2000 + b"\r\n",
        b"5\r\nhello\r\n0\r\nlong:" + b"x" * 2000 + b"\r\n" + end.partition(b"\r\n")[2],
        b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
    ):
        answer = Chunked(store, f"/{bucket}/k", UNSIGNED_TRAILER, b"hello").send(body)
        assert (answer.status, answer.code, body) == (400, "IncompleteBody", body)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("more", [b"m", b"more", b"\r", b"0\r\n\r\n", b"more\r\n"])
def test_bytes_behind_the_end(store: AnyStore, s3: Any, bucket: str, mode: str, more: bytes) -> None:
    """A body is over with its last chunk, or trailer: whatever follows is refused, a line or not."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    request = Chunked(store, f"/{bucket}/k", mode, b"hello")
    answer = request.send(b"".join(request.pieces) + request.end + more)
    assert (answer.status, answer.code) == (400, "IncompleteBody")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.parametrize("declared", [4, 6])
def test_another_length_than_declared(store: AnyStore, s3: Any, bucket: str, declared: int) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    length = {"x-amz-decoded-content-length": str(declared)}
    answer = Chunked(store, f"/{bucket}/k", SIGNED, b"hello", headers=length).send()
    assert (answer.status, answer.code) == (400, "IncompleteBody")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.embedded("which code, and what is not implemented")
def test_heads(store: AnyStore, bucket: str) -> None:
    target = f"/{bucket}/k"
    lacking = Chunked(store, target, SIGNED, b"hello", headers={"x-amz-decoded-content-length": None}).send()
    assert (lacking.status, lacking.code) == (411, "MissingContentLength")
    wrong = Chunked(store, target, SIGNED, b"hello", headers={"x-amz-decoded-content-length": "x"}).send()
    assert (wrong.status, wrong.code) == (400, "InvalidArgument")
    for headers in ({"x-amz-trailer": CRC}, {"x-amz-decoded-content-length": "5"}):
        assert store.signed("PUT", target, b"hello", headers).status == 501
    for length in ({}, {"x-amz-decoded-content-length": None}):
        assert Chunked(store, f"/{bucket}?versioning", SIGNED, b"hello", headers=length).send().status == 501


def test_parts_with_trailers(store: AnyStore, s3: Any, bucket: str) -> None:
    wanted = {"Bucket": bucket, "Key": "k"}
    wanted["UploadId"] = s3.create_multipart_upload(**wanted)["UploadId"]
    target = f"/{bucket}/k?partNumber=1&uploadId={wanted['UploadId']}"
    answer = Chunked(store, target, UNSIGNED_TRAILER, b"hello" * 1000).send()
    assert (answer.status, answer.headers[CRC]) == (200, crc_of(b"hello" * 1000))
    part = {"PartNumber": 1, "ETag": answer.headers["etag"], "ChecksumCRC32": crc_of(b"hello" * 1000)}
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": [part]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello" * 1000
    declared = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    mixed = Chunked(store, f"/{bucket}/k?partNumber=1&uploadId={declared}", UNSIGNED_TRAILER, b"x").send()
    assert (mixed.status, mixed.code) == (400, "InvalidRequest")
