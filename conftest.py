"""Fixtures of the project's own tests: an embedded store that is always ours, whatever target the session was given."""

import pytest

from s3prod.store import EmbeddedStore


@pytest.fixture(scope="session")
def embedded_store():
    with EmbeddedStore(endpoints=2) as store:
        yield store


@pytest.fixture(scope="session")
def embedded_target(embedded_store):
    return embedded_store.target()
