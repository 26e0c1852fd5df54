"""Rounds of load, kill, restart and inspection."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from s3prod.crash.client import Client
from s3prod.crash.database import database_problems
from s3prod.crash.inspect import inspect
from s3prod.crash.load import Worker, World
from s3prod.errors import StoreError, UsageError
from s3prod.store import EmbeddedStore

BUILT = Path(__file__).resolve().parents[2] / "build" / "c" / "release"
WORKERS = 12
LOAD_S_MAX, LOAD_CHANGES_MAX = 0.3, 200  # drawn for each round; the kill comes when both have passed
LOSSES = {"none": "0", "some": "0.5"}  # how much of what was not synced survives a loss of power
MEMORY = Path("/dev/shm")


class CrashFailure(AssertionError):
    """A store that lost what it acknowledged, or shows what it should not."""

    def __init__(self, seed: int, round_number: int, problems: Sequence[str]) -> None:
        self.seed, self.round, self.problems = seed, round_number, list(problems)
        shown = "\n  ".join(problems[:10])
        more = f"\n  and {len(problems) - 10} more" if len(problems) > 10 else ""
        super().__init__(f"seed {seed}, round {round_number}: {len(problems)} problems:\n  {shown}{more}")


@dataclass(frozen=True)
class Crashes:
    """What the rounds did."""

    rounds: int
    acknowledged: int
    in_flight: int
    seconds: float


def serve_command() -> list[str]:
    """The binary that S3PROD_STORE names, the release build, or the Python command."""
    named, binary = os.environ.get("S3PROD_STORE"), BUILT / "s3p_serve"
    if named:
        return [named]
    return [str(binary)] if binary.exists() else [sys.executable, "-m", "s3prod", "serve"]


def loss_command(root: Path, image: Path, settings: dict[str, str]) -> list[str]:
    """The store's binary under the library that keeps the image of a loss of power."""
    library = BUILT / "power_loss.so"
    if not library.exists():
        raise UsageError("loss", str(library), "the library that `make build` makes")
    given = {"S3P_LOSS_ROOT": str(root), "S3P_LOSS_IMAGE": str(image), "LD_PRELOAD": str(library)}
    return ["env", *(f"{name}={value}" for name, value in (given | settings).items()), *serve_command()]


def _free_folder() -> str | None:
    """In memory when there is room: a kill leaves the kernel's pages, so the medium does not matter."""
    try:
        usage = shutil.disk_usage(MEMORY)
    except OSError:
        return None
    return str(MEMORY) if usage.free > 1 << 30 and os.access(MEMORY, os.W_OK) else None


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for the data of the rounds."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=_free_folder()) as folder:
        yield Path(folder)


class _Rounds:
    """The data directory from round to round, and the store on it."""

    def __init__(self, base: Path, seed: int, loss: str | None, mutants: Sequence[str], skip: str | None) -> None:
        self.base, self.seed, self.loss, self.mutants, self.skip = base, seed, loss, mutants, skip
        self.number = 0
        self._root.mkdir()

    @property
    def _root(self) -> Path:
        return self.base / f"disk-{self.number if self.loss else 0}"

    @property
    def _image(self) -> Path:
        return self.base / f"image-{self.number}"

    @property
    def data(self) -> Path:
        return self._root / "data"

    def start(self) -> EmbeddedStore:
        argv = serve_command()
        if self.loss is not None:
            settings = {"S3P_LOSS_SURVIVES": LOSSES[self.loss], "S3P_LOSS_SEED": str(self.seed * 1000 + self.number)}
            if self.skip is not None:
                settings["S3P_LOSS_SKIP"] = self.skip
            argv = loss_command(self._root, self._image, settings)
        return EmbeddedStore(
            argv=argv,
            data=self.data,
            durable=True,
            mutants=self.mutants,
            seed=self.seed,
            options=("--min-part-bytes", "1"),
        )

    def after_kill(self) -> None:
        """With a loss of power, the next round's data are what the disk shows."""
        if self.loss is None:
            self.number += 1
            return
        root, image = self._root, self._image
        self.number += 1
        shutil.copytree(image / "root", self._root)
        shutil.rmtree(root)
        shutil.rmtree(image)


def _load(world: World, store: EmbeddedStore, seed: int, number: int) -> None:
    """Load until the kill."""
    draw = random.Random(f"{seed}/{number}")
    workers = [Worker(world, n, seed * 1_000_003 + number, store) for n in range(world.workers)]
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    time.sleep(draw.uniform(0, LOAD_S_MAX))
    least = draw.randrange(LOAD_CHANGES_MAX)  # a busy machine may need longer
    while sum(worker.acked for worker in workers) < least and any(thread.is_alive() for thread in threads):
        time.sleep(0.001)
    store.kill()
    for thread in threads:
        thread.join()


def crash(
    *,
    rounds: int,
    seed: int = 1,
    loss: str | None = None,
    mutants: Sequence[str] = (),
    skip: str | None = None,
    running: bool = True,
    workers: int = WORKERS,
) -> Crashes:
    """Kills and restarts the store `rounds` times; raises `CrashFailure` at the first round that lost something.

    `loss` names what survives of what was not synced: None (the machine goes on: SIGKILL alone), "none" or "some" of it.
    `skip` has one kind of sync do nothing (`power_loss`), as a disk that lies would. With `running` False, only what is
    found after a crash counts, not what clients notice while the store runs.
    """
    if loss is not None and loss not in LOSSES:
        raise UsageError("loss", loss, f"one of {', '.join(LOSSES)}")
    begun, in_flight = time.monotonic(), 0
    world = World(workers)
    with scratch() as base:
        on = _Rounds(base, seed, loss, mutants, skip)
        for number in range(rounds + 1):
            problems = _round(on, world, number, last=number == rounds)
            problems += world.problems if running else []
            world.problems.clear()
            if problems:
                raise CrashFailure(seed, number, problems)
            in_flight += sum(len(cell.allowed) > 1 for cell in world.cells.values())
    return Crashes(rounds, world.acked, in_flight, time.monotonic() - begun)


def _round(on: _Rounds, world: World, number: int, last: bool) -> list[str]:
    """Starts, inspects what the crash before left, and crashes again; the last one ends cleanly."""
    problems = database_problems(on.data) if number > 0 and on.data.exists() else []
    try:
        store = on.start()
    except StoreError as error:
        return [*problems, f"the store does not start: {error}"]
    with store:
        if number == 0:
            client = Client(store)
            world.build(client)
            client.close()
        else:
            try:
                problems += inspect(store, on.data, world)
            except Exception as error:
                problems.append(f"the store cannot be read: {error!r}")
        if problems or last:
            return problems
        _load(world, store, on.seed, number)
    on.after_kill()
    return []
