"""Signatures, what is refused with 501, and manners of HTTP."""

from __future__ import annotations

import datetime
import time
from typing import Any
from xml.etree import ElementTree

import pytest
from storelib import NEVER, AnyStore

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_anonymous_requests_are_refused(store: AnyStore, bucket: str) -> None:
    answer = store.send("GET", f"/{bucket}/k")
    assert (answer.status, answer.code) == (403, "AccessDenied")


def change(headers: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in headers[name]
    return headers | {name: headers[name].replace(old, new)}


def test_bad_signatures(store: AnyStore, bucket: str) -> None:
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
def test_skewed_clocks(store: AnyStore, bucket: str, minutes: int, code: str) -> None:
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    target = f"/{bucket}/k"
    headers = store.sign("PUT", target, b"x", date=now.strftime("%Y%m%dT%H%M%SZ"))
    assert store.send("PUT", target, b"x", headers).code == code


def test_payload_hash(store: AnyStore, bucket: str) -> None:
    good = store.sign("PUT", f"/{bucket}/k", b"hello")
    answer = store.send("PUT", f"/{bucket}/k", b"hellO", good)
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    good.pop("X-Amz-Content-SHA256")
    assert store.send("PUT", f"/{bucket}/k", b"hello", good).code == "InvalidRequest"
    cases = [
        ("UNSIGNED-PAYLOAD", 200, ""),
        ("nonsense", 400, "InvalidArgument"),
        ("STREAMING-X", 400, "InvalidArgument"),
    ]
    for value, status, code in cases:
        answer = store.signed("PUT", f"/{bucket}/k", b"hello", {"X-Amz-Content-SHA256": value})
        assert (answer.status, answer.code) == (status, code)


def test_presigned(store: AnyStore, bucket: str) -> None:
    assert store.send("PUT", store.presign("PUT", f"/{bucket}/a%20b"), b"hello").status == 200
    target = store.presign("GET", f"/{bucket}/a%20b?response-content-type=x%2Fy%2Bz")
    answer = store.send("GET", target)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "x/y+z")
    assert store.send("GET", target.replace("x%2Fy", "x%2Fz")).code == "SignatureDoesNotMatch"
    assert store.send("DELETE", target).code == "SignatureDoesNotMatch"
    brief = store.presign("GET", f"/{bucket}/a%20b", expires=1)
    until = time.monotonic() + 30
    while (answer := store.send("GET", brief)).status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    for expires in (0, 604801):
        code = store.send("GET", target.replace("Expires=60", f"Expires={expires}")).code
        assert code == "AuthorizationQueryParametersError"


@pytest.mark.embedded("arguments that S3 does not have, one of them twice")
def test_a_query_is_canonical(store: AnyStore, s3: Any, bucket: str) -> None:
    """Whatever order and escapes an argument comes with, it is signed decoded, encoded again and sorted."""
    s3.put_object(Bucket=bucket, Key="it's~1", Body=b"")
    signed = store.sign("GET", f"/{bucket}?delimiter=&list-type=2&prefix=it%27s~&x-id=a&x-id=b%2F")
    for sent in (
        "delimiter=&list-type=2&prefix=it%27s~&x-id=a&x-id=b%2F",
        "x-id=b%2f&prefix=it's%7E&x-id=a&list-type=2&delimiter",
        "x-id=b/&x-id=a&list-type=2&prefix=%69t%27s~&delimiter",
    ):
        answer = store.send("GET", f"/{bucket}?{sent}", headers=signed)
        assert answer.status == 200 and b"<Key>it's~1</Key>" in answer.body, sent
    assert store.send("GET", f"/{bucket}?list-type=2&prefix=it's~", headers=signed).code == "SignatureDoesNotMatch"


@pytest.mark.embedded("a target that is signed as it is, not encoded anew")
def test_a_path_is_signed_as_it_comes(store: AnyStore, bucket: str) -> None:
    assert store.signed("PUT", f"/{bucket}/a%2fb%7E(1)", b"x").status == 200
    assert store.signed("GET", f"/{bucket}/a/b~%281%29").body == b"x"


@pytest.mark.embedded("which of two signatures")
def test_one_signature_only(store: AnyStore, bucket: str) -> None:
    target = store.presign("GET", f"/{bucket}/k")
    answer = store.send("GET", target, headers=store.sign("GET", target))
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.embedded("a target that is signed as it is, not encoded anew")
def test_a_plus_is_a_plus(store: AnyStore, bucket: str) -> None:
    assert store.signed("PUT", f"/{bucket}/a+b", b"plus").status == 200
    assert store.signed("GET", f"/{bucket}/a%2Bb").body == b"plus"
    headers = store.sign("GET", f"/{bucket}?list-type=2&prefix=a%2B")
    listed = store.send("GET", f"/{bucket}?list-type=2&prefix=a+", headers=headers)
    assert listed.status == 200 and b"<Key>a+b</Key>" in listed.body


def test_presigned_by_botocore(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a b+c", Body=b"hello")
    wanted = {"Bucket": bucket, "Key": "a b+c", "ResponseContentType": "x/y+z"}
    answer = store.send("GET", s3.generate_presigned_url("get_object", wanted).removeprefix(store.endpoint))
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "x/y+z")


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
    ("PUT", "/{}/k?tagging", {"x-amz-object-lock-mode": "GOVERNANCE"}),
    ("PUT", "/{}/k", {"x-amz-website-redirect-location": "/"}),
    ("PUT", "/{}/k", {"x-amz-checksum-md5": "x"}),
    ("GET", "/{}?acl", {}),
    ("GET", "/{}?replication", {}),
    ("PUT", "/{}/k?acl", {}),
    ("PUT", "/{}/k", {"x-amz-grant-read": "id=1"}),
    ("PUT", "/{}/k", {"x-amz-expected-bucket-owner": "1"}),
    ("PUT", "/{}/k", {"x-amz-write-offset-bytes": "5"}),
    ("PUT", "/{}/k", {"x-amz-rename-source": "/b/k"}),
    ("DELETE", "/{}/k", {"x-amz-mfa": "1 2"}),
    ("PUT", "/{}/k", {"x-amz-bypass-governance-retention": "true"}),
]


@pytest.mark.embedded("refused with 501")
@pytest.mark.parametrize(("method", "target", "headers"), REFUSED, ids=lambda value: str(value)[:40])
def test_not_implemented_is_said(
    store: AnyStore, s3: Any, bucket: str, method: str, target: str, headers: dict[str, str]
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    answer = store.signed(method, target.format(bucket), b"new" if method in ("PUT", "POST") else b"", headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.embedded("refused with 501")
def test_what_is_refused_once_is_refused_everywhere(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    kinds: list[tuple[str, str, dict[str, str]]] = [
        ("PUT", "", {}),
        ("PUT", "", {"x-amz-copy-source": f"/{bucket}/k"}),
        ("POST", "?uploads", {}),
        ("PUT", f"?partNumber=1&uploadId={upload}", {}),
        ("PUT", f"?partNumber=1&uploadId={upload}", {"x-amz-copy-source": f"/{bucket}/k"}),
        ("POST", f"?uploadId={upload}", {}),
        ("GET", "", {}),
        ("DELETE", "", {}),
    ]
    features = {
        "x-amz-server-side-encryption": "AES256",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-object-lock-event": "ON",
        "x-amz-acl": "public-read",
        "x-amz-grant-full-control": "id=1",
        "x-amz-storage-class": "GLACIER",
        "x-amz-website-redirect-location": "/",
    }
    for method, query, headers in kinds:
        for name, value in features.items():
            answer = store.signed(method, f"/{bucket}/k{query}", b"", headers | {name: value})
            assert (answer.status, answer.code) == (501, "NotImplemented"), (method, query, name)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"stays"


@pytest.mark.embedded("ignored headers are counted")
def test_values_that_ask_for_nothing_are_taken(store: AnyStore, bucket: str) -> None:
    headers = {"x-amz-acl": "private", "x-amz-storage-class": "STANDARD", "x-amz-never-heard-of": "1"}
    assert store.signed("PUT", f"/{bucket}/k?x-id=PutObject", b"x", headers).status == 200
    assert store.admin("/stats")["ignored_headers"] >= 1


@pytest.mark.embedded("codes of what is no request of S3")
def test_methods(store: AnyStore, bucket: str) -> None:
    for method, target in (("PATCH", f"/{bucket}/k"), ("DELETE", "/"), ("POST", "/")):
        answer = store.signed(method, target)
        assert (answer.status, answer.code) == (405, "MethodNotAllowed")


def test_every_answer_has_an_id_of_its_own(store: AnyStore, bucket: str) -> None:
    answers = [store.signed("GET", f"/{bucket}/none") for _ in range(50)]
    ids = {answer.headers["x-amz-request-id"] for answer in answers}
    assert len(ids) == 50
    for answer in answers:
        assert f"<RequestId>{answer.headers['x-amz-request-id']}</RequestId>".encode() in answer.body
        assert "date" in answer.headers


@pytest.mark.embedded("what the document names")
def test_error_documents(store: AnyStore, bucket: str) -> None:
    answer = store.signed("GET", f"/{bucket}/a%20b?versionId=null")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/xml")
    fields = {field.tag: field.text for field in ElementTree.fromstring(answer.body)}
    assert fields.pop("Message")
    assert fields == {
        "Code": "NoSuchVersion",
        "Resource": f"/{bucket}/a%20b",
        "RequestId": answer.headers["x-amz-request-id"],
    }


@pytest.mark.embedded("no Content-Type without a document")
def test_answers_without_a_document(store: AnyStore, s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    for method, key, condition, status in (
        ("GET", "k", {"If-None-Match": etag}, b"304"),
        ("HEAD", "k", {"If-None-Match": etag}, b"304"),
        ("HEAD", "k", {"If-Match": '"abc"'}, b"412"),
        ("HEAD", "none", {}, b"404"),
    ):
        headers = store.sign(method, f"/{bucket}/{key}", b"", condition)
        headers |= {"Host": store.address, "Connection": "close"}
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with store.socket() as raw:
            raw.sendall(f"{method} /{bucket}/{key} HTTP/1.1\r\n{fields}\r\n".encode())
            answer = b""
            while piece := raw.recv(4096):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (head.split()[1], body) == (status, b"")
        assert b"application/xml" not in head


@pytest.mark.embedded("how ids look, and what the document names")
def test_an_answer_of_the_embedded_store(store: AnyStore, bucket: str) -> None:
    answer = store.signed("GET", f"/{bucket}/none")
    number = answer.headers["x-amz-request-id"]
    assert len(number) == 16 and number == number.upper() and int(number, 16) >= 0
    assert f"<Resource>/{bucket}/none</Resource>".encode() in answer.body and "server" in answer.headers


def test_keep_alive(store: AnyStore, bucket: str) -> None:
    connection = store.connection()
    connection.connect()
    socket_before = connection.sock
    for method, body, status in [("PUT", b"x" * 3000, 200), ("GET", b"", 200), ("HEAD", b"", 200), ("DELETE", b"", 204),
                                 ("GET", b"", 404), ("PUT", b"y", 200)]:  # fmt: skip
        connection.request(method, f"/{bucket}/k", body or None, store.sign(method, f"/{bucket}/k", body))
        response = connection.getresponse()
        response.read()
        assert response.status == status and connection.sock is socket_before
    connection.close()


@pytest.mark.embedded("S3 may close it")
def test_a_refused_small_body_keeps_the_connection(store: AnyStore, bucket: str) -> None:
    connection = store.connection()
    for _ in range(3):
        connection.request("PUT", f"/{NEVER}/k", b"z" * 100_000, store.sign("PUT", f"/{NEVER}/k", b"z" * 100_000))
        response = connection.getresponse()
        response.read()
        assert response.status == 404 and connection.sock is not None
    connection.close()


@pytest.mark.embedded("S3 may read it")
def test_a_refused_large_body_ends_the_connection(store: AnyStore) -> None:
    """The answer does not wait for a body that nobody wants."""
    headers = store.sign("PUT", f"/{NEVER}/k", b"") | {"Content-Length": str(2 << 20)}
    answer = store.first_bytes("PUT", f"/{NEVER}/k", headers)
    assert answer.startswith(b"HTTP/1.1 404") and b"Connection: close" in answer


def test_expect(store: AnyStore, bucket: str) -> None:
    """A refusal comes before the body, a body is asked for at once."""
    for target, first in ((f"/{bucket}/k", b"HTTP/1.1 100"), (f"/{NEVER}/k", b"HTTP/1.1 404")):
        headers = store.sign("PUT", target, b"hello") | {"Content-Length": "5", "Expect": "100-continue"}
        headers["Host"] = store.address
        head = (
            f"PUT {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        )
        with store.socket() as raw:
            raw.sendall(head.encode())
            assert raw.recv(4096).startswith(first)
            if b"100" in first:
                raw.sendall(b"hello")
                assert raw.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.embedded("which code")
def test_lengths(store: AnyStore, bucket: str) -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    chunked = store.sign("PUT", f"/{bucket}/k", b"", unsigned) | {"Transfer-Encoding": "chunked"}
    assert store.send("PUT", f"/{bucket}/k", b"5\r\nhello\r\n0\r\n\r\n", chunked).code == "NotImplemented"
    huge = store.sign("PUT", f"/{bucket}/k", b"", unsigned) | {
        "Content-Length": str((5 << 30) + 1),
        "Expect": "100-continue",
    }
    assert b"<Code>EntityTooLarge</Code>" in store.first_bytes("PUT", f"/{bucket}/k", huge)
    lacking = store.sign("PUT", f"/{bucket}/k", b"", unsigned)
    assert b"<Code>MissingContentLength</Code>" in store.first_bytes("PUT", f"/{bucket}/k", lacking)


def test_a_body_that_stops_halfway_is_not_stored(store: AnyStore, s3: Any, bucket: str) -> None:
    headers = store.sign("PUT", f"/{bucket}/k", b"x" * 100_000) | {
        "Host": store.address,
        "Content-Length": "100000",
    }
    head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with store.socket() as raw:
        raw.sendall(head.encode() + b"x" * 50_000)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.embedded("limits of its own")
def test_long_heads(store: AnyStore, bucket: str) -> None:
    many = {f"x-amz-meta-{number}": "v" for number in range(150)}
    headers = store.sign("PUT", f"/{bucket}/k", b"x") | many
    assert store.send("PUT", f"/{bucket}/k", b"x", headers).code == "RequestHeaderSectionTooLarge"
    assert store.signed("GET", f"/{bucket}?list-type=2&prefix=" + "p" * 17_000).code == "InvalidURI"
