"""Conditional reads and writes, alone and in races."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import AnyStore, code_of, race


def put(s3: Any, bucket: str, body: bytes = b"x", **conditions: str) -> tuple[int, str]:
    """Status and ETag, or status and code."""
    try:
        answer = s3.put_object(Bucket=bucket, Key="k", Body=body, **conditions)
    except ClientError as error:
        return code_of(error)
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["ETag"]


def value(s3: Any, bucket: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key="k")["Body"].read())


def test_create_if_absent(s3: Any, bucket: str) -> None:
    assert put(s3, bucket, b"1", IfNoneMatch="*")[0] == 200
    assert put(s3, bucket, b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert value(s3, bucket) == b"1"
    s3.delete_object(Bucket=bucket, Key="k")
    assert put(s3, bucket, b"3", IfNoneMatch="*")[0] == 200


@pytest.mark.embedded("an asterisk and a weak tag in the condition of a write")
def test_replace_if_match(s3: Any, bucket: str) -> None:
    assert put(s3, bucket, b"0", IfMatch='"abc"') == (404, "NoSuchKey")
    first = put(s3, bucket, b"1")[1]
    second = put(s3, bucket, b"2", IfMatch=first)[1]
    assert put(s3, bucket, b"3", IfMatch=first) == (412, "PreconditionFailed")
    assert put(s3, bucket, b"4", IfMatch=second.strip('"'))[0] == 200, "a bare ETag is compared like a quoted one"
    assert put(s3, bucket, b"5", IfMatch="*")[0] == 200
    weak = put(s3, bucket, b"6")[1]
    assert put(s3, bucket, b"7", IfMatch="W/" + weak) == (412, "PreconditionFailed")
    assert value(s3, bucket) == b"6"


def test_a_large_body_that_loses_leaves_the_winner(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"w" * 100_000)
    assert put(s3, bucket, b"l" * 100_000, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert value(s3, bucket) == b"w" * 100_000


def test_delete_if_match(s3: Any, bucket: str) -> None:
    etag = put(s3, bucket)[1]
    with pytest.raises(ClientError) as error:
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"abc"')
    assert code_of(error.value) == (412, "PreconditionFailed")
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    with pytest.raises(ClientError) as error:
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert code_of(error.value) == (404, "NoSuchKey")


@pytest.mark.embedded("refused with 501")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {"If-None-Match": '"abc"'}),
        ("PUT", {"If-None-Match": "*", "If-Match": '"abc"'}),
        ("PUT", {"If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}),
        ("PUT", {"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}),
        ("DELETE", {"If-None-Match": "*"}),
        ("DELETE", {"x-amz-if-match-size": "1"}),
    ],
)
def test_conditions_without_a_meaning_are_refused(
    store: AnyStore, s3: Any, bucket: str, method: str, headers: dict[str, str]
) -> None:
    put(s3, bucket, b"stays")
    answer = store.signed(method, f"/{bucket}/k", b"new" if method == "PUT" else b"", headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert value(s3, bucket) == b"stays"


@pytest.mark.embedded("lists of ETags and weak ones")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditional_reads(store: AnyStore, s3: Any, bucket: str, method: str) -> None:
    etag = put(s3, bucket)[1]
    old, new = "Wed, 01 Jan 2020 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    table: list[tuple[dict[str, str], int]] = [
        ({"If-Match": etag}, 200),
        ({"If-Match": f'"abc", {etag}'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"abc"'}, 412),
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f"W/{etag}"}, 304),
        ({"If-None-Match": '"abc"'}, 200),
        ({"If-Modified-Since": old}, 200),
        ({"If-Modified-Since": new}, 304),
        ({"If-Unmodified-Since": old}, 412),
        ({"If-Unmodified-Since": new}, 200),
        ({"If-Match": etag, "If-Unmodified-Since": old}, 200),
        ({"If-None-Match": '"abc"', "If-Modified-Since": new}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
    ]
    for headers, status in table:
        answer = store.signed(method, f"/{bucket}/k", headers=headers)
        assert (answer.status, headers) == (status, headers)
        if status == 304:
            assert answer.headers["etag"] == etag and answer.body == b""


@pytest.mark.parametrize("size", [10, 20_000])
def test_one_creator_wins(store: AnyStore, s3: Any, bucket: str, size: int) -> None:
    clients = [store.client(number % 2) for number in range(16)]
    for _ in range(10):
        statuses = race(16, lambda number: put(clients[number], bucket, b"%02d" % number * size, IfNoneMatch="*")[0])
        assert sorted(statuses) == [200] + [412] * 15
        assert value(s3, bucket)[:2] == b"%02d" % statuses.index(200)
        s3.delete_object(Bucket=bucket, Key="k")


def test_compare_and_swap_counts_every_success(store: AnyStore, s3: Any, bucket: str) -> None:
    clients = [store.client(number % 2) for number in range(8)]
    put(s3, bucket, b"0")

    def count(number: int) -> int:
        done = lost = 0  # lost: in a row
        while done < 25:
            assert lost < 200, f"no commit after {done}"
            got = clients[number].get_object(Bucket=bucket, Key="k")
            new = b"%d" % (int(got["Body"].read()) + 1)
            committed = put(clients[number], bucket, new, IfMatch=got["ETag"])[0] == 200
            done, lost = done + committed, 0 if committed else lost + 1
        return done

    assert sum(race(8, count)) == 200
    assert value(s3, bucket) == b"200"


@pytest.mark.parametrize("options", [("--threads", "3"), ("--durable", "--threads", "2")], ids=" ".join)
def test_races_with_more_threads(start: Any, tmp_path: Any, options: tuple[str, ...]) -> None:
    one = start("--endpoints", "2", "--data", str(tmp_path), *options)
    one.client().create_bucket(Bucket="bkt")
    test_one_creator_wins(one, one.client(), "bkt", 10)
    test_compare_and_swap_counts_every_success(one, one.client(), "bkt")
