"""Signatures, what is refused with 501, and manners of HTTP."""

from __future__ import annotations

import datetime
import http.client
import socket
import time
from typing import Any

import pytest
from storelib import Store

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_anonymous_requests_are_refused(store: Store, bucket: str) -> None:
    answer = store.send("GET", f"/{bucket}/k")
    assert (answer.status, answer.code) == (403, "AccessDenied")


def change(headers: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in headers[name]
    return headers | {name: headers[name].replace(old, new)}


def test_bad_signatures(store: Store, bucket: str) -> None:
    target = f"/{bucket}/k?response-expires=x"
    good = store.sign("GET", target, headers={"x-amz-meta-a": "1"})
    key = store.credentials.access_key
    signature = good["Authorization"].rpartition("=")[2]
    table = [
        (good, target.replace("k", "j"), "GET", "SignatureDoesNotMatch"),
        (good, target + "y", "GET", "SignatureDoesNotMatch"),
        (good, target, "DELETE", "SignatureDoesNotMatch"),
        (good | {"x-amz-meta-a": "2"}, target, "GET", "SignatureDoesNotMatch"),
        (good | {"x-amz-meta-b": "2"}, target, "GET", "AccessDenied"),
        (change(good, "Authorization", signature, "0" * 64), target, "GET", "SignatureDoesNotMatch"),
        (change(good, "Authorization", signature, ""), target, "GET", "AuthorizationHeaderMalformed"),
        (change(good, "Authorization", signature, signature[:-1]), target, "GET", "SignatureDoesNotMatch"),
        (change(good, "Authorization", key, "other"), target, "GET", "InvalidAccessKeyId"),
        (change(good, "Authorization", "/s3/", "/ec2/"), target, "GET", "AuthorizationHeaderMalformed"),
        (change(good, "Authorization", "AWS4-HMAC-SHA256", "AWS4"), target, "GET", "AuthorizationHeaderMalformed"),
        (change(good, "Authorization", "host;", ""), target, "GET", "AccessDenied"),
    ]
    for headers, where, method, code in table:
        answer = store.send(method, where, headers=headers)
        assert (answer.code, headers["Authorization"]) == (code, headers["Authorization"])
    assert store.send("GET", target, headers=good).code == "NoSuchKey"


@pytest.mark.parametrize(
    ("minutes", "code"), [(-16, "RequestTimeTooSkewed"), (16, "RequestTimeTooSkewed"), (14, ""), (-14, "")]
)
def test_skewed_clocks(store: Store, bucket: str, monkeypatch: Any, minutes: int, code: str) -> None:
    import botocore.auth

    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(minutes=minutes)
    for name in ("get_current_datetime",):
        if hasattr(botocore.auth, name):
            monkeypatch.setattr(botocore.auth, name, lambda *_, **__: now)
    answer = store.signed("PUT", f"/{bucket}/k", b"x")
    assert answer.code == code


def test_payload_hash(store: Store, bucket: str) -> None:
    good = store.sign("PUT", f"/{bucket}/k", b"hello")
    answer = store.send("PUT", f"/{bucket}/k", b"hellO", good)
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    cases = [
        ("UNSIGNED-PAYLOAD", 200, ""),
        ("nonsense", 400, "InvalidArgument"),
        ("STREAMING-X", 400, "InvalidArgument"),
    ]
    for value, status, code in cases:
        answer = store.signed("PUT", f"/{bucket}/k", b"hello", {"X-Amz-Content-SHA256": value})
        assert (answer.status, answer.code) == (status, code)


def test_presigned(store: Store, bucket: str) -> None:
    assert store.send("PUT", store.presign("PUT", f"/{bucket}/a%20b"), b"hello").status == 200
    target = store.presign("GET", f"/{bucket}/a%20b?response-content-type=x%2Fy%2Bz")
    answer = store.send("GET", target)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "x/y+z")
    assert store.send("GET", target.replace("x%2Fy", "x%2Fz")).code == "SignatureDoesNotMatch"
    assert store.send("DELETE", target).code == "SignatureDoesNotMatch"
    brief = store.presign("GET", f"/{bucket}/a%20b", expires=1)
    until = time.monotonic() + 10
    while (answer := store.send("GET", brief)).status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    for expires in (0, 604801):
        code = store.send("GET", store.presign("GET", f"/{bucket}/k", expires=expires)).code
        assert code == "AuthorizationQueryParametersError"


REFUSED = [
    ("GET", "/{}?policy", {}),
    ("GET", "/{}?never-heard-of", {}),
    ("GET", "/{}?list-type=2&never-heard-of=1", {}),
    ("PUT", "/{}?acl", {}),
    ("DELETE", "/{}?lifecycle", {}),
    ("GET", "/{}/k?acl", {}),
    ("GET", "/{}/k", {"x-amz-object-attributes": "ETag"}),
    ("PUT", "/{}/k?versionId=null", {}),
    ("DELETE", "/{}/k?versionId=null", {"If-Match": "*"}),
    ("PUT", "/{}/k", {"x-amz-copy-source-if-match": "x"}),
    ("PUT", "/{}/k", {"x-amz-metadata-directive": "REPLACE"}),
    ("PUT", "/{}/k", {"x-amz-copy-source": "/b/k", "x-amz-copy-source-range": "bytes=0-1"}),
    ("DELETE", "/{}/k", {"x-amz-copy-source": "/b/k"}),
    ("DELETE", "/{}/k", {"x-amz-tagging": "a=b"}),
    ("PUT", "/{}/k", {"x-amz-tagging-directive": "COPY"}),
    ("PUT", "/{}/k", {"x-amz-acl": "public-read"}),
    ("PUT", "/{}/k", {"x-amz-storage-class": "GLACIER"}),
    ("PUT", "/{}/k", {"x-amz-server-side-encryption": "AES256"}),
    ("PUT", "/{}/k", {"x-amz-object-lock-mode": "GOVERNANCE"}),
    ("PUT", "/{}/k", {"x-amz-website-redirect-location": "/"}),
    ("PUT", "/{}/k", {"x-amz-checksum-md5": "x"}),
]


@pytest.mark.parametrize(("method", "target", "headers"), REFUSED, ids=lambda value: str(value)[:40])
def test_not_implemented_is_said(
    store: Store, s3: Any, bucket: str, method: str, target: str, headers: dict[str, str]
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    answer = store.signed(method, target.format(bucket), b"new" if method in ("PUT", "POST") else b"", headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


def test_values_that_ask_for_nothing_are_taken(store: Store, bucket: str) -> None:
    headers = {"x-amz-acl": "private", "x-amz-storage-class": "STANDARD", "x-amz-never-heard-of": "1"}
    assert store.signed("PUT", f"/{bucket}/k?x-id=PutObject", b"x", headers).status == 200
    assert store.admin("/stats")["ignored_headers"] >= 1


def test_methods(store: Store, bucket: str) -> None:
    for method, target in (("PATCH", f"/{bucket}/k"), ("DELETE", "/"), ("POST", "/")):
        answer = store.signed(method, target)
        assert (answer.status, answer.code) == (405, "MethodNotAllowed")


def test_every_answer_has_an_id_of_its_own(store: Store, bucket: str) -> None:
    answers = [store.signed("GET", f"/{bucket}/none") for _ in range(50)]
    ids = {answer.headers["x-amz-request-id"] for answer in answers}
    assert len(ids) == 50 and all(len(one) == 16 and one == one.upper() and int(one, 16) >= 0 for one in ids)
    for answer in answers:
        assert f"<RequestId>{answer.headers['x-amz-request-id']}</RequestId>".encode() in answer.body
        assert f"<Resource>/{bucket}/none</Resource>".encode() in answer.body
        assert {"server", "date"} <= answer.headers.keys()


def test_keep_alive(store: Store, bucket: str) -> None:
    connection = http.client.HTTPConnection(store.endpoint.removeprefix("http://"), timeout=30)
    connection.connect()
    socket_before = connection.sock
    for method, body, status in [("PUT", b"x" * 3000, 200), ("GET", b"", 200), ("HEAD", b"", 200), ("DELETE", b"", 204),
                                 ("GET", b"", 404), ("PUT", b"y", 200)]:  # fmt: skip
        connection.request(method, f"/{bucket}/k", body or None, store.sign(method, f"/{bucket}/k", body))
        response = connection.getresponse()
        response.read()
        assert response.status == status and connection.sock is socket_before
    connection.close()


def test_a_refused_small_body_keeps_the_connection(store: Store, bucket: str) -> None:
    connection = http.client.HTTPConnection(store.endpoint.removeprefix("http://"), timeout=30)
    for _ in range(3):
        connection.request("PUT", "/never-made/k", b"z" * 100_000, store.sign("PUT", "/never-made/k", b"z" * 100_000))
        response = connection.getresponse()
        response.read()
        assert response.status == 404 and connection.sock is not None
    connection.close()


def test_expect(store: Store, bucket: str) -> None:
    """A refusal comes before the body, a body is asked for at once."""
    address = store.endpoint.removeprefix("http://").split(":")
    for target, first in ((f"/{bucket}/k", b"HTTP/1.1 100"), ("/never-made/k", b"HTTP/1.1 404")):
        headers = store.sign("PUT", target, b"hello") | {"Content-Length": "5", "Expect": "100-continue"}
        headers["Host"] = ":".join(address)
        head = (
            f"PUT {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        )
        with socket.create_connection((address[0], int(address[1])), timeout=10) as raw:
            raw.sendall(head.encode())
            assert raw.recv(4096).startswith(first)
            if b"100" in first:
                raw.sendall(b"hello")
                assert raw.recv(4096).startswith(b"HTTP/1.1 200")


def test_lengths(store: Store, bucket: str) -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    chunked = store.sign("PUT", f"/{bucket}/k", b"", unsigned) | {"Transfer-Encoding": "chunked"}
    assert store.send("PUT", f"/{bucket}/k", b"5\r\nhello\r\n0\r\n\r\n", chunked).code == "NotImplemented"
    huge = store.sign("PUT", f"/{bucket}/k", b"", unsigned) | {
        "Content-Length": str((5 << 30) + 1),
        "Expect": "100-continue",
    }
    assert store.send("PUT", f"/{bucket}/k", b"", huge).code == "EntityTooLarge"
    address = store.endpoint.removeprefix("http://").split(":")
    headers = store.sign("PUT", f"/{bucket}/k", b"", unsigned) | {"Host": ":".join(address)}
    head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with socket.create_connection((address[0], int(address[1])), timeout=10) as raw:
        raw.sendall(head.encode())
        assert b"<Code>MissingContentLength</Code>" in raw.recv(4096)


def test_a_body_that_stops_halfway_is_not_stored(store: Store, s3: Any, bucket: str) -> None:
    address = store.endpoint.removeprefix("http://").split(":")
    headers = store.sign("PUT", f"/{bucket}/k", b"x" * 100_000) | {
        "Host": ":".join(address),
        "Content-Length": "100000",
    }
    head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with socket.create_connection((address[0], int(address[1])), timeout=10) as raw:
        raw.sendall(head.encode() + b"x" * 50_000)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_long_heads(store: Store, bucket: str) -> None:
    many = {f"x-amz-meta-{number}": "v" for number in range(150)}
    assert store.signed("PUT", f"/{bucket}/k", b"x", many).code == "RequestHeaderSectionTooLarge"
    assert store.signed("GET", f"/{bucket}?list-type=2&prefix=" + "p" * 17_000).code == "InvalidURI"
