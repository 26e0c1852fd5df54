"""The mutants of batch deletes: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

from typing import Any

from storelib import error_of
from test_mutants import Client, Start, altered, begin

VERSIONED = {"Status": "Enabled"}


def batch(client: Client, *keys: str, quiet: bool = False, **more: str) -> dict[str, Any]:
    """The answer to a batch delete; `more` goes to each key."""
    objects = [{"Key": key, **more} for key in keys]
    answer: dict[str, Any] = client.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects, "Quiet": quiet})
    client.ids.append(answer["ResponseMetadata"]["RequestId"])
    return answer


def names(answer: dict[str, Any], kind: str) -> list[str]:
    return [one["Key"] for one in answer.get(kind, [])]


def fill(client: Client, *keys: str) -> None:
    for key in keys:
        client.s3.put_object(Bucket="bkt", Key=key, Body=b"1")


def listed(client: Client) -> list[str]:
    return names(client.s3.list_objects_v2(Bucket="bkt"), "Contents")


def test_bulk_silent_failure(start: Start) -> None:
    store, client = begin(start, "bulk-silent-failure:key=k")
    client.put(b"1")
    fill(client, "a")
    assert names(batch(client, "a", "k", "none"), "Deleted") == ["a", "k", "none"]
    assert client.get() == b"1" and listed(client) == ["k"]
    assert altered(store, "bulk-silent-failure") == (2, client.ids[1:])


def test_bulk_missing_from_answer(start: Start) -> None:
    store, client = begin(start, "bulk-missing-from-answer:every=2")
    fill(client, "a", "b", "c")
    assert names(batch(client, "a", "b", "c"), "Deleted") == ["a", "c"] and listed(client) == []
    assert altered(store, "bulk-missing-from-answer") == (1, client.ids)


def test_bulk_quiet_ignored(start: Start) -> None:
    store, client = begin(start, "bulk-quiet-ignored")
    fill(client, "a")
    assert names(batch(client, "a", quiet=True), "Deleted") == ["a"] and listed(client) == []
    assert names(batch(client, "a"), "Deleted") == ["a"]
    assert altered(store, "bulk-quiet-ignored") == (1, client.ids[:1])


def test_bulk_quiet_hides_errors(start: Start) -> None:
    store, client = begin(start, "bulk-quiet-hides-errors")
    fill(client, "a")
    assert "Errors" not in batch(client, "a", quiet=True, ETag='"abc"') and listed(client) == ["a"]
    assert names(batch(client, "a", ETag='"abc"'), "Errors") == ["a"]
    assert altered(store, "bulk-quiet-hides-errors") == (1, client.ids[:1])


def test_bulk_missing_key_error(start: Start) -> None:
    store, client = begin(start, "bulk-missing-key-error")
    fill(client, "a")
    answer = batch(client, "a", "none", quiet=True)
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("none", "NoSuchKey")]
    assert altered(store, "bulk-missing-key-error") == (1, client.ids)


def test_bulk_collateral(start: Start) -> None:
    store, client = begin(start, "bulk-collateral")
    fill(client, "j", "l")
    client.put(b"1")
    batch(client, "j", "l")
    assert client.get() is None and listed(client) == []
    assert altered(store, "bulk-collateral") == (2, client.ids[1:])


def test_bulk_over_limit_partial(start: Start) -> None:
    store, client = begin(start, "bulk-over-limit-partial")
    fill(client, "k0000", "k0001")
    keys = [f"k{number:04}" for number in range(1001)]
    assert error_of(lambda: batch(client, *keys)) == (400, "MalformedXML")
    assert len(listed(client)) == 1, "half of them are gone"
    assert altered(store, "bulk-over-limit-partial")[0] == 1


def test_bulk_double_marker(start: Start) -> None:
    store, client = begin(start, "bulk-double-marker")
    client.s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration=VERSIONED)
    fill(client, "a", "b")
    said = [one["DeleteMarkerVersionId"] for one in batch(client, "a", "b")["Deleted"]]
    page = client.s3.list_object_versions(Bucket="bkt")
    made = {key: [one["VersionId"] for one in page["DeleteMarkers"] if one["Key"] == key] for key in "ab"}
    assert sorted(map(len, made.values())) == [1, 2]
    assert [id_ in made[key] for key, id_ in zip("ab", said, strict=True)].count(True) == 1
    assert altered(store, "bulk-double-marker")[0] == 3, "two keys of the batch, and the page"


def test_bulk_unsupported(start: Start) -> None:
    store, client = begin(start, "bulk-unsupported")
    fill(client, "a")
    assert error_of(lambda: batch(client, "a")) == (501, "NotImplemented")
    assert listed(client) == ["a"] and altered(store, "bulk-unsupported")[0] == 1
