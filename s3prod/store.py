"""The embedded store as a child process: started, asked, and never left behind."""

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
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from s3prod import profile as profiles
from s3prod.errors import StoreError, one_line
from s3prod.target import Target

END_S = 5.0  # from SIGTERM to SIGKILL


class EmbeddedStore:
    """`s3prod serve` in a process of its own, which ends with this one. Use it as a context manager.

        with EmbeddedStore(mutants=["lost-update:p=0.1"]) as store:
            run = run_plan(plan, store.target(), out=Path("out"))
            print(store.altered()["mutants"])

    `tls` is a folder for a CA and a certificate, made if they are not there: then the store speaks https. `argv` replaces
    `python -m s3prod serve` (a store binary of one's own build). `options` go to the command as they are.
    """

    def __init__(
        self,
        *,
        mutants: Sequence[str] = (),
        mode: str | None = None,
        endpoints: int | None = None,
        data: Path | None = None,
        durable: bool = False,
        region: str | None = None,
        tls: Path | None = None,
        seed: int | None = None,
        options: Sequence[str] = (),
        argv: Sequence[str] | None = None,
        deadline_s: float = 20.0,
    ) -> None:
        command = list(argv) if argv is not None else [sys.executable, "-m", "s3prod", "serve"]
        command += ["--with-parent", "--port", "0"]
        for spec in mutants:
            command += ["--mutant", spec]
        for name, value in (("--mode", mode), ("--endpoints", endpoints), ("--data", data), ("--seed", seed),
                            ("--region", region), ("--tls-self-signed", tls)):  # fmt: skip
            if value is not None:
                command += [name, str(value)]
        if durable:
            command.append("--durable")
        self.mutants = tuple(mutants)
        self.region = region
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._end = weakref.finalize(self, _end, self._process)
        try:
            first = self._first_line(deadline_s)
            self.endpoints: tuple[str, ...] = tuple(first["endpoints"])
            self.endpoint: str = first["endpoint"]
            self.access_key: str = first["access_key"]
            self.secret_key: str = first["secret_key"]
            self.pid: int = first["pid"]
            self.admin: str | None = first["admin"]
            self.durability: str | None = first.get("durability")
            self.ca_file: str | None = first.get("ca")
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
                    raise StoreError(f"serve: no first line after {deadline_s:g} s, expected its endpoint")
                got = os.read(self._process.stdout.fileno(), 65536)
                if not got:
                    raise StoreError(self._last_error())
                line += got
        try:
            first = json.loads(line.partition(b"\n")[0])
        except ValueError:
            first = None
        if not isinstance(first, dict) or "endpoints" not in first:
            raise StoreError(f"serve: {one_line(repr(line), 120)}, expected a JSON line with its endpoints")
        return first

    def _last_error(self) -> str:
        """What the store said when it ended: its last line on standard error, without the program's name."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return one_line(lines[-1]).removeprefix("s3prod: ")
        return f"serve: ended with status {self._process.returncode} before it answered"

    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def target(self, **settings: Any) -> Target:
        """The store as a target; `settings` are fields of `Target`."""
        given: dict[str, Any] = {
            "profile": profiles.load("embedded"),
            "embedded": True,
            "mutants": self.mutants,
            "durability": self.durability,
            "ca_file": self.ca_file,
        }
        if self.region is not None:
            given["region"] = self.region
        given |= settings
        return Target(self.endpoints, self.access_key, self.secret_key, **given)

    def altered(self) -> dict[str, Any]:
        """Which answers the mutants altered: `{"mutants": {name: {"fired", "altered"}}, "request_ids": […]}`."""
        return {"mutants": {}, "request_ids": []} if self.admin is None else self._page("/altered")

    def usage(self) -> dict[str, Any]:
        """What the store keeps: objects, versions, bytes, by bucket and in all. Needs `options=["--admin"]`."""
        if self.admin is None:
            raise StoreError("usage: no admin port, expected a store with --admin")
        return self._page("/usage")

    def _page(self, path: str) -> dict[str, Any]:
        """A page of the admin port."""
        import urllib.request

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{str(self.admin).rstrip('/')}{path}", timeout=10) as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def close(self) -> int:
        """Ends the store (SIGTERM, SIGKILL when it does not listen) and gives back its exit status."""
        self._end()
        self._errors.close()
        return self._process.returncode

    def kill(self) -> None:
        """Ends the store as a crash would: SIGKILL, no clean end."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
