"""ListObjects, both versions: order, prefixes, delimiters, positions, pages, encoding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from storelib import NEVER, AnyStore, code_of

KEYS = sorted(
    [
        "a",
        "b/1",
        "b/2",
        "b/c/1",
        "b0",
        "l/1",
        "l/1/",
        "l/1/b",
        "l/1/c/d",
        "l/10",
        "l/2/x",
        "z",
        "Ä",
        "\ufffe",
        "😀",
        "a b",
        "a+b",
    ],
    key=lambda key: key.encode(),
)


def fill(s3: Any, bucket: str) -> str:
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    return fill(s3, bucket)


@pytest.fixture(scope="module")
def stays(s3: Any, fresh_for_all: Callable[[], str]) -> str:
    """The same, for tests that only look."""
    name = fresh_for_all()
    s3.create_bucket(Bucket=name)
    return fill(s3, name)


def shown(page: dict[str, Any]) -> list[str]:
    """Keys and common prefixes of a page, in byte order."""
    names = [entry["Key"] for entry in page.get("Contents", [])]
    names += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
    return sorted(names, key=lambda name: name.encode())


def model(prefix: str = "", delimiter: str = "", after: str = "") -> list[str]:
    """What a whole listing must show."""
    names: list[str] = []
    for key in KEYS:
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        name = key if at < 0 else key[: at + len(delimiter)]
        if name.encode() > after.encode() and name not in names:
            names.append(name)
    return names


PREFIXES = ["", "b", "b/", "l/", "l/1", "l/1/", "none", "😀", "Ä"]
DELIMITERS = ["", "/", "1", "/1", "b/", "ÿ"]
POSITIONS = ["", "a", "a b", "b/", "b/c/", "l/1", "l/1/", "l/1/b", "l/10", "m", "zz", "😀", "\U0010ffff"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_position(s3: Any, stays: str, prefix: str, delimiter: str) -> None:
    for after in POSITIONS:
        want = model(prefix, delimiter, after)
        given = {"Bucket": stays, "Prefix": prefix, "Delimiter": delimiter}
        two = s3.list_objects_v2(**given, StartAfter=after)
        assert (shown(two), two["KeyCount"], two["IsTruncated"]) == (want, len(want), False)
        assert "NextContinuationToken" not in two
        assert [entry["Key"] for entry in two.get("Contents", [])] == [n for n in want if n in KEYS and n in shown(two)
                                                                       and n not in prefixes(two)]  # fmt: skip
        one = s3.list_objects(**given, Marker=after)
        assert (shown(one), one["IsTruncated"]) == (want, False)


def prefixes(page: dict[str, Any]) -> list[str]:
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("delimiter", ["", "/", "1"])
@pytest.mark.parametrize("prefix", ["", "l/", "b"])
def test_pages_join_to_the_whole(s3: Any, stays: str, prefix: str, delimiter: str, size: int) -> None:
    given = {"Bucket": stays, "Prefix": prefix, "Delimiter": delimiter}
    for operation in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(operation).paginate(**given, PaginationConfig={"PageSize": size}))
        assert [name for page in pages for name in shown(page)] == model(prefix, delimiter)
        assert all(len(shown(page)) == size for page in pages[:-1]), "a truncated page is a full one"


def test_next_marker_only_with_a_delimiter(s3: Any, filled: str) -> None:
    assert "NextMarker" not in s3.list_objects(Bucket=filled, MaxKeys=2)
    page = s3.list_objects(Bucket=filled, MaxKeys=4, Delimiter="/")
    assert (page["IsTruncated"], page["NextMarker"]) == (True, shown(page)[-1])


def test_max_keys(s3: Any, store: AnyStore, filled: str) -> None:
    none = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=2000)["MaxKeys"] == 1000
    for bad in ("-1", "x", "1x", "%20"):
        for version in ("list-type=2&", ""):
            answer = store.signed("GET", f"/{filled}?{version}max-keys={bad}")
            assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_tokens_are_checked(s3: Any, store: AnyStore, start: Any, filled: str) -> None:
    token = s3.list_objects_v2(Bucket=filled, MaxKeys=2)["NextContinuationToken"]
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=2, ContinuationToken=token, StartAfter="z")
    assert page["ContinuationToken"] == token
    assert shown(page) == KEYS[2:4], "a token wins over start-after"
    other = start().client()
    other.create_bucket(Bucket="bkt")
    for number in range(2):
        other.put_object(Bucket="bkt", Key=f"{number}", Body=b"")
    foreign = other.list_objects_v2(Bucket="bkt", MaxKeys=1)["NextContinuationToken"]
    for bad in ("", "AAAA", "x" * 2000, token[:-4] + "AAA=", foreign, "😀"):
        answer = store.signed("GET", f"/{filled}?continuation-token={quote(bad, safe='')}&list-type=2")
        assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "ContinuationToken" not in s3.list_objects_v2(Bucket=filled)


def test_positions_survive_what_happens_between_pages(s3: Any, filled: str) -> None:
    flat = s3.list_objects_v2(Bucket=filled, MaxKeys=4)
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=4, Delimiter="/")
    for key in KEYS[:5]:
        s3.delete_object(Bucket=filled, Key=key)
    s3.put_object(Bucket=filled, Key="a!", Body=b"")
    rest = s3.list_objects_v2(Bucket=filled, Delimiter="/", ContinuationToken=page["NextContinuationToken"])
    assert shown(rest) == model("", "/", shown(page)[-1])
    rest = s3.list_objects_v2(Bucket=filled, ContinuationToken=flat["NextContinuationToken"])
    assert shown(rest) == KEYS[5:], "the key that ended the page is gone"


def test_encoding(store: AnyStore, filled: str) -> None:
    plain = store.signed("GET", f"/{filled}?list-type=2&prefix=a").body
    assert b"<Key>a b</Key>" in plain and b"<Key>a+b</Key>" in plain and b"EncodingType" not in plain
    url = store.signed(
        "GET", f"/{filled}?delimiter=%2B&encoding-type=url&list-type=2&prefix=a%2B&start-after=a%2B"
    ).body
    assert b"<Key>a%2Bb</Key>" in url
    assert b"<Prefix>a%2B</Prefix>" in url and b"<Delimiter>%2B</Delimiter>" in url
    assert b"<StartAfter>a%2B</StartAfter>" in url and b"<EncodingType>url</EncodingType>" in url
    bad = store.signed("GET", f"/{filled}?encoding-type=xml&list-type=2")
    assert (bad.status, bad.code) == (400, "InvalidArgument")


def test_every_field_is_encoded(store: AnyStore, s3: Any, bucket: str) -> None:
    for key in ("a b/x", "a b/y", "c d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]

    def fields(target: str, *names: str) -> list[list[str]]:
        answer = store.signed("GET", f"/{bucket}{target}")
        assert answer.status == 200
        return [re.findall(f"<{name}>([^<]+)</{name}>", answer.body.decode()) for name in names]

    names = ("Key", "Prefix", "Marker", "NextMarker")
    found = fields("?delimiter=%2F&encoding-type=url&marker=%20&max-keys=1", *names)
    assert found == [[], ["a%20b/"], ["%20"], ["a%20b/"]]
    assert fields("?encoding-type=url&prefix=c%20", *names) == [["c%20d"], ["c%20"], [], []]
    for kind, size in (("versions", "max-keys"), ("uploads", "max-uploads")):
        names = ("Key", "KeyMarker", "NextKeyMarker", "Prefix")
        found = fields(f"?{kind}&encoding-type=url&key-marker=%20&{size}=1", *names)
        assert found == [["a%20b/x"], ["%20"], ["a%20b/x"], []]
        found = fields(f"?{kind}&delimiter=%2F&encoding-type=url&{size}=1&prefix=a%20", *names)
        assert found == [[], [], [], ["a%20", "a%20b/"]]
    assert fields(f"/c%20d?encoding-type=url&uploadId={upload}", "Key") == [["c%20d"]]


@pytest.mark.embedded("how a token looks")
def test_tokens_and_ids_are_not_encoded(store: AnyStore, s3: Any, bucket: str) -> None:
    for key in "ab":
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = store.signed("GET", f"/{bucket}?encoding-type=url&list-type=2&max-keys=1").body.decode()
    token = page.partition("<NextContinuationToken>")[2].partition("<")[0]
    assert token.endswith("="), "something that an encoding would change"
    query = f"continuation-token={quote(token, safe='')}&encoding-type=url&list-type=2"
    assert f"<ContinuationToken>{token}</ContinuationToken>".encode() in store.signed("GET", f"/{bucket}?{query}").body


def test_a_control_character_is_listed_encoded(store: AnyStore, bucket: str) -> None:
    """XML has no way to say it."""
    assert store.signed("PUT", f"/{bucket}/a%01b").status == 200
    assert b"<Key>a%01b</Key>" in store.signed("GET", f"/{bucket}?encoding-type=url&list-type=2").body


def test_escaping(store: AnyStore, bucket: str) -> None:
    assert store.signed("PUT", f"/{bucket}/%3Ca%3E%26%22%0D").status == 200
    body = store.signed("GET", f"/{bucket}?list-type=2").body
    assert b"<Key>&lt;a&gt;&amp;&quot;&#13;</Key>" in body.replace(b"&#x0d;", b"&#13;")


def test_entries(s3: Any, filled: str) -> None:
    entry = s3.list_objects_v2(Bucket=filled, Prefix="z", FetchOwner=True)["Contents"][0]
    head = s3.head_object(Bucket=filled, Key="z")
    assert (entry["ETag"], entry["Size"], entry["StorageClass"]) == (head["ETag"], 1, "STANDARD")
    assert entry["LastModified"].replace(microsecond=0) == head["LastModified"]
    assert entry["Owner"]["ID"] and entry["ChecksumAlgorithm"] == ["CRC32"]
    assert "Owner" not in s3.list_objects_v2(Bucket=filled, Prefix="z")["Contents"][0]
    assert "Owner" in s3.list_objects(Bucket=filled, Prefix="z")["Contents"][0]


def test_more_than_a_page(s3: Any, store: AnyStore, bucket: str) -> None:
    for number in range(1003):
        assert store.signed("PUT", f"/{bucket}/k{number:05}").status == 200
    page = s3.list_objects_v2(Bucket=bucket)
    assert (page["KeyCount"], page["IsTruncated"]) == (1000, True)
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert shown(rest) == ["k01000", "k01001", "k01002"]


@pytest.mark.embedded("S3 does not say")
def test_list_type_must_be_two(store: AnyStore, bucket: str) -> None:
    assert store.signed("GET", f"/{bucket}?list-type=3").code == "InvalidArgument"


def test_no_such_bucket(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket=NEVER)
    assert code_of(error.value) == (404, "NoSuchBucket")
