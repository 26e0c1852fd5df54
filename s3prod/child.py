"""A server as a child process: started, its first line read, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from s3prod.errors import StoreError, one_line

END_S = 30.0  # from SIGTERM to SIGKILL


class Child:
    """A command of `s3prod` in a process of its own, which ends with this one. Use it as a context manager.

    The command says on its first line, as JSON, where it listens; it ends with status 0 on SIGTERM. `argv` replaces
    `python -m s3prod COMMAND` (a binary of one's own build).
    """

    def __init__(self, command: str, options: Sequence[str], argv: Sequence[str] | None, deadline_s: float) -> None:
        words = list(argv) if argv is not None else [sys.executable, "-m", "s3prod", command]
        self._command = command
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [*words, "--with-parent", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C of a terminal is for its parent, which still has to clean up through it
        )
        self._end = weakref.finalize(self, end, self._process)
        try:
            self.first: dict[str, Any] = self._first_line(deadline_s)
            self.endpoints: tuple[str, ...] = tuple(self.first["endpoints"])
            self.endpoint: str = self.endpoints[0]
            self.pid: int = self.first["pid"]
        except BaseException:
            self.close()
            raise

    def _first_line(self, deadline_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        line, until = b"", time.monotonic() + deadline_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in line:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise StoreError(f"{self._command}: no first line after {deadline_s:g} s, expected its endpoint")
                got = os.read(self._process.stdout.fileno(), 65536)
                if not got:
                    raise StoreError(self._last_error())
                line += got
        try:
            first = json.loads(line.partition(b"\n")[0])
        except ValueError:
            first = None
        if not isinstance(first, dict) or "endpoints" not in first:
            raise StoreError(f"{self._command}: {one_line(repr(line), 120)}, expected a JSON line with its endpoints")
        return first

    def _last_error(self) -> str:
        """What it said when it ended: its last line on standard error, without the program's name."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return one_line(lines[-1]).removeprefix("s3prod: ")
        return f"{self._command}: ended with status {self._process.returncode} before it answered"

    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def close(self) -> int:
        """Ends the process and gives back its exit status."""
        self._end()
        self._errors.close()
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ask(url: str, body: bytes | None = None) -> bytes:
    """What a loopback port of a child answers to a GET, or to a POST of `body`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, body, timeout=60) as answer:
        data: bytes = answer.read()
    return data


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process (SIGTERM, SIGKILL when it does not listen) and waits until it is gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
