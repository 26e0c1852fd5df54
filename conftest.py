"""Fixtures of the project's own tests: an embedded store that is always ours, whatever target the session was given."""

import os
import signal
import subprocess
import sys
import time

import pytest

from s3prod.client import S3Client
from s3prod.store import EmbeddedStore

RULES = ("--lifecycle-day", "500ms", "--replication-lag", "50ms")  # of buckets, which are refused without

# A shell starts what it puts in the background with SIGINT ignored, and children inherit that; the tests send it to them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def embedded_store():
    with EmbeddedStore(endpoints=2, options=RULES) as store:
        yield store


@pytest.fixture(scope="session")
def embedded_target(embedded_store):
    return embedded_store.target()


@pytest.fixture
def until_stored(embedded_target):
    """Waits until a bucket whose name begins so has an object of this name: a run is under way."""

    def wait(prefix, key):
        client, until = S3Client(embedded_target), time.monotonic() + 60
        while time.monotonic() < until:
            buckets = [bucket["Name"] for bucket in client.list_buckets()]
            if any(client.object_exists(name, key) for name in buckets if name.startswith(prefix)):
                return
            time.sleep(0.02)
        raise TimeoutError(f"{prefix}…/{key}: not there after 60 s")

    return wait


@pytest.fixture(scope="session")
def run_tests(pytestconfig):
    """Runs pytest with some words in a process of its own, whose settings of the store are those given here only."""

    def run(*words, timeout=1800, **settings):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("S3_", "S3PROD_LANES"))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
        return subprocess.run(
            command, cwd=pytestconfig.rootpath, env=clean | settings, capture_output=True, text=True, timeout=timeout
        )

    return run


@pytest.fixture(scope="session")
def run_suite(run_tests):
    """Runs pytest with some words against a store."""

    def run(endpoint, access_key, secret_key, *words, **settings):
        given = {"S3_ENDPOINT": endpoint, "S3_ACCESS_KEY": access_key, "S3_SECRET_KEY": secret_key}
        return run_tests(*words, **given, **settings)

    return run
