"""The embedded store's cost of a signed 1 KiB PUT and GET in fast mode, on one core, beside moto_server."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.bench_engine import put_plan
from benchmarks.harness import SERVER_CORE, MissingPeer, Record, cpu_seconds, interleave, pinned, run_engine, server

SECONDS = 2


def get_plan() -> dict:
    """1,000 objects are written, then read again and again."""
    plan = put_plan(32)
    plan["spaces"] = {"keys": {"kind": "uniform", "bucket": "main", "prefix": "objs/", "count": 1000}}
    plan["spaces"]["fill"] = {"kind": "sequence", "bucket": "main", "prefix": "objs/", "count": 1000}
    plan["groups"][0]["program"].append({"repeat": 1000, "do": [{"choose": "fill", "as": "k"}, {"put": "k.key"}]})
    plan["groups"][1]["program"] = [{"choose": "keys", "as": "k"}, {"get": "k.key"}]
    return plan


def _store_cpu_us(serve: dict, plan: dict, op: str) -> float:
    before = cpu_seconds(serve["pid"])
    metrics, _ = run_engine(plan, serve)
    used = cpu_seconds(serve["pid"]) - before
    counts = metrics["ops"][op]
    assert counts["ok"] == counts["attempts"], f"the store answered {counts['by_status']}"
    return used * 1e6 / sum(o["attempts"] for o in metrics["ops"].values())


@contextlib.contextmanager
def _moto() -> Iterator[dict]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*pinned(SERVER_CORE), sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if time.monotonic() > until:
                    raise RuntimeError("moto_server did not start within 30 s")
                time.sleep(0.1)
            yield {
                "endpoints": [f"http://127.0.0.1:{port}"],
                "access_key": "bench",
                "secret_key": "bench-secret",
                "pid": process.pid,
            }
        finally:
            process.terminate()


def store() -> list[Record]:
    """CPU µs a request of the store; a rate a core is its inverse."""
    if importlib.util.find_spec("moto") is None:
        raise MissingPeer("moto: not found, install the Python package moto[server]")
    with server() as serve, _moto() as moto:
        found = interleave(
            {
                "put": lambda: _store_cpu_us(serve, put_plan(32, seconds=SECONDS), "put"),
                "get": lambda: _store_cpu_us(serve, get_plan(), "get"),
                "moto": lambda: _store_cpu_us(moto, put_plan(4, seconds=SECONDS), "put"),
            }
        )
    rate = {name: 1e6 / cpu for name, cpu in found.items()}
    return [
        Record("store-put", rate["put"] / 30_000, rate["put"], 30_000, "requests/s a core", "higher", 1,
               "signed 1 KiB PUT, fast mode: rate a store core over the goal of 30,000", "s3prod bench store  # store-put"),
        Record("store-get", rate["get"] / 50_000, rate["get"], 50_000, "requests/s a core", "higher", 1,
               "signed 1 KiB GET: rate a store core over the goal of 50,000", "s3prod bench store  # store-get"),
        Record("store", rate["put"] / rate["moto"], rate["put"], rate["moto"], "requests/s a core", "higher", 50,
               "signed 1 KiB PUT: rate a core of the store over moto_server's", "s3prod bench store"),
    ]  # fmt: skip
