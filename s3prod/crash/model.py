"""What the store may show: for each cell the last acknowledged state, or one that was in flight."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

IN_RECORD_MAX = 16384  # INLINE_MAX of requests.c: longer bodies, and all parts, are files


@dataclass(frozen=True)
class Value:
    """An object as a reader sees it, and how many body files it takes."""

    digest: str  # MD5 of the bytes
    etag: str
    size: int
    tags: tuple[tuple[str, str], ...] = ()
    files: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Upload:
    """An upload on its way: ETag, size and MD5 of each part. The id of one in flight is not known."""

    id: str | None
    parts: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True)
class Versions:
    """The entries of a key, newest first: version id (None: in flight) and value (None: a delete marker)."""

    entries: tuple[tuple[str | None, Value | None], ...] = ()


@dataclass(frozen=True)
class Assembly:
    """A multipart upload and the object that it becomes: they change together."""

    upload: Upload | None = None
    object: Value | None = None


State: TypeAlias = Value | Versions | Assembly | None


class Cell:
    """One thing that a single worker changes. `allowed` holds what a reader may find."""

    def __init__(self, name: str, state: State) -> None:
        self.name = name
        self.allowed: list[State] = [state]

    @property
    def now(self) -> State:
        """The state, while nothing is in flight."""
        assert len(self.allowed) == 1, f"{self.name}: a change is in flight"
        return self.allowed[0]

    def begin(self, then: State) -> None:
        """A change leaves: until it is answered, both states are right."""
        self.allowed = [self.now, then]

    def settle(self, state: State) -> None:
        """The change was answered, or the state was looked at."""
        self.allowed = [state]


def matches(allowed: State, found: State) -> bool:
    """Whether `found` is that state; an id that was in flight is any id."""
    if isinstance(allowed, Versions) and isinstance(found, Versions):
        return len(allowed.entries) == len(found.entries) and all(
            a[0] in (None, f[0]) and a[1] == f[1] for a, f in zip(allowed.entries, found.entries, strict=True)
        )
    if isinstance(allowed, Assembly) and isinstance(found, Assembly):
        a, f = allowed.upload, found.upload
        if a is not None and f is not None and a.id is None:
            a = Upload(f.id, a.parts)
        return a == f and allowed.object == found.object
    return allowed == found


def files_of(state: State) -> int:
    """How many body files the state takes."""
    if isinstance(state, Value):
        return state.files
    if isinstance(state, Versions):
        return sum(value.files for _, value in state.entries if value is not None)
    if isinstance(state, Assembly):
        parts = len(state.upload.parts) if state.upload is not None else 0
        return parts + (state.object.files if state.object is not None else 0)
    return 0


def body_of(number: int, size: int) -> bytes:
    """Bytes that only this number has, at every offset."""
    cell = b"%016x:" % number
    return (cell * (size // len(cell) + 1))[:size]


def value_of(body: bytes, tags: tuple[tuple[str, str], ...] = ()) -> Value:
    """What a plain PUT of these bytes makes."""
    digest = hashlib.md5(body).hexdigest()
    return Value(digest, digest, len(body), tags, int(len(body) > IN_RECORD_MAX))


class Chain:
    """A counter that all workers change by compare-and-swap: each edge leads from an ETag to the next."""

    def __init__(self, name: str, value: Value) -> None:
        self.name = name
        self.tip = value
        self.edges: dict[str, list[tuple[Value, bool]]] = {}  # by the ETag before: value after, acknowledged

    def problems(self, found: Value | None) -> list[str]:
        """Walks from the tip along the edges: every acknowledged one must lie on the way to what was found."""
        said = [
            f"{self.name}: two writers won on {etag}"
            for etag, after in self.edges.items()
            if sum(acked for _, acked in after) > 1
        ]
        if found is None:
            return [*said, f"{self.name}: absent, expected {self.tip.etag} or a later one"]
        before = {value.etag: etag for etag, after in self.edges.items() for value, _ in after}
        path, at = {found.etag}, found.etag
        while at != self.tip.etag and at in before:
            at = before[at]
            path.add(at)
        if at != self.tip.etag:
            return [*said, f"{self.name}: found {found.etag}, which does not follow {self.tip.etag}"]
        lost = [v.etag for after in self.edges.values() for v, acked in after if acked and v.etag not in path]
        return [*said, *(f"{self.name}: acknowledged {etag} is not before {found.etag}" for etag in lost)]

    def settle(self, found: Value) -> None:
        self.tip = found
        self.edges = {}
