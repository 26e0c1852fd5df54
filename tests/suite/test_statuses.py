"""The five statuses of a test, each reached by real tests in a suite of their own; nothing hangs, and no secret is said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from s3prod.client import S3Client

ENDINGS = """
import os, signal
import pytest
from s3prod.plan import Group, Plan, Require, get, make_bucket, put, put_versioning, remove_bucket
from s3prod.testing import run_concurrent_operations

def test_holds(run_plan):
    run_plan(Plan("holds", groups=[make_bucket(), Group("g", [put("a"), get("a")], clients=4), remove_bucket()]))

def test_breaks():
    assert 1 == 2, "one is not two"

def test_raises(config):
    print("printed", config["s3_secret_key"])
    raise OSError("told " + config["s3_secret_key"])

def test_proves_too_little(run_plan):
    few = Group("g", [put("a")])
    run_plan(Plan("thin", groups=[make_bucket(), few, remove_bucket()], require={"*": Require(acked_writes=50)}))

def test_is_not_supported(run_plan):
    run_plan(Plan("versions", groups=[make_bucket(), Group("g", [put_versioning("Enabled")]), remove_bucket()]))

def test_overlaps_too_little():
    run_concurrent_operations(lambda client: None, 2, 0, min_overlap=1.1)

def test_kills_its_process():
    os.kill(os.getpid(), signal.SIGKILL)

@pytest.fixture
def leaks():
    yield
    raise RuntimeError("not cleaned up")

def test_leaks(leaks):
    pass
"""
SLOW = """
import signal, time
from s3prod.plan import Group, Plan, make_bucket, put, remove_bucket, sleep

def test_sleeps():
    time.sleep(600)

def test_loads_for_ever(run_plan):
    run_plan(Plan("long", groups=[make_bucket(), Group("g", [put("a"), sleep(600_000)]), remove_bucket()]))

def test_does_not_listen():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(600)

def test_next():
    pass
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory, embedded_store):
    """Runs a file of tests as a suite of its own, on the embedded store as a given target."""

    def run(text, *words):
        root = tmp_path_factory.mktemp("suite")
        (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        (root / "tests" / "production").mkdir(parents=True)
        (root / "tests" / "production" / "test_own.py").write_text(text)
        (root / "plain.toml").write_text('versioning = "unsupported"\n')
        environ = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
        environ |= {"S3_ENDPOINT": embedded_store.endpoint, "S3_ACCESS_KEY": embedded_store.access_key}
        environ |= {"S3_SECRET_KEY": embedded_store.secret_key, "S3_BUCKET_PREFIX": "suite", "S3_PROFILE": "plain.toml"}
        call = f"import sys; from s3prod.suite.command import main; sys.exit(main({str(root)!r}, sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", call, *words], cwd=root, env=environ, capture_output=True, text=True, timeout=300
        )
        return root, done

    return run


@pytest.fixture(scope="module")
def ended(suite):
    return suite(ENDINGS, "-v", "-o", "out", "-f", "json")


def results(root):
    return {one["test_name"]: one for one in json.loads((root / "out" / "results.json").read_text())["results"]}


@pytest.mark.parametrize(
    ("test", "status", "message"),
    [
        ("test_holds", "PASSED", ""),
        ("test_breaks", "FAILED", "one is not two"),
        ("test_raises", "ERROR", "OSError: told …"),
        ("test_proves_too_little", "ERROR", 'inconclusive: too little evidence: acked_writes of key space "*" is 1'),
        (
            "test_is_not_supported",
            "SKIPPED",
            "profile generic says versioning = unsupported (the plan has put_versioning)",
        ),
        ("test_overlaps_too_little", "ERROR", "expected 1.1 or more: nothing is proven"),
        ("test_kills_its_process", "ERROR", "the process of the test ended by itself, with signal 9"),
        ("test_leaks", "ERROR", "RuntimeError: not cleaned up"),
    ],
)
def test_how_a_test_ends(ended, test, status, message):
    root, done = ended
    assert done.returncode == 1, done.stdout + done.stderr
    one = results(root)[test]
    assert one["status"] == status and message in one["message"] and "\n" not in one["message"]
    assert (one["error"] is None) == (status in ("PASSED", "SKIPPED"))


def test_the_run_says_it_all(ended, embedded_store):
    root, done = ended
    assert "total 8, passed 1, failed 1, skipped 1, errors 5" in done.stdout
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert embedded_store.secret_key.encode() not in written
    assert embedded_store.secret_key not in done.stdout + done.stderr


def test_figures_are_in_run_json_and_in_junit(suite):
    root, done = suite(ENDINGS, "-t", "test_holds", "-o", "out", "-f", "junit", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^test_holds +holds +[0-9]+ .* held$", done.stdout, re.MULTILINE)
    figures = json.loads((root / "out" / "test-holds" / "holds" / "run.json").read_text())["summary"]
    said = ET.parse(root / "out" / "results.xml").find(".//property[@name='holds']").get("value")
    assert figures.items() <= json.loads(said).items()
    assert (figures["verdict"], figures["seed"], figures["errors"], figures["retries"]) == ("held", 1, {}, 0)
    assert figures["operations"] > 8 and figures["operations_per_second"] > 0 and figures["max_in_flight"] >= 1
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"] <= figures["latency_p999_ms"]
    assert 0 <= figures["memory_mb"] < figures["peak_rss_mb"] < 300 and 0 < figures["duration_seconds"] < 60
    assert len(figures["profile_hash"]) == 64


def test_a_test_that_takes_too_long_ends_and_the_next_one_begins(suite, embedded_target):
    root, done = suite(SLOW, "--timeout", "2", "-o", "out", "-f", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    found = results(root)
    assert {name: one["status"] for name, one in found.items()} == {
        "test_sleeps": "TIMEOUT", "test_loads_for_ever": "TIMEOUT", "test_does_not_listen": "TIMEOUT", "test_next": "PASSED",
    }  # fmt: skip
    assert all(
        "the test took longer than 2 s" in one["message"] for one in found.values() if one["status"] == "TIMEOUT"
    )
    load = found["test_loads_for_ever"]["message"]
    assert "the history of long is kept in" in load and "cleaned up: suite-main-" in load
    assert len(list(root.glob("out/*/long/history.s3ph"))) == 1
    left = [bucket["Name"] for bucket in S3Client(embedded_target).list_buckets()]
    assert not [name for name in left if name.startswith("suite-")]
