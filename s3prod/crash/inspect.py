"""Looks at everything a store shows after a crash and compares it with what it may show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from s3prod.crash.client import XMLNS, Client, text_of
from s3prod.crash.load import PLAIN, VERSIONED, World
from s3prod.crash.model import Assembly, State, Upload, Value, Versions, files_of, matches
from s3prod.store import EmbeddedStore


def inspect(store: EmbeddedStore, data: Path, world: World) -> Iterator[str]:
    """A line for each thing that is wrong; settles what was in flight."""
    client = Client(store)
    try:
        yield from _inspect(client, data, world)
    finally:
        client.close()


def _inspect(client: Client, data: Path, world: World) -> Iterator[str]:
    found: dict[tuple[str, str], State] = {at: None for at in world.cells}
    for key, etag, size in _listed(client):
        value, wrong = _object(client, PLAIN, key, {}, True)
        yield from wrong
        if value is None or (value.etag, value.size) != (etag, size):
            yield f"{PLAIN}/{key}: listed with {etag} of {size} bytes, but GET gives {value}"
        found[PLAIN, key] = value
    for key, upload in _uploads(client):
        if (PLAIN, key) in found and isinstance(found[PLAIN, key], Assembly):
            yield f"{PLAIN}/{key}: a second upload {upload}"
        whole = found.get((PLAIN, key))
        found[PLAIN, key] = Assembly(upload, whole if isinstance(whole, Value) else None)
    yield from _versions(client, found)
    yield from _compare(found, world)
    if world.chains:
        expected = sum(files_of(cell.allowed[0]) for cell in world.cells.values() if len(cell.allowed) == 1)
        there = sum(1 for path in data.joinpath("bodies").rglob("*") if path.is_file())
        if there != expected:
            yield f"{there} body files, expected {expected}: what no record names is swept at the start"


def _compare(found: dict[tuple[str, str], State], world: World) -> Iterator[str]:
    for name, chain in world.chains.items():
        state = found.pop((PLAIN, name), None)
        value = state if isinstance(state, Value) else None
        yield from chain.problems(value)
        if value is not None:
            chain.settle(value)
    for (bucket, key), state in found.items():
        cell = world.cells.get((bucket, key))
        if cell is None:
            yield f"{bucket}/{key}: found {state}, never written"
            continue
        if bucket == VERSIONED and state is None:
            state = Versions()
        if key.startswith("upload/") and not isinstance(state, Assembly):
            state = Assembly(None, state if isinstance(state, Value) else None)
        right = [allowed for allowed in cell.allowed if matches(allowed, state)]
        if not right:
            last, *flight = cell.allowed
            yield f"{cell.name}: found {state}, acknowledged {last}" + (f", in flight {flight[0]}" if flight else "")
        cell.settle(_with_files(right[0], state) if right else state)


def _with_files(allowed: State, found: State) -> State:
    """What was found, with the numbers of body files that only the model knows."""
    if isinstance(allowed, Versions) and isinstance(found, Versions):
        pairs = zip(allowed.entries, found.entries, strict=True)
        return Versions(tuple((f[0], a[1]) for a, f in pairs))
    if isinstance(allowed, Assembly) and isinstance(found, Assembly):
        return Assembly(found.upload, allowed.object)
    return allowed


def _listed(client: Client) -> Iterator[tuple[str, str, int]]:
    marks = {"NextContinuationToken": "continuation-token"}
    for page in client.pages(PLAIN, {"list-type": "2", "max-keys": "50"}, marks):
        for entry in page.iter(XMLNS + "Contents"):
            yield text_of(entry, "Key"), text_of(entry, "ETag").strip('"'), int(text_of(entry, "Size"))


def _object(client: Client, bucket: str, key: str, query: dict[str, str], tags: bool) -> tuple[Value | None, list[str]]:
    """The object as GET (and GetObjectTagging) show it, and what does not fit together in it."""
    answer = client.send("GET", bucket, key, query)
    if answer.status != 200:
        return None, []
    digest = hashlib.md5(answer.body).hexdigest()
    said = []
    if "-" not in answer.etag and answer.etag != digest:
        said.append(f"{bucket}/{key}: ETag {answer.etag}, but the body has MD5 {digest}")
    pairs: list[tuple[str, str]] = []
    if tags:
        document = client.send("GET", bucket, key, {"tagging": ""})
        pairs = [(text_of(t, "Key"), text_of(t, "Value")) for t in document.xml().iter(XMLNS + "Tag")]
        if int(answer.headers.get("x-amz-tagging-count", "0")) != len(pairs):
            said.append(f"{bucket}/{key}: the count of tags is not that of {pairs}")
    return Value(digest, answer.etag, len(answer.body), tuple(pairs)), said


def _uploads(client: Client) -> Iterator[tuple[str, Upload]]:
    marks = {"NextKeyMarker": "key-marker", "NextUploadIdMarker": "upload-id-marker"}
    for page in client.pages(PLAIN, {"uploads": ""}, marks):
        for entry in page.iter(XMLNS + "Upload"):
            key, upload = text_of(entry, "Key"), text_of(entry, "UploadId")
            document = client.send("GET", PLAIN, key, {"uploadId": upload}).xml()
            parts = tuple(
                (int(text_of(p, "PartNumber")), text_of(p, "ETag").strip('"'), int(text_of(p, "Size")))
                for p in document.iter(XMLNS + "Part")
            )
            yield key, Upload(upload, parts)


def _versions(client: Client, found: dict[tuple[str, str], State]) -> Iterator[str]:
    marks = {"NextKeyMarker": "key-marker", "NextVersionIdMarker": "version-id-marker"}
    for page in client.pages(VERSIONED, {"versions": "", "max-keys": "50"}, marks):
        for entry in page:
            kind = entry.tag.removeprefix(XMLNS)
            if kind not in ("Version", "DeleteMarker"):
                continue
            key, version = text_of(entry, "Key"), text_of(entry, "VersionId")
            before = found.get((VERSIONED, key))
            entries = before.entries if isinstance(before, Versions) else ()
            if (text_of(entry, "IsLatest") == "true") != (not entries):
                yield f"{VERSIONED}/{key}: version {version} is not listed in its place"
            value = None
            if kind == "Version":
                value, wrong = _object(client, VERSIONED, key, {"versionId": version}, False)
                yield from wrong
                if value is None:
                    yield f"{VERSIONED}/{key}: version {version} is listed, but GET does not find it"
            found[VERSIONED, key] = Versions((*entries, (version, value)))
