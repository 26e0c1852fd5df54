"""The command line as people and scripts meet it: real processes, exit statuses, one-line errors, no secrets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from s3prod.cli import main
from s3prod.cli.run import fresh
from s3prod.client import S3Client
from s3prod.plan import (
    Group,
    Load,
    Plan,
    Require,
    at_percentile,
    barrier,
    cas,
    get,
    make_bucket,
    put,
    remove_bucket,
    sleep,
)
from s3prod.profile import load, promises

SECRET = "open-sesame-4711"
COMMANDS = ("run", "check", "export", "bench", "mutants", "usage", "version")
SMALL = Plan("small", groups=[make_bucket(), Group("g", [put("a"), get("a")], clients=2), remove_bucket()])


def clean_environment(**more):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("S3_", "AWS_"))}
    return environ | more


def s3prod(*words, cwd, timeout=600, **environ):
    return subprocess.run(
        [sys.executable, "-m", "s3prod", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env=clean_environment(**environ),
    )


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(SMALL.to_json())
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of one finished run on the embedded store, and what the command said."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.json").write_text(SMALL.to_json())
    done = s3prod("run", "small.json", "--out", "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out", done


def test_a_run_writes_its_folder_and_one_json_document(finished):
    out, done = finished
    document = json.loads(done.stdout)
    assert sorted(path.name for path in out.iterdir()) == ["history.s3ph", "report.html", "run.json"]
    assert document == json.loads((out / "run.json").read_text())
    assert (document["consistency"], document["load"], document["status"]) == ("held", "not-asked", 0)
    assert "no endpoint given: the embedded store runs at http://127.0.0.1:" in done.stderr
    assert "consistency: HELD" in done.stderr and "replay: s3prod run out/run.json" in done.stderr


def test_a_run_is_repeated_from_its_run_json(finished, tmp_path):
    out, _ = finished
    again = s3prod("run", out / "run.json", "--out", tmp_path / "again", "--runner", "boto3", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "boto3 runner, seed 1" in again.stdout and "consistency: HELD" in again.stdout


def test_check_judges_the_history_again(finished, tmp_path):
    out, _ = finished
    for history in (out, out / "history.s3ph"):
        done = s3prod("check", history, "--json", "--threads", 2, "--profile", "generic", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["consistency"] == "held"
        assert "consistency: HELD" in done.stderr


@pytest.mark.parametrize("to", ["jsonl", "csv", "arrow", "parquet"])
def test_export(finished, tmp_path, to):
    done = s3prod("export", finished[0], "--to", to, "--out", tmp_path / "view", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "view").stat().st_size > 0


def test_check_only_validates(plan_file, tmp_path):
    done = s3prod("run", plan_file, "--check", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "plan small: valid\n")
    assert list(tmp_path.iterdir()) == [plan_file]


def test_statuses_of_verdicts(tmp_path):
    def status(**changes):
        plan = Plan("p", groups=SMALL.groups, **changes)
        (tmp_path / "p.json").write_text(plan.to_json())
        return s3prod("run", "p.json", "--out", f"out-{len(list(tmp_path.iterdir()))}", cwd=tmp_path)

    thin = status(require={"*": Require(acked_writes=1000)})
    assert thin.returncode == 3 and "INCONCLUSIVE" in thin.stdout and "NOT MET" in thin.stdout
    slow = status(load=Load(p50_ms=at_percentile("put", 0.000001)))
    assert slow.returncode in (1, 3) and "load: " in slow.stdout


def test_a_legal_mode_of_the_embedded_store(plan_file, tmp_path):
    """Its run is judged by what the mode is legal by, and the replay names it."""
    done = s3prod("run", plan_file, "--mode", "ok-503-throttle:p=0.2", "--mode", "ok-etag-not-md5", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--mode ok-503-throttle:p=0.2 --mode ok-etag-not-md5" in done.stdout
    target = json.loads(next(tmp_path.glob("**/run.json")).read_text())["target"]
    assert target["modes"] == ["ok-503-throttle:p=0.2", "ok-etag-not-md5"] and target["profile"]["etag_is_md5"] is False


def test_the_embedded_store_is_judged_by_a_given_profile(plan_file, tmp_path):
    done = s3prod("run", plan_file, "--profile", "generic", "--bucket-prefix", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    target = json.loads(next(tmp_path.glob("**/run.json")).read_text())["target"]
    assert target["bucket_prefix"] == "mine" and target["profile"] == promises(load("generic"))


def test_a_broken_store_is_status_1_with_a_witness(tmp_path):
    program = [put("cfg ä", {"counter": 0}, if_none_match="*"), barrier("b"), *(cas("cfg ä") for _ in range(3))]
    plan = Plan("cas", groups=[make_bucket(), Group("g", program, clients=8), remove_bucket()])
    (tmp_path / "cas.json").write_text(plan.to_json())
    from s3prod.store import EmbeddedStore

    with EmbeddedStore(mutants=["im-check-then-act:p=1", "cond-ignored:p=1"]) as store:
        target = {"S3_ENDPOINT": store.endpoint, "S3_ACCESS_KEY": store.access_key, "S3_SECRET_KEY": store.secret_key}
        done = s3prod("run", "cas.json", "--out", "out", "--profile", "embedded", cwd=tmp_path, **target)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "main/cfg ä: " in done.stdout
        assert "consistency: VIOLATED" in done.stdout and f"--endpoint {store.endpoint}" in done.stdout
        assert store.secret_key not in done.stdout + done.stderr
        assert all(store.secret_key.encode() not in path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert s3prod("check", "out", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("runner", ["native", "boto3"])
def test_a_store_that_lets_nothing_begin_is_status_2(runner, plan_file, tmp_path):
    from s3prod.store import EmbeddedStore

    with EmbeddedStore() as store:
        wrong = {"S3_ENDPOINT": store.endpoint, "S3_ACCESS_KEY": store.access_key, "S3_SECRET_KEY": SECRET}
        refused = s3prod("run", plan_file, "--runner", runner, "--out", "a", cwd=tmp_path, **wrong)
    nobody = wrong | {"S3_ENDPOINT": "http://127.0.0.1:9"}
    unreached = s3prod("run", plan_file, "--runner", runner, "--out", "b", cwd=tmp_path, **nobody)
    for done, why in ((refused, "403 SignatureDoesNotMatch"), (unreached, "no answer")):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"s3prod: setup: create_bucket: {why}")
        assert SECRET not in done.stderr
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.glob("?/*"))


BAD = [
    ((), "command: not given, expected one of serve, proxy, probe, run"),
    (("frobnicate",), "command: frobnicate, expected one of"),
    (("run",), "run: the following arguments are required: PLAN"),
    (("run", "no-such-plan"), "plan: no-such-plan, expected a JSON file or one of"),
    (("run", "none.json"), "plan: none.json, expected a readable file"),
    (("run", "broken.json"), "expected JSON"),
    (("run", "small.json", "--seed", "-1"), "--seed: -1, expected a whole number from 0 to"),
    (("run", "small.json", "--seed", "x" * 500), "--seed: xxx"),
    (("run", "small.json", "--runner", "perl"), "runner: perl, expected one of native, boto3"),
    (("run", "small.json", "--scale", "smoke"), "scale: smoke, expected a built-in plan"),
    (("run", "small.json", "--scale", "huge"), "scale: huge, expected one of smoke, full, stress"),
    (
        ("run", "small.json", "--endpoint", "nonsense", "--access-key", "a", "--secret-key", SECRET),
        "endpoint: nonsense, expected http",
    ),
    (("run", "small.json", "--endpoint", "http://h", "--secret-key", SECRET), "access_key: not given, expected --access-key"),
    (("run", "small.json", "--secret-key", SECRET), "endpoint: not given, expected --endpoint beside secret_key"),
    (("run", "small.json", "--addressing", "path"), "endpoint: not given, expected --endpoint beside addressing"),
    (("run", "small.json", "--profile", "none"), "profile: none, expected one of aws, "),
    (("run", "small.json", "--mode", "no-such-mode"), "no-such-mode"),
    (
        ("run", "small.json", "--endpoint", "http://h", "--access-key", "a", "--secret-key", SECRET, "--mode", "ok-short-page"),
        "mode: ok-short-page, expected the embedded store: no endpoint",
    ),
    (("run", "small.json", "--config", "none.yaml"), "config: none.yaml, expected a readable file"),
    (("run", "small.json", "--out", "small.json"), "out: small.json, expected a folder"),
    (("run", "small.json", "--frob"), "unrecognized arguments: --frob"),
    (("check", "none"), "history: none, expected"),
    (("check", "small.json"), "history: small.json, expected a history"),
    (("check", "small.json", "--profile", "x"), "profile: x, expected one of aws, "),
    (("check", "small.json", "--threads", "0"), "--threads: 0, expected a whole number from 1 to 64"),
    (("export", "none", "--to", "csv"), "run: none, expected a folder"),
    (("export", "small.json", "--to", "xml"), "to: xml, expected one of arrow, parquet, jsonl, csv"),
    (("export", "small.json", "--to", "csv"), "expected a history to export"),
    (("bench", "no-such-bench"), "no-such-bench, expected"),
    (("mutants", "--run", "no-such-mutant"), "mutant: no-such-mutant, expected one of"),
    (("usage", "http://127.0.0.1:9", "b"), "admin: http://127.0.0.1:9, expected an admin port"),
    (("usage", "nonsense", "b"), "admin: nonsense, expected an admin port (unknown url type"),
    (("serve", "--port", "70000"), "70000"),
    (("serve", "--mutant", "no-such-mutant"), "no-such-mutant"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"), BAD, ids=lambda value: "-".join(value)[:40] if isinstance(value, tuple) else ""
)
def test_bad_usage_is_one_line_with_field_and_value_and_status_2(words, expected, plan_file, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    done = s3prod(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    lines = [line for line in done.stderr.splitlines() if "the embedded store runs at" not in line]
    assert len(lines) == 1 and lines[0].startswith("s3prod: ") and expected in lines[0]
    assert len(lines[0]) < 600 and SECRET not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_one_example(command, tmp_path):
    done = s3prod(command, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("example: s3prod ") == 1
    assert f"example: s3prod {command}" in done.stdout


def test_help_of_serve_and_of_everything(tmp_path):
    serve = s3prod("serve", "--help", cwd=tmp_path)
    assert serve.returncode == 0 and "--mutant" in serve.stdout
    done = s3prod("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(re.search(rf"^  {command} ", done.stdout, re.M) for command in (*COMMANDS, "serve"))


def test_version_and_build_info(tmp_path):
    assert s3prod("--version", cwd=tmp_path).stdout == "s3prod 0.1.0\n"
    info = json.loads(s3prod("build-info", "--json", cwd=tmp_path).stdout)
    assert {"s3prod", "python", "native", "server"} <= set(info)
    assert "native.curl: libcurl" in s3prod("version", "--build-info", cwd=tmp_path).stdout


def test_mutants_are_listed_with_what_must_notice_them(tmp_path):
    rows = json.loads(s3prod("mutants", "--json", cwd=tmp_path).stdout)
    assert len({row["name"] for row in rows}) == len(rows) > 5
    assert all({"breaks", "plan", "rules"} <= set(row) for row in rows)
    assert "lost-ack-write" in s3prod("mutants", cwd=tmp_path).stdout


def test_bench_lists(tmp_path):
    done = s3prod("bench", "--list", cwd=tmp_path)
    assert done.returncode == 0 and "engine" in done.stdout.split()


def test_a_closed_pipe_is_no_traceback(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m s3prod --help | true",
        shell=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("runner", "how"), [("native", signal.SIGINT), ("boto3", signal.SIGINT), ("native", signal.SIGTERM)]
)
def test_an_interrupt_keeps_the_history_and_is_no_pass(tmp_path, runner, how, embedded_target, until_stored):
    prefix = f"{how.name.lower()}-{runner}"
    plan = Plan("long", groups=[make_bucket(), Group("g", [put("a"), sleep(60_000)], clients=3), remove_bucket()])
    (tmp_path / "long.json").write_text(plan.to_json())
    process = subprocess.Popen(
        [
            sys.executable, "-m", "s3prod", "run", "long.json", "--out", "out", "--runner", runner,
            "--via-proxy", "drop-ack-after-commit:p=0.02,op=get",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, process_group=0,
        env=clean_environment(
            S3_ENDPOINT=" ".join(embedded_target.endpoints), S3_ACCESS_KEY=embedded_target.access_key,
            S3_SECRET_KEY=embedded_target.secret_key, S3_BUCKET_PREFIX=prefix,
        ),
    )  # fmt: skip
    until_stored(prefix, "a")
    os.killpg(process.pid, how)  # as a terminal does: the proxy's process would get it, too
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 3, stdout + stderr
    assert "INTERRUPTED" in stdout and "Traceback" not in stderr
    assert json.loads((tmp_path / "out" / "run.json").read_text())["metrics"]["interrupted"] is True
    metrics = json.loads((tmp_path / "out" / "run.json").read_text())["metrics"]
    assert metrics["left_behind"] == [] and f"cleaned up: {metrics['buckets']['main']}" in stdout
    assert not S3Client(embedded_target).bucket_exists(metrics["buckets"]["main"])
    assert s3prod("check", "out", cwd=tmp_path).returncode in (0, 3)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_before_there_is_a_verdict(how, status, monkeypatch, capsys):
    monkeypatch.setattr("s3prod.cli.version.execute", lambda args: os.kill(os.getpid(), how))
    before = signal.getsignal(signal.SIGTERM)
    assert main(["version"]) == status
    assert capsys.readouterr().err in ("s3prod: interrupted\n", "s3prod: terminated\n")
    assert signal.getsignal(signal.SIGTERM) == before


def test_serve_null_and_a_clean_end(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "s3prod", "serve", "null"], stdout=subprocess.PIPE, cwd=tmp_path, env=clean_environment()
    )
    first = json.loads(process.stdout.readline())
    assert first["endpoint"].startswith("http://127.0.0.1:") and first["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()


def test_runs_of_one_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(fresh("reports/a")) for _ in range(3)] == ["reports/a", "reports/a-2", "reports/a-3"]
