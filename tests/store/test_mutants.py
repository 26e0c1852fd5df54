"""Each mutant breaks what it says, lists the answers that it altered, and is off when it is off."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import Store, code_of, command, eventually

Start = Callable[..., Store]


class Client:
    """PUT and GET of one key with the request id of each answer."""

    def __init__(self, store: Store, endpoint: int = 0) -> None:
        self.s3 = store.client(endpoint, response_checksum_validation="when_required")
        self.ids: list[str] = []

    def _done(self, answer: dict[str, Any]) -> None:
        self.ids.append(answer["ResponseMetadata"]["RequestId"])

    def put(self, body: bytes, **conditions: str) -> tuple[int, str]:
        """Status, and ETag or code."""
        try:
            answer = self.s3.put_object(Bucket="bkt", Key="k", Body=body, **conditions)
        except ClientError as error:
            self._done(error.response)
            return code_of(error)
        self._done(answer)
        return 200, answer["ETag"]

    def get(self) -> bytes | None:
        """The body; None when there is no object."""
        try:
            answer = self.s3.get_object(Bucket="bkt", Key="k")
        except ClientError as error:
            self._done(error.response)
            return None
        self._done(answer)
        return bytes(answer["Body"].read())


def begin(start: Start, *specs: str, endpoints: int = 1, seed: int = 1) -> tuple[Store, Client]:
    options = [part for spec in specs for part in ("--mutant", spec)]
    store = start("--endpoints", str(endpoints), "--seed", str(seed), "--admin", *options)
    store.client().create_bucket(Bucket="bkt")
    return store, Client(store)


def altered(store: Store, name: str) -> tuple[int, list[str]]:
    page = store.admin("/altered")
    return page["mutants"][name]["altered"], page["request_ids"]


def fired(store: Store, name: str) -> int:
    """How often it was its turn; a write that it holds is held by then."""
    return int(store.admin("/altered")["mutants"][name]["fired"])


def test_off_is_the_correct_store(start: Start) -> None:
    store, client = begin(start)
    client.put(b"1")
    client.put(b"2", IfNoneMatch="*")
    assert client.get() == b"1"
    assert store.admin("/altered") == {"mutants": {}, "modes": {}, "request_ids": []}


def test_lost_ack_write(start: Start) -> None:
    store, client = begin(start, "lost-ack-write:every=2")
    for body in (b"1", b"2"):
        assert client.put(body)[0] == 200
    assert client.get() == b"1"
    client.put(b"3")
    assert client.get() == b"3"
    assert altered(store, "lost-ack-write") == (2, client.ids[1:3]), "the write, and the read that shows it"


def test_lost_large_body_leaves_no_file(start: Start, tmp_path: Any) -> None:
    store = start("--data", str(tmp_path), "--mutant", "lost-ack-write")
    store.client().create_bucket(Bucket="bkt")
    client = Client(store)
    assert client.put(b"x" * 100_000)[0] == 200 and client.get() is None
    assert not [path for path in (tmp_path / "bodies").rglob("*") if path.is_file()]


def test_first_writer_wins(start: Start) -> None:
    store, client = begin(start, "first-writer-wins")
    assert [client.put(body)[0] for body in (b"1", b"2", b"3")] == [200] * 3
    assert client.get() == b"1"
    assert altered(store, "first-writer-wins") == (3, client.ids[1:])


@pytest.mark.parametrize("size", [256, 100_000])
def test_torn_get(start: Start, size: int) -> None:
    store, client = begin(start, "torn-get")
    client.put(b"a" * size)
    assert client.get() == b"a" * size
    client.put(b"b" * (size + 64))
    assert client.get() == b"a" * size + b"b" * 64
    assert altered(store, "torn-get") == (1, client.ids[-1:])


@pytest.mark.parametrize("size", [256, 100_096])
def test_torn_blocks(start: Start, size: int) -> None:
    store, client = begin(start, "torn-blocks")
    client.put(b"a" * size)
    client.put(b"b" * size)
    half = size // 2 // 64 * 64
    assert client.get() == b"b" * half + b"a" * (size - half)
    assert altered(store, "torn-blocks") == (1, client.ids[-1:])


def test_wrong_put_etag(start: Start) -> None:
    store, client = begin(start, "wrong-put-etag")
    etag = client.put(b"1")[1]
    assert etag != client.s3.head_object(Bucket="bkt", Key="k")["ETag"]
    assert altered(store, "wrong-put-etag") == (1, client.ids)


def test_cond_ignored(start: Start) -> None:
    store, client = begin(start, "cond-ignored")
    client.put(b"1")
    assert client.put(b"2", IfNoneMatch="*")[0] == 200
    assert client.put(b"3", IfMatch='"abc"')[0] == 200
    assert client.get() == b"3"
    assert altered(store, "cond-ignored") == (2, client.ids[1:3])


def test_cond_always_412(start: Start) -> None:
    store, client = begin(start, "cond-always-412")
    assert client.put(b"1", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert client.get() is None
    assert altered(store, "cond-always-412") == (1, client.ids[:1])


def test_cond_failed_but_applied(start: Start) -> None:
    store, client = begin(start, "cond-failed-but-applied")
    client.put(b"1")
    assert client.put(b"2" * 5000, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert client.get() == b"2" * 5000
    assert altered(store, "cond-failed-but-applied") == (2, client.ids[1:])


@pytest.mark.parametrize("name", ["inm-check-then-act", "im-check-then-act"])
def test_check_then_act(start: Start, name: str) -> None:
    store, client = begin(start, f"{name}:delay_ms=2000")
    condition = {"IfNoneMatch": "*"}
    if name == "im-check-then-act":
        condition = {"IfMatch": client.put(b"0")[1]}
    clients = [Client(store) for _ in range(4)]
    gate = threading.Barrier(4)

    def write(number: int) -> int:
        gate.wait()
        return clients[number].put(b"by %d" % number, **condition)[0]

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(write, range(4)))
    assert statuses == [200] * 4
    count, ids = altered(store, name)
    assert count == 3 and set(ids) < {one.ids[0] for one in clients}, "all winners but the first"
    assert client.put(b"late", IfNoneMatch="*")[0] == 412, "one that fails when it is judged is refused"


def test_stale_read_replica(start: Start) -> None:
    store, one = begin(start, "stale-read-replica:delay_ms=2000", endpoints=2)
    two = Client(store, 1)
    one.put(b"1" * 100_000)
    time.sleep(2.1)
    one.put(b"2")
    assert (one.get(), two.get()) == (b"2", b"1" * 100_000)
    assert altered(store, "stale-read-replica") == (1, two.ids)
    eventually(lambda: two.get() == b"2")


def test_overwrite_404_gap(start: Start) -> None:
    store, client = begin(start, "overwrite-404-gap:delay_ms=2000")
    client.put(b"1")
    other = Client(store)
    writer = threading.Thread(target=other.put, args=(b"2",))
    writer.start()
    eventually(lambda: client.get() is None)
    shown = client.ids[-1]
    writer.join()
    assert client.get() == b"2"
    assert altered(store, "overwrite-404-gap")[1][0] == shown


def test_filters(start: Start) -> None:
    store, client = begin(start, "lost-ack-write:key=other*", "wrong-put-etag:endpoint=1", "cond-ignored:min_inflight=2",
                          "torn-get:op=head", "first-writer-wins:after=3600", endpoints=2)  # fmt: skip
    client.put(b"1" * 64)
    client.put(b"2" * 64)
    assert client.put(b"3", IfNoneMatch="*")[0] == 412
    assert client.get() == b"2" * 64
    page = store.admin("/altered")
    assert page["request_ids"] == [] and all(row == {"fired": 0, "altered": 0} for row in page["mutants"].values())
    assert len(page["mutants"]) == 5
    store.client().put_object(Bucket="bkt", Key="other/1", Body=b"x")
    assert store.admin("/altered")["mutants"]["lost-ack-write"]["fired"] == 1


def test_the_seed_decides(start: Start) -> None:
    def pattern(seed: int) -> list[bool]:
        store, client = begin(start, "wrong-put-etag:p=0.3", seed=seed)
        for _ in range(40):
            client.put(b"1")
        ids = set(altered(store, "wrong-put-etag")[1])
        return [one in ids for one in client.ids]

    first = pattern(7)
    assert 2 <= sum(first) <= 25
    assert first == pattern(7) != pattern(8)


def test_switching_at_run_time(start: Start) -> None:
    store, client = begin(start)
    assert store.admin("/mutants", b"wrong-put-etag\ncond-ignored:p=0.5\n") == {"ok": True}
    client.put(b"1")
    with pytest.raises(urllib.error.HTTPError) as error:
        store.admin("/mutants", b"no-such-fault")
    assert error.value.code == 400 and "no-such-fault" in json.load(error.value)["error"]
    client.put(b"2")
    assert store.admin("/mutants", b"") == {"ok": True}
    client.put(b"3")
    assert altered(store, "wrong-put-etag") == (2, client.ids[:2])


BAD = [
    "no-such-fault",
    "lost-ack-write:",
    "lost-ack-write:p=0",
    "lost-ack-write:p=1.5",
    "lost-ack-write:p=x",
    "lost-ack-write:every=0",
    "lost-ack-write:op=write",
    "lost-ack-write:key=",
    "lost-ack-write:endpoint=1",
    "lost-ack-write:min_inflight=0",
    "lost-ack-write:after=-1",
    "lost-ack-write:delay_ms=1s",
    "lost-ack-write:color=red",
    "lost-ack-write:p",
]


@pytest.mark.parametrize("spec", BAD)
def test_bad_switches_are_named(spec: str) -> None:
    done = subprocess.run([*command(), "--mutant", spec], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "expected" in done.stderr
