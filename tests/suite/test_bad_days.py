"""Bad days: what is said in one line, which status it ends with, what is cleaned up, and what is said to be left behind."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s3prod.cli import main as s3prod
from s3prod.client import S3Client
from s3prod.errors import RunError
from s3prod.plan import Group, Plan, Require, get, make_bucket, put, put_versioning, remove_bucket
from s3prod.report.text import headline
from s3prod.results import Run, write_whole
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore
from s3prod.suite.command import _report
from s3prod.suite.record import Result
from s3prod.suite.session import Outcome
from s3prod.sweep import sweep

SECRET = "open-sesame-4711"
SMALL = Plan("small", groups=[make_bucket(), Group("g", [put("a"), get("a")], clients=2), remove_bucket()])
LARGE = Plan("large", groups=[make_bucket(), Group("g", [put("a"), get("a")] * 25, clients=8), remove_bucket()])


@pytest.fixture
def given(embedded_store, monkeypatch, tmp_path):
    """The environment's target is the embedded store, and the plans lie here."""
    for name in list(os.environ):
        if name.startswith("S3_"):
            monkeypatch.delenv(name)
    for name in ("endpoint", "access_key", "secret_key"):
        monkeypatch.setenv(f"S3_{name.upper()}", getattr(embedded_store, name))
    monkeypatch.chdir(tmp_path)
    for plan in (SMALL, LARGE):
        Path(f"{plan.name}.json").write_text(plan.to_json())


def buckets(target, prefix=""):
    return [bucket["Name"] for bucket in S3Client(target).list_buckets() if bucket["Name"].startswith(prefix)]


def one_line(capfd):
    said = capfd.readouterr()
    lines = [line for line in said.err.splitlines() if not re.match(r"large: (setup|main|teardown) ", line)]  # progress
    assert said.out == "" and len(lines) == 1 and "Traceback" not in said.err, said
    assert SECRET not in said.err
    return lines[0] + "\n"


# --- a target that is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("S3_SECRET_KEY", SECRET, "setup: create_bucket: 403 SignatureDoesNotMatch, expected a store that lets it begin; is "
         "secret_key right (…; S3_SECRET_KEY)?"),
        ("S3_ACCESS_KEY", "nobody", "setup: create_bucket: 403 InvalidAccessKeyId, expected a store that lets it begin; is "
         "access_key right (nobody; S3_ACCESS_KEY)?"),
        ("S3_REGION", "eu-west-9", "setup: create_bucket: 400 AuthorizationHeaderMalformed, expected a store that lets it "
         "begin; is region right (eu-west-9; S3_REGION)?"),
        ("S3_ENDPOINT", "http://127.0.0.1:9", "expected a store that lets it begin; is "
         "endpoints right (http://127.0.0.1:9; S3_ENDPOINT)?"),
        ("S3_BUCKET_PREFIX", "x" * 35, f"bucket_prefix: {'x' * 35}, expected 1 to 34 of a-z, 0-9 and -, first no -"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(given, embedded_target, monkeypatch, capfd, setting, value, expected):
    before = buckets(embedded_target)
    monkeypatch.setenv(setting, value)
    assert s3prod(["run", "small.json", "--out", "out"]) == 2
    assert one_line(capfd).endswith(f"{expected}\n")
    assert buckets(embedded_target) == before


def test_a_feature_that_the_store_refuses_is_no_pass(given, embedded_target, capfd):
    """501 to every PUT: nothing is proven, the answers are named, and the bucket is gone."""
    fault = "status-before-commit:status=501,code=NotImplemented,op=put"
    plan = Plan("refused", groups=SMALL.groups, require={"*": Require(acked_writes=1)})
    Path("refused.json").write_text(plan.to_json())
    assert s3prod(["run", "refused.json", "--out", "out", "--via-proxy", fault, "--bucket-prefix", "refused"]) == 3
    said = capfd.readouterr().out
    assert "INCONCLUSIVE" in said and re.search(r"^answers: .*501 2$", said, re.MULTILINE), said
    assert buckets(embedded_target, "refused") == []


def test_versions_that_the_store_refuses_are_no_pass(given, embedded_target, capfd):
    """501 to PutBucketVersioning: a plan about versions runs to its end, and all that it asks for is there without them."""
    versioned = put_versioning("Enabled")
    plan = Plan("refused", groups=[make_bucket(), Group("set", [versioned], phase="setup"), *SMALL.groups[1:]])
    Path("refused.json").write_text(plan.to_json())
    fault = "status-before-commit:status=501,code=NotImplemented,op=put_versioning"
    assert s3prod(["run", "refused.json", "--out", "out", "--via-proxy", fault, "--bucket-prefix", "refused"]) == 3
    assert "inconclusive: put_versioning was answered 501 each time" in capfd.readouterr().out
    assert headline(Run.read("out")).startswith("inconclusive: put_versioning was answered 501 each time")
    assert buckets(embedded_target, "refused") == []


# --- a disk that is full ---------------------------------------------------------------------------------------------


@pytest.fixture
def full_at():
    """A bound of the system on files stands for a full disk, without privileges."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1000, 8000])
@pytest.mark.parametrize("runner", ["native", "boto3"])
def test_a_history_without_room_is_no_verdict(given, embedded_target, full_at, capfd, runner, size):
    full_at(size)
    status = s3prod(["run", "large.json", "--out", "out", "--runner", runner, "--bucket-prefix", f"full-{runner}"])
    assert status == 2
    assert re.fullmatch(r"s3prod: out/history\.s3ph: .*File too large.*\n", one_line(capfd))
    assert not Path("out/run.json").exists() and buckets(embedded_target, f"full-{runner}") == []


@pytest.mark.parametrize("file", ["run.json", "report.html"])
def test_a_report_that_cannot_be_written_is_named(given, embedded_target, capfd, file):
    Path(f"out/{file}.part").mkdir(parents=True)
    assert s3prod(["run", "small.json", "--out", "out"]) == 2
    assert one_line(capfd) == f"s3prod: out/{file}: not written, expected room and rights (Is a directory)\n"
    assert Path("out/history.s3ph").exists()


def test_a_file_without_room_is_written_whole_or_not_at_all(tmp_path, full_at):
    path = tmp_path / "run.json"
    write_whole(path, "before")
    full_at(1000)
    with pytest.raises(RunError, match=r"run\.json: not written, expected room and rights \(File too large\)"):
        write_whole(path, "x" * 2000)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_results_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "results.json.part").mkdir()
    outcome = Outcome(ids=["a"], results=[Result("a", "PASSED")], status=0)
    with pytest.raises(RunError, match=r"results\.json: not written"):
        _report(outcome, argparse.Namespace(output_format="json", test=[]), tmp_path)


# --- a run that is cut short -----------------------------------------------------------------------------------------

OWN = """
from s3prod.plan import Group, Plan, Require, make_bucket, put, remove_bucket, repeat, sleep

def test_load(run_plan):
    steps = repeat(30, put("a"), sleep(100))
    load = Group("g", [steps], clients=4)
    enough = {"*": Require(acked_writes=120)}
    run_plan(Plan("load", groups=[make_bucket(), load, remove_bucket()], require=enough, deadline_ms=500))

def test_next():
    pass
"""


@pytest.fixture
def begin(tmp_path):
    """Starts the runner on a suite of its own against a store."""
    root = tmp_path / "root"
    (root / "tests" / "production").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (root / "tests" / "production" / "test_own.py").write_text(OWN)
    started = []

    def begin(store, prefix, *before):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
        environ |= {"S3_ENDPOINT": store.endpoint, "S3_ACCESS_KEY": store.access_key, "S3_SECRET_KEY": store.secret_key}
        call = f"import sys; from s3prod.suite.command import main; sys.exit(main({str(root)!r}, sys.argv[1:]))"
        words = [*before, sys.executable, "-c", call, "-o", str(tmp_path / "out"), "-f", "json"]
        started.append(subprocess.Popen(
            words, env=environ | {"S3_BUCKET_PREFIX": prefix}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ))  # fmt: skip
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def results(folder):
    return {one["test_name"]: one for one in json.loads((folder / "results.json").read_text())["results"]}


def test_a_store_that_dies_makes_the_run_inconclusive(begin, tmp_path):
    """The bucket of which nobody can say whether it is still there is named; the suite goes on."""
    with EmbeddedStore() as store:
        process = begin(store, "dies")
        client, until = S3Client(store.target()), time.monotonic() + 60
        while not any(client.object_exists(one["Name"], "a") for one in client.list_buckets()):
            assert time.monotonic() < until
            time.sleep(0.02)
        name = client.list_buckets()[0]["Name"]
        store.kill()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said, said
    assert store.secret_key not in said
    found = results(tmp_path / "out")
    assert {test: one["status"] for test, one in found.items()} == {"test_load": "ERROR", "test_next": "PASSED"}
    message = found["test_load"]["message"]
    assert message.startswith("inconclusive: too little evidence: acked_writes")
    assert re.search(rf"; no answer to [0-9,]+ of [0-9,]+ requests; left behind: {name}$", message)


# How a shell without job control begins what it puts in the background: that does not hear Ctrl-C.
IN_THE_BACKGROUND = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")


@pytest.mark.parametrize(
    ("how", "before"), [(signal.SIGINT, ()), (signal.SIGTERM, IN_THE_BACKGROUND)], ids=["ctrl-c", "kill"]
)
def test_an_interrupt_keeps_the_history_and_cleans_up(how, before, begin, tmp_path, embedded_store, embedded_target):
    """Only what the run made: a bucket with the same prefix stays."""
    client = S3Client(embedded_target)
    client.create_bucket("stopped-main-of-another")
    try:
        client.put_object("stopped-main-of-another", "a", b"mine")
        process = begin(embedded_store, "stopped", *before)
        while len(buckets(embedded_target, "stopped")) < 2:
            time.sleep(0.02)
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
        assert buckets(embedded_target, "stopped") == ["stopped-main-of-another"]
        assert client.get_object("stopped-main-of-another", "a")["Body"].read() == b"mine"
    finally:
        client.empty_bucket("stopped-main-of-another")
        client.delete_bucket("stopped-main-of-another")
    assert process.returncode == 1 and "Traceback" not in said, said
    assert re.search(r"^s3prod: interrupted: the history of load is kept in \S+; cleaned up: stopped-main-\w+; "
                     r"1 of 2 tests did not run$", said, re.MULTILINE), said  # fmt: skip
    assert [one["status"] for one in results(tmp_path / "out").values()] == ["ERROR"]
    assert len(list((tmp_path / "out").rglob("history.s3ph"))) == 1


def test_two_runs_at_once_with_one_prefix(given, embedded_target):
    def run(folder):
        words = [sys.executable, "-m", "s3prod", "run", "large.json", "--out", folder, "--bucket-prefix", "shared"]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    both = [run("one"), run("two")]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    made = {json.loads(Path(folder, "run.json").read_text())["metrics"]["buckets"]["main"] for folder in ("one", "two")}
    assert len(made) == 2 and buckets(embedded_target, "shared") == []


def test_only_what_the_plan_would_have_removed_is_cleaned_up(embedded_target, tmp_path):
    stays = Plan("stays", groups=[make_bucket(), Group("g", [put("a")])])
    run = run_plan(stays, embedded_target, out=tmp_path / "out")
    name = run.metrics["buckets"]["main"]
    assert run.metrics["left_behind"] == [name] and S3Client(embedded_target).bucket_exists(name)
    swept = sweep(SMALL, embedded_target, run.metrics)
    assert (swept["left_behind"], swept["cleaned_up"]) == ([], [name])
    assert not S3Client(embedded_target).bucket_exists(name)
