"""The mutants of versions: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from test_mutants import Client, Start, altered, begin


class Versioned:
    """A bucket that keeps versions, with the request ids of its answers."""

    def __init__(self, start: Start, *specs: str, endpoints: int = 1, keeps: bool = True) -> None:
        self.store, self.client = begin(start, *specs, endpoints=endpoints)
        self.s3: Any = self.client.s3
        if keeps:
            self.keep()

    def keep(self) -> None:
        self.s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})

    def put(self, body: bytes, client: Client | None = None) -> str:
        """The version that it was given."""
        one = client or self.client
        answer = one.s3.put_object(Bucket="bkt", Key="k", Body=body)
        self.client.ids.append(answer["ResponseMetadata"]["RequestId"])
        return str(answer["VersionId"])

    def get(self, version: str) -> bytes | None:
        try:
            return bytes(self.s3.get_object(Bucket="bkt", Key="k", VersionId=version)["Body"].read())
        except ClientError:
            return None

    def delete(self, **version: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.s3.delete_object(Bucket="bkt", Key="k", **version)
        self.client.ids.append(answer["ResponseMetadata"]["RequestId"])
        return answer

    def listed(self) -> list[str]:
        page = self.s3.list_object_versions(Bucket="bkt")
        return [one["VersionId"] for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]


def test_delete_wrong_version(start: Start) -> None:
    at = Versioned(start, "delete-wrong-version")
    old, new = at.put(b"1"), at.put(b"2")
    assert at.delete(VersionId=old)["VersionId"] == old
    assert at.listed() == [old] and at.client.get() == b"1"
    assert altered(at.store, "delete-wrong-version") == (1, at.client.ids[2:3])
    assert new != old and at.delete(VersionId=old) and at.listed() == [], "the current one goes when it is meant"


def test_delete_wrong_version_in_a_batch(start: Start) -> None:
    at = Versioned(start, "delete-wrong-version")
    old, _ = at.put(b"1"), at.put(b"2")
    at.s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "k", "VersionId": old}]})
    assert at.listed() == [old]


def test_leftover_version_entries(start: Start) -> None:
    at = Versioned(start, "leftover-version-entries")
    old, new = at.put(b"1"), at.put(b"2")
    at.delete(VersionId=old)
    assert set(at.listed()) == {old, new} and at.get(old) is None and at.client.get() == b"2"
    assert altered(at.store, "leftover-version-entries") == (1, at.client.ids[2:3])
    at.delete(VersionId=old)
    assert at.listed() == [new], "a second delete takes it away"


def test_no_promotion(start: Start) -> None:
    at = Versioned(start, "no-promotion")
    old, new = at.put(b"1"), at.put(b"2")
    at.delete(VersionId=new)
    assert at.client.get() is None and at.get(old) == b"1" and at.listed() == [old]
    assert altered(at.store, "no-promotion") == (1, at.client.ids[3:4])
    at.put(b"3")
    assert at.client.get() == b"3"


def test_version_id_reused(start: Start) -> None:
    at = Versioned(start, "version-id-reused:every=2")
    versions = [at.put(body) for body in (b"1", b"2", b"3")]
    assert versions[0] != versions[1] == versions[2]
    assert altered(at.store, "version-id-reused") == (1, at.client.ids[2:3])


def test_last_modified_backwards(start: Start) -> None:
    at = Versioned(start, "last-modified-backwards:delay_ms=60000")
    at.put(b"1")
    at.put(b"2")
    newer, older = at.s3.list_object_versions(Bucket="bkt")["Versions"]
    assert 59 <= (older["LastModified"] - newer["LastModified"]).total_seconds() <= 61
    assert altered(at.store, "last-modified-backwards") == (1, at.client.ids[1:2])


def test_versions_marker_missing(start: Start) -> None:
    at = Versioned(start, "versions-marker-missing")
    at.put(b"1")
    at.put(b"2")
    page = at.s3.list_object_versions(Bucket="bkt", MaxKeys=1)
    assert page["IsTruncated"] and page["NextKeyMarker"] == "k" and "NextVersionIdMarker" not in page
    assert len(page["Versions"]) == 1
    at.s3.put_object(Bucket="bkt", Key="l", Body=b"1")
    page = at.s3.list_object_versions(Bucket="bkt", MaxKeys=2)
    assert "NextVersionIdMarker" in page, "it ends with the key: nobody misses anything"
    assert altered(at.store, "versions-marker-missing")[0] == 1


def test_null_version_shadow(start: Start) -> None:
    at = Versioned(start, "null-version-shadow", keeps=False)
    at.s3.put_object(Bucket="bkt", Key="k", Body=b"1")
    at.keep()
    answer = at.delete()
    assert answer["DeleteMarker"] and at.listed() == ["null"] and at.client.get() is None
    assert [one["Key"] for one in at.s3.list_objects_v2(Bucket="bkt")["Contents"]] == ["k"]
    assert altered(at.store, "null-version-shadow") == (1, at.client.ids[:1])
    version = at.put(b"2")
    assert at.client.get() == b"2"
    at.delete()
    assert at.client.get() is None and len(at.listed()) == 3 and version in at.listed(), "a marker of its own"


def test_stale_latest_pointer(start: Start) -> None:
    at = Versioned(start, "stale-latest-pointer", endpoints=2)
    other = Client(at.store, 1)
    old, new = at.put(b"1"), at.put(b"2", other)
    assert at.client.get() == b"1" and at.get(new) == b"2" and at.listed() == [new, old]
    assert altered(at.store, "stale-latest-pointer") == (1, at.client.ids[2:3])
    at.put(b"3", other)
    assert at.client.get() == b"3", "nothing happens within one gateway"


def test_put_delete_race_loses_version(start: Start) -> None:
    """A DELETE is under way when the PUT comes: the body of the PUT is sent late."""
    at = Versioned(start, "put-delete-race-loses-version")
    assert at.put(b"1") in at.listed(), "without a race"
    lost: list[str] = []

    def racing() -> None:
        for _ in range(100):
            lost.append(at.put(b"2", Client(at.store)))

    threads = [threading.Thread(target=racing) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        at.s3.delete_object(Bucket="bkt", Key="k")
    for thread in threads:
        thread.join()
    fired = altered(at.store, "put-delete-race-loses-version")[0]
    assert fired == sum(at.get(version) is None for version in lost)


@pytest.mark.parametrize("current", [True, False])
def test_version_tags_shared(current: bool, start: Start) -> None:
    at = Versioned(start, "version-tags-shared")
    old, new = at.put(b"1"), at.put(b"2")
    asked = new if current else old
    at.s3.put_object_tagging(Bucket="bkt", Key="k", VersionId=asked, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    tags = {v: at.s3.get_object_tagging(Bucket="bkt", Key="k", VersionId=v)["TagSet"] for v in (old, new)}
    assert tags[old] == [] and len(tags[new]) == 1
    assert altered(at.store, "version-tags-shared")[0] == (not current)
