"""Drivers: runners that are programs of their own, written with the SDK that they are for; `docs/drivers.md` is their protocol.

A driver is told the run on its standard input and tells every attempt on its standard output; what it tells becomes the
history and the metrics here.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3prod import outcomes
from s3prod.errors import RunError, UsageError, one_line
from s3prod.plan import Plan
from s3prod.runners import Progress, metrics
from s3prod.runners.recording import Recording
from s3prod.target import Target

PROTOCOL = 1
BUILT = Path(__file__).resolve().parents[2] / "build" / "drivers"
_HELLO_S = 30.0
_END_S = 10.0  # from the end of its input to SIGKILL
_READ_S = 0.1
_READ_BYTES = 1 << 18
_SETTINGS = (
    "endpoints", "region", "access_key", "secret_key", "session_token", "addressing", "verify_tls", "ca_file", "proxy",
    "connect_timeout_ms",
)  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """A driver that the project has: its name, and how its program comes to be."""

    name: str
    made_by: str

    def program(self) -> str:
        """The path of its program; a `UsageError` says how to make it."""
        found = shutil.which(self.name, path=str(BUILT)) or shutil.which(f"s3prod-driver-{self.name}")
        if found is None:
            raise UsageError("runner", self.name, f"its program, which `{self.made_by}` makes")
        return found


class _Ended(Exception):
    """The driver's output is at its end."""


class _Process:
    """The driver's process, line by line."""

    def __init__(self, driver: Driver) -> None:
        self.name, program = driver.name, driver.program()
        self._before_ns = time.monotonic_ns()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        try:
            # a session of its own: Ctrl-C at the terminal is for the runner, which tells the driver
            self._process = subprocess.Popen(
                [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True
            )
        except OSError as error:
            raise UsageError(
                "runner", self.name, f"a program that can be started ({program}: {error.strerror})"
            ) from None
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._rest = b""

    def lines(self, within_s: float) -> list[dict[str, Any]]:
        """What it has told since, waiting for it at most so long; `_Ended` at the end of its output."""
        assert self._process.stdout is not None
        if not self._selector.select(within_s):
            return []
        got = os.read(self._process.stdout.fileno(), _READ_BYTES)
        if not got:
            raise _Ended
        *lines, self._rest = (self._rest + got).split(b"\n")
        return [self._parse(line) for line in lines]

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        if not isinstance(told, dict) or "rec" not in told:
            raise RunError(f"driver: {self.name} said {one_line(repr(line), 120)}, expected a line of its protocol")
        return told

    def hello(self) -> dict[str, Any]:
        """Its first line, checked."""
        until = time.monotonic() + _HELLO_S
        while time.monotonic() < until:
            try:
                told = self.lines(_READ_S)
            except _Ended:
                raise RunError(self.last_words("before it said anything")) from None
            if told:
                first = told[0]
                if first["rec"] != "hello" or first.get("v") != PROTOCOL:
                    raise RunError(f"driver: {self.name}: v {first.get('v')}, expected a hello of protocol {PROTOCOL}")
                if not self._before_ns <= first["clock_ns"] <= time.monotonic_ns():
                    raise RunError(f"driver: {self.name}: clock_ns {first['clock_ns']}, expected CLOCK_MONOTONIC")
                return first
        raise RunError(f"driver: {self.name} said nothing in {_HELLO_S:g} s, expected its hello")

    def tell(self, *documents: object) -> None:
        """Lines for its input; a driver that is gone already is noticed at its output."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            for document in documents:
                self._process.stdin.write(json.dumps(document).encode() + b"\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """The end of its input: it is to send nothing more, and to tell what was in flight."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def last_words(self, when: str) -> str:
        """How it ended, and its last line on standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        status = self._process.returncode
        how = f"by {signal.Signals(-status).name}" if status is not None and status < 0 else f"with status {status}"
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        said = one_line(lines[-1], 200).removeprefix(f"{self.name}: ") if lines else ""
        return f"driver: {self.name} ended {how} {when}" + (f" ({said})" if said else "")

    def close(self) -> None:
        """It is gone when this returns."""
        self.stop()
        try:
            self._process.wait(_END_S if self._process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


@contextlib.contextmanager
def _started(driver: Driver) -> Iterator[_Process]:
    process = _Process(driver)
    try:
        yield process
    finally:
        process.close()


def version_of(driver: Driver) -> str:
    """The version of its SDK, as it says itself.

    >>> version_of(DRIVERS["aws-sdk-go-v2"])  # doctest: +SKIP
    '1.113.0'
    """
    with _started(driver) as process:
        return str(process.hello()["version"])


def run(driver: Driver, plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
    """Carries the plan out with a driver and gives its metrics.

    >>> run(DRIVERS["aws-sdk-go-v2"], plan, target, Path("history.s3ph"), None)["interrupted"]  # doctest: +SKIP
    False
    """
    with _started(driver) as process:
        hello = process.hello()
        _refuse(driver, hello, plan, () if target.via is None else target.via.faults)
        return _Run(process, hello, plan, target, progress).carry_out(history)


def _refuse(driver: Driver, hello: Mapping[str, Any], plan: Plan, faults: Sequence[str]) -> None:
    """What the driver cannot express, or cannot judge behind a fault, is said before the run starts."""
    control = ("repeat", "when", "barrier", "sleep", "choose", "borrow")
    for step in plan.steps():
        for name, why in hello["unsupported"].items():
            if name in step:
                raise UsageError(name, step[name], f"another runner: unsupported by {driver.name}: {why}")
        if not any(name in step for name in (*hello["verbs"], *control)):
            raise UsageError("step", next(iter(step)), f"another runner: unsupported by {driver.name}: no such verb")
    for fault, (name, why) in itertools.product(faults, hello["unsupported"].items()):
        if name in re.split("[:,]", fault):
            raise UsageError("fault", fault, f"another runner: unsupported by {driver.name}: {why}")
    clients = sum(group.clients for group in plan.groups)
    if clients > hello["clients_max"]:
        raise UsageError("clients", clients, f"at most {hello['clients_max']} on the runner {driver.name}")


class _Run:
    """One run: what the driver tells, written down."""

    def __init__(
        self, process: _Process, hello: Mapping[str, Any], plan: Plan, target: Target, progress: Progress | None
    ) -> None:
        self.process, self.hello, self.target = process, hello, target
        self.plan = plan.to_dict()
        self.recording = Recording(self.plan, target, progress)
        self.book = self.recording.book
        self.open: dict[int, dict[str, Any]] = {}  # by client, the call that has no record yet
        self.arrived: dict[str, metrics.Arrived] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        self.end: dict[str, Any] | None = None

    def _settings(self) -> dict[str, Any]:
        given = self.target.to_dict()
        table = {name: value for name, value in outcomes.document().items() if name in ("classes", "rows")}
        return {
            "v": PROTOCOL,
            "run": f"{self.recording.id:012x}",
            **{name: given[name] for name in _SETTINGS if name in given},
            "checksum": "required",
            "buckets": self.recording.buckets,
            "spaces": self.recording.spaces(),
            "outcomes": table,
        }

    def carry_out(self, history: Path) -> dict[str, Any]:
        """Tells the driver the run and writes down what it tells, until its end."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.recording.begin(history, self.process.name, {self.process.name: self.hello["version"]})
        complete = False
        try:
            self.process.tell(self._settings(), self.plan)
            try:
                self._read_to_the_end()
            except KeyboardInterrupt:
                self._cut_short()
            complete = self.end is not None and bool(self.end["complete"])
        finally:
            self._give_up_what_is_open()
            self.recording.close(complete)
        end = self.end or {}
        if end.get("error"):
            raise RunError(f"driver: {end['error']}")
        mine = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = mine.ru_utime + mine.ru_stime - usage.ru_utime - usage.ru_stime + end.get("cpu_ns", 0) / 1e9
        used = metrics.Used(cpu_s, os.cpu_count() or 1, end.get("stall_ns", 0) / 1e9)
        out = metrics.of_run(self.recording, self.arrived, self.spans, used, interrupted=not complete)
        return out | {"driver_rss_mb": end.get("peak_rss_kb", 0) / 1024}

    def _read_to_the_end(self) -> None:
        while self.end is None:
            try:
                lines = self.process.lines(_READ_S)
            except _Ended:
                raise RunError(self.process.last_words(f"after {self.book.counts['attempts']} attempts")) from None
            for line in lines:
                if line["rec"] not in _READERS:
                    raise RunError(f"driver: rec: {line['rec']}, expected one of {', '.join(_READERS)}")
                _READERS[line["rec"]](self, line)
            self.recording.tick()

    def _cut_short(self) -> None:
        """Ctrl-C: the driver is told, and what it does not tell in time is given up."""
        self.process.stop()
        until = time.monotonic() + _END_S
        with contextlib.suppress(RunError, _Ended, KeyboardInterrupt):
            while self.end is None and time.monotonic() < until:
                for line in self.process.lines(_READ_S):
                    _READERS[line["rec"]](self, line)

    def _give_up_what_is_open(self) -> None:
        """A call without a record is unknown, from its start to infinity."""
        for record in self.open.values():
            self.book.write([record], 0, 0)
        self.open.clear()

    def _call(self, line: Mapping[str, Any]) -> None:
        record = line["record"]
        self.open[record["client"]] = record
        self.book.in_flight = len(self.open)
        self.book.max_in_flight = max(self.book.max_in_flight, len(self.open))
        self.book.phase = record["run_phase"]

    def _attempt(self, line: Mapping[str, Any]) -> None:
        record = line["record"]
        self.open.pop(record["client"], None)
        self.book.in_flight = len(self.open)
        self.book.write([record, *line.get("children", ())], line["out"], line["in"])

    def _phase(self, line: Mapping[str, Any]) -> None:
        self.spans[line["phase"]] = (line["start_ns"], line["end_ns"])
        for name, counts in line["groups"].items():
            self.arrived[name] = metrics.Arrived(**counts)
        if line["phase"] == "setup":
            self.book.check_setup()

    def _at_end(self, line: dict[str, Any]) -> None:
        self.end = line


_READERS: dict[str, Any] = {"call": _Run._call, "att": _Run._attempt, "phase": _Run._phase, "end": _Run._at_end}

DRIVERS = {driver.name: driver for driver in (Driver("aws-sdk-go-v2", "make driver-go"),)}
