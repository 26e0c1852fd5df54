"""The recording of a run that is not the engine's: real bucket names, the table of keys, the history and its header."""

from __future__ import annotations

import json
import os
import random
import string
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import s3prod
from s3prod import _native
from s3prod.errors import RunError, one_line
from s3prod.profile import digest, promises
from s3prod.runners import Progress
from s3prod.runners.book import Book
from s3prod.runners.boto3_keys import KeySpaces
from s3prod.runners.boto3_steps import literals
from s3prod.target import Target

PHASES = ("setup", "main", "teardown")
_TICK_S = 0.1


def profile_hash(target: Target) -> str:
    """What tells whether two histories were judged by the same promises.

    >>> len(profile_hash(Target(("http://h",), "k", "s")))
    64
    """
    return digest(target.profile)


def _real_name(prefix: str, role: str) -> str:
    letters = random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=12)
    return f"{prefix[: 63 - 14 - len(role)]}-{role}-{''.join(letters)}"


class Recording:
    """One run as it is written down; `begin` opens the history, `close` ends it."""

    def __init__(self, plan: dict[str, Any], target: Target, progress: Progress | None) -> None:
        self.plan, self.target, self._progress = plan, target, progress
        self.id = int.from_bytes(os.urandom(6), "big")
        self.keys = KeySpaces(plan)
        for group in plan["groups"]:  # every literal key has its place before the header is written
            for bucket, text in literals(group["program"], plan["buckets"][0]):
                self.keys.literal(bucket, text)
        self.buckets = {role: _real_name(target.bucket_prefix, role) for role in plan["buckets"]}
        self.book = Book(self.id, self.buckets, self.keys, lambda record: self._writer.append(json.dumps(record)))
        self.started = 0
        self._next_tick = 0.0

    def begin(self, history: Path, runner: str, versions: Mapping[str, str]) -> None:
        """Opens the history; the run starts now."""
        try:
            self._writer = _native.HistoryWriter(str(history), json.dumps(self._header(runner, versions)))
        except (OSError, ValueError) as error:
            raise RunError(one_line(str(error))) from None
        self.started = time.monotonic_ns()

    def close(self, complete: bool) -> None:
        """Ends the history."""
        try:
            self._writer.close(complete)
        except (OSError, ValueError) as error:
            raise RunError(f"history: {one_line(str(error))}") from None

    def _header(self, runner: str, versions: Mapping[str, str]) -> dict[str, Any]:
        return {
            "format": 1,
            "run": f"{self.id:012x}",
            "seed": self.plan["seed"],
            "plan": self.plan,
            "profile": promises(self.target.profile),
            "profile_hash": profile_hash(self.target),
            "endpoints": list(self.target.endpoints),
            "buckets": [{"role": role, "name": name} for role, name in self.buckets.items()],
            "spaces": self.spaces(),
            "groups": self.group_rows(),
            "clock": {"mono_ns": time.monotonic_ns(), "wall_ns": time.time_ns()},
            "runner": runner,
            "versions": s3prod.versions() | dict(versions),
        }

    def spaces(self) -> list[dict[str, Any]]:
        """The header's table of key spaces."""
        return self.keys.header(list(self.buckets))

    def group_rows(self) -> list[dict[str, Any]]:
        """The header's table of groups."""
        rows, client = [], 0
        for given in self.plan["groups"]:
            clients = given.get("clients", 1)
            row = {"name": given["group"], "phase": given.get("phase", "main")}
            rows.append(row | {"clients": clients, "first_client": client})
            client += clients
        return rows

    def tick(self) -> None:
        """Tells how far the run is, ten times a second."""
        if self._progress is None or time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + _TICK_S
        book = self.book
        self._progress(
            book.counts
            | {
                "in_flight": book.in_flight,
                "bytes_out": book.bytes_out,
                "bytes_in": book.bytes_in,
                "phase": PHASES.index(book.phase),
                "elapsed_ns": time.monotonic_ns() - self.started,
            }
        )
