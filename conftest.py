"""Fixtures of the project's own tests: an embedded store that is always ours, whatever target the session was given."""

import signal

import pytest

from s3prod.store import EmbeddedStore

# A shell starts what it puts in the background with SIGINT ignored, and children inherit that; the tests send it to them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def embedded_store():
    with EmbeddedStore(endpoints=2) as store:
        yield store


@pytest.fixture(scope="session")
def embedded_target(embedded_store):
    return embedded_store.target()
