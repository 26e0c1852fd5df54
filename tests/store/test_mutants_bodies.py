"""The mutants of reads and of bodies: each answers or stores what it says, and lists the answers that it altered."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, HTTPClientError
from storelib import Answer, Store, eventually
from test_chunked import CRC, SIGNED, UNSIGNED_TRAILER, Chunked, crc_of
from test_mutants import Client, Start, altered, begin


def ask(store: Store, method: str, key: str = "k", **headers: str) -> Answer:
    """A raw request for a key."""
    return store.signed(
        method, f"/bkt/{key}", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_cross_client_404(start: Start) -> None:
    store, one = begin(start, "cross-client-404", endpoints=2)
    two = Client(store, 1)
    one.put(b"1")
    assert (one.get(), two.get()) == (b"1", None)
    assert altered(store, "cross-client-404") == (1, two.ids)


def test_negative_cache_404(start: Start) -> None:
    store, one = begin(start, "negative-cache-404:delay_ms=3000", endpoints=2)
    two = Client(store, 1)
    assert (one.get(), two.get()) == (None, None)
    one.put(b"1")
    assert (one.get(), two.get()) == (b"1", None), "who wrote it knows"
    assert altered(store, "negative-cache-404") == (1, two.ids[1:])
    eventually(lambda: two.get() == b"1")


def test_stale_head_fresh_get(start: Start) -> None:
    store, client = begin(start, "stale-head-fresh-get:delay_ms=2000")
    old = client.put(b"1")[1]
    time.sleep(2.1)
    client.put(b"2")
    answer = client.s3.head_object(Bucket="bkt", Key="k")
    assert (answer["ETag"], client.get()) == (old, b"2")
    assert altered(store, "stale-head-fresh-get") == (1, [answer["ResponseMetadata"]["RequestId"]])


def test_nonmonotonic_reads(start: Start) -> None:
    store, client = begin(start, "nonmonotonic-reads:delay_ms=60000,every=2")
    client.put(b"1")
    client.put(b"2")
    assert [client.get() for _ in range(4)] == [b"2", b"2", None, b"2"], "60 s ago there was nothing"
    assert altered(store, "nonmonotonic-reads") == (1, client.ids[4:5])


def test_etag_not_content(start: Start) -> None:
    store, client = begin(start, "etag-not-content")
    etag = client.put(b"1")[1]
    assert etag != f'"{hashlib.md5(b"1").hexdigest()}"'
    assert client.s3.head_object(Bucket="bkt", Key="k")["ETag"] == etag, "PUT and HEAD agree"
    assert altered(store, "etag-not-content")[0] == 2


def test_head_missing_etag(start: Start) -> None:
    store, client = begin(start, "head-missing-etag")
    client.put(b"1")
    answer = ask(store, "HEAD")
    assert "etag" not in answer.headers and answer.headers["content-length"] == "1"
    assert "etag" in ask(store, "GET").headers
    assert altered(store, "head-missing-etag") == (1, [answer.headers["x-amz-request-id"]])


@pytest.mark.parametrize("size", [256, 100_000])
def test_range_off_by_one(start: Start, size: int) -> None:
    store, client = begin(start, "range-off-by-one")
    body = bytes(number % 251 for number in range(size))
    client.put(body)
    answer = ask(store, "GET", Range="bytes=10-19")
    assert (answer.status, answer.body) == (206, body[11:21])
    assert answer.headers["content-range"] == f"bytes 10-19/{size}"
    assert client.get() == body
    assert altered(store, "range-off-by-one") == (1, [answer.headers["x-amz-request-id"]])


def test_range_mixes_versions(start: Start) -> None:
    store, client = begin(start, "range-mixes-versions:delay_ms=60000")
    old = client.put(b"a" * 100)[1]
    assert ask(store, "GET", Range="bytes=10-19", If_Match=old).body == b"a" * 10
    client.put(b"b" * 120)
    answer = ask(store, "GET", Range="bytes=20-29", If_Match=old)
    assert (answer.status, answer.body, answer.headers["etag"]) == (206, b"b" * 10, old)
    assert ask(store, "GET", If_Match=old).status == 412, "not a range"
    assert altered(store, "range-mixes-versions") == (1, [answer.headers["x-amz-request-id"]])


def test_multi_range_truncated(start: Start) -> None:
    store, client = begin(start, "multi-range-truncated")
    client.put(b"0123456789")
    answer = ask(store, "GET", Range="bytes=2-3,5-6")
    assert (answer.status, answer.body) == (206, b"23")
    assert altered(store, "multi-range-truncated") == (1, [answer.headers["x-amz-request-id"]])


@pytest.mark.parametrize("size", [256, 100_096])
def test_zero_filled_tail(start: Start, size: int) -> None:
    store, client = begin(start, "zero-filled-tail")
    client.put(b"a" * size)
    kept = size // 2 // 64 * 64
    assert client.get() == b"a" * kept + bytes(size - kept)
    assert altered(store, "zero-filled-tail") == (1, client.ids[1:])


def test_cross_key_body(start: Start) -> None:
    store, client = begin(start, "cross-key-body")
    client.put(b"mine")
    store.client().put_object(Bucket="bkt", Key="other", Body=b"foreign")
    assert ask(store, "GET", "other").body == b"foreign"
    answer = ask(store, "GET")
    assert (answer.body, answer.headers["etag"]) == (b"foreign", f'"{hashlib.md5(b"mine").hexdigest()}"')
    assert client.get() == b"mine", "the same key again"
    assert altered(store, "cross-key-body") == (1, [answer.headers["x-amz-request-id"]])


@pytest.mark.parametrize("mode", [SIGNED, UNSIGNED_TRAILER])
def test_chunk_framing_stored(start: Start, mode: str) -> None:
    store, client = begin(start, "chunk-framing-stored")
    assert client.put(b"plain")[0] == 200 and client.get() == b"plain"
    request = Chunked(store, "/bkt/k", mode, b"hello")
    answer = request.send()
    assert answer.status == 200
    assert client.get() == b"".join(request.pieces) + request.end
    assert altered(store, "chunk-framing-stored") == (2, [answer.headers["x-amz-request-id"], client.ids[-1]])


def test_chunk_signature_unchecked(start: Start) -> None:
    store, client = begin(start, "chunk-signature-unchecked")
    good = Chunked(store, "/bkt/k", SIGNED, b"a" * 50, 20)
    whole = b"".join(good.pieces) + good.end
    assert good.send(whole).status == 200
    answer = good.send(whole.replace(b"aaa", b"aab", 1))
    assert answer.status == 200 and client.get() == b"aab" + b"a" * 47
    assert altered(store, "chunk-signature-unchecked") == (1, [answer.headers["x-amz-request-id"]])


def test_trailer_checksum_ignored(start: Start) -> None:
    store, client = begin(start, "trailer-checksum-ignored")
    assert Chunked(store, "/bkt/k", UNSIGNED_TRAILER, b"good").send().status == 200
    answer = Chunked(store, "/bkt/k", UNSIGNED_TRAILER, b"hello", value=crc_of(b"other")).send()
    assert answer.status == 200 and client.get() == b"hello"
    assert ask(store, "PUT", **{CRC: crc_of(b"other")}).status == 400, "a header is no trailer"
    assert altered(store, "trailer-checksum-ignored") == (1, [answer.headers["x-amz-request-id"]])


def test_content_md5_ignored(start: Start) -> None:
    store, client = begin(start, "content-md5-ignored")
    for body, count in ((b"hello", 0), (b"other", 1)):
        digest = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
        assert store.signed("PUT", "/bkt/k", body, {"Content-MD5": digest}).status == 200
        assert client.get() == body and altered(store, "content-md5-ignored")[0] == count


@pytest.mark.parametrize("declared", [4, 5, 6])
def test_decoded_length_unchecked(start: Start, declared: int) -> None:
    store, client = begin(start, "decoded-length-unchecked")
    length = {"x-amz-decoded-content-length": str(declared)}
    assert Chunked(store, "/bkt/k", SIGNED, b"hello", headers=length).send().status == 200
    assert client.get() == b"hello"
    assert altered(store, "decoded-length-unchecked")[0] == (declared != 5)


def test_partial_body_committed(start: Start) -> None:
    store, client = begin(start, "partial-body-committed")
    lost: tuple[type[Exception], ...] = (HTTPClientError, EndpointConnectionError, http.client.HTTPException)
    with pytest.raises(lost):
        client.put(b"0123456789")
    assert client.get() == b"01234"
    etag: Any = client.s3.head_object(Bucket="bkt", Key="k")["ETag"]
    assert etag == f'"{hashlib.md5(b"01234").hexdigest()}"'
    assert altered(store, "partial-body-committed")[0] == 3
