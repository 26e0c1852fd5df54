"""Key spaces of a plan for the boto3 runner: the table of the header, choices, and the pools of lifecycle spaces."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Key:
    """A key: its place in the header's table of spaces, the role of its bucket, and its text."""

    space: int
    index: int
    bucket: str
    text: str

    @classmethod
    def foreign(cls, bucket: str, text: str) -> Key:
        """A key that is none of the plan's."""
        return cls(-1, -1, bucket, text)

    def place(self) -> dict[str, int]:
        """What a record says of the key."""
        return {} if self.space < 0 else {"space": self.space, "key_index": self.index}


@dataclass
class Hold:
    """A lifecycle key that a client has taken, and what it did to it."""

    key: Key
    was_acked: bool
    written: bool = False
    deleted: bool = False
    unknown: bool = False


@dataclass
class _Space:
    name: str
    number: int
    kind: str
    bucket: str
    prefix: str = ""
    count: int = 0
    theta: float = 0.99
    keys: list[str] = field(default_factory=list)
    next: int = 0
    fresh: list[int] = field(default_factory=list)  # given back unwritten
    acked: list[int] = field(default_factory=list)

    def key(self, index: int) -> Key:
        if self.kind == "fixed":
            text = self.keys[index]
        elif self.kind == "own":
            text = f"{self.prefix}{index // self.count:05d}/{index % self.count:08d}"
        else:
            text = f"{self.prefix}{index:08d}"
        return Key(self.number, index, self.bucket, text)

    def find(self, text: str) -> int | None:
        if self.kind == "fixed":
            return self.keys.index(text) if text in self.keys else None
        digits = text.removeprefix(self.prefix)
        client, slash, digits = digits.rpartition("/") if self.kind == "own" else ("0", "/", digits)
        if not text.startswith(self.prefix) or not slash or not (digits.isdigit() and client.isdigit()):
            return None
        index = int(client) * self.count + int(digits)
        return index if int(digits) < self.count and self.key(index).text == text else None


@functools.cache
def _zeta(count: int, theta: float) -> float:
    return float(np.sum(np.arange(1, count + 1, dtype=np.float64) ** -theta))


def _zipf(count: int, theta: float, rng: random.Random) -> int:
    """A draw by Zipf's law (Gray et al., Quickly generating billion-record synthetic databases)."""
    zeta, u = _zeta(count, theta), rng.random()
    if u * zeta < 1:
        return 0
    if u * zeta < 1 + 0.5**theta:
        return min(1, count - 1)
    eta = (1 - (2 / count) ** (1 - theta)) / (1 - _zeta(2, theta) / zeta)
    return min(count - 1, int(count * (eta * u - eta + 1) ** (1 / (1 - theta))))


class KeySpaces:
    """All spaces of a plan, those of literal keys behind the named ones. Safe for threads."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        default = plan["buckets"][0]
        self.sizes: dict[Key, int] = {}  # last known, for random ranges
        self._lock = threading.Lock()
        self._spaces: list[_Space] = []
        for name, given in plan.get("spaces", {}).items():
            options = dict(given)
            space = _Space(name, len(self._spaces), options.pop("kind"), options.pop("bucket", default), **options)
            if space.kind == "fixed":
                space.count = len(space.keys)
            self._spaces.append(space)
        self._named = {space.name: space for space in self._spaces}
        self._literal: dict[str, _Space] = {}

    def literal(self, bucket: str, text: str) -> Key:
        """The key of a text in a program; joins the space of the bucket's literal keys when no other has it."""
        with self._lock:
            found = self._find(bucket, text)
            if found is not None:
                return found
            space = self._literal.get(bucket)
            if space is None:
                space = self._literal[bucket] = _Space("", len(self._spaces), "fixed", bucket)
                self._spaces.append(space)
            space.keys.append(text)
            space.count += 1
            return space.key(space.count - 1)

    def _find(self, bucket: str, text: str) -> Key | None:
        for space in self._spaces:
            index = space.find(text) if space.bucket == bucket else None
            if index is not None:
                return space.key(index)
        return None

    def find(self, bucket: str, text: str) -> Key | None:
        """The key of a text, or None when it is not one of the plan's."""
        with self._lock:
            return self._find(bucket, text)

    def header(self, buckets: list[str]) -> list[dict[str, Any]]:
        """The table of spaces as a history's header has it."""
        out = []
        for space in self._spaces:
            row: dict[str, Any] = {"name": space.name, "bucket": buckets.index(space.bucket), "kind": space.kind}
            row |= {"count": space.count}
            out.append(row | ({"keys": list(space.keys)} if space.kind == "fixed" else {"prefix": space.prefix}))
        return out

    def is_lifecycle(self, name: str) -> bool:
        """Whether keys of the space are taken and given back."""
        return self._named[name].kind == "lifecycle"

    def choose(self, name: str, client: int, walk: dict[str, int], rng: random.Random) -> Key | None:
        """A key of a space that is no lifecycle space; None when it is used up. `walk` is the client's own."""
        space = self._named[name]
        if space.kind == "own":
            index = client * space.count + walk.get(name, 0)
            walk[name] = (walk.get(name, 0) + 1) % space.count
            return space.key(index)
        if space.kind == "zipf":
            return space.key(_zipf(space.count, space.theta, rng))
        if space.kind == "sequence":
            with self._lock:
                if space.next >= space.count:
                    return None
                space.next += 1
                return space.key(space.next - 1)
        return space.key(rng.randrange(space.count))

    def take(self, name: str, how: str, rng: random.Random) -> Hold | Key | None:
        """A key of a lifecycle space: held when taken as `fresh` or `acked`, only looked at with `any`."""
        space = self._named[name]
        with self._lock:
            if how == "fresh":
                if not space.fresh and space.next >= space.count:
                    return None
                if not space.fresh:
                    space.fresh.append(space.next)
                    space.next += 1
                return Hold(space.key(space.fresh.pop()), was_acked=False)
            if not space.acked:
                return None
            at = rng.randrange(len(space.acked))
            key = space.key(space.acked[at])
            if how == "any":
                return key
            space.acked[at] = space.acked[-1]
            space.acked.pop()
            return Hold(key, was_acked=True)

    def release(self, hold: Hold) -> None:
        """Gives a held key back: retired after a delete or an unknown mutation, acked after an acked write."""
        if hold.deleted or hold.unknown:
            return
        space = self._spaces[hold.key.space]
        with self._lock:
            (space.acked if hold.written or hold.was_acked else space.fresh).append(hold.key.index)
