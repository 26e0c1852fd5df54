"""Carries tests out in a child process, and goes on behind a test that hangs or kills it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from s3prod.errors import RunError
from s3prod.suite.record import Result

GRACE_S = 30.0  # behind a test's time, for its clean-up; no more than that time
END_S = 60.0  # from the last event to the child's end
USAGE = 4  # pytest's exit status


@dataclass(frozen=True)
class Job:
    """What a child is asked to do: pytest's words, and which tests (all when none is named)."""

    root: Path
    words: Sequence[str]
    tests: Sequence[str] = ()
    timeout_s: float = 0.0  # of a test; 0: none

    @property
    def limit_s(self) -> float:
        """When a test that goes on is killed."""
        return self.timeout_s + min(GRACE_S, self.timeout_s) if self.timeout_s else float("inf")


@dataclass
class Outcome:
    """What children told."""

    ids: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    running: str = ""  # the test that has begun and not ended
    interrupted: str = ""
    status: int | None = None  # pytest's, when the session came to its end

    def take(self, event: Mapping[str, Any]) -> None:
        """Notes one event of the child."""
        kind = event["event"]
        if kind == "collected" and not self.ids:
            self.ids = event["ids"]
        elif kind == "started":
            self.running = event["id"]
        elif kind == "ended":
            self.results.append(Result.from_dict(event["result"]))
            self.running = ""
        elif kind == "interrupted":
            self.interrupted = event["message"]
        elif kind == "finished":
            self.status = event["status"]

    def end_running(self, status: str, message: str, seconds: float) -> None:
        """The test that was running has ended, and did not say so."""
        if self.running:
            self.results.append(Result(self.running, status, seconds, message, message))
            self.running = ""


class _Child:
    """One child; its standard output is the given stream."""

    def __init__(self, job: Job, done: Sequence[str], environ: Mapping[str, str], stdout: IO[str]) -> None:
        get, put = os.pipe()
        asked = json.dumps({"fd": put, "tests": list(job.tests), "done": list(done)})
        own = ["-p", "s3prod.suite.teller", "--suite-job", asked, "-p", "no:cacheprovider"]
        place = ["--rootdir", str(job.root), "-c", str(job.root / "pyproject.toml")]
        words = [sys.executable, "-m", "pytest", *own, *place, *job.words]
        stdout.flush()
        # A group of its own: Ctrl-C comes to us alone, and is passed on once.
        self.process = subprocess.Popen(words, stdout=stdout, env=environ, pass_fds=[put], process_group=0)
        os.close(put)
        self._pipe, self._rest = get, b""

    def events(self, wait_s: float) -> list[dict[str, Any]] | None:
        """What was told within a while; None at the end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            if not selector.select(wait_s):
                return []
        got = os.read(self._pipe, 1 << 16)
        if not got:
            return None
        *lines, self._rest = (self._rest + got).split(b"\n")
        return [json.loads(line) for line in lines]

    def signal(self, number: int) -> None:
        """Sends a signal to the child; SIGKILL to what it has started as well."""
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def close(self) -> int:
        """Waits for the end, not for ever."""
        os.close(self._pipe)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
        return self.process.wait()


def carry_out(job: Job, environ: Mapping[str, str], stdout: IO[str]) -> Outcome:
    """Runs the tests of a job, each once; a test that does not end in its time is killed, and the next ones go on.

    Ctrl-C ends the test that runs, with its clean-up; a second one kills it.
    """
    outcome = Outcome()
    while True:
        known = len(outcome.results)
        done = [result.test_id for result in outcome.results]
        _one_child(job, _Child(job, done, environ, stdout), outcome)
        if outcome.status is not None or outcome.interrupted:
            return outcome
        if len(outcome.results) == known:
            raise RunError("suite: the process of the tests ended before any test did, expected results")


def _one_child(job: Job, child: _Child, outcome: Outcome) -> None:
    """Listens to one child until it ends, and names what it left open."""
    began, killed = time.monotonic(), ""
    for event in _until_end(child, job, outcome):
        outcome.take(event)
        if event["event"] == "started":
            began = time.monotonic()
        elif event["event"] == "killed":
            killed = event["why"]
    status, seconds = child.close(), time.monotonic() - began
    if killed and not outcome.interrupted:
        outcome.end_running("TIMEOUT", killed, seconds)
    elif outcome.interrupted:
        outcome.end_running("ERROR", outcome.interrupted, seconds)
    else:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        outcome.end_running("ERROR", f"the process of the test ended by itself, with {how}", seconds)


def _until_end(child: _Child, job: Job, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The events of a child; it is killed when the running test is over its time, with an event that says why."""
    until = float("inf")
    while True:
        try:
            events = child.events(min(1.0, max(0.0, until - time.monotonic())))
        except KeyboardInterrupt:
            again = bool(outcome.interrupted)
            outcome.interrupted = outcome.interrupted or "interrupted"
            child.signal(signal.SIGKILL if again else signal.SIGINT)
            continue
        if events is None:
            return
        yield from events
        for event in events:
            until = time.monotonic() + (job.limit_s if event["event"] == "started" else float("inf"))
        if time.monotonic() > until:
            child.signal(signal.SIGKILL)
            until = float("inf")
            why = f"timeout: the test took longer than {job.timeout_s:g} s and did not end when it was told to"
            yield {"event": "killed", "why": why}
