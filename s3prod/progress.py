"""Live progress on standard error: one line that is redrawn on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

PHASES = ("setup", "main", "teardown", "ended")
COUNTS = ("ok", "failed", "unknown", "in_flight")
PLAIN_EVERY_S = 5.0


def line(name: str, now: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """One state of a run (`struct s3p_progress`) as a line; the rate is that since the state `before`.

    >>> line("herd", {"phase": 1, "elapsed_ns": 2_000_000_000, "attempts": 100, "ok": 99, "failed": 1})
    'herd: main 2.0 s, 100 attempts, 50/s, ok 99, failed 1, unknown 0, in flight 0'
    """
    seconds, attempts = now.get("elapsed_ns", 0) / 1e9, now.get("attempts", 0)
    since = seconds - (before or {}).get("elapsed_ns", 0) / 1e9
    rate = (attempts - (before or {}).get("attempts", 0)) / since if since > 0 else 0.0
    counts = ", ".join(f"{what.replace('_', ' ')} {now.get(what, 0):,}" for what in COUNTS)
    return f"{name}: {PHASES[now.get('phase', 0)]} {seconds:.1f} s, {attempts:,} attempts, {rate:,.0f}/s, {counts}"


@contextlib.contextmanager
def progress_of(name: str, stream: TextIO | None = None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A progress function for `run_plan`, for the length of the block.

    >>> with progress_of("herd", sys.stdout) as progress:
    ...     progress({"phase": 0})
    """
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield _plain(name, stream)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(file=stream), refresh_per_second=8, transient=True) as live:
        before: Mapping[str, Any] = {}

        def show(now: Mapping[str, Any]) -> None:
            nonlocal before
            live.update(line(name, now, before))
            before = now

        yield show


def _plain(name: str, stream: TextIO) -> Callable[[Mapping[str, Any]], None]:
    last, before = time.monotonic(), dict[str, Any]()

    def show(now: Mapping[str, Any]) -> None:
        nonlocal last, before
        if time.monotonic() - last >= PLAIN_EVERY_S:
            print(line(name, now, before), file=stream, flush=True)
            last, before = time.monotonic(), dict(now)

    return show
