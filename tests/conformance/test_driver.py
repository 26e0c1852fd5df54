"""What can happen to a driver: it is not there, says nonsense, dies, is interrupted; and what it must say of a lost reply."""

from __future__ import annotations

import os
import signal

import pytest

from s3prod import Group, Plan, _native, run_plan
from s3prod.errors import RunError, UsageError
from s3prod.plan import ANY, barrier, get, make_bucket, put, remove_bucket, repeat
from s3prod.runners import driver
from s3prod.verdict import check

from .test_programs import records_of, steps_of

NAME = "aws-sdk-go-v2"
POPEN = driver.subprocess.Popen
BUSY = [
    make_bucket(),
    Group("writers", [barrier("go"), repeat(100_000, put("a", 10_000))], clients=4),
    Group("readers", [barrier("go"), repeat(100_000, get("a"))], clients=4),
    remove_bucket(),
]


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Puts a shell script in the driver's place."""

    def put_in_place(script):
        program = tmp_path / "bin" / NAME
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(driver, "BUILT", program.parent)

    return put_in_place


def carry_out(target, out, groups=BUSY, progress=None, **settings):
    return run_plan(Plan("driven", groups=groups, **settings), target, runner=NAME, out=out, progress=progress)


def test_a_driver_that_was_not_built(embedded_target, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "BUILT", tmp_path)
    with pytest.raises(UsageError, match="make driver-go"):
        carry_out(embedded_target, tmp_path / "out")


@pytest.mark.parametrize(
    "script, message",
    [
        ("echo nonsense; cat >/dev/null", "said .*nonsense.*expected a line of its protocol"),
        ("""echo '{"rec": "hello", "v": 7}'; cat >/dev/null""", "v 7, expected a hello of protocol 1"),
        ("""echo '{"rec": "hello", "v": 1, "clock_ns": 1}'; cat >/dev/null""", "clock_ns 1, expected CLOCK_MONOTONIC"),
        ("echo it is broken >&2; exit 3", r"ended with status 3 before it said anything \(it is broken\)"),
    ],
)
def test_a_driver_that_is_none(script, message, fake, embedded_target, tmp_path):
    fake(script)
    with pytest.raises(RunError, match=message):
        carry_out(embedded_target, tmp_path / "out")


def test_a_driver_that_dies(embedded_target, tmp_path, monkeypatch):
    """What it had in flight is unknown to infinity, and the store is not blamed for it."""
    started = []
    monkeypatch.setattr(driver.subprocess, "Popen", lambda *a, **k: started.append(POPEN(*a, **k)) or started[-1])

    def kill(told):
        if told["attempts"] > 200:
            os.kill(started[0].pid, signal.SIGKILL)

    with pytest.raises(RunError, match=rf"driver: {NAME} ended by SIGKILL after \d+ attempts"):
        carry_out(embedded_target, tmp_path / "out", progress=kill)
    path = str(tmp_path / "out" / "history.s3ph")
    history = _native.History(path)
    records = [history.record(i) for i in range(len(history))]
    open_ones = [record for record in records if record.get("wire") == "cancelled"]
    assert open_ones and all("t_return" not in one and one["outcome"] == "unknown" for one in open_ones)
    assert len({one["client"] for one in open_ones}) == len(open_ones) <= 8
    assert check(path).violations == 0


def test_ctrl_c(embedded_target, tmp_path):
    def interrupt(told):
        if told["attempts"] > 200:
            raise KeyboardInterrupt

    run = carry_out(embedded_target, tmp_path, progress=interrupt)
    assert run.metrics["interrupted"] and run.verdict.violations == 0
    cut = [record for record in records_of(run) if record.get("wire") == "cancelled"]
    assert cut and all("t_return" not in record for record in cut)
    assert all(record["outcome"] == ("unknown" if record["phase"] != "not_sent" else "failed") for record in cut)


def test_a_lost_reply_of_a_create_is_unknown(embedded_target, tmp_path):
    """Retries are off: the SDK's own would turn it into a 412."""
    groups = [make_bucket(), Group("g", [put("a", 100, if_none_match=ANY), get("a")]), remove_bucket()]
    run = carry_out(embedded_target, tmp_path, groups, faults=["drop-ack-after-commit:op=put"], deadline_ms=2000)
    records = records_of(run)
    assert [" ".join(step.split()[:2]) for step in steps_of(run, records, "g")] == ["put unknown", "get ok"]
    assert run.metrics["ops"]["put"]["attempts"] == 1 and run.verdict.consistency == "held"


def test_large_bodies_cost_no_memory(embedded_target, tmp_path):
    groups = [make_bucket(), Group("g", [put("a", 64 << 20), get("a")], clients=4), remove_bucket()]
    run = carry_out(embedded_target, tmp_path, groups)
    assert run.verdict.consistency == "held" and run.metrics["driver_rss_mb"] < 100
