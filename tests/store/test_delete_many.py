"""DeleteObjects."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from storelib import AnyStore

ENTITY = '<!DOCTYPE d [<!ENTITY e "k">]><Delete><Object><Key>&e;</Key></Object></Delete>'

CHOICE = pytest.mark.embedded("refused with 501")


def document(*keys: str, extra: str = "") -> bytes:
    objects = "".join(f"<Object><Key>{key}</Key>{extra}</Object>" for key in keys)
    return f"<Delete>{objects}</Delete>".encode()


def digest(body: bytes) -> dict[str, str]:
    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


def test_present_and_absent_keys(s3: Any, bucket: str) -> None:
    keys = ["a", "b&<>", "ü", "x" * 700, "deep/er"]
    for key in [*keys, "stays", "a/b"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"z" * 3000)
    wanted = [{"Key": key} for key in [*keys, "absent"]]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})["Deleted"]
    assert sorted(deleted, key=lambda entry: str(entry["Key"])) == sorted(wanted, key=lambda entry: entry["Key"])
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b", "stays"]


def test_quiet(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (document(), 400, "MalformedXML"),
        (b"", 400, "MalformedXML"),
        (b"<Delete><Object><Key>k</Key></Object>", 400, "MalformedXML"),
        (b"<Other><Object><Key>k</Key></Object></Other>", 400, "MalformedXML"),
        (document("k", ""), 400, "MalformedXML"),
        (b"<Delete><Object><Key>k</Key></Object><Object/></Delete>", 400, "MalformedXML"),
        (document("k", "x" * 1025), 400, "MalformedXML"),
        (document("k", *map(str, range(1000))), 400, "MalformedXML"),
        (ENTITY.encode(), 400, "MalformedXML"),
        (b"<Delete>" + b"<a>" * 50 + b"</a>" * 50 + document("k")[8:], 400, "MalformedXML"),
        pytest.param(
            document("k", extra="<LastModifiedTime>x</LastModifiedTime>"), 501, "NotImplemented", marks=CHOICE
        ),
        pytest.param(document("k", extra="<Size>1</Size>"), 501, "NotImplemented", marks=CHOICE),
    ],
    ids=range(12),
)
def test_refused_documents_delete_nothing(
    store: AnyStore, s3: Any, bucket: str, body: bytes, status: int, code: str
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    answer = store.signed("POST", f"/{bucket}?delete", body, digest(body))
    assert (answer.status, answer.code) == (status, code)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_digest_is_needed(store: AnyStore, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    body = document("k")
    assert store.signed("POST", f"/{bucket}?delete", body).code == "InvalidRequest"
    assert store.signed("POST", f"/{bucket}?delete", body, digest(b"other")).code == "BadDigest"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    named = body.replace(b"<Delete>", b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><New>1</New>')
    assert store.signed("POST", f"/{bucket}?delete", named, digest(named)).status == 200
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.embedded("a limit of its own")
def test_a_document_of_more_than_2_mib_is_not_read(store: AnyStore, bucket: str) -> None:
    length = {"Content-Length": str((2 << 20) + 1), "Expect": "100-continue"}
    headers = store.sign("POST", f"/{bucket}?delete", b"", digest(b"")) | length
    assert b"<Code>MaxMessageLengthExceeded</Code>" in store.first_bytes("POST", f"/{bucket}?delete", headers)
