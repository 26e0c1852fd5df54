"""Multipart uploads: parts, listings, completion and its races."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest
from storelib import AnyStore, Store, error_of, race

MIB = 1 << 20
PART = 5 * MIB
CHOICE = pytest.mark.embedded("which code")
NUMBERED = b"<CompleteMultipartUpload><Part><PartNumber>%d</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"


def body_of(number: int, size: int) -> bytes:
    return (b"%07d " % number * (size // 8 + 1))[:size]


def etag_of(bodies: list[bytes]) -> str:
    inner = b"".join(hashlib.md5(body).digest() for body in bodies)
    return f'"{hashlib.md5(inner).hexdigest()}-{len(bodies)}"'


def begin(s3: Any, bucket: str, key: str = "k", **more: Any) -> str:
    return str(s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"])


def send(s3: Any, bucket: str, upload: str, parts: dict[int, bytes], key: str = "k") -> list[dict[str, Any]]:
    """Uploads the parts; what Complete names."""
    return [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in parts.items()
    ]


def complete(s3: Any, bucket: str, upload: str, named: list[dict[str, Any]], key: str = "k", **more: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": named}, **more
    )


def get(s3: Any, bucket: str, **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key="k", **more)["Body"].read())


@pytest.fixture(scope="module")
def small(tmp_path_factory: Any) -> Any:
    """A store that takes parts of any size, and its client."""
    running = Store("--min-part-bytes", "1", "--endpoints", "2", "--threads", "2")
    running.client().create_bucket(Bucket="bkt")
    yield running
    assert running.close() == 0


def test_an_upload_becomes_an_object(s3: Any, bucket: str) -> None:
    bodies = [body_of(1, PART), body_of(2, PART + 3), body_of(3, 17)]
    upload = begin(s3, bucket, ContentType="text/x", Metadata={"a": "1"}, CacheControl="no-store")
    named = send(s3, bucket, upload, dict(enumerate(bodies, 1)))
    assert [part["ETag"] for part in named] == [f'"{hashlib.md5(body).hexdigest()}"' for body in bodies]
    assert error_of(lambda: s3.get_object(Bucket=bucket, Key="k")) == (404, "NoSuchKey")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    done = complete(s3, bucket, upload, named)
    assert (done["ETag"], done["Bucket"], done["Key"]) == (etag_of(bodies), bucket, "k")
    whole = b"".join(bodies)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == whole
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (etag_of(bodies), "text/x", {"a": "1"})
    assert got["CacheControl"] == "no-store"
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (len(whole), etag_of(bodies))
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (listed["Size"], listed["ETag"]) == (len(whole), etag_of(bodies))
    for first, last in [
        (0, 0),
        (PART - 1, PART),
        (PART, PART),
        (PART - 5, 2 * PART + 10),
        (len(whole) - 5, len(whole)),
    ]:
        assert get(s3, bucket, Range=f"bytes={first}-{last}") == whole[first : last + 1]
    assert get(s3, bucket, IfMatch=etag_of(bodies)) == whole
    assert error_of(lambda: s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag_of(bodies)))[0] == 304
    etag_without_number = etag_of(bodies).partition("-")[0] + '"'
    assert error_of(lambda: s3.get_object(Bucket=bucket, Key="k", IfMatch=etag_without_number))[0] == 412


def test_part_numbers_of_reads(s3: Any, bucket: str) -> None:
    bodies = [body_of(1, PART), body_of(2, 100)]
    upload = begin(s3, bucket)
    complete(s3, bucket, upload, send(s3, bucket, upload, {3: bodies[0], 8: bodies[1]}))
    for position, body in enumerate(bodies, 1):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=position)
        assert (got["Body"].read(), got["PartsCount"]) == (body, 2)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        head = s3.head_object(Bucket=bucket, Key="k", PartNumber=position)
        assert (head["ContentLength"], head["PartsCount"]) == (len(body), 2)
    assert got["ContentRange"] == f"bytes {PART}-{PART + 99}/{PART + 100}"
    assert error_of(lambda: s3.get_object(Bucket=bucket, Key="k", PartNumber=3)) == (416, "InvalidPartNumber")
    for bad in (0, 10_001):
        assert error_of(lambda bad=bad: s3.get_object(Bucket=bucket, Key="k", PartNumber=bad)) == (
            400,
            "InvalidArgument",
        )
    both = error_of(lambda: s3.get_object(Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1"))
    assert both == (400, "InvalidRequest")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"hello")
    got = s3.get_object(Bucket=bucket, Key="plain", PartNumber=1)
    assert got["Body"].read() == b"hello" and "PartsCount" not in got
    assert error_of(lambda: s3.get_object(Bucket=bucket, Key="plain", PartNumber=2)) == (416, "InvalidPartNumber")


def test_a_part_sent_again_replaces_and_parts_not_named_are_dropped(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    send(s3, bucket, upload, {1: b"old", 2: b"dropped"})
    named = send(s3, bucket, upload, {1: b"new"})
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(1, 3), (2, 7)]
    complete(s3, bucket, upload, named)
    assert get(s3, bucket) == b"new"


def test_complete_checks_what_is_named(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    one, two, three = send(s3, bucket, upload, {1: body_of(1, PART), 2: b"small", 3: b"last"})
    wrong = {"PartNumber": 3, "ETag": '"' + "0" * 32 + '"'}
    cases = [
        ([two, one], "InvalidPartOrder"),
        ([one, one], "InvalidPartOrder"),
        ([one, wrong], "InvalidPart"),
        ([one, wrong | {"ETag": "nonsense"}], "InvalidPart"),
        ([one, {"PartNumber": 4, "ETag": one["ETag"]}], "InvalidPart"),
        ([one, two, three], "EntityTooSmall"),
        ([], "MalformedXML"),
        ([one | {"ChecksumCRC32": "AAAAAA=="}], "InvalidPart"),
    ]
    for named, code in cases:
        assert error_of(lambda named=named: complete(s3, bucket, upload, named)) == (400, code)
    assert error_of(lambda: s3.head_object(Bucket=bucket, Key="k"))[0] == 404
    bare = [part | {"ETag": part["ETag"].strip('"')} for part in (one, three)]
    complete(s3, bucket, upload, bare)
    assert get(s3, bucket) == body_of(1, PART) + b"last"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<CompleteMultipartUpload>",
        b"<Other><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></Other>",
        b"<CompleteMultipartUpload><Part><ETag>x</ETag></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
        pytest.param(NUMBERED % 0, marks=CHOICE),
        pytest.param(NUMBERED % 10001, marks=CHOICE),
    ],
)
def test_malformed_documents(store: AnyStore, s3: Any, bucket: str, document: bytes) -> None:
    upload = begin(s3, bucket)
    send(s3, bucket, upload, {1: b"x"})
    answer = store.signed("POST", f"/{bucket}/k?uploadId={upload}", document)
    assert (answer.status, answer.code) == (400, "MalformedXML")


@pytest.mark.embedded("a part may be empty")
def test_parts_of_no_bytes(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    (only,) = send(s3, bucket, upload, {1: b""})
    assert complete(s3, bucket, upload, [only])["ETag"] == etag_of([b""])
    assert get(s3, bucket) == b""


@pytest.mark.embedded("which of two errors")
def test_a_part_that_is_not_there_comes_before_one_that_is_too_small(s3: Any, bucket: str) -> None:
    """Whatever stands where in the list: all parts are looked up, then their sizes are."""
    upload = begin(s3, bucket)
    small, last, third = send(s3, bucket, upload, {1: b"small", 3: b"last", 5: b"third"})
    for wrong in (small | {"PartNumber": 2}, last | {"ETag": '"' + "0" * 32 + '"'}, small | {"PartNumber": 4}):
        assert error_of(lambda wrong=wrong: complete(s3, bucket, upload, [small, wrong])) == (400, "InvalidPart")
    wrong = third | {"ETag": last["ETag"]}
    assert error_of(lambda: complete(s3, bucket, upload, [small, last, wrong])) == (400, "InvalidPart")
    assert error_of(lambda: complete(s3, bucket, upload, [small, last])) == (400, "EntityTooSmall")


def test_a_number_between_two_parts_is_none(small: Store) -> None:
    s3 = small.client()
    upload = begin(s3, "bkt", "between")
    one, three = send(s3, "bkt", upload, {1: b"1", 3: b"3"}, "between")
    wrong = three | {"PartNumber": 2}
    assert error_of(lambda: complete(s3, "bkt", upload, [one, wrong], "between")) == (400, "InvalidPart")
    s3.abort_multipart_upload(Bucket="bkt", Key="between", UploadId=upload)


def test_parts_are_judged_before_the_condition(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    upload = begin(s3, bucket)
    (part,) = send(s3, bucket, upload, {1: b"x"})
    wrong = part | {"ETag": '"' + "0" * 32 + '"'}
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"abc"'}):
        failed = error_of(lambda condition=condition: complete(s3, bucket, upload, [wrong], **condition))
        assert failed == (400, "InvalidPart")


def test_the_size_of_the_whole_is_verified(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    named = send(s3, bucket, upload, {1: b"12345"})
    wrong = error_of(lambda: complete(s3, bucket, upload, named, MpuObjectSize=6))
    assert wrong == (400, "InvalidRequest")
    assert complete(s3, bucket, upload, named, MpuObjectSize=5)["ETag"] == etag_of([b"12345"])


def test_after_abort_everything_is_gone(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    named = send(s3, bucket, upload, {1: b"x"})
    wanted = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    other = {"Bucket": bucket, "Key": "other", "UploadId": upload}
    assert error_of(lambda: s3.list_parts(**other)) == (404, "NoSuchUpload")
    assert error_of(lambda: s3.abort_multipart_upload(**other)) == (404, "NoSuchUpload")
    assert s3.abort_multipart_upload(**wanted)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (
        lambda: s3.list_parts(**wanted),
        lambda: s3.abort_multipart_upload(**wanted),
        lambda: s3.upload_part(**wanted, PartNumber=1, Body=b"x"),
        lambda: complete(s3, bucket, upload, named),
        lambda: s3.list_parts(**wanted | {"UploadId": "nonsense"}),
    ):
        assert error_of(call) == (404, "NoSuchUpload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_repeated_complete_says_the_same(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    one, two = send(s3, bucket, upload, {1: body_of(1, PART), 2: b"x"})
    first = complete(s3, bucket, upload, [one, two], IfNoneMatch="*")
    again = complete(s3, bucket, upload, [one, two], IfNoneMatch="*")
    assert (again["ETag"], again.get("ChecksumCRC64NVME")) == (first["ETag"], first.get("ChecksumCRC64NVME"))
    assert error_of(lambda: complete(s3, bucket, upload, [one])) == (404, "NoSuchUpload")
    s3.put_object(Bucket=bucket, Key="k", Body=b"later")
    assert complete(s3, bucket, upload, [one, two])["ETag"] == first["ETag"]
    assert get(s3, bucket) == b"later"
    wanted = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert error_of(lambda: s3.abort_multipart_upload(**wanted)) == (404, "NoSuchUpload")


def test_part_numbers_of_uploads(store: AnyStore, s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    for bad in ("0", "10001", "-1", "x", ""):
        answer = store.signed("PUT", f"/{bucket}/k?uploadId={upload}&partNumber={bad}", b"x")
        assert (answer.status, answer.code) == (400, "InvalidArgument")
    answer = store.signed("PUT", f"/{bucket}/k?uploadId={upload}&partNumber=1", b"x", {"Content-MD5": "AAAA"})
    assert answer.code == "InvalidDigest"
    md5 = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    answer = store.signed("PUT", f"/{bucket}/k?uploadId={upload}&partNumber=1", b"x", {"Content-MD5": md5})
    assert answer.code == "BadDigest"
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


@pytest.mark.embedded("refused with 501")
def test_conditions_where_none_are_defined(store: AnyStore, s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    for method, target in (
        ("POST", "?uploads"),
        ("PUT", f"?uploadId={upload}&partNumber=1"),
        ("DELETE", f"?uploadId={upload}"),
    ):
        assert store.signed(method, f"/{bucket}/k{target}", b"", {"If-Match": "*"}).code == "NotImplemented"
    for headers in ({"If-None-Match": '"abc"'}, {"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}):
        assert store.signed("POST", f"/{bucket}/k?uploadId={upload}", b"", headers).code == "NotImplemented"


def test_conditional_complete(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket)
    named = send(s3, bucket, upload, {1: b"mine"})
    assert error_of(lambda: complete(s3, bucket, upload, named, IfMatch='"abc"')) == (404, "NoSuchKey")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"theirs")["ETag"]
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"abc"'}):
        failed = error_of(lambda condition=condition: complete(s3, bucket, upload, named, **condition))
        assert failed == (412, "PreconditionFailed")
    assert get(s3, bucket) == b"theirs"
    complete(s3, bucket, upload, named, IfMatch=etag)
    assert get(s3, bucket) == b"mine"


def test_the_one_completed_last_is_current(s3: Any, bucket: str) -> None:
    first, second = begin(s3, bucket), begin(s3, bucket)
    named = {upload: send(s3, bucket, upload, {1: upload.encode()}) for upload in (first, second)}
    for upload in (second, first):
        complete(s3, bucket, upload, named[upload])
        assert get(s3, bucket) == upload.encode()


def test_list_parts_pages(small: Store) -> None:
    s3 = small.client()
    upload = begin(s3, "bkt", "pages")
    numbers = [1, 2, 3, 7, 100, 9999, 10000]
    send(s3, "bkt", upload, {number: b"%d" % number for number in numbers}, "pages")
    wanted = {"Bucket": "bkt", "Key": "pages", "UploadId": upload}
    seen, marker, pages = [], 0, 0
    while True:
        page = s3.list_parts(**wanted, MaxParts=3, PartNumberMarker=marker)
        assert len(page["Parts"]) <= 3
        seen += [part["PartNumber"] for part in page["Parts"]]
        assert page["NextPartNumberMarker"] == seen[-1]
        marker, pages = page["NextPartNumberMarker"], pages + 1
        if not page["IsTruncated"]:
            break
    assert (seen, pages) == (numbers, 3)
    assert s3.list_parts(**wanted, MaxParts=7)["IsTruncated"] is False
    assert "Parts" not in s3.list_parts(**wanted, PartNumberMarker=10000)
    answer = small.signed("GET", f"/bkt/pages?uploadId={upload}&max-parts=x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    s3.abort_multipart_upload(**wanted)


def pages_of(s3: Any, bucket: str, size: int, **more: Any) -> tuple[list[tuple[str, str]], list[str]]:
    """All uploads and prefixes by pages of this size; every page makes progress."""
    uploads: list[tuple[str, str]] = []
    prefixes: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **more, **marker)
        here = [(one["Key"], one["UploadId"]) for one in page.get("Uploads", [])]
        common = [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        assert len(here) + len(common) <= size
        uploads, prefixes = uploads + here, prefixes + common
        if not page["IsTruncated"]:
            return uploads, prefixes
        assert len(here) + len(common) == size
        before, marker = marker, {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextUploadIdMarker"):
            marker["UploadIdMarker"] = page["NextUploadIdMarker"]
        assert marker != before


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_list_uploads_pages(s3: Any, bucket: str, size: int) -> None:
    keys = ["a", "a", "a", "b/1", "b/2", "b/2", "c", "d/x", "\U0001f600", "\uffee", "l" * 1000, "l" * 1000, "l" * 999]
    made = [(key, begin(s3, bucket, key)) for key in keys]
    order = [pair for key in sorted(set(keys), key=str.encode) for pair in made if pair[0] == key]
    assert pages_of(s3, bucket, size) == (order, [])
    assert pages_of(s3, bucket, size, Prefix="b/") == ([pair for pair in order if pair[0].startswith("b/")], [])
    flat = [pair for pair in order if "/" not in pair[0]]
    assert pages_of(s3, bucket, size, Delimiter="/") == (flat, ["b/", "d/"])
    assert pages_of(s3, bucket, size, Prefix="zz") == ([], [])


def test_list_uploads_markers(store: AnyStore, s3: Any, bucket: str) -> None:
    ids = [begin(s3, bucket, "k") for _ in range(3)]
    other = begin(s3, bucket, "m")

    def listed(**more: str) -> list[str]:
        return [one["UploadId"] for one in s3.list_multipart_uploads(Bucket=bucket, **more).get("Uploads", [])]

    assert listed(KeyMarker="k") == [other]
    assert listed(KeyMarker="j") == [*ids, other], "the key-marker need not exist"
    assert listed(KeyMarker="k", UploadIdMarker=ids[0]) == [*ids[1:], other]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=ids[0])
    assert listed(KeyMarker="k", UploadIdMarker=ids[0]) == [*ids[1:], other], "the marker names a place"
    assert listed(UploadIdMarker=ids[1]) == [*ids[1:], other], "without key-marker it means nothing"


@pytest.mark.embedded("S3 does not say")
def test_list_uploads_at_the_edges(store: AnyStore, s3: Any, bucket: str) -> None:
    begin(s3, bucket)
    answer = store.signed("GET", f"/{bucket}?uploads&key-marker=k&upload-id-marker=nonsense")
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    empty = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=0)
    assert "Uploads" not in empty and empty["IsTruncated"] is False


def test_ten_thousand_parts(small: Store) -> None:
    """Through raw requests on one connection, for speed; every part is in its place."""

    s3 = small.client()
    upload = begin(s3, "bkt", "many")
    connection = small.connection()
    named = []
    for number in range(1, 10_001):
        target, body = f"/bkt/many?uploadId={upload}&partNumber={number}", b"%05d;" % number
        connection.request("PUT", target, body, small.sign("PUT", target, body))
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        named.append({"PartNumber": number, "ETag": response.headers["ETag"]})
    connection.close()
    done = complete(s3, "bkt", upload, named, "many")
    assert done["ETag"].endswith('-10000"')
    whole = b"".join(b"%05d;" % number for number in range(1, 10_001))
    got = s3.get_object(Bucket="bkt", Key="many")
    assert got["Body"].read() == whole
    part = s3.get_object(Bucket="bkt", Key="many", PartNumber=10_000)
    assert (part["Body"].read(), part["PartsCount"]) == (b"10000;", 10_000)
    s3.delete_object(Bucket="bkt", Key="many")


def test_checksums_of_parts(s3: Any, bucket: str) -> None:
    bodies = [body_of(1, PART), b"tail"]
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    wanted = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    sums = [base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies]
    named = []
    for number, (body, value) in enumerate(zip(bodies, sums, strict=True), 1):
        part = s3.upload_part(**wanted, PartNumber=number, Body=body, ChecksumSHA256=value)
        assert part["ChecksumSHA256"] == value
        named.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": value})
    crc = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    mixed = error_of(lambda: s3.upload_part(**wanted, PartNumber=3, Body=b"x", ChecksumCRC32=crc))
    assert mixed == (400, "InvalidRequest")
    listed = s3.list_parts(**wanted)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE")
    assert [part["ChecksumSHA256"] for part in listed["Parts"]] == sums
    joined = b"".join(hashlib.sha256(body).digest() for body in bodies)
    value = base64.b64encode(hashlib.sha256(joined).digest()).decode() + "-2"
    wrong = error_of(lambda: complete(s3, bucket, upload, named, ChecksumSHA256=sums[0]))
    assert wrong == (400, "BadDigest")
    done = complete(s3, bucket, upload, named, ChecksumSHA256=value, ChecksumType="COMPOSITE")
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (value, "COMPOSITE")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (value, "COMPOSITE")


def test_full_object_checksums(s3: Any, bucket: str) -> None:
    bodies = [body_of(1, PART), body_of(2, PART), b"tail"]
    crc = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    named = send(s3, bucket, upload, dict(enumerate(bodies, 1)))
    assert complete(s3, bucket, upload, named, ChecksumCRC32=crc, ChecksumType="FULL_OBJECT")["ChecksumCRC32"] == crc
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (crc, "FULL_OBJECT")
    # nothing declared, parts with CRC32 of their own: the object has what a plain PUT of it has
    upload = begin(s3, bucket)
    done = complete(s3, bucket, upload, send(s3, bucket, upload, dict(enumerate(bodies, 1))))
    put = {"Bucket": bucket, "Key": "plain", "Body": b"".join(bodies)}
    plain_client_sum = s3.put_object(**put)  # CRC32 by default
    assert plain_client_sum["ChecksumCRC32"] == crc
    assert done["ChecksumType"] == "FULL_OBJECT" and len(done["ChecksumCRC64NVME"]) == 12


def crc_of(body: bytes, polynomial: int, size: int) -> bytes:
    """A reflected CRC, bit by bit."""
    ones = crc = (1 << 8 * size) - 1
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return (crc ^ ones).to_bytes(size, "big")


ALGORITHMS = {
    "CRC32": lambda body: crc_of(body, 0xEDB88320, 4),
    "CRC32C": lambda body: crc_of(body, 0x82F63B78, 4),
    "CRC64NVME": lambda body: crc_of(body, 0x9A6C9329AC4BC9B5, 8),
    "SHA1": lambda body: hashlib.sha1(body).digest(),
    "SHA256": lambda body: hashlib.sha256(body).digest(),
}
TYPES = [(name, "FULL_OBJECT") for name in ("CRC32", "CRC32C", "CRC64NVME")]
TYPES += [(name, "COMPOSITE") for name in ("CRC32", "CRC32C", "SHA1", "SHA256")]


@pytest.mark.parametrize(("algorithm", "kind"), TYPES)
def test_both_types_of_checksums(small: Store, algorithm: str, kind: str) -> None:
    s3, digest = small.client(), ALGORITHMS[algorithm]
    bodies = [body_of(1, 300), body_of(2, 7), body_of(3, 64)]
    asked = {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    begun = small.signed("POST", "/bkt/summed?uploads", b"", asked)
    assert {name: begun.headers[name] for name in asked} == asked
    upload = begun.body.decode().partition("<UploadId>")[2].partition("<")[0]
    header, named = f"x-amz-checksum-{algorithm.lower()}", []
    for number, body in enumerate(bodies, 1):
        part = small.signed("PUT", f"/bkt/summed?partNumber={number}&uploadId={upload}", body)
        assert part.headers[header] == base64.b64encode(digest(body)).decode()
        named.append({"PartNumber": number, "ETag": part.headers["etag"]})
    member = f"Checksum{algorithm}"
    right = [base64.b64encode(digest(body)).decode() for body in bodies]
    without, summed = named, [part | {member: value} for part, value in zip(named, right, strict=True)]
    swapped = [*summed[:2], summed[2] | {member: right[0]}]
    assert error_of(lambda: complete(s3, "bkt", upload, swapped, "summed")) == (400, "InvalidPart")
    if kind == "COMPOSITE":
        lacking = [*summed[:2], without[2]]
        assert error_of(lambda: complete(s3, "bkt", upload, lacking, "summed")) == (400, "InvalidRequest")
    done = complete(s3, "bkt", upload, summed if kind == "COMPOSITE" else without, "summed")  # full: no need
    whole = digest(b"".join(bodies)) if kind == "FULL_OBJECT" else digest(b"".join(map(digest, bodies)))
    value = base64.b64encode(whole).decode() + ("-3" if kind == "COMPOSITE" else "")
    assert (done[f"Checksum{algorithm}"], done["ChecksumType"]) == (value, kind)
    head = small.signed("HEAD", "/bkt/summed", b"", {"x-amz-checksum-mode": "ENABLED"})
    assert (head.headers[header], head.headers["x-amz-checksum-type"]) == (value, kind)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC64NVME", "COMPOSITE"),
        ("SHA1", "FULL_OBJECT"),
        ("SHA256", "FULL_OBJECT"),
        ("MD4", None),
        (None, "COMPOSITE"),
    ],
)
def test_checksum_types_that_do_not_exist(
    store: AnyStore, bucket: str, algorithm: str | None, kind: str | None
) -> None:
    headers = {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    given = {name: value for name, value in headers.items() if value is not None}
    answer = store.signed("POST", f"/{bucket}/k?uploads", b"", given)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("in_parts", [True, False], ids=["parts", "plain"])
def test_a_reader_keeps_its_object(small: Store, in_parts: bool) -> None:
    """An overwrite while the body is on its way neither tears nor ends it."""
    s3 = small.client()
    bodies = [body_of(number, 3 * MIB) for number in range(4)]
    if in_parts:
        upload = begin(s3, "bkt", "slow")
        complete(s3, "bkt", upload, send(s3, "bkt", upload, dict(enumerate(bodies, 1)), "slow"), "slow")
    else:
        s3.put_object(Bucket="bkt", Key="slow", Body=b"".join(bodies))
    stream = s3.get_object(Bucket="bkt", Key="slow")["Body"]
    first = stream.read(1000)
    s3.put_object(Bucket="bkt", Key="slow", Body=b"new")
    assert first + stream.read() == b"".join(bodies)


def test_complete_against_complete(small: Store) -> None:
    clients = [small.client(number % 2) for number in range(8)]
    s3 = clients[0]
    for _ in range(10):
        upload = begin(s3, "bkt", "race")
        first = send(s3, "bkt", upload, {1: b"one", 2: b"two"}, "race")
        plans = [first if number % 2 else first[:1] for number in range(8)]

        def act(number: int, upload: str = upload, plans: Any = plans) -> tuple[int, str]:
            return error_of(lambda: complete(clients[number], "bkt", upload, plans[number], "race"))

        answers = race(8, act)
        winners = {number % 2 for number, answer in enumerate(answers) if answer[0] == 200}
        assert len(winners) == 1, answers
        winner = winners.pop()
        assert all(answer == (404, "NoSuchUpload") for n, answer in enumerate(answers) if n % 2 != winner)
        assert all(answer[0] == 200 for n, answer in enumerate(answers) if n % 2 == winner)
        assert s3.get_object(Bucket="bkt", Key="race")["Body"].read() == (b"onetwo" if winner else b"one")


def test_complete_against_abort(small: Store) -> None:
    clients = [small.client(number % 2) for number in range(8)]
    s3 = clients[0]
    for _ in range(20):
        s3.delete_object(Bucket="bkt", Key="fate")
        upload = begin(s3, "bkt", "fate")
        named = send(s3, "bkt", upload, {1: b"x"}, "fate")

        def act(number: int, upload: str = upload, named: Any = named) -> tuple[int, str]:
            if number % 2:
                return error_of(lambda: complete(clients[number], "bkt", upload, named, "fate"))
            return error_of(lambda: clients[number].abort_multipart_upload(Bucket="bkt", Key="fate", UploadId=upload))

        answers = race(8, act)
        aborted = [answer for answer in answers[::2] if answer[0] == 204]
        completed = [answer for answer in answers[1::2] if answer[0] == 200]
        assert (len(aborted), len(completed)) in ((1, 0), (0, 4)), answers
        exists = error_of(lambda: s3.head_object(Bucket="bkt", Key="fate"))[0] == 200
        assert exists is bool(completed)
        left = {answer for answer in answers if answer[0] not in (200, 204)}
        assert left <= {(404, "NoSuchUpload")}


def test_one_creator_wins_through_complete(store: AnyStore, s3: Any, bucket: str) -> None:
    clients = [store.client(number % 2) for number in range(8)]
    for _ in range(10):
        s3.delete_object(Bucket=bucket, Key="new")
        uploads = [begin(s3, bucket, "new") for _ in range(8)]
        named = [send(s3, bucket, upload, {1: upload.encode()}, "new") for upload in uploads]

        def act(number: int, uploads: Any = uploads, named: Any = named) -> tuple[int, str]:
            one = clients[number]
            if number % 4 == 3:
                return error_of(lambda: one.put_object(Bucket=bucket, Key="new", Body=b"p%d" % number, IfNoneMatch="*"))
            return error_of(lambda: complete(one, bucket, uploads[number], named[number], "new", IfNoneMatch="*"))

        answers = race(8, act)
        assert sorted(answer[0] for answer in answers) == [200] + [412] * 7
        winner = [answer[0] for answer in answers].index(200)
        body = s3.get_object(Bucket=bucket, Key="new")["Body"].read()
        assert body == (b"p%d" % winner if winner % 4 == 3 else uploads[winner].encode())


def test_one_creator_wins_through_complete_on_more_threads(small: Store) -> None:
    test_one_creator_wins_through_complete(small, small.client(), "bkt")


def test_files_of_parts(start: Any, tmp_path: Any) -> None:
    """No file stays behind: not of replaced, dropped, aborted parts, not after a crash, a bucket's end, an overwrite."""

    def files() -> int:
        return sum(1 for path in (tmp_path / "bodies").glob("*/*") if path.is_file())

    one = start("--data", str(tmp_path), "--min-part-bytes", "1")
    s3 = one.client()
    for name in ("bkt", "gone"):
        s3.create_bucket(Bucket=name)
    upload = begin(s3, "bkt")
    send(s3, "bkt", upload, {1: b"a", 2: b"b", 3: b"c"})
    named = send(s3, "bkt", upload, {1: b"A"})
    assert files() == 3
    complete(s3, "bkt", upload, named)
    assert files() == 1
    aborted = begin(s3, "bkt")
    send(s3, "bkt", aborted, {1: b"a", 2: b"b"})
    s3.abort_multipart_upload(Bucket="bkt", Key="k", UploadId=aborted)
    assert files() == 1
    lost = begin(s3, "gone")
    send(s3, "gone", lost, {1: b"a"})
    assert files() == 2
    s3.delete_bucket(Bucket="gone")
    assert files() == 1
    pending = begin(s3, "bkt")
    kept = send(s3, "bkt", pending, {1: b"kept"})
    (tmp_path / "bodies" / "07" / "00000000000fff07").write_bytes(b"orphan")
    one.process.kill()
    one.process.wait()
    again = Store("--data", str(tmp_path), "--min-part-bytes", "1")
    s3 = again.client()
    assert files() == 2
    assert get(s3, "bkt") == b"A"
    complete(s3, "bkt", pending, kept)
    assert get(s3, "bkt") == b"kept"
    assert files() == 1
    s3.delete_object(Bucket="bkt", Key="k")
    assert files() == 0
    assert again.close() == 0
    one.close = lambda: 0
