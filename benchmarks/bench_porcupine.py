"""The checker's register and porcupine (Go) on the same honest histories, linearization points drawn at random.

Both judge in memory, on one thread; times are CPU time of the judging alone. What a limit cut short counts for porcupine as if it
had been decided, so its rates are upper bounds there.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import CLIENT_CORE, ROOT, MissingPeer, Record, interleave, pinned, tool_json

UNIT = "ops/s a core"
COMMAND = "s3prod bench check-porcupine"
SECONDS_A_KEY = 5
LARGE_OPS, LARGE_SECONDS, LARGE_BYTES = 100_000, 300, 10 << 30


def _porcupine() -> str:
    program = shutil.which("porcupine", path=str(ROOT / "build" / "peers"))
    if program is None:
        raise MissingPeer("porcupine: not found, `make bench` builds it where there is a recent go")
    return program


def _run(path: str, seconds: int, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """porcupine with so many seconds a key."""
    command = [*pinned(CLIENT_CORE), _porcupine(), "-timeout", str(seconds), path]
    return subprocess.run(command, env=os.environ | {"GOMAXPROCS": "1"}, capture_output=True, text=True, **kwargs)


def _row(name: str, what: str, goal: float, words: list[str], rounds: int) -> Record:
    """Both sides on the histories that `words` make."""
    _porcupine()
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        path = str(Path(folder) / "histories")
        tool_json("s3p_registerbench", *words, "-x", path)
        decided = [0, 0]

        def theirs() -> float:
            done = _run(path, SECONDS_A_KEY, check=True)
            found = json.loads(done.stdout)
            decided[:] = found["decided"], found["keys"]
            return float(found["ops"] / found["cpu_s"])

        sides: dict[str, Callable[[], float]] = {
            "ours": lambda: float(tool_json("s3p_registerbench", *words)["ops_per_s"]),
            "porcupine": theirs,
        }
        found = interleave(sides, rounds)
    what += f"; porcupine decided {decided[0]} of {decided[1]} keys in {SECONDS_A_KEY} s each"
    ours, peer = found["ours"], found["porcupine"]
    return Record(name, ours / peer, ours, peer, UNIT, "higher", goal, what, f"{COMMAND}  # {name}", rounds=rounds)


def against_porcupine() -> list[Record]:
    """Registers of 1,000 operations a key, 4 and 16 in flight; the search on histories with deletes and refused creates."""
    return [
        _row("check-porcupine-4", "reads and writes, 4 in flight", 50, ["-c", "4", "-n", "1000", "-k", "100"], 5),
        _row("check-porcupine-16", "reads and writes, 16 in flight", 10_000, ["-c", "16", "-n", "1000", "-k", "8"], 1),
        _row(
            "check-porcupine-search-4", "with deletes, 4 in flight", 0, ["-d", "-c", "4", "-n", "1000", "-k", "100"], 5
        ),
        _row(
            "check-porcupine-search-8", "with deletes, 8 in flight", 0, ["-d", "-c", "8", "-n", "1000", "-k", "40"], 5
        ),
    ]


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (LARGE_BYTES, LARGE_BYTES))


def too_large() -> list[Record]:
    """One key of 100,000 operations, 16 in flight: ours decides it; porcupine has 10 GiB and five minutes."""
    words = ["-c", "16", "-n", str(LARGE_OPS), "-k", "1"]
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        path = str(Path(folder) / "histories")
        ours = float(tool_json("s3p_registerbench", *words, "-x", path)["ops_per_s"])
        begun = time.monotonic()
        done = _run(path, LARGE_SECONDS, preexec_fn=_limit_memory)
        seconds = time.monotonic() - begun
    if done.returncode == 0 and json.loads(done.stdout)["decided"]:
        peer, gave_up = LARGE_OPS / json.loads(done.stdout)["cpu_s"], ""
    else:
        why = "10 GiB" if "out of memory" in done.stderr else "time"
        peer, gave_up = (
            0.0,
            f"decided in {1000 * LARGE_OPS / ours:.1f} ms; porcupine gave up ({why}) after {seconds:.0f} s",
        )
    return [
        Record("check-porcupine-large", ours / peer if peer else 0, ours, peer, UNIT, "higher", 0,
               f"one key of {LARGE_OPS:,} operations, 16 in flight", "s3prod bench check-porcupine-large", rounds=1,
               missing=gave_up),
    ]  # fmt: skip
