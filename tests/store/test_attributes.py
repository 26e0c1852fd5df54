"""GetObjectAttributes: exactly what was asked for, of plain and of multipart objects."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

from storelib import AnyStore, error_of

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def ask(s3: Any, bucket: str, *names: str, **more: Any) -> dict[str, Any]:
    answer = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=list(names) or ALL, **more)
    return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "LastModified")}


def test_a_plain_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    value = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    whole = {
        "ETag": hashlib.md5(b"hello").hexdigest(),
        "Checksum": {"ChecksumSHA256": value, "ChecksumType": "FULL_OBJECT"},
        "StorageClass": "STANDARD",
        "ObjectSize": 5,
    }
    assert ask(s3, bucket) == whole
    for name, part in whole.items():
        assert ask(s3, bucket, name) == {name: part}
    modified = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag"])["LastModified"]
    assert modified == s3.head_object(Bucket=bucket, Key="k")["LastModified"]


def upload(s3: Any, bucket: str, algorithm: str | None) -> list[bytes]:
    bodies = [b"a" * (5 << 20), b"b" * (5 << 20), b"c"]
    more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    wanted = {"Bucket": bucket, "Key": "k"}
    wanted["UploadId"] = s3.create_multipart_upload(**wanted, **more)["UploadId"]
    named = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**wanted, PartNumber=number, Body=body, **more)
        told = {name: value for name, value in part.items() if name.startswith("Checksum") and name != "ChecksumType"}
        named.append({"PartNumber": number, "ETag": part["ETag"], **told})
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": named})
    return bodies


def test_parts(s3: Any, bucket: str) -> None:
    bodies = upload(s3, bucket, "SHA256")
    sums = [base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies]
    got = ask(s3, bucket)
    assert got["ETag"].endswith("-3") and got["Checksum"]["ChecksumType"] == "COMPOSITE"
    assert got["Checksum"]["ChecksumSHA256"].endswith("-3")
    parts = got["ObjectParts"]
    assert parts["TotalPartsCount"] == 3 and parts["IsTruncated"] is False
    assert [(one["PartNumber"], one["Size"], one["ChecksumSHA256"]) for one in parts["Parts"]] == [
        (number, len(body), value) for number, (body, value) in enumerate(zip(bodies, sums, strict=True), 1)
    ]
    seen, marker = [], 0
    while True:
        page = ask(s3, bucket, "ObjectParts", MaxParts=2, PartNumberMarker=marker)["ObjectParts"]
        seen += [one["PartNumber"] for one in page["Parts"]]
        marker = page["NextPartNumberMarker"]
        if not page["IsTruncated"]:
            break
    assert seen == [1, 2, 3]
    upload(s3, bucket, None)
    assert ask(s3, bucket, "ObjectParts") == {"ObjectParts": {"TotalPartsCount": 3}}


def test_parts_of_a_full_object_checksum(s3: Any, bucket: str) -> None:
    """They are listed with their checksums as soon as an algorithm was asked for, whatever its type."""
    bodies = [b"a" * (5 << 20), b"c"]
    wanted = {"Bucket": bucket, "Key": "k"}
    more = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    wanted["UploadId"] = s3.create_multipart_upload(**wanted, **more)["UploadId"]
    named = [
        {"PartNumber": number, "ETag": s3.upload_part(**wanted, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**wanted, MultipartUpload={"Parts": named})
    got = ask(s3, bucket)
    assert got["Checksum"]["ChecksumType"] == "FULL_OBJECT" and "-" not in got["Checksum"]["ChecksumCRC32"]
    sums = [base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode() for body in bodies]
    assert [one["ChecksumCRC32"] for one in got["ObjectParts"]["Parts"]] == sums


def test_versions(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket=bucket, Key="k", Body=b"22")["VersionId"]
    assert ask(s3, bucket, "ObjectSize") == {"ObjectSize": 2, "VersionId": two}
    assert ask(s3, bucket, "ObjectSize", VersionId=one) == {"ObjectSize": 1, "VersionId": one}
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert error_of(lambda: ask(s3, bucket)) == (404, "NoSuchKey")
    assert error_of(lambda: ask(s3, bucket, VersionId=marker)) == (405, "MethodNotAllowed")
    assert error_of(lambda: ask(s3, bucket, VersionId="null")) == (404, "NoSuchVersion")


def test_names_in_fields_of_their_own(store: AnyStore, s3: Any, bucket: str) -> None:
    """Some SDKs send the header once a name."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    target = f"/{bucket}/k?attributes"
    headers = dict(store.sign("GET", target, b"", {"x-amz-object-attributes": "ETag,ObjectSize"}))
    headers |= {"x-amz-object-attributes": "ETag", "X-Amz-Object-Attributes": "ObjectSize"}
    answer = store.send("GET", target, b"", headers)
    assert answer.status == 200 and b"<ETag>" in answer.body and b"<ObjectSize>5<" in answer.body, answer.body


def test_errors(store: AnyStore, s3: Any, bucket: str) -> None:
    assert error_of(lambda: ask(s3, bucket)) == (404, "NoSuchKey")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for headers in (
        {},
        {"x-amz-object-attributes": ""},
        {"x-amz-object-attributes": "ETag,Nonsense"},
        {"x-amz-object-attributes": "ETag", "x-amz-max-parts": "x"},
        {"x-amz-object-attributes": "ETag", "x-amz-part-number-marker": "x"},
    ):
        answer = store.signed("GET", f"/{bucket}/k?attributes", b"", headers)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), headers
    both = {"x-amz-object-attributes": "ETag", "If-Match": "*"}
    assert store.signed("GET", f"/{bucket}/k?attributes", b"", both).code == "NotImplemented"
