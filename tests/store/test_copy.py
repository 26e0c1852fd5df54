"""CopyObject and UploadPartCopy: bytes, metadata, both kinds of conditions, ranges."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from storelib import NEVER, AnyStore, error_of, path_of, race

OLD, NEW = "Wed, 01 Jan 2020 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


def body_of(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


def get(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def copy(s3: Any, bucket: str, source: str = "s", key: str = "k", **more: Any) -> Any:
    return s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source}, **more)


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 3_000_003])
def test_a_copy_has_bytes_and_metadata(s3: Any, bucket: str, size: int) -> None:
    body = body_of(size)
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    s3.put_object(Bucket=bucket, Key="s", Body=body, Metadata={"a": "1"}, ContentType="text/x", CacheControl="no-store")
    done = copy(s3, bucket, Metadata={"ignored": "1"}, ContentType="text/ignored")["CopyObjectResult"]
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (done["ETag"], got["ETag"], got["Body"].read()) == (etag, etag, body)
    assert (got["Metadata"], got["ContentType"], got["CacheControl"]) == ({"a": "1"}, "text/x", "no-store")
    assert done["LastModified"].replace(microsecond=0) == got["LastModified"]
    s3.delete_object(Bucket=bucket, Key="s")
    assert get(s3, bucket, "k") == body


def test_metadata_replaced(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="s", Body=b"x", Metadata={"a": "1"}, ContentType="text/x")
    copy(s3, bucket, MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="text/y")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["ContentType"]) == ({"b": "2"}, "text/y")
    head = s3.head_object(Bucket=bucket, Key="s")
    assert (head["Metadata"], head["ContentType"]) == ({"a": "1"}, "text/x")


def test_onto_itself(store: AnyStore, s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "1"})["ETag"]
    assert error_of(lambda: copy(s3, bucket, "k", "k")) == (400, "InvalidRequest")
    done = copy(s3, bucket, "k", "k", MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert done["CopyObjectResult"]["ETag"] == etag
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"b": "2"}
    headers = {"x-amz-copy-source": f"/{bucket}/k", "x-amz-metadata-directive": "MERGE"}
    answer = store.signed("PUT", f"/{bucket}/k", b"", headers)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_from_another_bucket_and_odd_names(store: AnyStore, s3: Any, bucket: str, fresh: Callable[..., str]) -> None:
    other = fresh()
    s3.create_bucket(Bucket=other)
    for key in ("a b", "a+b", "a%2Fb", "ü/\U0001f600", "a//b", "/lead", "q?x=1", "k" * 1000):
        s3.put_object(Bucket=other, Key=key, Body=key.encode())
        for slash in ("/", ""):
            answer = store.signed(
                "PUT", path_of(bucket, "to"), b"", {"x-amz-copy-source": slash + other + "/" + quote(key, safe="/")}
            )
            assert answer.status == 200, key
            assert get(s3, bucket, "to") == key.encode()


@pytest.mark.embedded("codes of what is no source")
def test_sources_that_are_not_there(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"stays")
    table = [
        (f"/{bucket}/none", 404, "NoSuchKey"),
        (f"/{NEVER}/k", 404, "NoSuchBucket"),
        ("nonsense", 400, "InvalidArgument"),
        (f"/{bucket}/", 400, "InvalidArgument"),
        (f"/{bucket}/%zz", 400, "InvalidArgument"),
        ("/X/k", 400, "InvalidArgument"),
    ]
    for source, status, code in table:
        answer = store.signed("PUT", f"/{bucket}/k", b"", {"x-amz-copy-source": source})
        assert (answer.status, answer.code, source) == (status, code, source)
    assert store.signed("PUT", f"/{NEVER}/k", b"", {"x-amz-copy-source": f"/{bucket}/k"}).code == "NoSuchBucket"
    assert get(s3, bucket, "k") == b"stays"


def test_conditions_of_the_source(store: AnyStore, s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="s", Body=b"x")["ETag"]
    table: list[tuple[dict[str, str], int]] = [
        ({"if-match": etag}, 200),
        ({"if-match": etag.strip('"')}, 200),
        ({"if-match": '"abc"'}, 412),
        ({"if-none-match": '"abc"'}, 200),
        ({"if-none-match": etag}, 412),
        ({"if-modified-since": OLD}, 200),
        ({"if-modified-since": NEW}, 412),
        ({"if-unmodified-since": NEW}, 200),
        ({"if-unmodified-since": OLD}, 412),
        ({"if-match": etag, "if-unmodified-since": OLD}, 200),
        ({"if-none-match": etag, "if-modified-since": OLD}, 412),
    ]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    for conditions, status in table:
        headers = {f"x-amz-copy-source-{name}": value for name, value in conditions.items()}
        headers["x-amz-copy-source"] = f"/{bucket}/s"
        for target in ("k", f"m?uploadId={upload}&partNumber=1"):
            answer = store.signed("PUT", f"/{bucket}/{target}", b"", headers)
            assert (answer.status, conditions, target) == (status, conditions, target)
            assert status == 200 or answer.code == "PreconditionFailed"


def test_conditions_of_the_destination(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="s", Body=b"new")

    def put(**headers: str) -> tuple[int, str]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = store.signed("PUT", f"/{bucket}/k", b"", given | {"x-amz-copy-source": f"/{bucket}/s"})
        return answer.status, answer.code

    assert put(If_Match='"abc"') == (404, "NoSuchKey")
    assert put(If_None_Match="*") == (200, "")
    assert put(If_None_Match="*") == (412, "PreconditionFailed")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["ETag"]
    assert put(If_Match='"abc"') == (412, "PreconditionFailed")
    assert get(s3, bucket, "k") == b"old"
    assert put(If_Match=etag) == (200, "")
    assert get(s3, bucket, "k") == b"new"
    assert put(If_None_Match='"abc"') == (501, "NotImplemented")


def test_one_copier_wins(store: AnyStore, s3: Any, bucket: str) -> None:
    clients = [store.client(number % 2) for number in range(8)]
    for number in range(8):
        s3.put_object(Bucket=bucket, Key=f"s{number}", Body=b"%d" % number * 20_000)
    for _ in range(10):

        def act(number: int) -> tuple[int, str]:
            return error_of(lambda: copy(clients[number], bucket, f"s{number}", IfNoneMatch="*"))

        answers = race(8, act)
        assert sorted(answer[0] for answer in answers) == [200] + [412] * 7
        winner = [answer[0] for answer in answers].index(200)
        assert get(s3, bucket, "k") == b"%d" % winner * 20_000
        s3.delete_object(Bucket=bucket, Key="k")


def test_a_multipart_source_becomes_a_plain_object(s3: Any, bucket: str) -> None:
    bodies = [body_of(5 << 20), b"tail" * 1000]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="s", ChecksumAlgorithm="SHA256")["UploadId"]
    named = [
        {"PartNumber": n, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}
        for n, body in enumerate(bodies, 1)
        for part in [
            s3.upload_part(
                Bucket=bucket,
                Key="s",
                UploadId=upload,
                PartNumber=n,
                Body=body,
                ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            )
        ]
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="s", UploadId=upload, MultipartUpload={"Parts": named})
    whole = b"".join(bodies)
    done = copy(s3, bucket)["CopyObjectResult"]
    assert done["ETag"] == f'"{hashlib.md5(whole).hexdigest()}"'
    assert done["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(whole).digest()).decode()
    assert done["ChecksumType"] == "FULL_OBJECT"
    assert get(s3, bucket, "k") == whole
    done = copy(s3, bucket, ChecksumAlgorithm="SHA1")["CopyObjectResult"]
    assert done["ChecksumSHA1"] == base64.b64encode(hashlib.sha1(whole).digest()).decode()


def test_parts_from_objects(s3: Any, bucket: str) -> None:
    body = body_of(6 << 20)
    s3.put_object(Bucket=bucket, Key="s", Body=body)
    s3.put_object(Bucket=bucket, Key="small", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    wanted = {"Bucket": bucket, "Key": "k", "UploadId": upload}

    def part(number: int, key: str, span: str | None) -> dict[str, Any]:
        more = {} if span is None else {"CopySourceRange": span}
        done = s3.upload_part_copy(**wanted, PartNumber=number, CopySource={"Bucket": bucket, "Key": key}, **more)
        return {"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]}

    named = [part(1, "s", None), part(2, "s", "bytes=1-5242880"), part(3, "small", "bytes=3-9")]
    assert named[1]["ETag"] == f'"{hashlib.md5(body[1:5242881]).hexdigest()}"'
    for span, code in [
        ("bytes=3-10", (416, "InvalidRange")),
        ("bytes=10-10", (416, "InvalidRange")),
        ("bytes=5-3", (400, "InvalidArgument")),
        ("bytes=5-", (400, "InvalidArgument")),
        ("bytes=-5", (400, "InvalidArgument")),
        ("0-5", (400, "InvalidArgument")),
        ("bytes=0-1,3-4", (400, "InvalidArgument")),
    ]:
        assert error_of(lambda span=span: part(4, "small", span)) == code, span
    assert len(s3.list_parts(**wanted)["Parts"]) == 3
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": named})
    assert get(s3, bucket, "k") == body + body[1:5242881] + b"3456789"
    assert error_of(lambda: part(1, "s", None)) == (404, "NoSuchUpload")


@pytest.mark.embedded("its one thread is not kept by a copy")
def test_others_are_served_while_a_large_copy_runs(s3: Any, bucket: str) -> None:
    body = body_of(192 << 20)
    s3.put_object(Bucket=bucket, Key="s", Body=body)
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    running = threading.Thread(target=lambda: copy(s3, bucket))
    running.start()
    served = 0
    while running.is_alive():
        assert error_of(lambda: s3.head_object(Bucket=bucket, Key="other"))[0] == 200
        served += running.is_alive()
    running.join()
    assert served >= 5
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == len(body)
    for key in ("s", "k"):
        s3.delete_object(Bucket=bucket, Key=key)


def test_a_source_overwritten_while_it_is_read(s3: Any, store: AnyStore, bucket: str) -> None:
    """Every copy is one of the sources, whole."""
    bodies = [bytes([65 + number]) * (3 << 20) for number in range(4)]
    s3.put_object(Bucket=bucket, Key="s", Body=bodies[0])
    clients = [store.client(number % 2) for number in range(4)]

    def act(number: int) -> list[bytes]:
        seen = []
        for turn in range(6):
            if number < 2:
                clients[number].put_object(Bucket=bucket, Key="s", Body=bodies[(turn + number) % 4])
            else:
                copy(clients[number], bucket, "s", f"k{number}")
                seen.append(get(clients[number], bucket, f"k{number}"))
        return seen

    for seen in race(4, act):
        assert all(one in bodies for one in seen)
