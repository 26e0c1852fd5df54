"""What two readers could understand in two ways is refused, and so is what would be ignored."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from storelib import AnyStore, path_of

STREAMING = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "5",
    "x-amz-trailer": "x-amz-checksum-crc32",
}
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CHUNKS), CHUNKS)


def all_answers(connection: socket.socket) -> bytes:
    """Everything until the store closes; closing with unread bytes may reset the connection."""
    got = b""
    try:
        while more := connection.recv(65536):
            got += more
    except ConnectionResetError:
        pass
    return got


@pytest.mark.parametrize(
    ("framing", "body", "code"),
    [
        ("Content-Length: 5\r\nContent-Length: 6\r\n", b"hello", "InvalidRequest"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", b"hello", "InvalidRequest"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", IN_CHUNKS, "InvalidRequest"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", IN_CHUNKS, "InvalidRequest"),
        ("Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS, "NotImplemented"),
        ("Transfer-Encoding: identity\r\n", IN_CHUNKS, "NotImplemented"),
    ],
)
def test_an_unclear_end_of_the_body_costs_the_connection(
    store: AnyStore, s3: Any, bucket: str, framing: str, body: bytes, code: str
) -> None:
    """Otherwise bytes of the body could pass for a request of somebody else."""
    target = path_of(bucket, "k")
    fields = store.sign("PUT", target, b"", STREAMING) | {"Host": store.address}
    head = f"PUT {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with store.socket(3) as connection:
        connection.sendall(head.encode() + framing.encode() + b"\r\n" + body)
        got = all_answers(connection)
    assert got.startswith(b"HTTP/1.1 " + (b"501" if code == "NotImplemented" else b"400"))
    assert got.count(b"HTTP/1.1 ") == 1 and f"<Code>{code}</Code>".encode() in got
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    "condition",
    [("If-Match", '"x"'), ("If-None-Match", "*"), ("If-Modified-Since", "x"), ("If-Unmodified-Since", "x")],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("method", "query"),
    [("GET", ""), ("GET", "?list-type=2"), ("GET", "?versions"), ("GET", "?uploads"), ("GET", "?versioning"),
     ("GET", "?location"), ("HEAD", ""), ("PUT", ""), ("PUT", "?versioning"), ("DELETE", "")],
    ids=lambda value: value or "plain",
)  # fmt: skip
def test_buckets_know_no_conditions(
    store: AnyStore, bucket: str, condition: tuple[str, str], method: str, query: str
) -> None:
    answer = store.signed(method, f"/{bucket}{query}", headers=dict([condition]))
    assert answer.status == 501


def test_a_put_of_a_part_of_an_object(store: AnyStore, s3: Any, bucket: str) -> None:
    answer = store.signed("PUT", f"/{bucket}/k", b"hello", {"Content-Range": "bytes 0-4/10"})
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_if_range(store: AnyStore, s3: Any, bucket: str) -> None:
    """A range counts while the object is what it was; else the whole object is sent (RFC 9110, 13.1.5)."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    head = store.signed("HEAD", f"/{bucket}/k").headers
    etag, since = head["etag"], head["last-modified"]
    table = [
        (etag, 206),
        (etag.strip('"'), 206),
        (since, 206),
        ('"other"', 200),
        ("W/" + etag, 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 200),
    ]
    for value, status in table:
        answer = store.signed("GET", f"/{bucket}/k", headers={"Range": "bytes=0-1", "If-Range": value})
        want = b"01" if status == 206 else b"0123456789"
        assert (value, answer.status, answer.body) == (value, status, want)


@pytest.mark.parametrize(
    ("announced", "sent", "code"),
    [
        ("x-amz-checksum-crc32", "X-Amz-Checksum-CRC32:AAAAAA==", "BadDigest"),
        ("X-Amz-Checksum-CRC32", "x-amz-checksum-crc32:AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32", "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:NhCmhg==", "IncompleteBody"),
        ("x-amz-checksum-crc32,x-amz-checksum-sha1", "x-amz-checksum-crc32:AAAAAA==", "NotImplemented"),
        ("x-amz-meta-note", "x-amz-meta-note:lost", "NotImplemented"),
        ("", "x-amz-checksum-crc32:AAAAAA==", "NotImplemented"),
    ],
)
def test_a_trailer_is_verified_or_refused(
    store: AnyStore, s3: Any, bucket: str, announced: str, sent: str, code: str
) -> None:
    headers = STREAMING | {"x-amz-trailer": announced}
    body = f"5\r\nhello\r\n0\r\n{sent}\r\n\r\n".encode()
    answer = store.send("PUT", f"/{bucket}/k", body, store.sign("PUT", f"/{bucket}/k", b"", headers))
    assert answer.code == code
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_trailer_where_none_can_come(store: AnyStore, bucket: str) -> None:
    headers = STREAMING | {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    answer = store.send("PUT", f"/{bucket}/k", b"", store.sign("PUT", f"/{bucket}/k", b"", headers))
    assert (answer.status, answer.code) == (501, "NotImplemented")


def test_aws_chunked_in_any_case(store: AnyStore, s3: Any, bucket: str) -> None:
    for given, kept in (("gzip, AWS-Chunked", "gzip"), ("gzip, br", "gzip, br"), ("AWS-chunked", None)):
        assert store.signed("PUT", f"/{bucket}/k", b"x", {"Content-Encoding": given}).status == 200
        assert s3.head_object(Bucket=bucket, Key="k").get("ContentEncoding") == kept
