"""Ceph's object gateway of Debian 12: what S3 demands, as far as it is known to keep it, and nothing that it keeps is alarmed."""

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
from rgw import Gateway, GatewayError

from s3prod import profile as profiles
from s3prod.probe import BUDGET_S, probe
from s3prod.target import Target

HERE = Path(__file__).resolve().parent


def test_store_suite(gateway: Gateway, run_suite: Any, record_property: Callable[[str, object], None]) -> None:
    """Every test of `tests/store` that is about S3: those in `rgw16.toml` fail, all others pass."""
    done = run_suite(*gateway.keys, "tests/store", "--expected", str(HERE / "rgw16.toml"), "-r", "fE")
    assert done.returncode == 0, done.stdout + done.stderr
    record_property(lanes.SAYS, next(line for line in done.stdout.splitlines() if line.startswith("Ceph RGW")))


def test_production(gateway: Gateway, run_suite: Any, record_property: Callable[[str, object], None]) -> None:
    """Every production test ends as `rgw16-production.toml` says, and names the deviations that make it end so."""
    scale = "full" if lanes.whole() else "smoke"
    known = set(tomllib.loads((HERE / "rgw16.toml").read_text("utf-8")))
    expected = production.read(HERE / "rgw16-production.toml", scale, known)
    words = ["tests/production", "--scale", scale, "--profile", "ceph-rgw-16", *production.WORDS]
    if scale == "smoke":  # side by side: what cannot commit waits until its time is up
        words += ["-n", "4", "--dist", "load", "--maxschedchunk", "1"]
    began = time.monotonic()
    done = run_suite(*gateway.keys, *words, timeout=7200)
    found, seconds = production.ended(done.stdout), time.monotonic() - began
    if wrong := production.differences(expected, found):
        pytest.fail("\n".join([*wrong, done.stdout, done.stderr, *wrong]), pytrace=False)
    shown = production.told(expected, found)
    record_property(lanes.SAYS, f"rgw16: production tests at {scale} in {seconds:.0f} s: {shown}")


PASSED = "PASSED tests/production/test_a.py::test_production_b\n"
FAILED = (
    "___ test_production_b ___\nstale-read [K1]\n=== short test summary info ===\n"
    "FAILED tests/production/test_a.py::test_production_b - said at the end\n"
)
STALE = production.End("FAILED", ("D1",), ("stale-read [K1]", ["torn-read", "said at the end"]))
TORN = production.End("FAILED", ("D2",), (["torn-read", "mixed"],))
HELD = production.End("PASSED")


@pytest.mark.parametrize(("ends", "output", "wrong"), [
    ([STALE], FAILED, []),
    ([HELD], PASSED, []),
    ([HELD, STALE], FAILED, []),
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


def test_probe(gateway: Gateway, record_property: Callable[[str, object], None]) -> None:
    """What a probe finds is what the built-in profile says, key by key."""
    target = Target((gateway.endpoint,), gateway.access_key, gateway.secret_key)
    report, profile = probe(target), profiles.load("ceph-rgw-16")
    probed = {key: each.value for key, each in report.findings.items() if not each.not_probed and key != "name"}
    assert probed == {key: profile[key] for key in probed}
    unknown = {"name", "list_interval", "cond_409_possible", "max_clock_skew_ms", "usage_probe", "usage_lag_ms"}
    assert set(profile) - set(probed) == unknown | {"lifecycle_day_ms", "replication_lag_ms"}
    assert (report.failed, report.left_behind, report.contradictions(profile)) == ({}, [], {})
    assert report.seconds < BUDGET_S
    record_property(lanes.SAYS, f"rgw16: probed in {report.seconds:.1f} s, as ceph-rgw-16.toml says")


def alive(process: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_daemons_end_with_their_parent() -> None:
    code = "from rgw import Gateway; g = Gateway(); print(g.root, *g.processes(), flush=True); input()"
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    root, *numbers = parent.stdout.readline().split()
    daemons = [int(number) for number in numbers]
    assert len(daemons) == 3 and all(map(alive, daemons))
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate(timeout=30)
    until = time.monotonic() + 30
    while any(map(alive, daemons)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, daemons))
    subprocess.run(["rm", "-r", root], check=True)


def test_start_and_end_are_quick(record_property: Callable[[str, object], None]) -> None:
    began = time.monotonic()
    gateway = Gateway()
    ready = time.monotonic()
    gateway.close()
    ended = time.monotonic()
    assert not gateway.root.exists()
    assert ready - began < 60 and ended - ready < 30
    record_property(lanes.SAYS, f"rgw16: ready in {ready - began:.1f} s, ended in {ended - ready:.1f} s")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GatewayError, match=r"monmaptool, expected in PATH \(tools/setup.sh packages"):
        Gateway()


def test_a_daemon_that_ends_is_shown_with_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "radosgw").write_text("#!/bin/sh\necho no luck; exit 3\n")
    (tmp_path / "radosgw").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(GatewayError, match=r"(?s)radosgw: ended with status 3.*--- radosgw.out\nno luck"):
        Gateway()
