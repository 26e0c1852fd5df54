"""The stores that benchmarks compare, as running processes; the plans that they answer; what a request costs them."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from benchmarks.bench_engine import put_plan
from benchmarks.harness import ROOT, SERVER_CORE, MissingPeer, cpu_seconds, fast_folder, pinned, run_engine

SECONDS = 2
KEYS = ("bench", "bench-secret")
START_S = 30


def fill_plan(count: int, nbytes: int, clients: int = 20) -> dict:
    """PUTs each of `count` keys once."""
    plan = put_plan(clients)
    plan["spaces"]["keys"].update(kind="sequence", count=count)
    del plan["stop"]
    plan["groups"][1] = {
        "group": "fill",
        "clients": clients,
        "program": [{"repeat": count // clients, "do": [{"choose": "keys", "as": "k"}, _put(nbytes)]}],
    }
    return plan


def read_plan(op: str, *, nbytes: int = 1024, clients: int = 32, keys: int = 100_000) -> dict:
    """Each client PUTs a key and then reads it by `get` or `head`, 200 times; again and again."""
    plan = write_plan(nbytes=nbytes, clients=clients, keys=keys)
    plan["groups"][1]["program"].append({"repeat": 200, "do": [{op: "k.key"}]})
    return plan


def write_plan(*, nbytes: int = 1024, clients: int = 32, keys: int = 100_000, signed: bool = False) -> dict:
    """PUTs of drawn keys, again and again."""
    plan = put_plan(clients, signed=signed, seconds=SECONDS)
    plan["spaces"]["keys"]["count"] = keys
    plan["groups"][1]["program"][1] = _put(nbytes)
    return plan


def _put(nbytes: int) -> dict:
    return {"put": "k.key", "body": {"bytes": nbytes}}


class Meter:
    """CPU µs a request of a store; the PUTs among the reads are taken off at the price that PUTs had."""

    def __init__(self, serve: dict) -> None:
        self.serve = serve
        self.put_us = 0.0

    def _run(self, plan: dict) -> tuple[float, dict]:
        before = cpu_seconds(self.serve["pid"])
        metrics, _ = run_engine(plan, self.serve)
        for op, counts in metrics["ops"].items():
            assert counts["ok"] == counts["attempts"], f"the store answered {counts['by_status']} to {op}"
        return (cpu_seconds(self.serve["pid"]) - before) * 1e6, metrics["ops"]

    def put(self, plan: dict) -> float:
        used, ops = self._run(plan)
        self.put_us = used / ops["put"]["attempts"]
        return self.put_us

    def read(self, op: str, plan: dict) -> float:
        used, ops = self._run(plan)
        return (used - self.put_us * ops["put"]["attempts"]) / ops[op]["attempts"]


@contextlib.contextmanager
def _process(command: Sequence[str], port: int) -> Iterator[dict]:
    """A server of somebody else, on the server's core; entered when it listens."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*pinned(SERVER_CORE), *command], **quiet) as process:
        try:
            until = time.monotonic() + START_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if time.monotonic() > until:
                    raise RuntimeError(f"{command[0]} did not start within {START_S} s")
                time.sleep(0.1)
            yield {
                "endpoints": [f"http://127.0.0.1:{port}"],
                "access_key": KEYS[0],
                "secret_key": KEYS[1],
                "pid": process.pid,
            }
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def moto() -> Iterator[dict]:
    """moto_server, a Python store in memory."""
    if importlib.util.find_spec("moto") is None:
        raise MissingPeer("moto: not found, install the Python package moto[server]")
    port = _free_port()
    with _process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port) as serve:
        yield serve


@contextlib.contextmanager
def versitygw() -> Iterator[dict]:
    """versitygw, a Go store over a folder: here one in memory."""
    program = shutil.which("versitygw", path=str(ROOT / "build" / "peers")) or shutil.which("versitygw")
    if program is None:
        raise MissingPeer("versitygw: not found, `make bench` builds it where there is a recent go")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-", dir=fast_folder()) as folder:
        names = ["--access", KEYS[0], "--secret", KEYS[1], "--port", f"127.0.0.1:{port}", "--quiet"]
        with _process([program, *names, "posix", folder], port) as serve:
            yield serve
