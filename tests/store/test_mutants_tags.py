"""The mutants of tags, metadata and copies: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

from typing import Any

import pytest
from storelib import Store
from test_mutants import Client, Start, altered, begin


def put(client: Client, key: str, body: bytes, **metadata: str) -> str:
    """The ETag of the new object."""
    answer: dict[str, Any] = client.s3.put_object(Bucket="bkt", Key=key, Body=body, Metadata=metadata)
    client.ids.append(answer["ResponseMetadata"]["RequestId"])
    return str(answer["ETag"])


def tag(client: Client, **tags: str) -> dict[str, str]:
    """Puts tags on the key, and gives those that are there then."""
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    answer = client.s3.put_object_tagging(Bucket="bkt", Key="k", Tagging={"TagSet": tag_set})
    client.ids.append(answer["ResponseMetadata"]["RequestId"])
    found = client.s3.get_object_tagging(Bucket="bkt", Key="k")["TagSet"]
    return {one["Key"]: one["Value"] for one in found}


def metadata(client: Client) -> dict[str, str]:
    answer = client.s3.head_object(Bucket="bkt", Key="k")
    client.ids.append(answer["ResponseMetadata"]["RequestId"])
    return dict(answer["Metadata"])


def copy(client: Client, **more: Any) -> None:
    answer = client.s3.copy_object(Bucket="bkt", Key="k", CopySource="bkt/source", **more)
    client.ids.append(answer["ResponseMetadata"]["RequestId"])


def begun(start: Start, name: str) -> tuple[Store, Client]:
    store, client = begin(start, name)
    put(client, "k", b"1", a="1", b="1")
    return store, client


def test_tags_merge(start: Start) -> None:
    store, client = begun(start, "tags-merge")
    assert tag(client, a="1", b="1") == {"a": "1", "b": "1"}
    assert tag(client, a="2", b="2", c="2") == {"a": "2", "b": "1", "c": "2"}
    assert tag(client, a="3") == {"a": "3", "b": "1", "c": "2"}
    assert altered(store, "tags-merge") == (2, client.ids[2:])


def test_tag_write_fails_silently(start: Start) -> None:
    store, client = begun(start, "tag-write-fails-silently:every=2")
    assert tag(client, a="1") == tag(client, a="2") == {"a": "1"}
    assert altered(store, "tag-write-fails-silently") == (1, client.ids[2:])


def test_tags_wipe_metadata(start: Start) -> None:
    store, client = begun(start, "tags-wipe-metadata")
    assert metadata(client) == {"a": "1", "b": "1"}
    assert tag(client, a="1") == {"a": "1"} and metadata(client) == {} and client.get() == b"1"
    assert altered(store, "tags-wipe-metadata") == (3, client.ids[2:])


def test_subresource_as_put(start: Start) -> None:
    store, client = begun(start, "subresource-as-put")
    assert tag(client, a="1") == {} and (client.get() or b"").startswith(b"<Tagging")
    assert altered(store, "subresource-as-put") == (2, client.ids[1:])


def test_meta_merge(start: Start) -> None:
    store, client = begun(start, "meta-merge")
    put(client, "k", b"2", a="2", b="2")
    assert metadata(client) in ({"a": "2", "b": "1"}, {"a": "1", "b": "2"})
    assert altered(store, "meta-merge") == (2, client.ids[1:])


def test_copy_source_cond_ignored(start: Start) -> None:
    store, client = begun(start, "copy-source-cond-ignored")
    put(client, "source", b"2")
    copy(client, CopySourceIfMatch='"abc"')
    assert client.get() == b"2"
    assert altered(store, "copy-source-cond-ignored") == (2, client.ids[2:])
    with pytest.raises(client.s3.exceptions.ClientError):
        copy(client, IfNoneMatch="*")
