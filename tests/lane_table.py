"""The lanes: what the tests can run against besides the plain store, and which of them were asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "S3PROD_LANES"


@dataclass(frozen=True)
class Lane:
    """What a lane is, the files of its tests, the programs that `tools/packages-<lane>.txt` brings, and whether it must be had:
    a lane that is asked for and cannot be had is an error, or a skip that says why.
    """

    what: str
    tests: tuple[str, ...]
    programs: tuple[str, ...] = ()
    blocking: bool = True


STORE = ("test_stores.py",)
LANES = {
    "rgw16": Lane("Ceph RGW 16.2 of Debian 12", (*STORE, "test_rgw16.py"), ("radosgw", "ceph-mon", "ceph-osd")),
    "rgw20": Lane("Ceph RGW 20.2 in a tree of Debian sid", STORE, ("mmdebstrap", "unshare"), blocking=False),
    "swift": Lane("OpenStack Swift 2.38 in a tree of Debian sid", STORE, ("mmdebstrap", "unshare"), blocking=False),
    "moto": Lane("moto's server, an emulator", STORE, blocking=False),
    "asan": Lane("the embedded store under AddressSanitizer", ("test_sanitizers.py",)),
    "tsan": Lane("the embedded store under ThreadSanitizer", ("test_sanitizers.py",)),
    "chromium": Lane("the reports in a browser", ("test_chromium.py",), ("chromium",)),
}
SAYS = "lane"  # the property of a test with what its lane says at the end of the run


def asked() -> list[str]:
    """The lanes that the environment asks for."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    for name in names:
        if name not in LANES:
            raise pytest.UsageError(f"{VARIABLE}: {name}, expected some of {', '.join(LANES)}, with commas between")
    return names


def reached(words: Iterable[str], folder: Path) -> bool:
    """Whether pytest's words, given in this folder, name the tests of the lanes, some of them, or what holds them."""
    here = ROOT / "tests" / "lanes"
    named = [(folder / word.partition("::")[0]).resolve() for word in words]
    return any(path == here or here in path.parents or path in here.parents for path in named)


def whole() -> bool:
    """Whether a lane is to do all that it can, however long that takes."""
    return os.environ.get(f"{VARIABLE}_WHOLE") == "1"


def unobtainable(lane: str, why: str) -> NoReturn:
    """Ends the test because what its lane needs cannot be had."""
    if LANES[lane].blocking:
        pytest.fail(f"{lane}: {why}", pytrace=False)
    pytest.skip(f"{lane}: {why}")


def set_up(lane: str, *words: str) -> None:
    """Has `tools/setup.sh` do something that the lane needs."""
    done = subprocess.run(["tools/setup.sh", *words], cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        unobtainable(lane, done.stderr.strip() or done.stdout.strip())


def install(lane: str) -> None:
    """Installs what is missing of the lane's packages."""
    if not all(map(shutil.which, LANES[lane].programs)):
        set_up(lane, "packages", f"tools/packages-{lane}.txt")
