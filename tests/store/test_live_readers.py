"""Objects of many parts that are replaced while they are read: old or new, whole, with few descriptors."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bulk import Connection, multipart, request_of
from storelib import Store, eventually

Start = Callable[..., Store]
PARTS, PART = 400, 20_000


def content(mark: int) -> list[bytes]:
    """Bodies of parts; each says its number and whose it is."""
    return [b"%07d%d" % (number, mark) * (PART // 8) for number in range(PARTS)]


def files(path: Path) -> int:
    return sum(1 for one in (path / "bodies").glob("*/*") if one.is_file())


def slow_get(store: Store, target: str) -> Connection:
    """A GET whose answer nobody takes yet: the socket's buffers hold a small part of it."""
    connection = Connection(store)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.socket.sendall(request_of(store, "GET", target))
    while b"\r\n\r\n" not in connection.rest:
        connection.rest += connection.socket.recv(4096)
    return connection


@pytest.fixture
def large(start: Start, tmp_path: Path) -> Store:
    """A store with one object of many parts."""
    store = start("--data", str(tmp_path), "--min-part-bytes", "1")
    store.client().create_bucket(Bucket="bkt")
    multipart(store, "bkt", "k", content(0))
    return store


def remove(s3: Any) -> None:
    s3.delete_object(Bucket="bkt", Key="k")


def overwrite(s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k", Body=b"new")


@pytest.mark.parametrize("change", [remove, overwrite])
def test_readers_keep_what_goes(large: Store, tmp_path: Path, change: Callable[[Any], None]) -> None:
    """Two readers, one change: both get the old object whole; the files go with the last of them, not before."""
    s3 = large.client()
    readers = [slow_get(large, "/bkt/k") for _ in range(2)]
    descriptors = len(os.listdir(f"/proc/{large.first_line['pid']}/fd"))
    assert descriptors < 100, "one descriptor a reader"
    change(s3)
    assert files(tmp_path) == PARTS
    if change is remove:
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="bkt", Key="k")
    else:
        assert s3.get_object(Bucket="bkt", Key="k")["Body"].read() == b"new"
    whole = b"".join(content(0))
    assert readers[0].reply().body == whole
    assert files(tmp_path) == PARTS
    assert readers[1].reply().body == whole
    eventually(lambda: files(tmp_path) == 0)


def test_a_reader_that_hangs_up_lets_go(large: Store, tmp_path: Path) -> None:
    reader = slow_get(large, "/bkt/k")
    remove(large.client())
    assert files(tmp_path) == PARTS
    reader.socket.close()
    eventually(lambda: files(tmp_path) == 0)


def test_a_crash_leaves_nothing(large: Store, tmp_path: Path, start: Start) -> None:
    """What waits for a reader is in memory only: the next start sweeps it."""
    reader = slow_get(large, "/bkt/k")
    remove(large.client())
    large.process.kill()
    large.process.wait()
    assert files(tmp_path) == PARTS
    reader.socket.close()
    start("--data", str(tmp_path))
    assert files(tmp_path) == 0
    large.close = lambda: 0  # type: ignore[method-assign]


def test_a_clean_end_leaves_nothing(large: Store, tmp_path: Path) -> None:
    reader = slow_get(large, "/bkt/k")
    remove(large.client())
    assert large.close() == 0
    assert files(tmp_path) == 0
    reader.socket.close()


@pytest.mark.parametrize("mode", ["--fast", "--durable"])
def test_readers_against_overwrites(start: Start, tmp_path: Path, mode: str) -> None:
    """Every read is whole and of one writer, by few descriptors, and no file stays."""
    store = start("--data", str(tmp_path), "--min-part-bytes", "1", "--threads", "2", mode)
    soft = 200
    resource.prlimit(store.first_line["pid"], resource.RLIMIT_NOFILE, (soft, soft))
    store.client().create_bucket(Bucket="bkt")
    parts, rounds = (300, 8) if mode == "--fast" else (50, 3)  # every part is synced
    wholes = [[b"%07d%d" % (number, mark) * 2000 for number in range(parts)] for mark in range(2)]
    multipart(store, "bkt", "k", wholes[0])
    expected = {b"".join(bodies) for bodies in wholes}
    stop, times = threading.Event(), [0] * 4

    def read(reader: int) -> None:
        """Reads until the end. A read that is cut or not of one writer is an exception."""
        connection = Connection(store)
        request = request_of(store, "GET", "/bkt/k")
        while not stop.is_set():
            connection.socket.sendall(request)
            reply = connection.reply()
            assert reply.status == 200 and reply.body in expected, reply.head
            times[reader] += 1

    number = 0
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, reader) for reader in range(4)]
        try:
            while number < rounds or (min(times) <= 5 and not any(reader.done() for reader in readers)):
                number += 1
                multipart(store, "bkt", "k", wholes[number % 2])
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    assert min(times) > 5, times
    eventually(lambda: files(tmp_path) == parts)


def test_copy_keeps_its_source(large: Store) -> None:
    """A copy of an object of many parts, against the overwrites of its source."""
    s3 = large.client()
    done: list[bytes] = []

    def copy() -> None:
        large.client().copy_object(Bucket="bkt", Key="copy", CopySource="bkt/k")
        done.append(large.client().get_object(Bucket="bkt", Key="copy")["Body"].read())

    thread = threading.Thread(target=copy)
    thread.start()
    time.sleep(0.02)
    overwrite(s3)
    thread.join()
    assert done in ([b"".join(content(0))], [b"new"])


def test_ranges_over_parts(large: Store) -> None:
    s3, whole = large.client(), b"".join(content(0))
    for first, last in ((0, 0), (PART - 1, PART), (PART * 7 + 3, PART * 12), (len(whole) - 5, len(whole) - 1)):
        got = s3.get_object(Bucket="bkt", Key="k", Range=f"bytes={first}-{last}")["Body"].read()
        assert got == whole[first : last + 1]
