"""The library that keeps the image of a loss of power: what it calls durable, and that it misses no call of the store."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3prod.crash.client import Client
from s3prod.crash.harness import BUILT, loss_command, serve_command
from s3prod.crash.load import Worker, World
from s3prod.store import EmbeddedStore

# Each runs with R, the root, as its directory, which holds `old` with "before".
DURABLE = {
    "what was there": ("", {"old": "before"}),
    "a file that is not synced": ("f = make('a'); put(f, b'x')", {"old": "before"}),
    "bytes without the entry": ("f = make('a'); put(f, b'x'); os.fsync(f)", {"old": "before"}),
    "the entry without bytes": ("f = make('a'); put(f, b'x'); os.fsync(d)", {"old": "before", "a": ""}),
    "bytes and entry": ("f = make('a'); put(f, b'x'); os.fdatasync(f); os.fsync(d)", {"old": "before", "a": "x"}),
    "bytes after the entry": ("f = make('a'); os.fsync(d); put(f, b'x'); os.fsync(f)", {"old": "before", "a": "x"}),
    "what came after the sync": (
        "f = make('a'); put(f, b'x'); os.fsync(f); os.fsync(d); put(f, b'y')",
        {"old": "before", "a": "x"},
    ),
    "an overwrite": ("f = os.open('old', os.O_RDWR); put(f, b'BE'); os.fdatasync(f)", {"old": "BEfore"}),
    "an overwrite that is not synced": ("f = os.open('old', os.O_RDWR); put(f, b'BE')", {"old": "before"}),
    "a write through": ("f = os.open('old', os.O_RDWR | os.O_DSYNC); os.pwrite(f, b'X', 1)", {"old": "bXfore"}),
    "a truncation": ("f = os.open('old', os.O_RDWR); os.ftruncate(f, 2); os.fsync(f)", {"old": "be"}),
    "a removal": ("os.unlink('old'); os.fsync(d)", {}),
    "a removal that is not synced": ("os.unlink('old')", {"old": "before"}),
    "a renaming": ("os.rename('old', 'new'); os.fsync(d)", {"new": "before"}),
    "a renaming that is not synced": ("os.rename('old', 'new')", {"old": "before"}),
    "a directory": ("os.mkdir('e'); os.fsync(d); f = make('e/a'); os.fsync(f)", {"old": "before"}),
    "a file in a directory": (
        "os.mkdir('e'); os.fsync(d); f = make('e/a'); put(f, b'x'); os.fsync(f); os.fsync(os.open('e', os.O_RDONLY))",
        {"old": "before", "e/a": "x"},
    ),
    "a new file in the place of a removed one": (
        "os.unlink('old'); f = make('old'); put(f, b'x'); os.fsync(f)",
        {"old": "before"},
    ),
}
HELPERS = (
    "import os; d = os.open('.', os.O_RDONLY); put = os.write; make = lambda n: os.open(n, os.O_CREAT | os.O_RDWR)"
)


def run(root: Path, image: Path, code: str) -> subprocess.CompletedProcess[str]:
    """The code in the root, and then the end that a kill is: no clean-up."""
    environment = os.environ | {
        "S3P_LOSS_ROOT": str(root),
        "S3P_LOSS_IMAGE": str(image),
        "LD_PRELOAD": str(BUILT / "power_loss.so"),
    }
    program = f"{HELPERS}; {code or 'pass'}; os.kill(os.getpid(), 9)"
    interpreter = str(Path(sys.executable).resolve())  # the program itself: what starts another would begin twice
    return subprocess.run(
        [interpreter, "-I", "-S", "-c", program], cwd=root, env=environment, capture_output=True, text=True, timeout=30
    )


def shown(image: Path) -> dict[str, str]:
    top = image / "root"
    found = {}
    for folder, _, names in os.walk(top, followlinks=True):
        for name in names:
            path = Path(folder) / name
            found[str(path.relative_to(top))] = path.read_text()
    return found


@pytest.mark.parametrize("case", DURABLE)
def test_what_is_durable(case: str, tmp_path: Path) -> None:
    code, expected = DURABLE[case]
    root, image = tmp_path / "root", tmp_path / "image"
    root.mkdir()
    (root / "old").write_text("before")
    done = run(root, image, code)
    assert (done.returncode, done.stderr) == (-9, "")
    assert shown(image) == expected


@pytest.mark.parametrize(
    "call", ["os.posix_fallocate(make('a'), 0, 9)", "os.truncate('old', 1)", "os.copy_file_range(d, d, 1)"]
)
def test_what_is_not_modelled_is_loud(call: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("before")
    done = run(root, tmp_path / "image", call)
    assert done.returncode == -6 and "not modelled" in done.stderr


def test_it_misses_no_call_of_the_store(tmp_path: Path) -> None:
    """When all that is written survives, the image at a clean end is the directory itself."""
    root, image = tmp_path / "root", tmp_path / "image"
    root.mkdir()
    world = World(2)
    argv = loss_command(root, image, {"S3P_LOSS_SURVIVES": "1"})
    with EmbeddedStore(argv=argv, data=root / "data", durable=True, options=("--min-part-bytes", "1")) as store:
        client = Client(store)
        world.build(client)
        client.close()
        for number in range(2):
            worker = Worker(world, number, 1, store)
            worker.run(changes=300)
        assert store.close() == 0
    assert not world.problems and world.acked > 200
    left = [filecmp.dircmp(image / "root", root)]
    for one in left:
        assert not (one.left_only or one.right_only or one.funny_files), (one.left, one.left_only, one.right_only)
        _, differ, errors = filecmp.cmpfiles(one.left, one.right, set(one.common_files) - {"lock.mdb"}, shallow=False)
        assert not differ and not errors
        left += one.subdirs.values()
    assert len(left) > 250


def test_a_new_data_directory_is_durable(tmp_path: Path) -> None:
    """Its name in its parent too: else all that was acknowledged would be gone with it."""
    root, image = tmp_path / "root", tmp_path / "image"
    root.mkdir()
    with EmbeddedStore(argv=loss_command(root, image, {}), data=root / "data", durable=True) as store:
        client = Client(store)
        assert client.send("PUT", "bkt").status == 200
        client.close()
        store.kill()
    shutil.copytree(image / "root", tmp_path / "disk")
    with EmbeddedStore(argv=serve_command(), data=tmp_path / "disk" / "data", durable=True) as store:
        client = Client(store)
        assert client.send("HEAD", "bkt").status == 200
        client.close()
