"""Stores for the tests of this folder: the embedded one, or the one that `--endpoint` names."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import expected
import pytest
from storelib import AnyStore, Store, remove_bucket

from s3prod import Target
from s3prod.pytest_plugin import SESSION
from s3prod.testing import random_string

DEADLINE_S, OTHERS_DEADLINE_S = 120, 600  # a store of others' may do twenty requests a second on a busy machine
EXPECTED = pytest.StashKey[expected.Expected]()
# The files that ask about S3; what another file or folder tests is the embedded store's own.
OF_S3 = "attributes buckets chunked conditions copy delete_many front lists multipart objects rules rules_integrity tags versions"
FILES_OF_S3 = {f"test_{name}.py" for name in OF_S3.split()}
OWN_STORES = {
    "start": "starts stores with options",
    "small": "a store that takes parts of any size",
    "settings_store": "a store with settings of buckets",
    "days_store": "a store with short days",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that names what the store is known to get wrong."""
    text = "what the store is known to get wrong (see tests/store/expected.py)"
    parser.getgroup("s3prod").addoption("--expected", metavar="FILE", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the file of known deviations."""
    path = config.getoption("--expected", None)
    if path is not None:
        try:
            config.stash[EXPECTED] = expected.read(Path(path))
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None


def given(config: pytest.Config) -> Target | None:
    """The store that options, environment or `s3_config.yaml` name."""
    target = config.stash[SESSION].given
    return None if target is None or target.embedded else target


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What only the embedded store has is marked `embedded`, and is not collected for another store."""
    mine = [item for item in items if item.path.is_relative_to(config.rootpath / "tests" / "store")]
    for item in mine:
        if item.path.name not in FILES_OF_S3:
            item.add_marker(pytest.mark.embedded("a file about the embedded store"))
        for name in OWN_STORES.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.embedded(OWN_STORES[name]))
    if given(config) is not None:
        left_out = [item for item in mine if item.get_closest_marker("embedded")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if EXPECTED in config.stash:
        try:
            unused = expected.apply(config.stash[EXPECTED], mine)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        if unused and not any("::" in word for word in config.args):
            raise pytest.UsageError(f"expected: {unused[0]}: no such test")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says how many tests showed each known deviation."""
    if EXPECTED in config.stash:
        reasons = [report.wasxfail for report in terminalreporter.stats.get("xfailed", [])]
        terminalreporter.write_line(expected.counts(config.stash[EXPECTED], reasons))


@pytest.fixture(autouse=True)
def deadline(pytestconfig: pytest.Config) -> Iterator[None]:
    """A store that hangs, or pages that never end, fail the test instead of keeping the run."""
    seconds = OTHERS_DEADLINE_S if given(pytestconfig) else DEADLINE_S

    def over(*_: object) -> None:
        raise TimeoutError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def broken(config: pytest.Config, record: Callable[[str, object], None], *options: str) -> Iterator[Store]:
    """A store that is broken as `--mutant` says, and whose end is a test too."""
    mutants = config.getoption("--mutant")
    running = Store(*options, "--admin", *(part for spec in mutants for part in ("--mutant", spec)))
    yield running
    if mutants:
        record("altered", len(running.admin("/altered")["request_ids"]))
    assert running.close() == 0


@pytest.fixture(scope="session")
def store(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> Iterator[AnyStore]:
    """One store for all tests that need nothing special, broken as `--mutant` says; the end of an embedded one is a test too."""
    target = given(pytestconfig)
    if target is not None:
        yield AnyStore(target)
        return
    yield from broken(pytestconfig, record_testsuite_property, "--endpoints", "2")


@pytest.fixture(scope="session")
def settings_store(
    pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Store]:
    """One with what buckets may be set to."""
    yield from broken(pytestconfig, record_testsuite_property, "--bucket-policy", "--lifecycle-day", "1h")


@pytest.fixture(scope="session")
def days_store(
    pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Store]:
    """One in which days are short."""
    yield from broken(pytestconfig, record_testsuite_property, "--lifecycle-day", "100ms")


@pytest.fixture(scope="session")
def s3(store: AnyStore) -> Any:
    """A boto3 client of the common store."""
    return store.client()


@contextmanager
def names(config: pytest.Config, s3: Any) -> Iterator[Callable[..., str]]:
    """Gives names for buckets; those that are made in a store of somebody's own are emptied and removed at the end."""
    target, stay = given(config), config.stash.get(EXPECTED, expected.Expected()).buckets_stay
    prefix = "store" if target is None else target.bucket_prefix
    given_out: list[str] = []

    def name(end: str = "") -> str:
        given_out.append(f"{prefix}-{random_string(12)}{end}")
        return given_out[-1]

    yield name
    if target is not None and not stay:
        for one in given_out:
            remove_bucket(s3, one)


@pytest.fixture
def fresh(pytestconfig: pytest.Config, s3: Any) -> Iterator[Callable[..., str]]:
    """Names for buckets of this test."""
    with names(pytestconfig, s3) as name:
        yield name


@pytest.fixture(scope="module")
def fresh_for_all(pytestconfig: pytest.Config, s3: Any) -> Iterator[Callable[..., str]]:
    """Names for buckets that the tests of a file share."""
    with names(pytestconfig, s3) as name:
        yield name


@pytest.fixture
def bucket(s3: Any, fresh: Callable[..., str]) -> str:
    """A fresh bucket of the common store."""
    name = fresh()
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
