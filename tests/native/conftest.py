"""What the tests of the extension module share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3prod import _native
from s3prod.store import EmbeddedStore

SEGMENT = 8192 - 1100  # records of a full one: S3P_SEGMENT_RECORDS without the room for a batch

HEADER = {
    "format": 1,
    "run": "0123456789ab",
    "seed": 7,
    "buckets": [{"role": "main", "name": "t-main"}, {"role": "other", "name": "t-other"}],
    "spaces": [
        {"name": "", "bucket": 0, "kind": "fixed", "keys": ["hot/object"]},
        {"name": "objs", "bucket": 0, "kind": "uniform", "prefix": "objs/", "count": 1000},
        {"name": "mine", "bucket": 1, "kind": "own", "prefix": "own/", "count": 10},
    ],
}


def _mapped() -> int:
    """Histories that are mapped, whoever holds them."""
    return Path("/proc/self/maps").read_text().count("history.s3ph")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No native object outlives its test, and no file stays mapped."""
    gc.collect()
    before = _native._debug_live(), _mapped()
    yield
    gc.collect()
    assert (_native._debug_live(), _mapped()) == before


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "history.s3ph")


@pytest.fixture(scope="session")
def embedded_target(embedded_store: EmbeddedStore) -> dict[str, Any]:
    """The embedded store as the plain mapping that teams write down themselves."""
    return embedded_store.target().to_dict()


def records(count: int) -> list[dict[str, Any]]:
    """Attempts of several kinds, by number."""
    out: list[dict[str, Any]] = []
    for i in range(count):
        record: dict[str, Any] = {"op": "put", "outcome": "ok", "t_call": i + 1, "client": i % 7, "run_phase": "main"}
        record |= {"phase": "answered", "bucket": "main", "space": 1, "key_index": i % 1000, "status": 200}
        if i % 3 == 0:
            record |= {"op": "get", "request_id": f"R{i}", "etag": f"{i:032x}", "t_return": i + 10}
        if i % 5 == 0:
            record |= {"outcome": "unknown", "wire": "timeout", "phase": "sent", "code_text": "späť\x00"}
        out.append(record)
    return out


@pytest.fixture
def written(path: str) -> str:
    """A history of 20,000 attempts in three segments."""
    with _native.HistoryWriter(path, HEADER) as writer:
        for record in records(20_000):
            writer.append(record)
    return path
