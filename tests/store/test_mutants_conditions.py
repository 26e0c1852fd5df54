"""The mutants of preconditions: each lets pass, or refuses, what it says, and lists the answers that it altered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from storelib import Store, eventually
from test_chunked import SIGNED, Chunked
from test_mutants import Client, Start, altered, begin, fired

ABC = '"abc"'


def overlap(store: Store, name: str, clients: list[Client], condition: dict[str, str]) -> list[tuple[int, str]]:
    """All write under the same condition, each while those before it are held."""
    before = fired(store, name)
    with ThreadPoolExecutor(len(clients)) as pool:
        held: list[Future[tuple[int, str]]] = []
        for number, client in enumerate(clients):
            held.append(pool.submit(client.put, b"by %d" % number, **condition))
            eventually(lambda: fired(store, name) == before + len(held))
        return [one.result() for one in held]


@pytest.mark.parametrize("second_endpoint", [0, 1])
def test_cond_atomic_per_gateway(start: Start, second_endpoint: int) -> None:
    store, client = begin(start, "cond-atomic-per-gateway:delay_ms=2000", endpoints=2)
    condition = {"IfMatch": client.put(b"0")[1]}
    other = Client(store, second_endpoint)
    results = [status for status, _ in overlap(store, "cond-atomic-per-gateway", [client, other], condition)]
    count, ids = altered(store, "cond-atomic-per-gateway")
    if second_endpoint == 0:
        assert (sorted(results), count) == ([200, 412], 0), "one gateway is atomic"
    else:  # on a busy machine both may be due at once, in any order
        assert (results, count) == ([200, 200], 1) and ids in (client.ids[1:], other.ids)
        assert client.get() == b"by %d" % (ids == other.ids)


def test_cond_stale_eval(start: Start) -> None:
    store, client = begin(start, "cond-stale-eval:delay_ms=2000")
    old = client.put(b"1")[1]
    time.sleep(2.1)
    new = client.put(b"2")[1]
    assert client.put(b"3", IfMatch=new) == (412, "PreconditionFailed"), "the current one"
    assert client.put(b"4", IfMatch=old)[0] == 200, "the one before"
    assert client.get() == b"4"
    assert altered(store, "cond-stale-eval") == (2, client.ids[2:4])


def test_im_fingerprint_aba(start: Start) -> None:
    store, client = begin(start, "im-fingerprint-aba:delay_ms=60000")
    etag = client.put(b"aa")[1]
    assert client.put(b"bb")[1] == etag, "the same length"
    assert client.put(b"cc", IfMatch=etag) == (200, etag), "a condition that should have failed"
    assert client.put(b"ddd")[1] != etag, "another length"
    assert altered(store, "im-fingerprint-aba") == (3, client.ids[1:3]), (
        "the third twice: by what it sees and by what it makes"
    )


def test_im_missing_creates(start: Start) -> None:
    store, client = begin(start, "im-missing-creates")
    assert client.put(b"1", IfMatch=ABC)[0] == 200
    assert client.put(b"2", IfMatch=ABC)[0] == 412, "only where nothing is"
    assert client.get() == b"1"
    assert altered(store, "im-missing-creates") == (1, client.ids[:1])


def test_cond_ignored_one_path(start: Start) -> None:
    store, client = begin(start, "cond-ignored-one-path")
    client.put(b"1")
    assert client.put(b"2", IfMatch=ABC)[0] == 412
    answer = Chunked(store, "/bkt/k", SIGNED, b"3", headers={"If-Match": ABC}).send()
    assert answer.status == 200 and client.get() == b"3"
    assert altered(store, "cond-ignored-one-path") == (1, [answer.headers["x-amz-request-id"]])


def test_cond_409_storm(start: Start) -> None:
    store, client = begin(start, "cond-409-storm:delay_ms=1500")
    other = Client(store)
    etag = client.put(b"0")[1]
    assert client.put(b"1", IfMatch=etag)[0] == 200, "alone"
    late = Client(store)
    first, second = overlap(store, "cond-409-storm", [other, late], {"IfMatch": client.put(b"2")[1]})
    assert (409, "ConditionalRequestConflict") in (first, second) and {first[0], second[0]} <= {200, 409}
    won = [b"by %d" % number for number, (status, _) in enumerate((first, second)) if status == 200]
    assert client.get() == (won[0] if won else b"2")
    refused = [one.ids[0] for one, (status, _) in ((other, first), (late, second)) if status == 409]
    assert sorted(altered(store, "cond-409-storm")[1]) == sorted(refused)


def test_cond_rejected(start: Start) -> None:
    store, client = begin(start, "cond-rejected")
    assert client.put(b"1")[0] == 200
    assert client.put(b"2", IfNoneMatch="*")[0] == 412, "refused anyway"
    store.client().delete_object(Bucket="bkt", Key="k")
    assert client.put(b"3", IfNoneMatch="*") == (501, "NotImplemented")
    assert altered(store, "cond-rejected") == (1, client.ids[-1:])


def test_etag_quote_mismatch(start: Start) -> None:
    store, client = begin(start, "etag-quote-mismatch")
    etag = client.put(b"1")[1]
    assert client.put(b"2", IfMatch=etag.strip('"'))[0] == 412
    assert client.put(b"3", IfMatch=etag)[0] == 200
    assert altered(store, "etag-quote-mismatch") == (1, client.ids[1:2])


def test_read_uncommitted(start: Start) -> None:
    store, client = begin(start, "read-uncommitted:delay_ms=2000")
    client.put(b"1")
    other, result = Client(store), []
    writer = threading.Thread(target=lambda: result.append(other.put(b"2", IfMatch=ABC)))
    writer.start()
    eventually(lambda: client.get() == b"2")
    shown = client.ids[-1]
    writer.join()
    assert result == [(412, "PreconditionFailed")]
    assert client.get() == b"1"
    assert altered(store, "read-uncommitted")[1][0] == shown
