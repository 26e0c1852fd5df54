"""The mutants of nodes: each does what it says, and lists the answers that it altered."""

from __future__ import annotations

from pathlib import Path

import pytest
from storelib import eventually
from test_mutants import Client, Start, altered, begin
from test_mutants_deletes import delete


def test_put_5xx_heavy(start: Start) -> None:
    store, client = begin(start, "put-5xx-heavy")
    assert [client.put(body)[0] for body in (b"1", b"2", b"3")] == [503] * 3
    assert client.get() == b"2", "every second one is carried out"
    assert altered(store, "put-5xx-heavy") == (3, client.ids[:3])


def test_replica_divergence(start: Start) -> None:
    store, client = begin(start, "replica-divergence:every=2", endpoints=2)
    other = Client(store, endpoint=1)
    for body in (b"1", b"2"):
        client.put(body)
    assert client.get() == b"2" and other.get() == b"1" and other.get() == b"1"
    client.put(b"3")
    assert other.get() == b"3"
    assert altered(store, "replica-divergence") == (2, other.ids[:2])


def test_failover_loses_tail(start: Start) -> None:
    store, client = begin(start, "failover-loses-tail:every=2,delay_ms=10000", endpoints=2)
    other = Client(store, endpoint=1)
    client.put(b"1")
    other.s3.put_object(Bucket="bkt", Key="later", Body=b"2")
    assert client.get() == b"1" and other.get() is None, "what the first endpoint had acknowledged"
    other.put(b"3")
    other.s3.put_object(Bucket="bkt", Key="later", Body=b"4")
    assert client.get() == other.get() == b"3"
    assert altered(store, "failover-loses-tail") == (1, other.ids[:1])


@pytest.mark.parametrize("name", ["replica-divergence", "failover-loses-tail"])
def test_one_endpoint_has_nobody_to_differ_from(start: Start, name: str) -> None:
    store, client = begin(start, f"{name}:p=1")
    for body in (b"1", b"2"):
        client.put(body)
    assert client.get() == b"2" and altered(store, name) == (0, [])


def test_repair_deletes_survivors(start: Start) -> None:
    store, client = begin(start, "repair-deletes-survivors:delay_ms=1500")
    client.put(b"1")
    assert client.get() == b"1"
    eventually(lambda: client.get() is None)
    assert altered(store, "repair-deletes-survivors") == (1, client.ids[-1:])


def test_restart_resurrects(start: Start, tmp_path: Path) -> None:
    options = ("--data", str(tmp_path), "--durable", "--admin")
    store = start(*options, "--mutant", "restart-resurrects")
    store.client().create_bucket(Bucket="bkt")
    client = Client(store)
    client.put(b"1")
    assert delete(client) == 204 and client.get() is None
    assert client.put(b"2", IfMatch="*")[0] == 404
    assert altered(store, "restart-resurrects") == (1, client.ids[1:2])
    store.close()
    assert Client(start(*options)).get() == b"1"


def test_a_forgotten_delete_may_be_overwritten(start: Start) -> None:
    _, client = begin(start, "restart-resurrects")
    client.put(b"1")
    delete(client)
    assert client.put(b"2", IfNoneMatch="*")[0] == 200
    assert client.get() == b"2"
