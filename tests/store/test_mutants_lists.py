"""The mutants of listings: each makes the page, or the answer about what is listed, that it says; and counts it."""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from storelib import code_of, error_of, eventually
from test_mutants import Client, Start, altered, begin


def keys(s3: Any, **options: Any) -> list[str]:
    """The keys of one page."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="bkt", **options).get("Contents", ())]


def fill(client: Client, *names: str) -> None:
    for name in names:
        client.s3.put_object(Bucket="bkt", Key=name, Body=b"1")


def second(s3: Any, **options: Any) -> Any:
    """The page behind the first one."""
    token = s3.list_objects_v2(Bucket="bkt", **options)["NextContinuationToken"]
    return s3.list_objects_v2(Bucket="bkt", ContinuationToken=token, **options)


def test_pages_count_what_they_list(start: Start) -> None:
    store, client = begin(start, "list-drops-fraction")
    fill(client, "a", "b", "c")
    page = client.s3.list_objects_v2(Bucket="bkt")
    assert page["KeyCount"] == len(page["Contents"]) == 2
    assert altered(store, "list-drops-fraction")[0] == 1


def test_early_end(start: Start) -> None:
    _, client = begin(start, "list-early-end")
    fill(client, "a", "b", "c")
    page = client.s3.list_objects_v2(Bucket="bkt", MaxKeys=2)
    assert not page["IsTruncated"] and "NextContinuationToken" not in page and page["KeyCount"] == 2


def test_caps_silently(start: Start) -> None:
    store, client = begin(start, "list-caps-silently")
    fill(client, *(f"dir/{number:03}" for number in range(120)))
    page = second(client.s3, Prefix="dir/", MaxKeys=60)
    assert len(page["Contents"]) == 60 and not page["IsTruncated"], "the page with the 100th is the last"
    assert len(keys(client.s3)) == 120, "only of a prefix that ends in a slash"
    assert altered(store, "list-caps-silently")[0] == 0, "nothing was left behind it"
    fill(client, "dir/999")
    page = second(client.s3, Prefix="dir/", MaxKeys=60)
    assert (len(page["Contents"]), page["IsTruncated"]) == (60, False)
    assert altered(store, "list-caps-silently")[0] == 1


def test_token_missing(start: Start) -> None:
    _, client = begin(start, "list-token-missing")
    fill(client, "a", "b", "c")
    page = client.s3.list_objects_v2(Bucket="bkt", MaxKeys=2)
    assert page["IsTruncated"] and "NextContinuationToken" not in page


def test_offset_token(start: Start) -> None:
    store, client = begin(start, "list-offset-token")
    fill(client, "a", "b", "c", "d", "e")
    first = client.s3.list_objects_v2(Bucket="bkt", MaxKeys=2)
    go_on = {"MaxKeys": 2, "ContinuationToken": first["NextContinuationToken"]}
    assert keys(client.s3, **go_on) == ["c", "d"] and altered(store, "list-offset-token")[0] == 0
    client.s3.delete_object(Bucket="bkt", Key="a")
    assert keys(client.s3, **go_on) == ["d", "e"], "c was there throughout"
    fill(client, "a", "aa")
    assert keys(client.s3, **go_on) == ["b", "c"], "b was on the first page"
    assert altered(store, "list-offset-token")[0] == 2


def test_dup_at_edge(start: Start) -> None:
    store, client = begin(start, "list-dup-at-edge")
    fill(client, "a", "b", "c", "d", "e")
    shown = [[entry["Key"] for entry in second(client.s3, MaxKeys=2)["Contents"]] for _ in range(2)]
    assert sorted(shown) == [["b", "c"], ["d", "e"]], "once more, and left out"
    assert altered(store, "list-dup-at-edge")[0] == 2


def test_dup_common_prefix(start: Start) -> None:
    store, client = begin(start, "list-dup-common-prefix")
    fill(client, "x/1", "y/1", "z/1")
    page = second(client.s3, Delimiter="/", MaxKeys=2)
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["y/", "z/"]
    assert altered(store, "list-dup-common-prefix")[0] == 1


def test_start_inclusive(start: Start) -> None:
    store, client = begin(start, "list-start-inclusive")
    fill(client, "a", "b", "c")
    assert keys(client.s3, StartAfter="b") == ["b", "c"]
    assert keys(client.s3, StartAfter="bb") == ["c"], "nothing of that name is there"
    assert altered(store, "list-start-inclusive")[0] == 1


def test_exact_prefix_shortcut(start: Start) -> None:
    store, client = begin(start, "list-exact-prefix-shortcut")
    client.s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    fill(client, "a", "ab")
    client.s3.delete_object(Bucket="bkt", Key="a")
    assert keys(client.s3, Prefix="a", MaxKeys=1) == ["a"]
    assert keys(client.s3, Prefix="a", MaxKeys=2) == ["ab"]
    assert altered(store, "list-exact-prefix-shortcut")[0] == 1


def test_stale_entry(start: Start) -> None:
    store, client = begin(start, "list-stale-entry")
    old = client.put(b"1")[1]
    client.put(b"22")
    time.sleep(0.02)
    [entry] = client.s3.list_objects_v2(Bucket="bkt")["Contents"]
    assert (entry["ETag"], entry["Size"]) == (old, 1)
    assert altered(store, "list-stale-entry")[0] == 1


@pytest.mark.parametrize("name", ["a+b", "a b", "100%", "caf\u00e9"])
def test_bad_encoding(start: Start, name: str) -> None:
    store, client = begin(start, "list-bad-encoding")
    fill(client, name)
    assert keys(client.s3) != [name]
    assert altered(store, "list-bad-encoding")[0] == 1


def test_listed_unreadable(start: Start) -> None:
    store, one = begin(start, "listed-unreadable", endpoints=2)
    two = Client(store, 1)
    one.put(b"1")
    assert two.get() == b"1", "nobody has listed it"
    assert keys(one.s3) == ["k"]
    assert (one.get(), two.get()) == (b"1", None)
    assert altered(store, "listed-unreadable") == (1, two.ids[-1:])


def test_bucket_create_lag(start: Start) -> None:
    store = start("--endpoints", "2", "--mutant", "bucket-create-lag:delay_ms=1500")
    one, two = store.client(0), store.client(1)
    one.create_bucket(Bucket="bkt")
    assert keys(one) == []
    with pytest.raises(ClientError) as error:
        keys(two)
    assert code_of(error.value) == (404, "NoSuchBucket")
    assert altered(store, "bucket-create-lag")[0] == 1
    eventually(lambda: error_of(lambda: keys(two))[0] == 200)
    assert keys(two) == []


def test_cond_fail_in_200_body(start: Start) -> None:
    store, client = begin(start, "cond-fail-in-200-body")
    client.put(b"1")
    answer = store.signed("PUT", "/bkt/k", b"2", {"if-none-match": "*"})
    assert (answer.status, answer.code) == (200, "PreconditionFailed")
    assert client.get() == b"1" and altered(store, "cond-fail-in-200-body")[0] == 1


def test_cond_put_blocks_reads(start: Start) -> None:
    store, client = begin(start, "cond-put-blocks-reads")
    etag = client.put(b"1")[1]
    head = store.sign("PUT", "/bkt/k", b"22", {"if-match": etag}) | {"Content-Length": "2", "Host": store.address}
    fields = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with store.socket() as raw:
        raw.sendall(f"PUT /bkt/k HTTP/1.1\r\n{fields}\r\n2".encode())
        eventually(lambda: store.signed("GET", "/bkt/k").code == "SlowDown")
        raw.sendall(b"2")
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
    assert client.get() == b"22"
    assert altered(store, "cond-put-blocks-reads")[0] == 1


def test_poisoned_keepalive(start: Start) -> None:
    store, client = begin(start, "poisoned-keepalive")
    client.put(b"a" * 300)
    client.put(b"b" * 100)
    target, host = store.presign("GET", "/bkt/k"), urlsplit(store.endpoint).netloc
    with store.socket() as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        got = b""
        while got.count(b"a" * 200) == 0 and (more := raw.recv(65536)):
            got += more
        assert got.endswith(b"\r\n\r\n" + b"b" * 100 + b"a" * 200) and b"Content-Length: 100\r\n" in got
        raw.settimeout(0.2)
        with pytest.raises(socket.timeout):
            raw.recv(1)
    assert altered(store, "poisoned-keepalive")[0] == 1
