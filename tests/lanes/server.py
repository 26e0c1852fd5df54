"""A server of one's own, for a lane: its programs are children of this process and die with it, speak on the loopback only, and
keep what they have in a directory that goes with them.

    with Gateway("16.2.") as server:
        print(*server.keys)

A server says in `look` which version would run, and in `start` how; `run`, `daemon` and `wait` are what `start` is made of.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from rootfs import Rootfs

from s3prod.child import end

READY_S = 120.0


class Unobtainable(RuntimeError):
    """The server cannot be had here, or is another version than the one that was asked about."""


class ServerError(RuntimeError):
    """The server did not start; the message ends with the last lines of the logs that may say why."""


class Server(ABC):
    """A running server with one user. It is of a version that begins with `pinned`; `inside` is the tree it lives in, if any."""

    name: ClassVar[str]

    def __init__(self, pinned: str, inside: Rootfs | None = None) -> None:
        self.access_key, self.secret_key = secrets.token_hex(10), secrets.token_hex(20)
        with ExitStack() as undo:
            # short, and below /tmp: the path of a UNIX socket ends at 107 bytes
            self.root = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir="/tmp"))
            undo.callback(shutil.rmtree, self.root, ignore_errors=True)
            (self.root / "log").mkdir()
            self._before = inside.words(self.root) if inside else []
            self._daemons: list[tuple[str, subprocess.Popen[bytes]]] = []
            undo.callback(self._stop)
            self.version = self.look()
            if not self.version.startswith(pinned):
                raise Unobtainable(f"{self.name} {self.version}, expected {pinned}")
            self.endpoint = f"http://127.0.0.1:{self.start()}"
            self._undo = undo.pop_all()

    @abstractmethod
    def look(self) -> str:
        """The version that would run; Unobtainable when there is none."""

    @abstractmethod
    def start(self) -> int:
        """Starts the programs and waits until they answer; the port on which they speak S3."""

    def environment(self) -> dict[str, str]:
        """What the programs see of ours: no setting of the machine's own servers."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.root), "LC_ALL": "C.UTF-8"}

    def run(self, *words: str) -> str:
        """Carries a command out; its output."""
        command = [*self._before, *words]
        said = " ".join(words[:4])
        try:
            done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=READY_S)
        except subprocess.TimeoutExpired:
            raise self._error(f"{said}: no end after {READY_S:g} s") from None
        if done.returncode != 0:
            raise self._error(f"{said}: status {done.returncode}", done.stderr)
        return done.stdout

    def daemon(self, *words: str) -> None:
        """Starts a child in the foreground, which the kernel ends with this process."""
        command = ["setpriv", "--pdeathsig", "KILL", *self._before, *words]
        program = Path(words[0]).name
        with (self.root / "log" / f"{program}.out").open("wb") as out:
            child = subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._daemons.append((program, child))

    def wait(self, program: str, ready: Callable[[], bool], pause_s: float = 0.05) -> None:
        """Waits until it is ready; a daemon that ends meanwhile is an error."""
        until = time.monotonic() + READY_S
        while not ready():
            for name, child in self._daemons:
                if child.poll() is not None:
                    raise self._error(f"{name}: ended with status {child.returncode}")
            if time.monotonic() > until:
                raise self._error(f"{program}: not ready after {READY_S:g} s")
            time.sleep(pause_s)

    def _error(self, what: str, said: str = "") -> ServerError:
        """What happened, what was said, and the last lines of each log."""
        lines = [f"{self.name}: {what}", *said.strip().splitlines()[-5:]]
        for path in sorted((self.root / "log").iterdir()):
            if tail := path.read_text("utf-8", "replace").strip().splitlines()[-5:]:
                lines += [f"--- {path.name}", *tail]
        return ServerError("\n".join(lines))

    def _stop(self) -> None:
        """One after the other, the last one first: who is asked ends before whom it asks."""
        for _, child in reversed(self._daemons):
            end(child)

    @property
    def keys(self) -> tuple[str, str, str]:
        """Endpoint, access key and secret key."""
        return self.endpoint, self.access_key, self.secret_key

    def processes(self) -> list[int]:
        """The ids of the daemons."""
        return [child.pid for _, child in self._daemons]

    def close(self) -> None:
        """Ends the daemons and removes their directory."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def missing(programs: Sequence[str]) -> list[str]:
    """Those that are not installed."""
    return [name for name in programs if shutil.which(name) is None]


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that the kernel gives to clients."""
    for _ in range(100):
        first = random.SystemRandom().randrange(20_000, 32_000 - count)
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise ServerError(f"no {count} free ports in a row between 20000 and 32000")
