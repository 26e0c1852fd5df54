"""The lanes: stores that the tests can run against besides the plain one, and which of them were asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from rgw import missing_programs

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "S3PROD_LANES"
LANES = {
    "rgw16": "Ceph RGW 16.2 of Debian 12",
    "asan": "the embedded store under AddressSanitizer",
    "tsan": "the embedded store under ThreadSanitizer",
}
FILES = {"test_rgw16.py": {"rgw16"}, "test_sanitizers.py": {"asan", "tsan"}}
SUMMARY: list[str] = []  # what the lanes say at the end of the run


def asked() -> list[str]:
    """The lanes that the environment asks for."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    for name in names:
        if name not in LANES:
            raise pytest.UsageError(f"{VARIABLE}: {name}, expected some of {', '.join(LANES)}, with commas between")
    return names


def install(lane: str) -> None:
    """Installs what is missing of the lane's packages; a lane that was asked for is never skipped."""
    if missing_programs():
        command = ["tools/setup.sh", "packages", f"tools/packages-{lane}.txt"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            pytest.fail(f"{lane}: {done.stderr.strip() or done.stdout.strip()}", pytrace=False)
    version = subprocess.run(["radosgw", "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
    if not version.startswith("ceph version 16.2."):
        pytest.fail(
            f"{lane}: {version or 'radosgw does not run'}, expected ceph version 16.2 (Debian 12)", pytrace=False
        )
