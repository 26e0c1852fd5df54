"""The mutants of deletes: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

from typing import Any

from storelib import eventually
from test_mutants import Client, Start, altered, begin


def delete(client: Client, **conditions: str) -> int:
    """The status of a DELETE of the key."""
    answer: dict[str, Any] = client.s3.delete_object(Bucket="bkt", Key="k", **conditions)
    client.ids.append(answer["ResponseMetadata"]["RequestId"])
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def test_cond_delete_ignored(start: Start) -> None:
    store, client = begin(start, "cond-delete-ignored")
    client.put(b"1")
    assert delete(client, IfMatch='"abc"') == 204 and client.get() is None
    assert altered(store, "cond-delete-ignored") == (2, client.ids[1:])
    client.put(b"2")
    assert client.put(b"3", IfMatch='"abc"')[0] == 412, "a PUT is judged"


def test_inm_marker_as_present(start: Start) -> None:
    store, client = begin(start, "inm-marker-as-present")
    client.s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    assert client.put(b"1", IfNoneMatch="*")[0] == 200
    delete(client)
    assert client.put(b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert client.get() is None
    assert altered(store, "inm-marker-as-present") == (1, client.ids[2:3])


def test_delete_acked_not_applied(start: Start) -> None:
    store, client = begin(start, "delete-acked-not-applied")
    client.put(b"1")
    assert delete(client) == 204 and client.get() == b"1"
    assert altered(store, "delete-acked-not-applied") == (2, client.ids[1:])


def test_delete_resurrects(start: Start) -> None:
    store, client = begin(start, "delete-resurrects:delay_ms=1500")
    client.put(b"1")
    delete(client)
    assert client.get() is None
    eventually(lambda: client.get() == b"1")
    assert altered(store, "delete-resurrects") == (1, client.ids[-1:])


def test_ghost_key(start: Start) -> None:
    store, client = begin(start, "ghost-key:every=2")
    client.put(b"1")
    assert client.get() == b"1"
    client.put(b"2")
    assert client.get() is None and client.get() is None
    assert [one["Key"] for one in client.s3.list_objects_v2(Bucket="bkt")["Contents"]] == ["k"]
    client.put(b"3")
    assert client.get() == b"3"
    assert altered(store, "ghost-key") == (2, client.ids[3:5])
