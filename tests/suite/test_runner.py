"""scripts/test-runner.py: its command line, what it collects, how it starts, and what it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from s3prod.errors import UsageError
from s3prod.runners import driver
from s3prod.runners.sdk import INSTALL, installed_version, sdk_of
from s3prod.suite.command import main
from s3prod.suite.defconfig import text
from s3prod.suite.formats import FORMATS, as_junit, as_text
from s3prod.suite.record import STATUSES, Report, Result
from s3prod.target import resolve

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "test-runner.py"
SECRET = "open-sesame-4711"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No settings but those that a test gives, and a folder of its own."""
    for name in list(os.environ):
        if name.startswith("S3_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(*words, cwd, **environ):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)],
        cwd=cwd, env=dict(os.environ) | environ, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


# --- how it starts ---------------------------------------------------------------------------------------------------


def bare(tmp_path):
    """Runs a copy of the script with a Python that has no packages."""
    (tmp_path / "scripts").mkdir()
    copy = tmp_path / "scripts" / "test-runner.py"
    copy.write_text(SCRIPT.read_text())
    words = [sys.executable, "-I", "-S", copy, "--sdk", "boto3", "-v"]
    return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)


def test_without_a_venv_it_says_make_build(tmp_path):
    done = bare(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "s3prod: .venv: not there or not complete, expected `make build` before\n"


def test_with_a_python_that_has_no_s3prod_it_goes_on_with_that_of_the_venv(tmp_path):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    python.chmod(0o755)
    done = bare(tmp_path)
    assert (done.returncode, done.stdout) == (7, f"{tmp_path}/scripts/test-runner.py --sdk boto3 -v\n")


# --- what it collects ------------------------------------------------------------------------------------------------


def test_it_collects_what_pytest_collects(tmp_path, run_tests):
    by_pytest = [line for line in run_tests("tests/production", "--collect-only").stdout.splitlines() if "::" in line]
    done = run("--list-tests", "--group", "production", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == by_pytest and len(by_pytest) > 2


def test_count_and_a_test_by_name(tmp_path, capsys):
    files = sorted(path.stem for path in (ROOT / "tests" / "production").glob("test_*.py"))
    assert main(ROOT, ["--count", "-t", files[0]]) == 0
    assert int(capsys.readouterr().out) >= 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-g", "no-such-group", "-l"], "group: no-such-group, expected one of"),
        (["-t", "no-such-test"], "test: no-such-test, expected a test of the group"),
    ],
)
def test_nothing_that_matches_is_status_1(words, expected, capfd):
    assert main(ROOT, words) == 1
    assert expected in capfd.readouterr().err


# --- usage -----------------------------------------------------------------------------------------------------------

GIVEN = ["--endpoint", "http://127.0.0.1:9", "--access-key", "key", "--secret-key", SECRET]
BAD = [
    (["--frob"], "unrecognized arguments: --frob"),
    (["-f", "xml"], "'xml'"),
    (["--sdk", "perl"], f"sdk: perl, expected one of native, boto3 ({INSTALL['boto3']})"),
    (["--sdk", "boto3", "--sdk-version", "0.1"], "sdk_version: 0.1, expected latest or "),
    (["--endpoint", "ftp://h", "--access-key", "a", "--secret-key", SECRET], "endpoint: ftp://h, expected http"),
    (["--endpoint", "http://h", "--secret-key", SECRET], "access_key: not given, expected --access-key"),
    (["--secret-key", SECRET], "endpoint: not given, expected --endpoint beside secret_key"),
    ([*GIVEN, "--bucket-prefix", "x" * 35], f"bucket_prefix: {'x' * 35}, expected 1 to 34 of"),
    ([*GIVEN, "--mutant", "torn-get"], "mutant: torn-get, expected the embedded store: no endpoint"),
    (["-c", "none.yaml"], "config: none.yaml, expected a readable file"),
    (["--timeout", "-1"], "timeout: -1.0, expected seconds"),
    (["--scale", "huge"], "'huge'"),
    (["--duration", "0"], "--duration: 0, expected a whole number from 1"),
    (["--profile", "none"], "profile: none"),
]


@pytest.mark.parametrize(
    ("words", "expected"), BAD, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else ""
)
def test_bad_usage_is_one_line_and_status_2(words, expected, capfd):
    assert main(ROOT, words) == 2
    said = capfd.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("s3prod: ")
    assert expected in said.err and SECRET not in said.err and "Traceback" not in said.err


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_sdk_comes_from_option_environment_file_default(tmp_path):
    Path("s3_config.yaml").write_text("s3_sdk: boto3\n")
    assert sdk_of({"sdk": "native"}, environ={"S3_SDK": "boto3"})[0] == "native"
    assert sdk_of({}, environ={"S3_SDK": "native"})[0] == "native"
    assert sdk_of({}, environ={})[0] == "boto3"
    Path("s3_config.yaml").unlink()
    assert sdk_of({}, environ={}) == ("native", "latest")


def test_the_version_of_the_sdk_must_be_the_installed_one():
    installed = installed_version("boto3")
    assert sdk_of({"sdk": "boto3", "sdk_version": installed}, environ={}) == ("boto3", installed)
    with pytest.raises(UsageError, match=rf"S3_SDK_VERSION: 0\.1, expected latest or {installed}"):
        sdk_of({"sdk": "boto3"}, environ={"S3_SDK_VERSION": "0.1"})


PRINTS = """
NAMES = ("s3_endpoint", "s3_access_key", "s3_region", "s3_bucket_prefix", "verify_ssl", "s3_sdk")

def test_it(config):
    print([config[name] for name in NAMES])
    assert 0
"""


def test_settings_come_from_option_environment_file(tmp_path, embedded_store):
    """pytest and the runner read one file; both spellings of the endpoint, and -c instead of s3_config.yaml."""
    test = tmp_path / "tests" / "own" / "test_own.py"
    test.parent.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    test.write_text(PRINTS)
    Path("other.yaml").write_text(
        f"s3_endpoint_url: {embedded_store.endpoint}\ns3_access_key: {embedded_store.access_key}\n"
        f"s3_secret_key: '{embedded_store.secret_key}'\ns3_region: file-1\ns3_bucket_prefix: of-file\ns3_sdk: boto3\n"
    )
    words = ["-g", "own", "-c", "other.yaml", "--region", "option-1", "--no-verify-tls", "-f", "json"]
    environ = dict(os.environ) | {"S3_BUCKET_PREFIX": "of-environment", "S3_REGION": "environment-1"}
    call = f"import sys; from s3prod.suite.command import main; sys.exit(main({str(tmp_path)!r}, {words!r}))"
    done = subprocess.run([sys.executable, "-c", call], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    where, key = embedded_store.endpoint, embedded_store.access_key
    expected = [where, key, "option-1", "of-environment", False, "boto3"]
    assert str(expected) in done.stderr
    assert json.loads(done.stdout)["failed"] == 1


def test_a_driver_that_is_not_built_is_a_usage_error(monkeypatch, capfd):
    monkeypatch.setattr(driver, "BUILT", Path("none"))
    monkeypatch.setenv("PATH", "")
    assert main(ROOT, ["--sdk", "aws-sdk-go-v2", "-l"]) == 2
    assert (
        capfd.readouterr().err == "s3prod: runner: aws-sdk-go-v2, expected its program, which `make driver-go` makes\n"
    )


def test_two_spellings_that_disagree_are_refused(tmp_path, capfd):
    Path("s3_config.yaml").write_text("s3_endpoint: http://a\ns3_endpoint_url: http://b\n")
    assert main(ROOT, ["-l"]) == 2
    assert "s3_config.yaml: s3_endpoint_url: http://b, expected the same as s3_endpoint" in capfd.readouterr().err


def test_defconfig_writes_a_file_that_is_read_again(capfd):
    given = ["--endpoint", "http://127.0.0.1:9", "--access-key", "key", "--secret-key", SECRET, "--sdk", "boto3"]
    given += ["--profile", "aws"]
    assert main(ROOT, ["--defconfig", *given]) == 0
    path = Path("s3_config.yaml")
    assert path.stat().st_mode & 0o777 == 0o600 and SECRET not in path.read_text()
    target = resolve({}, environ={"S3_SECRET_KEY": "s"})
    assert (target.endpoints, target.access_key, target.bucket_prefix) == (("http://127.0.0.1:9",), "key", "s3prod")
    assert sdk_of({}, environ={}) == ("boto3", "latest") and target.profile["name"] == "aws"
    before = path.read_text()
    assert main(ROOT, ["--defconfig"]) == 2 and path.read_text() == before
    assert "config: s3_config.yaml, expected a file that is not there yet" in capfd.readouterr().err


def test_the_default_configuration_is_the_defaults(tmp_path):
    Path("s3_config.yaml").write_text(text({}))
    assert resolve({}, environ={}) is None
    assert sdk_of({}, environ={}) == ("native", "latest")


# --- reports ---------------------------------------------------------------------------------------------------------

REPORT = Report(
    [
        Result("tests/production/test_a.py::test_b[x]", status, 0.5, f"why {status}\x00", "long\x1b", "2026-01-01T00:00:00Z",
               {"plan": '{"status": 0}'})
        for status in STATUSES
    ],
    "2026-01-01T00:00:00Z",
)  # fmt: skip
RUN_FIELDS = {"timestamp", "total", "passed", "failed", "skipped", "errors", "results"}
TEST_FIELDS = {"test_id", "test_name", "test_group", "status", "duration", "message", "error", "timestamp"}


@pytest.mark.parametrize(("name", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_documents_have_the_fields(name, read):
    document = read(FORMATS[name][1](REPORT))
    assert set(document) == RUN_FIELDS and all(set(one) == TEST_FIELDS for one in document["results"])
    counts = [document[name] for name in ("total", "passed", "failed", "skipped", "errors")]
    assert counts == [5, 1, 1, 1, 2]
    first = document["results"][0]
    assert (first["test_name"], first["test_group"], first["duration"]) == ("test_b[x]", "production", 0.5)


def test_junit_carries_verdict_and_metrics():
    suite = ET.fromstring(as_junit(REPORT))[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "2", "1"]
    assert suite[0].find("properties/property").attrib == {"name": "plan", "value": '{"status": 0}'}
    assert [case.find("*[@type]").tag if len(case) > 1 else "" for case in suite] == [
        "",
        "failure",
        "error",
        "skipped",
        "error",
    ]


def test_text_has_a_row_a_test():
    rows = as_text(REPORT).splitlines()
    assert len(rows) == 7 and rows[-1] == "total 5, passed 1, failed 1, skipped 1, errors 2"
    assert re.fullmatch(r" +0\.5 +TIMEOUT +tests/production/test_a\.py::test_b\[x\] +why TIMEOUT.*", rows[-2])


@pytest.mark.parametrize(("status", "expected"), [*zip(STATUSES, (0, 1, 1, 0, 1), strict=True)])
def test_the_exit_status(status, expected):
    assert Report([Result("a", "PASSED"), Result("b", status)]).exit_status() == expected
    assert Report([]).exit_status() == 1
    with pytest.raises(ValueError, match="status: BROKEN"):
        Result("a", "BROKEN")
