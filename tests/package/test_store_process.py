"""The embedded store as a child process: its first line, its errors, its end."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from s3prod.client import S3Client
from s3prod.errors import StoreError
from s3prod.store import EmbeddedStore
from s3prod.usage import stored_bytes

FAKE = """
import json, sys, time
{before}
print(json.dumps({{"endpoint": "http://127.0.0.1:1", "endpoints": ["http://127.0.0.1:1"], "access_key": "a",
                   "secret_key": "s", "pid": 1, "admin": None, "argv": sys.argv[1:]}}), flush=True)
{after}
time.sleep(60)
"""


def fake(after="", before="", text=None):
    return [sys.executable, "-S", "-c", FAKE.format(after=after, before=before) if text is None else text]


def gone(pid):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # ended; nobody has asked for its status
            return True
        time.sleep(0.02)
    return False


def test_the_real_store_answers_and_ends_cleanly():
    with EmbeddedStore(endpoints=2, seed=3) as store:
        assert len(store.endpoints) == 2 and store.endpoint == store.endpoints[0]
        assert store.alive() and store.admin is None
        assert store.altered() == {"mutants": {}, "modes": {}, "request_ids": []}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(store.endpoint, timeout=30)
        assert refused.value.code == 403
        assert store.target(bucket_prefix="other").bucket_prefix == "other"
        assert store.target().durability == "fast"
        assert store.target().embedded and store.target().profile["name"] == "embedded"
        pid = store.pid
    assert store.close() == 0
    assert gone(pid)


def test_region_and_usage():
    with EmbeddedStore(region="eu-1", options=["--admin"]) as store:
        assert store.target().region == "eu-1"
        assert S3Client(store.target()).create_bucket("bkt")
        assert list(store.usage()["buckets"]) == ["bkt"]
        assert stored_bytes(store.profile(), "bkt") == 0
        S3Client(store.target()).put_object("bkt", "key", b"12345")
        assert stored_bytes(store.profile(), "bkt") == 5
        with pytest.raises(StoreError, match="bucket: other, expected one of bkt, expected a number of bytes"):
            stored_bytes(store.profile(), "other")
        assert "usage_probe" not in store.target().public()["profile"], "no report holds a command"
    with EmbeddedStore() as store, pytest.raises(StoreError, match="--admin"):
        store.usage()


def test_mutants_open_the_admin_port():
    with EmbeddedStore(mutants=["lost-ack-write:p=1"]) as store:
        assert store.admin is not None
        assert set(store.altered()) == {"mutants", "modes", "request_ids"}
        assert "lost-ack-write" in store.altered()["mutants"]


def test_a_store_that_refuses_its_options_is_one_line():
    with pytest.raises(StoreError) as caught:
        EmbeddedStore(mutants=["no-such-mutant"])
    text = str(caught.value)
    assert "no-such-mutant" in text and "\n" not in text and not text.startswith("s3prod:")


def test_sigkill_is_survived():
    store = EmbeddedStore()
    store.kill()
    assert not store.alive()
    assert store.close() == -9


def test_options_reach_the_command():
    store = EmbeddedStore(
        argv=fake("print(*sys.argv[1:], end='', file=sys.stderr, flush=True)"),
        mutants=["m:p=1"],
        durable=True,
        options=["--x"],
    )
    with store:
        until = time.monotonic() + 60
        while "--x" not in (said := _errors(store)) and time.monotonic() < until:
            time.sleep(0.02)
    assert said == "--with-parent --port 0 --mutant m:p=1 --durable --x"


def _errors(store):
    store._errors.seek(0)
    return store._errors.read().decode()


def test_a_child_that_says_nothing_in_time_is_ended():
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"no first line after 0\.3 s"):
        EmbeddedStore(argv=fake(text="import time; time.sleep(60)"), deadline_s=0.3)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print('hello', flush=True); input()", "expected a JSON line"),
        ("print('[]', flush=True)", "expected a JSON line"),
        (
            "import sys; print('one'); sys.exit(print('s3prod: port: 70000, expected 0 to 65535', file=sys.stderr) or 2)",
            "JSON",
        ),
        (
            "import sys; print('s3prod: port: 70000, expected 0 to 65535', file=sys.stderr); sys.exit(2)",
            "port: 70000, expected",
        ),
        ("raise SystemExit(7)", "ended with status 7 before it answered"),
    ],
)
def test_bad_starts(text, words):
    with pytest.raises(StoreError) as caught:
        EmbeddedStore(argv=fake(text=text))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_stubborn_child_is_killed(monkeypatch):
    monkeypatch.setattr("s3prod.child.END_S", 0.2)
    store = EmbeddedStore(argv=fake(before="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    assert store.close() == -9


def test_a_store_that_is_dropped_is_ended():
    store = EmbeddedStore(argv=fake())
    pid = store._process.pid
    del store
    assert gone(pid)


ORPHAN = """
import os, sys, time
from s3prod.store import EmbeddedStore
store = EmbeddedStore()
fds = f"/proc/{store.pid}/fd"
while not any("pidfd" in os.readlink(f"{fds}/{fd}") for fd in os.listdir(fds)):
    time.sleep(0.01)  # until it watches its parent
print(store.pid, flush=True)
"""


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)", "raise SystemExit(1)"])
def test_no_orphan_is_left_when_the_parent_ends(how):
    parent = subprocess.run([sys.executable, "-c", ORPHAN + how], capture_output=True, text=True, timeout=300)
    assert gone(int(parent.stdout))
