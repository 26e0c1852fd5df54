"""The lanes: what the tests can run against besides the plain store, and which of them were asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "S3PROD_LANES"


@dataclass(frozen=True)
class Lane:
    """What a lane is, the file of its tests, and the programs that `tools/packages-<lane>.txt` brings."""

    what: str
    tests: str
    programs: tuple[str, ...] = ()


LANES = {
    "rgw16": Lane("Ceph RGW 16.2 of Debian 12", "test_rgw16.py", ("radosgw", "ceph-mon", "ceph-osd")),
    "asan": Lane("the embedded store under AddressSanitizer", "test_sanitizers.py"),
    "tsan": Lane("the embedded store under ThreadSanitizer", "test_sanitizers.py"),
    "chromium": Lane("the reports in a browser", "test_chromium.py", ("chromium",)),
}
SAYS = "lane"  # the property of a test with what its lane says at the end of the run


def asked() -> list[str]:
    """The lanes that the environment asks for."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    for name in names:
        if name not in LANES:
            raise pytest.UsageError(f"{VARIABLE}: {name}, expected some of {', '.join(LANES)}, with commas between")
    return names


def whole() -> bool:
    """Whether a lane is to do all that it can, however long that takes."""
    return os.environ.get(f"{VARIABLE}_WHOLE") == "1"


def install(lane: str) -> None:
    """Installs what is missing of the lane's packages; a lane that was asked for is never skipped."""
    if all(map(shutil.which, LANES[lane].programs)):
        return
    command = ["tools/setup.sh", "packages", f"tools/packages-{lane}.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        pytest.fail(f"{lane}: {done.stderr.strip() or done.stdout.strip()}", pytrace=False)
