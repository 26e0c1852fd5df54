"""Stores of other people's: what S3 demands, as far as each is known to keep it, and nothing that it keeps is alarmed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lane_table as lanes
import production
import pytest
import stores

from conftest import Running
from s3prod import profile as profiles
from s3prod.probe import BUDGET_S, probe
from s3prod.target import Target

Say = Callable[[str, object], None]
HERE = Path(__file__).resolve().parent


def test_store_suite(running: Running, run_suite: Any, record_property: Say) -> None:
    """Every test of `tests/store` that is about S3: those in `<lane>.toml` fail, all others pass."""
    expected = str(HERE / f"{running.lane}.toml")
    done = run_suite(*running.server.keys, "tests/store", "--expected", expected, "-r", "fE", timeout=7200)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = next(line for line in done.stdout.splitlines() if " failed as expected (" in line)
    record_property(lanes.SAYS, f"{running.lane}: {counted}")


def test_production(running: Running, run_suite: Any, record_property: Say) -> None:
    """Every production test ends as `<lane>-production.toml` says, and names the deviations that make it end so."""
    lane = running.lane
    scale = "full" if lanes.whole() and lanes.LANES[lane].blocking else "smoke"
    known = set(tomllib.loads((HERE / f"{lane}.toml").read_text("utf-8")))
    expected = production.read(HERE / f"{lane}-production.toml", scale, known)
    words = ["tests/production", "--scale", scale, "--profile", running.store.profile, *production.WORDS]
    if scale == "smoke":  # side by side: what cannot commit waits until its time is up
        words += ["-n", "4", "--dist", "load", "--maxschedchunk", "1"]
    began = time.monotonic()
    done = run_suite(*running.server.keys, *words, timeout=7200)
    found, seconds = production.ended(done.stdout), time.monotonic() - began
    if wrong := production.differences(expected, found):
        pytest.fail("\n".join([*wrong, done.stdout, done.stderr, *wrong]), pytrace=False)
    shown = production.told(expected, found)
    record_property(lanes.SAYS, f"{lane}: production tests at {scale} in {seconds:.0f} s: {shown}")


def test_probe(running: Running, record_property: Say) -> None:
    """What a probe finds is what the built-in profile says, key by key; what it leaves open stands in the store's row."""
    server, name = running.server, running.store.profile
    report, profile = probe(Target((server.endpoint,), server.access_key, server.secret_key)), profiles.load(name)
    probed = {key: each.value for key, each in report.findings.items() if not each.not_probed and key != "name"}
    cautious = running.store.cautious_keys
    assert {key: value for key, value in probed.items() if key not in cautious} == {
        key: profile[key] for key in probed if key not in cautious
    }
    assert [key for key in cautious if probed[key] == profile[key]] == []
    assert set(profile) - set(probed) == stores.NEVER_PROBED | running.store.open_keys
    assert (report.failed, report.left_behind, report.contradictions(profile)) == ({}, [], {})
    assert report.seconds < BUDGET_S
    record_property(
        lanes.SAYS, f"{running.lane}: {running.server.version}, probed in {report.seconds:.1f} s, as {name}.toml says"
    )


def alive(process: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_daemons_end_with_their_parent(running: Running) -> None:
    code = f"import stores; s = stores.start({running.lane!r}); print(s.root, *s.processes(), flush=True); input()"
    path = os.pathsep.join(map(str, (HERE, HERE.parent)))
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    root, *numbers = parent.stdout.readline().split()
    daemons = [int(number) for number in numbers]
    assert len(daemons) == len(running.server.processes()) and all(map(alive, daemons))
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate(timeout=30)
    until = time.monotonic() + 30
    while any(map(alive, daemons)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, daemons))
    subprocess.run(["rm", "-r", root], check=True)


def test_start_and_end_are_quick(running: Running, record_property: Say) -> None:
    began = time.monotonic()
    server = stores.start(running.lane)
    ready = time.monotonic()
    server.close()
    ended = time.monotonic()
    assert not server.root.exists()
    assert ready - began < 60 and ended - ready < 30
    record_property(lanes.SAYS, f"{running.lane}: ready in {ready - began:.1f} s, ended in {ended - ready:.1f} s")


PASSED = "PASSED tests/production/test_a.py::test_production_b\n"
FAILED = (
    "___ test_production_b ___\nstale-read [K1]\n=== short test summary info ===\n"
    "FAILED tests/production/test_a.py::test_production_b - said at the end\n"
)
SKIPPED = "SKIPPED tests/production/test_a.py::test_production_b - Skipped: unsupported: no tags\n"
ABSENT = production.End("SKIPPED", ("U", "D10", "D9"), ("no tags",))
STALE = production.End("FAILED", ("D1",), ("stale-read [K1]", ["torn-read", "said at the end"]))
TORN = production.End("FAILED", ("D2",), (["torn-read", "mixed"],))
HELD = production.End("PASSED")


@pytest.mark.parametrize(("ends", "output", "wrong"), [
    ([STALE], FAILED, []),
    ([HELD], PASSED, []),
    ([HELD, STALE], FAILED, []),
    ([ABSENT], SKIPPED, []),
    ([ABSENT], PASSED, ["a::b: PASSED, expected SKIPPED (U, D10, D9)"]),
    ([STALE], PASSED, ["a::b: PASSED, expected FAILED (D1)"]),
    ([HELD], FAILED, ["a::b: FAILED, expected PASSED"]),
    ([HELD, TORN], FAILED, ["a::b: FAILED, expected PASSED; or FAILED, and does not say 'torn-read' or 'mixed'"]),
    ([], PASSED, ["a::b: PASSED, and it has no row"]),
    ([STALE], "", ["a::b: has a row, and did not run"]),
])  # fmt: skip
def test_every_difference_is_named(ends: list[production.End], output: str, wrong: list[str]) -> None:
    expected, found = {"a::b": ends} if ends else {}, production.ended(output)
    assert production.differences(expected, found) == wrong
    if not wrong:
        assert production.told(expected, found).startswith(f"1 {found['a::b'][0]} as expected (")
