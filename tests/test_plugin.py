"""The pytest plugin, as a user's own test meets it: each case is a pytest of its own in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import lane_table
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
HOT_KEY = next(e for e in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def test_" in e)
SEEDED = """
import pytest
from botocore.exceptions import ClientError

from s3prod.testing import cleanup_test_resources, random_string


def test_production_template(s3_client, config, target):
    bucket = f"{config['s3_bucket_prefix']}-own-{random_string()}"
    try:
        s3_client.create_bucket(bucket)
        for key in ("a/b", "a/c", "d"):
            s3_client.put_object(bucket, key, b"value")
        assert [entry["Key"] for entry in s3_client.list_objects(bucket, max_keys=1)] == ["a/b", "a/c", "d"]
        assert s3_client.object_exists(bucket, "a/b") and not s3_client.object_exists(bucket, "c")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3_client.put_object(bucket, "d", b"other", IfNoneMatch="*")
        assert cleanup_test_resources(bucket, "a/") == 2, "of the session's own store"
    finally:
        assert s3_client.empty_bucket(bucket) == 1
        s3_client.delete_bucket(bucket)
    assert not s3_client.bucket_exists(bucket)
    assert [attempt.status for attempt in s3_client.attempts][:4] == [200] * 4
    assert config["s3_endpoint"] == target.endpoints[0] and config["verify_ssl"] is False
    assert config["s3_access_key"] and config["s3_secret_key"] and config["s3_region"] == "us-east-1"
    assert (config["s3_bucket_prefix"], config["s3_sdk"], config["s3_sdk_version"]) == ("of-file", "boto3", "latest")


def test_capabilities(sdk_capabilities, s3_client):
    assert sdk_capabilities["sdk"] == "boto3" and sdk_capabilities["sources"] == ["probes", "override"]
    assert s3_client.capabilities == sdk_capabilities["profile"]
    assert s3_client.get_capability("retry_mode") == "legacy" and not s3_client.has_capability("sigv4_chunked")
"""
IDLE = """
from s3prod.plan import Group, Plan, Require, get, make_bucket, remove_bucket

def test_idle(run_plan):
    run_plan(Plan("idle", groups=[make_bucket(), Group("g", [get("a")]), remove_bucket()], require={"*": Require(acked_writes=5)}))
"""
WITH_LOCALS = "def test_it(config, target, s3_client):\n    assert config is None\n"


def run(tmp_path, text, *options, **environment):
    (tmp_path / "test_own.py").write_text(text)
    env = {k: v for k, v in os.environ.items() if not k.startswith("S3_")} | environment
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_own.py", *options],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def test_header_and_a_users_own_plan(tmp_path):
    done = run(tmp_path, HOT_KEY, "-v", "--seed", "9")
    assert done.returncode == 0, done.stdout
    assert "target the embedded store (no endpoint was given); sdk native, scale full, seed 9" in done.stdout
    assert "consistency: HELD" in done.stdout


def test_duration(tmp_path):
    listing = (ROOT / "tests/production/test_list_consistency.py").read_text()
    done = run(tmp_path, listing, "--scale", "smoke", "--duration", "1", "--report-dir", "reports")
    assert done.returncode == 0, done.stdout
    [report] = (tmp_path / "reports").glob("**/run.json")
    assert json.loads(report.read_text())["plan"]["stop"]["seconds"] == 1
    done = run(tmp_path, IDLE, "--duration", "0")
    assert done.returncode == 4 and "duration: 0, expected 1 or more seconds" in done.stderr


def test_client_and_settings(tmp_path, embedded_store):
    """The form of tests that existing suites have, with settings from the environment and the file."""
    (tmp_path / "own.json").write_text('{"retry_mode": "legacy"}')
    (tmp_path / "s3_config.yaml").write_text(
        f"s3_endpoint_url: {embedded_store.endpoint}\nverify_ssl: true\ns3_bucket_prefix: of-file\ns3_sdk: native\n"
        "s3_cap_profile_json: own.json\ns3_cap_profile_override: true\ns3_caps_json_path: caps.json\n"
    )
    keys = {"S3_ACCESS_KEY": embedded_store.access_key, "S3_SECRET_KEY": embedded_store.secret_key}
    done = run(tmp_path, SEEDED, S3_SDK="boto3", S3_VERIFY_SSL="false", **keys)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"sdk": "boto3"' in (tmp_path / "caps.json").read_text()


def test_a_given_endpoint_is_named_and_used(tmp_path, embedded_store):
    options = ["--endpoint", embedded_store.endpoint, "--access-key", embedded_store.access_key]
    done = run(tmp_path, HOT_KEY, *options, S3_SECRET_KEY=embedded_store.secret_key)
    assert done.returncode == 0, done.stdout
    assert f"s3prod: target {embedded_store.endpoint};" in done.stdout


def test_a_broken_promise_fails_with_witness_and_replay(tmp_path):
    done = run(tmp_path, HOT_KEY, "--mutant", "wrong-put-etag:p=1")
    assert done.returncode == 1
    assert "etag-mismatch" in done.stdout and "PUT by client" in done.stdout
    assert re.search(r"^replay: s3prod run .* --mutant wrong-put-etag:p=1$", done.stdout, re.MULTILINE)


def test_a_legal_mode_is_named(tmp_path):
    done = run(tmp_path, HOT_KEY, "--mode", "ok-etag-not-md5")
    assert done.returncode == 0, done.stdout
    assert "(no endpoint was given), in mode ok-etag-not-md5;" in done.stdout


def test_too_little_evidence_fails_as_inconclusive(tmp_path):
    done = run(tmp_path, IDLE)
    assert done.returncode == 1 and "consistency: INCONCLUSIVE" in done.stdout


def test_reports_are_kept(tmp_path):
    assert run(tmp_path, HOT_KEY, "--report-dir", "kept").returncode == 0
    assert {p.name for p in (tmp_path / "kept" / "test-hot-key" / "hot-key").iterdir()} == {
        "history.s3ph", "report.html", "run.json",
    }  # fmt: skip


def test_no_secret_in_a_failing_tests_output(tmp_path, embedded_store):
    options = ["--endpoint", embedded_store.endpoint, "--access-key", embedded_store.access_key, "-vv", "-l"]
    done = run(tmp_path, WITH_LOCALS, *options, S3_SECRET_KEY=embedded_store.secret_key)
    assert done.returncode == 1 and "s3_access_key" in done.stdout
    assert embedded_store.secret_key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--endpoint", "ftp://x", "--access-key", "a", "--secret-key", "b"], "endpoint"),
        (["--endpoint", "http://127.0.0.1:1"], "access_key: not given"),
        (
            ["--endpoint", "http://127.0.0.1:1", "--access-key", "a", "--secret-key", "b", "--mutant", "torn-get"],
            "mutant",
        ),
        (
            [
                "--profile",
                "no-such-profile",
                "--endpoint",
                "http://127.0.0.1:1",
                "--access-key",
                "a",
                "--secret-key",
                "b",
            ],
            "profile: no-such-profile",
        ),
        (
            ["--endpoint", "http://127.0.0.1:1", "--access-key", "a", "--secret-key", "b", "--mode", "ok-short-page"],
            "mode",
        ),
        (["--access-key", "a"], "endpoint: not given, expected --endpoint beside access_key"),
        (["--profile", "no-such-profile"], "profile: no-such-profile"),
        (["--sdk", "perl"], "sdk: perl, expected one of native, boto3 (make build)"),
        (["--scale", "huge"], "--scale"),
    ],
)
def test_bad_options_are_usage_errors(tmp_path, options, expected):
    done = run(tmp_path, HOT_KEY, *options)
    assert done.returncode == 4
    assert expected in done.stderr and "Traceback" not in done.stderr


def test_a_bad_mutant_is_one_line(tmp_path):
    done = run(tmp_path, HOT_KEY, "--mutant", "no-such-mutant")
    assert done.returncode == 1 and "no-such-mutant" in done.stdout and "Traceback" not in done.stdout


LONG = """
from s3prod.plan import Group, Plan, make_bucket, put, sleep

def test_long(run_plan):
    run_plan(Plan("long", groups=[make_bucket(), Group("g", [put("a"), sleep(60_000)])]))

def test_next():
    open("next", "w").close()
"""


def test_ctrl_c_ends_the_session(tmp_path, embedded_store, until_stored):
    (tmp_path / "test_own.py").write_text(LONG)
    store = {"S3_ENDPOINT": embedded_store.endpoint, "S3_ACCESS_KEY": embedded_store.access_key}
    store["S3_BUCKET_PREFIX"] = "ctrl-c-plugin"
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--report-dir", "out"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | store | {"S3_SECRET_KEY": embedded_store.secret_key},
    )  # fmt: skip
    until_stored("ctrl-c-plugin", "a")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3 and "interrupted: the history of long is kept in" in said, said
    assert not (tmp_path / "next").exists()
    assert len(list(tmp_path.glob("out/*/*/history.s3ph"))) == 1


FAILS_LATER = """
from s3prod.plans import BUILTIN

def test_good(run_plan):
    assert run_plan(BUILTIN["creates"]("smoke", 1)).history.exists()

def test_fails_later(run_plan):
    assert run_plan(BUILTIN["creates"]("smoke", 1)).verdict is None
"""


def test_histories_of_tests_that_failed_stay(tmp_path):
    done = run(tmp_path, FAILS_LATER, "--report-dir", "reports", "--keep-history", "failed")
    assert done.returncode == 1, done.stdout
    assert sorted(path.parent.parent.name for path in tmp_path.glob("reports/*/*/history.s3ph")) == ["test-fails-later"]
    assert len(list(tmp_path.glob("reports/*/*/run.json"))) == 2


UNSUPPORTED = """
from s3prod.plan import Group, Plan, make_bucket, put, put_tags, remove_bucket

def test_tags(run_plan):
    run_plan(Plan("tags", groups=[make_bucket(), Group("g", [put("a"), put_tags("a", 2)]), remove_bucket()]))

def test_needs(needs):
    needs("versioning")
    needs("versioning", "tagging")
    raise AssertionError("not reached")

def test_part(supports, config):
    assert supports("versioning", "replication") and not supports("tagging")
    assert config["profile"]["name"] == "mine" and config["profile"]["min_part_bytes"] == 5242880

def test_a_fault_is_no_skip(s3_client):
    s3_client.put_object("no-such-bucket", "k")
"""


def test_what_the_profile_calls_unsupported_is_a_skip_that_says_so(tmp_path):
    """And nothing else is one: an error stays an error."""
    (tmp_path / "mine.toml").write_text('name = "mine"\ntagging = "unsupported"\n')
    done = run(tmp_path, UNSUPPORTED, "-rs", "-v", "--profile", "mine.toml", "--junitxml", "out.xml")
    assert "1 failed, 1 passed, 2 skipped" in done.stdout, done.stdout
    assert "left out, unsupported: profile mine says tagging = unsupported" in done.stdout
    junit = (tmp_path / "out.xml").read_text()
    assert 'message="unsupported: profile mine says tagging = unsupported (the plan has put_tags)"' in junit
    assert 'message="unsupported: profile mine says tagging = unsupported"' in junit
    assert '<property name="left out" value="unsupported: profile mine says tagging = unsupported"' in junit


@pytest.mark.parametrize(
    ("word", "told"),
    [(".", True), ("tests", True), ("tests/lanes", True), ("tests/lanes/test_rgw16.py::test_a", True),
     ("tests/production", False), ("tests/test_lint.py::test_a", False), ("tests/lanes2", False)],
)  # fmt: skip
def test_lanes_that_did_not_run_are_told_of_by_sessions_that_would_have_had_them(word, told):
    assert lane_table.reached([word], ROOT) is told
    assert lane_table.reached(["tests/production", str(ROOT / word)], Path("/")) is told
