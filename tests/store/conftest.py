"""Stores for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from storelib import Store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """One store for all tests that need nothing special; its end is a test too."""
    running = Store("--endpoints", "2", "--admin")
    yield running
    assert running.close() == 0


@pytest.fixture(scope="session")
def s3(store: Store) -> Any:
    """A boto3 client of the common store."""
    return store.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A fresh bucket of the common store."""
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def start() -> Iterator[Callable[..., Store]]:
    """Starts stores with options of the test's own."""
    running: list[Store] = []

    def begin(*options: str) -> Store:
        running.append(Store(*options))
        return running[-1]

    yield begin
    assert [one.close() for one in running] == [0] * len(running)
