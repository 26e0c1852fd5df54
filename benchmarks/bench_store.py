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
    """1,000 keys are filled by 20,000 draws (so that all are there), then read again and again."""
    plan = put_plan(32, seconds=SECONDS)
    plan["spaces"]["keys"]["count"] = 1000
    plan["groups"].insert(
        1,
        {
            "group": "fill",
            "phase": "setup",
            "clients": 20,
            "program": [{"repeat": 1000, "do": plan["groups"][1]["program"]}],
        },
    )
    plan["groups"][1]["program"].insert(0, {"barrier": "made"})
    plan["groups"][0]["program"].append({"barrier": "made"})
    plan["groups"][2]["program"] = [{"choose": "keys", "as": "k"}, {"get": "k.key"}]
    return plan


class Meter:
    """CPU µs a request of a store; the PUTs that fill the bucket for GETs are taken off at the price that PUTs had."""

    def __init__(self, serve: dict) -> None:
        self.serve = serve
        self.put_us = 0.0

    def _run(self, plan: dict) -> tuple[float, dict]:
        before = cpu_seconds(self.serve["pid"])
        metrics, _ = run_engine(plan, self.serve)
        for op in ("put", "get"):
            counts = metrics["ops"].get(op, {"ok": 0, "attempts": 0})
            assert counts["ok"] == counts["attempts"], f"the store answered {counts['by_status']}"
        return (cpu_seconds(self.serve["pid"]) - before) * 1e6, metrics["ops"]

    def put(self, clients: int) -> float:
        used, ops = self._run(put_plan(clients, seconds=SECONDS))
        self.put_us = used / ops["put"]["attempts"]
        return self.put_us

    def get(self) -> float:
        used, ops = self._run(get_plan())
        return (used - self.put_us * ops["put"]["attempts"]) / ops["get"]["attempts"]


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
        ours, theirs = Meter(serve), Meter(moto)
        found = interleave({"put": lambda: ours.put(32), "get": ours.get, "moto": lambda: theirs.put(4)})
    rate = {name: 1e6 / cpu for name, cpu in found.items()}
    return [
        Record("store-put", rate["put"] / 30_000, rate["put"], 30_000, "requests/s a core", "higher", 1,
               "signed 1 KiB PUT, fast mode: rate a store core over the goal of 30,000", "s3prod bench store  # store-put"),
        Record("store-get", rate["get"] / 50_000, rate["get"], 50_000, "requests/s a core", "higher", 1,
               "signed 1 KiB GET: rate a store core over the goal of 50,000", "s3prod bench store  # store-get"),
        Record("store", rate["put"] / rate["moto"], rate["put"], rate["moto"], "requests/s a core", "higher", 50,
               "signed 1 KiB PUT: rate a core of the store over moto_server's", "s3prod bench store"),
    ]  # fmt: skip
