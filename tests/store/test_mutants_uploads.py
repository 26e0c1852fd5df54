"""The mutants of multipart uploads: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import Store, code_of
from test_mutants import Client, Start, altered, begin

A, B, C = b"a" * 100, b"b" * 100, b"c" * 100


class Uploads(Client):
    """Steps of uploads of the key, each with the request id of its answer."""

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The answer of the operation on the key; a refusal is {"refused": (status, code)}."""
        try:
            answer: dict[str, Any] = getattr(self.s3, name)(Bucket="bkt", Key="k", **arguments)
        except ClientError as error:
            self.ids.append(error.response["ResponseMetadata"]["RequestId"])
            return {"refused": code_of(error)}
        self._done(answer)
        return answer

    def create(self, *parts: bytes) -> str:
        """An upload with these parts."""
        upload = str(self.call("create_multipart_upload")["UploadId"])
        for number, body in enumerate(parts, 1):
            self.send(upload, number, body)
        return upload

    def send(self, upload: str, number: int, body: bytes) -> None:
        self.call("upload_part", UploadId=upload, PartNumber=number, Body=body)

    def complete(self, upload: str, *bodies: bytes, numbers: tuple[int, ...] = ()) -> dict[str, Any]:
        named = zip(numbers or range(1, len(bodies) + 1), bodies, strict=True)
        parts = [{"PartNumber": n, "ETag": f'"{hashlib.md5(b).hexdigest()}"'} for n, b in named]
        return self.call("complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts})

    def abort(self, upload: str) -> dict[str, Any]:
        return self.call("abort_multipart_upload", UploadId=upload)


def start_uploads(start: Start, spec: str) -> tuple[Store, Uploads]:
    def small(*options: str) -> Store:
        return start("--min-part-bytes", "1", *options)

    store, _ = begin(small, spec)
    return store, Uploads(store)


MADE = {  # what becomes of parts A, B, of which the second was sent before as C, once they had been listed
    "mpu-stale-part": A + C,
    "mpu-tail-zeroed": A + bytes(100),
    "mpu-order-ignored": B + A,
    "mpu-unlisted-part-included": A + B + C,
}


@pytest.mark.parametrize("name", MADE)
def test_the_object_is_another_one(start: Start, name: str) -> None:
    store, client = start_uploads(start, name)
    upload = client.create()
    client.send(upload, 2, C)
    client.call("list_parts", UploadId=upload)
    client.send(upload, 2, B)
    client.send(upload, 1, A)
    if name == "mpu-unlisted-part-included":
        client.send(upload, 3, C)
    assert "ETag" in client.complete(upload, A, B)
    assert client.get() == MADE[name]
    assert altered(store, name) == (2, client.ids[-2:]), "the Complete, and the read that shows it"
    assert client.complete(client.create(A), A)["ETag"] and client.get() == A


def test_blend(start: Start) -> None:
    store, client = start_uploads(start, "mpu-blend:every=2")
    one, two = client.create(A, B), client.create(A, C)
    client.complete(one, A, B)
    assert client.get() == A + B
    one = client.create(B, B)
    client.complete(two, A, C)
    assert client.get() == A + B
    client.complete(one, B, B)
    assert client.get() == B + C
    assert altered(store, "mpu-blend")[0] == 4


def test_etag_wrong(start: Start) -> None:
    store, client = start_uploads(start, "mpu-etag-wrong:every=2")
    right = client.complete(client.create(A), A)["ETag"]
    wrong = client.complete(client.create(A), A)["ETag"]
    assert wrong != right and client.call("head_object")["ETag"] == wrong
    assert altered(store, "mpu-etag-wrong") == (2, client.ids[-2:])


def test_small_part_accepted(start: Start) -> None:
    store, _ = begin(start, "mpu-small-part-accepted:every=2")
    client = Uploads(store)
    upload = client.create(A, B)
    assert client.complete(upload, A, B)["refused"] == (400, "EntityTooSmall")
    assert "ETag" in client.complete(upload, A, B)
    assert altered(store, "mpu-small-part-accepted") == (1, client.ids[-1:])


def test_empty_rejected(start: Start) -> None:
    store, client = start_uploads(start, "mpu-empty-rejected:every=2")
    assert "ETag" in client.complete(client.create(b""), b"")
    assert client.complete(client.create(b""), b"")["refused"][0] == 400
    assert altered(store, "mpu-empty-rejected") == (1, client.ids[-1:])
    assert "ETag" in client.complete(client.create(A), A)


def test_head_ok_get_empty(start: Start) -> None:
    store, client = start_uploads(start, "mpu-head-ok-get-empty")
    client.complete(client.create(A, B), A, B)
    assert client.call("head_object")["ContentLength"] == 200 and client.get() == b""
    assert altered(store, "mpu-head-ok-get-empty") == (1, client.ids[-1:])
    client.put(A)
    assert client.get() == A


def test_visible_early(start: Start) -> None:
    store, client = start_uploads(start, "mpu-visible-early")
    upload = client.create(A, B)
    assert client.get() == A + B
    assert altered(store, "mpu-visible-early") == (1, client.ids[-1:])
    client.abort(upload)
    assert client.get() is None


def test_complete_false_404(start: Start) -> None:
    store, client = start_uploads(start, "mpu-complete-false-404")
    assert client.complete(client.create(A), A)["refused"] == (404, "NoSuchUpload")
    assert client.get() == A
    assert altered(store, "mpu-complete-false-404") == (2, client.ids[-2:])


def test_double_complete(start: Start) -> None:
    store, client = start_uploads(start, "mpu-double-complete-blend")
    upload = client.create(A, B)
    first = client.complete(upload, A, B)
    assert client.complete(upload, A)["ETag"] == first["ETag"] and client.get() == A + B
    assert altered(store, "mpu-double-complete-blend") == (1, client.ids[-2:-1])
    assert client.complete("A" * len(upload), A)["refused"] == (404, "NoSuchUpload")


def test_complete_not_idempotent(start: Start) -> None:
    store, client = start_uploads(start, "mpu-complete-not-idempotent")
    upload = client.create(A)
    client.complete(upload, A)
    assert client.complete(upload, A)["refused"] == (404, "NoSuchUpload") and client.get() == A
    assert altered(store, "mpu-complete-not-idempotent") == (1, client.ids[-2:-1])


def test_order_flipped(start: Start) -> None:
    store, client = start_uploads(start, "mpu-order-flipped")
    older, newer = client.create(A), client.create(B)
    client.complete(newer, B)
    assert "ETag" in client.complete(older, A) and client.get() == B
    assert altered(store, "mpu-order-flipped") == (2, client.ids[-2:])
    assert "Uploads" not in client.s3.list_multipart_uploads(Bucket="bkt")
    older, newer = client.create(A), client.create(C)
    client.complete(older, A)
    assert client.get() == A
    client.complete(newer, C)
    assert client.get() == C, "begun last and completed last"


def test_no_version(start: Start) -> None:
    store, client = start_uploads(start, "mpu-no-version")
    client.s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    assert client.complete(client.create(A), A)["VersionId"] == "null" and client.get() == A
    assert altered(store, "mpu-no-version") == (2, client.ids[-2:])


def test_abort_then_complete(start: Start) -> None:
    store, client = start_uploads(start, "mpu-abort-then-complete")
    upload = client.create(A)
    assert "refused" not in client.abort(upload)
    assert "ETag" in client.complete(upload, A) and client.get() == A
    assert altered(store, "mpu-abort-then-complete") == (3, client.ids[-3:])


def test_abort_eats_object(start: Start) -> None:
    store, client = start_uploads(start, "mpu-abort-eats-object")
    upload = client.create(A)
    client.complete(upload, A)
    assert "refused" not in client.abort(upload) and client.get() is None
    assert altered(store, "mpu-abort-eats-object") == (2, client.ids[-2:])
    client.put(B)
    assert client.abort(upload)["refused"] == (404, "NoSuchUpload") and client.get() == B


def test_clean_eats_object(start: Start) -> None:
    store, client = start_uploads(start, "mpu-clean-eats-object")
    left = client.create(B)
    client.complete(client.create(A, B), A, B)
    client.abort(left)
    assert client.get() == bytes(200)
    assert altered(store, "mpu-clean-eats-object") == (2, client.ids[-2:])
    client.complete(client.create(C), C)
    assert client.get() == C
    assert store.admin("/usage")["files"]["orphans"] == 0


def test_storage_leak(start: Start) -> None:
    store, client = start_uploads(start, "mpu-storage-leak")
    upload = client.create(A, B)
    client.send(upload, 2, C)
    client.abort(upload)
    assert store.admin("/usage")["files"]["orphans"] == 3
    assert altered(store, "mpu-storage-leak") == (2, client.ids[-2:])


def test_pages(start: Start) -> None:
    store, client = start_uploads(start, "mpu-list-order")
    one, two = client.create(A), client.create(B)
    page = client.s3.list_multipart_uploads(Bucket="bkt")
    assert [up["UploadId"] for up in page["Uploads"]] == [two, one]
    assert altered(store, "mpu-list-order") == (1, [page["ResponseMetadata"]["RequestId"]])


def test_part_sizes(start: Start) -> None:
    store, client = start_uploads(start, "parts-size-zero")
    page = client.call("list_parts", UploadId=client.create(A, B))
    assert [part["Size"] for part in page["Parts"]] == [100, 0]
    assert altered(store, "parts-size-zero") == (1, client.ids[-1:])
