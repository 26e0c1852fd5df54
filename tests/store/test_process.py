"""The process: options, first line, end, data that stays, the null server."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from storelib import ROOT, Store, command

Start = Callable[..., Store]


def test_first_line(start: Start) -> None:
    store = start("--access-key", "me", "--secret-key", "secret", "--endpoints", "3")
    line = store.first_line
    names = [
        "access_key",
        "admin",
        "ca",
        "durability",
        "endpoint",
        "endpoints",
        "lifecycle_day_ms",
        "min_part_bytes",
        "pid",
        "replication_lag_ms",
        "secret_key",
    ]
    assert sorted(line) == names and (line["durability"], line["ca"]) == ("fast", None)
    assert (line["access_key"], line["secret_key"], line["admin"]) == ("me", "secret", None)
    assert line["endpoint"] == line["endpoints"][0] and len(set(line["endpoints"])) == 3
    store.client(0).create_bucket(Bucket="bkt")
    store.client(1).put_object(Bucket="bkt", Key="k", Body=b"x")
    assert store.client(2).get_object(Bucket="bkt", Key="k")["Body"].read() == b"x"


def test_keys_are_drawn_anew(start: Start) -> None:
    first, second = start(), start()
    for name in ("access_key", "secret_key"):
        assert first.first_line[name] != second.first_line[name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_and_removes_its_directory(number: signal.Signals) -> None:
    store = Store()
    store.client().create_bucket(Bucket="bkt")
    maps = Path(f"/proc/{store.first_line['pid']}/maps").read_text()
    data = {Path(line.split()[-1]) for line in maps.splitlines() if line.endswith("/data.mdb")}
    assert len(data) == 1 and all(path.exists() for path in data)
    store.process.send_signal(number)
    assert store.process.wait(30) == 0
    assert not any(path.parent.exists() for path in data)
    store.close()


def test_ends_with_its_parent() -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE);"
        "p.stdout.readline(); print(p.pid, flush=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command(), "--with-parent"], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    child, until = int(done.stdout), time.monotonic() + 20

    def gone() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    while not gone() and time.monotonic() < until:
        time.sleep(0.05)
    assert gone()


BAD = [
    ["--port", "x"],
    ["--port", "65536"],
    ["--endpoints", "0"],
    ["--durable"],
    ["--durable", "--fast", "--data", "x"],
    ["--colour", "red"],
    ["--secret-key", ""],
    ["--tls-cert", "x"],
    ["--tls-cert", "x", "--tls-key", "x", "--tls-self-signed", "x"],
    ["--mode", "x"],
    ["--host", "nowhere"],
    ["--port"],
    ["--fast=1"],
    ["--region", ""],
    ["--region", "a/b"],
    ["--data", ""],
    ["--data", __file__],
    ["--tls-cert", __file__, "--tls-key", __file__],
]


@pytest.mark.parametrize("options", BAD, ids=" ".join)
def test_bad_options_are_named(options: list[str]) -> None:
    done = subprocess.run([*command(), *options], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "expected" in done.stderr
    if options[0] in ("--region", "--data", "--tls-cert"):
        assert options[0] in done.stderr


def files(path: Path) -> list[Path]:
    return [one for one in (path / "bodies").rglob("*") if one.is_file()]


@pytest.mark.parametrize("mode", ["--durable", "--fast"])
def test_data_stays(start: Start, tmp_path: Path, mode: str) -> None:
    keys = ("--access-key", "me", "--secret-key", "secret", "--data", str(tmp_path), mode)
    bodies = {"small": b"s", "large": b"l" * 100_000, "x" * 900: b"long"}
    first = start(*keys)
    assert first.first_line["durability"] == mode.removeprefix("--")
    first.client().create_bucket(Bucket="bkt")
    for key, body in bodies.items():
        first.client().put_object(Bucket="bkt", Key=key, Body=b"old" * 50_000)
        first.client().put_object(Bucket="bkt", Key=key, Body=body)
    token = first.client().list_objects_v2(Bucket="bkt", MaxKeys=1)["NextContinuationToken"]
    assert first.close() == 0
    assert len(files(tmp_path)) == 1, "replaced bodies are removed"
    (files(tmp_path)[0].parent / ("f" * 16)).write_bytes(b"left by a crash")
    second = start(*keys)
    assert len(files(tmp_path)) == 1, "what no record names is swept"
    for key, body in bodies.items():
        assert second.client().get_object(Bucket="bkt", Key=key)["Body"].read() == body
    page = second.client().list_objects_v2(Bucket="bkt", ContinuationToken=token)
    assert [entry["Key"] for entry in page["Contents"]] == ["small", "x" * 900]


def test_sigkill_loses_no_acknowledged_write(tmp_path: Path) -> None:
    keys = ("--access-key", "me", "--secret-key", "secret", "--data", str(tmp_path), "--durable")
    acked: dict[str, bytes] = {}
    for number in range(3):
        store = Store(*keys)
        if number == 0:
            store.client().create_bucket(Bucket="bkt")

        def write(worker: int, s3: Any, number: int = number) -> None:
            try:
                for count in range(1000):
                    key, body = f"{number}/{worker}/{count % 5}", b"%d-%d." % (worker, count) * (800 * (count % 2) + 1)
                    s3.put_object(Bucket="bkt", Key=key, Body=body)
                    acked[key] = body
            except Exception:
                return

        with ThreadPoolExecutor(4) as pool:
            for worker in range(4):
                pool.submit(write, worker, store.client())
            time.sleep(1.0)
            store.process.kill()
        assert store.close() == -signal.SIGKILL
    store = Store(*keys)
    s3 = store.client()
    for key, body in acked.items():
        # the write that was in flight at the kill may have come through
        got = s3.get_object(Bucket="bkt", Key=key)
        data, tag = got["Body"].read(), got["ETag"].strip('"')
        assert hashlib.md5(data).hexdigest() == tag
        assert data == body or int(data.split(b".")[0].split(b"-")[1]) > int(body.split(b".")[0].split(b"-")[1])
    assert len(acked) > 10
    assert store.close() == 0


def test_a_store_that_is_stopped_goes_on(start: Start) -> None:
    """Answers that were on their way come to their end, wherever a stop found them."""
    store, body = start(), b"0123456789abcdef" * 60_000
    store.client().create_bucket(Bucket="bkt")
    store.client().put_object(Bucket="bkt", Key="k", Body=body)
    target, done = store.presign("GET", "/bkt/k"), threading.Event()

    def read() -> None:
        connection = store.connection(60)
        for _ in range(30):
            connection.request("GET", target)
            assert connection.getresponse().read() == body
        connection.close()

    def stop() -> None:
        while not done.is_set():
            time.sleep(0.002)
            store.process.send_signal(signal.SIGSTOP)
            time.sleep(0.002)
            store.process.send_signal(signal.SIGCONT)

    with ThreadPoolExecutor(5) as pool:
        stops, readers = pool.submit(stop), [pool.submit(read) for _ in range(4)]
        try:
            for reader in readers:
                reader.result()
        finally:
            done.set()
        stops.result()


def test_null_server() -> None:
    process = subprocess.Popen(
        [*command()[:1], *command()[1:], "null", "--with-parent"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["endpoint"].removeprefix("http://")
    connections = [http.client.HTTPConnection(address, timeout=30) for _ in range(1000)]
    for body in (b"x" * 1024, b"x" * 200_000, b""):
        for connection in connections[:: 1 if body else 50]:
            connection.request("PUT" if body else "HEAD", "/b/k", body or None)
        for connection in connections[:: 1 if body else 50]:
            response = connection.getresponse()
            assert (response.status, len(response.headers["ETag"]), response.read()) == (200, 34, b"")
    for connection in connections:
        connection.close()
    process.terminate()
    assert process.wait(30) == 0
    process.stdout.close()


def test_what_a_killed_store_left_is_removed_by_the_next(start: Start) -> None:
    killed, running = Store(), start()

    def data(store: Store) -> Path:
        maps = Path(f"/proc/{store.first_line['pid']}/maps").read_text()
        return next(Path(line.split()[-1]).parent for line in maps.splitlines() if line.endswith("/data.mdb"))

    left, used = data(killed), data(running)
    killed.process.kill()
    killed.close()
    assert left.exists()
    for path in (left, used):
        os.utime(path, (0, 0))
    start()
    assert not left.exists() and used.exists()


def test_a_start_removes_nothing_that_no_store_made(start: Start) -> None:
    maps = Path(f"/proc/{start().first_line['pid']}/maps").read_text()
    data = next(Path(line.split()[-1]).parent for line in maps.splitlines() if line.endswith("/data.mdb"))
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-", dir=data.parent) as other:
        os.utime(other, (0, 0))
        start()
        assert Path(other).exists()


def test_a_directory_has_one_store(start: Start, tmp_path: Path) -> None:
    start("--data", str(tmp_path))
    done = subprocess.run([*command(), "--data", str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr and "expected" in done.stderr
