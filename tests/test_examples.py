"""The examples for tests of one's own, and what docs/testing.md shows: in their own project, on every runner; each can fail."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3prod.client import S3Client

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("test_*.py"))
SHOWN = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text("utf-8"), re.DOTALL)
LONGEST = "p" * 34  # of a legal prefix


@pytest.fixture
def run(tmp_path):
    """Runs the examples as a project that only has s3prod installed."""

    def run(*options, **settings):
        for path in EXAMPLES:
            shutil.copy(path, tmp_path)
        for number, text in enumerate(SHOWN):
            (tmp_path / f"test_shown_{number}.py").write_text(text)
        env = {name: value for name, value in os.environ.items() if not name.startswith("S3_")} | settings
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfEs", "--scale", "smoke", *options]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=1200)
        return done.returncode, done.stdout

    return run


def test_they_pass_whatever_the_prefix_and_leave_nothing(run, embedded_store, embedded_target):
    keys = {"S3_ACCESS_KEY": embedded_store.access_key, "S3_SECRET_KEY": embedded_store.secret_key}
    status, said = run(S3_ENDPOINT=embedded_store.endpoint, S3_BUCKET_PREFIX=LONGEST, **keys)
    assert status == 0 and "3 passed" in said, said
    buckets = [entry["Name"] for entry in S3Client(embedded_target).list_buckets()]
    assert not [name for name in buckets if name.startswith(LONGEST)]


@pytest.mark.parametrize("sdk", ["boto3", "aws-sdk-go-v2"])
def test_they_pass_through_an_sdk(run, sdk):
    status, said = run("--sdk", sdk)
    assert status == 0 and "3 passed" in said and f"sdk {sdk}" in said, said


def test_each_can_fail(run):
    status, said = run("--mutant", "cond-ignored:p=1", "--mutant", "lost-ack-write:p=0.05")
    assert status == 1 and "2 failed, 1 passed" in said, said
    assert "jobs that no worker, or more than one, holds" in said
    assert "consistency: VIOLATED" in said and "shopping-carts" in said
