"""run(): metrics, progress, Ctrl-C, fork, exit. The store is the embedded one."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from s3prod import _native

PLAN = {
    "name": "small",
    "buckets": ["main"],
    "groups": [
        {"group": "make", "phase": "setup", "clients": 1, "program": [{"create_bucket": "main"}]},
        {"group": "work", "clients": 3, "arrival": {"closed": {"times": 5}}, "program": [{"put": "a"}, {"get": "a"}]},
        {
            "group": "remove",
            "phase": "teardown",
            "clients": 1,
            "program": [{"delete": "a"}, {"delete_bucket": "main"}],
        },
    ],
}


def _long(seconds: float) -> dict:
    """Until the stop rule, or a signal."""
    work = PLAN["groups"][1] | {"arrival": {"closed": {"until": "stop"}}}
    return PLAN | {"stop": {"seconds": seconds}, "groups": [PLAN["groups"][0], work, PLAN["groups"][2]]}


def test_metrics_and_history(embedded_target, path):
    metrics = _native.run(PLAN, embedded_target, history=path)
    assert metrics["ops"]["put"]["ok"] == 15 and metrics["ops"]["get"]["ok"] == 15
    assert not metrics["interrupted"] and metrics["left_behind"] == []
    history = _native.History(path)
    assert history.complete and len(history) == 33
    assert {record["op"] for record in history} == {"create_bucket", "put", "get", "delete", "delete_bucket"}
    verdict = _native.check(path)
    assert verdict["violations"] == 0 and verdict["attempts"] == 33
    assert verdict == _native.check(path, profile=history.header["profile"]) | {"checker": verdict["checker"]}


def test_texts_and_objects_are_plans_too(embedded_target):
    class Thing:
        def __init__(self, value):
            self.value = value

        def to_json(self):
            return json.dumps(self.value)

    assert _native.run(json.dumps(PLAN), Thing(embedded_target))["ops"]["put"]["ok"] == 15


def test_histogram_is_optional(embedded_target):
    with_them = _native.run(PLAN, embedded_target)["ops"]["put"]
    assert with_them["hist"].startswith("HISTFAAA")


def test_progress(embedded_target):
    seen = []
    metrics = _native.run(_long(3), embedded_target, progress=seen.append)
    assert 2 <= len(seen) <= metrics["seconds"] / 0.5 + 1
    assert seen[-1]["attempts"] >= seen[0]["attempts"] > 0
    assert seen[-1].keys() >= {"phase", "elapsed_ns", "ok", "failed", "unknown", "in_flight", "bytes_out", "bytes_in"}


def test_exception_of_progress_ends_the_run(embedded_target, path):
    def fail(_):
        raise LookupError("enough")

    start = time.monotonic()
    with pytest.raises(LookupError, match="enough"):
        _native.run(_long(60), embedded_target, history=path, progress=fail)
    assert time.monotonic() - start < 30
    history = _native.History(path)
    assert len(history) > 0 and not history.complete


@pytest.mark.parametrize(("plan", "error"), [("{", ValueError), ({"name": "x"}, ValueError), (5, TypeError)])
def test_bad_plans(plan, error, path):
    with pytest.raises(error) as caught:
        _native.run(plan, {}, history=path)
    assert "\n" not in str(caught.value)
    assert not os.path.exists(path)


def test_bad_arguments(embedded_target, path):
    with pytest.raises(TypeError, match="progress"):
        _native.run(PLAN, embedded_target, progress=5)
    open(path, "w").close()
    with pytest.raises(FileExistsError):
        _native.run(PLAN, embedded_target, history=path)


INTERRUPTED = """
import json, os, signal, sys, threading, time
from s3prod import _native
plan, target, path, attempts, again = json.loads(sys.argv[1])
def kill():
    while not os.path.exists(path):
        time.sleep(0.001)
    if attempts:
        under_way.wait()
        time.sleep(0.05)  # out of the callback
    for _ in range(again):
        os.kill(os.getpid(), signal.SIGINT)
        sent.append(time.monotonic())
        time.sleep(0.005)
def interrupt(*_):
    seen.append(1)
    if len(seen) == 1:  # a second one may come when the run has just been left
        raise KeyboardInterrupt
def progress(now):
    if now["attempts"] > attempts:
        under_way.set()
sent, seen, under_way = [], [], threading.Event()
signal.signal(signal.SIGINT, interrupt)
try:
    threading.Thread(target=kill, daemon=True).start()
    _native.run(plan, target, history=path, progress=progress if attempts else None)
except KeyboardInterrupt:
    took = time.monotonic() - sent[0]
    print(json.dumps({"took": took, "live": _native._debug_live()}))
"""


@pytest.mark.parametrize(("attempts", "again"), [(10, 1), (10, 2), (0, 1)])
def test_sigint(embedded_target, path, attempts, again):
    """KeyboardInterrupt at once, with the history closed and kept: after some attempts, or as soon as there is a history.

    At once is within 100 ms; on a busy machine, within half a second at least once in five.
    """
    best = 60.0
    for number in range(5):
        arguments = json.dumps([_long(60), embedded_target, f"{path}-{number}", attempts, again])
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, arguments], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["live"] == {"engines": 0, "histories": 0, "writers": 0}
        history = _native.History(f"{path}-{number}")
        assert not history.complete and len(history) >= attempts
        best = min(best, said["took"])
        if best < 0.5:
            break
    assert best < 0.5


def _wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_sigterm_ends_the_process(embedded_target, path):
    arguments = json.dumps([_long(60), embedded_target, path, 1 << 40, 1])
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, arguments])
    assert _wait_for(lambda: os.path.exists(path) and os.path.getsize(path) % 64 == 0 and os.path.getsize(path) > 0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM
    assert not _native.History(path).complete


AT_EXIT = """
import json, sys, threading, time
from s3prod import _native
plan, target, path = json.loads(sys.argv[1])
under_way = threading.Event()
keywords = {"history": path, "progress": lambda now: now["attempts"] and under_way.set()}
threading.Thread(target=_native.run, args=(plan, target), kwargs=keywords, daemon=True).start()
under_way.wait(30)
"""


def test_exit_while_an_engine_runs(embedded_target, path):
    """The interpreter's end stops it, and its history is closed."""
    arguments = json.dumps([_long(60), embedded_target, path])
    done = subprocess.run([sys.executable, "-c", AT_EXIT, arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stderr == ""
    history = _native.History(path)
    assert len(history) > 0 and not history.complete
    with open(path, "rb") as file:
        assert b"S3PHEND1" in file.read()[-64:]


def test_fork_inside_a_run(embedded_target, path):
    """The child of a fork gets RuntimeError and leaves the parent's engine alone."""
    children = []

    def fork(_):
        if not children:
            pid = os.fork()
            if pid == 0:
                return
            children.append(pid)

    me = os.getpid()
    try:
        metrics = _native.run(_long(3), embedded_target, history=path, progress=fork)
    except RuntimeError as error:
        os._exit(0 if os.getpid() != me and "fork" in str(error) else 7)
    if os.getpid() != me:
        os._exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert not metrics["interrupted"] and _native.History(path).complete


def test_two_threads_run_at_once(embedded_target):
    barrier, results = threading.Barrier(2), []

    def work():
        barrier.wait()
        results.append(_native.run(PLAN, embedded_target))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result["ops"]["put"]["ok"] for result in results] == [15, 15]


def test_no_growth_over_runs(embedded_target):
    counts = []
    for _ in range(5):
        _native.put_storm(embedded_target, clients=2, puts=10)
        gc.collect()
        counts.append(len(gc.get_objects()))
    assert counts[2] == counts[3] == counts[4]
    assert len(os.listdir("/proc/self/fd")) < 64


def test_short_forms(embedded_target):
    storm = _native.put_storm(embedded_target, clients=4, puts=50, size=100, seed=3)
    assert storm["metrics"]["ops"]["put"]["ok"] == 50 and storm["metrics"]["left_behind"] == []
    assert storm["verdict"]["consistency"] == "held"
    loop = _native.cas_loop(embedded_target, clients=3, commits=4)
    assert loop["metrics"]["ops"]["put"]["ok"] == 13
    assert loop["verdict"]["consistency"] == "held"


@pytest.mark.parametrize("bad", [{"clients": 0}, {"puts": 0}, {"size": 0}, {"size": 1 << 40}])
def test_short_forms_refuse(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        _native.put_storm({}, **bad)
