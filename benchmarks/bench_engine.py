"""The engine's cost of a signed 1 KiB PUT, against the null server, beside wrk, boto3 and obstore. CPU time decides."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import MissingPeer, Record, interleave, run_engine, server, timed

SECONDS = 2
WRK_SCRIPT = (
    'wrk.method = "PUT"\nwrk.body = string.rep("x", 1024)\nwrk.headers["Content-Type"] = "application/octet-stream"\n'
)


def put_plan(clients: int, *, constant: bool = False, signed: bool = False, seconds: float = SECONDS) -> dict:
    """Clients that PUT 1 KiB again and again."""
    body = {"constant": 1024} if constant else {"bytes": 1024}
    return {
        "name": "bench-put",
        "seed": 1,
        "buckets": ["main"],
        "spaces": {"keys": {"kind": "uniform", "bucket": "main", "prefix": "objs/", "count": 100000}},
        "payload": "signed" if signed else "unsigned",
        "memory_mb": 4096,
        "stop": {"seconds": seconds},
        "groups": [
            {"group": "make", "phase": "setup", "clients": 1, "program": [{"create_bucket": "main"}]},
            {
                "group": "writers",
                "clients": clients,
                "arrival": {"closed": {"until": "stop"}},
                "program": [{"choose": "keys", "as": "k"}, {"put": "k.key", "body": body}],
            },
        ],
    }


def _wrk(endpoint: str, connections: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK_SCRIPT)
        script.flush()
        out, cpu, _ = timed(
            ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script.name, f"{endpoint}/bucket/key"]
        )
    return cpu * 1e6 / int(re.search(r"(\d+) requests in", out).group(1))


def against_wrk() -> list[Record]:
    """CPU µs a request of the engine and of wrk, at 32 and at 1,000 connections."""
    if shutil.which("wrk") is None:
        raise MissingPeer("wrk: not found, install the Debian package wrk")
    rows = {  # name: (connections, plan, goal)
        "engine": (32, put_plan(32), 0.8),
        "engine-constant": (32, put_plan(32, constant=True), 0.9),
        "engine-1000": (1000, put_plan(1000), 0.65),
        "engine-signed": (32, put_plan(32, signed=True), 0.0),
    }
    records = []
    with server("null") as serve:
        for name, (connections, plan, goal) in rows.items():
            found = interleave(
                {
                    "engine": lambda plan=plan: run_engine(plan, serve)[1],
                    "wrk": lambda c=connections: _wrk(serve["endpoint"], c),
                }
            )
            what = f"signed 1 KiB PUT, {connections} connections: wrk's CPU µs a request over the engine's"
            if name == "engine-signed":
                what += " (payload hashed; no goal)"
            records.append(
                Record(name, found["wrk"] / found["engine"], found["engine"], found["wrk"], "CPU µs/request", "higher",
                       goal, what, f"s3prod bench engine  # {name}")
            )  # fmt: skip
    return records


def _python_peer(name: str, module: str, package: str, goal: float) -> list[Record]:
    if importlib.util.find_spec(module) is None:
        raise MissingPeer(f"{module}: not found, install the Python package {package}")
    script = Path(__file__).with_name("peer_put.py")

    def peer() -> float:
        out, _, _ = timed([sys.executable, str(script), module, serve["endpoint"]])
        return float(json.loads(out)["cpu_us"])

    with server("null") as serve:
        plan = put_plan(32)
        found = interleave({"engine": lambda: run_engine(plan, serve)[1], module: peer})
    what = f"signed 1 KiB PUT: CPU µs a request of {module}'s threads over the engine's"
    return [
        Record(name, found[module] / found["engine"], found["engine"], found[module], "CPU µs/request", "higher", goal, what,
               f"s3prod bench {name}")
    ]  # fmt: skip


def against_boto3() -> list[Record]:
    """The same PUTs by boto3 threads."""
    return _python_peer("engine-boto3", "boto3", "boto3", 80)


def against_obstore() -> list[Record]:
    """The same PUTs by obstore's threads."""
    return _python_peer("engine-obstore", "obstore", "obstore", 2.5)
