"""A pytest plugin: what the end of a test is called, the time that it may take, and no secret in what is said of it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from s3prod.errors import InconclusiveError, one_line

SECRETS = pytest.StashKey[Callable[[], list[str]]]()
STATUS, MESSAGE = "s3prod_status", "s3prod_message"  # attributes of a report: how a phase ended, and why, in a line


class NoVerdict(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """The test ends without a verdict: it could not be set up, proved too little, or was cut short."""

    __module__ = "builtins"  # as pytest's own: it is named without a path
    status = "ERROR"


class Expired(NoVerdict):
    """The time of the test was up."""

    __module__ = "builtins"
    status = "TIMEOUT"


class Alarm(KeyboardInterrupt):
    """The time of a test is up; to a runner it is Ctrl-C: the history is kept, what it made is cleaned up."""


class Timer:
    """The time that a test may take, of its set-up, call and clean-up together; 0: as long as it likes."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.expired = seconds, False
        self._inside = self._raised = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """The test's time is that of the block."""
        self.expired = self._raised = False
        if self.seconds <= 0:
            yield
            return
        before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    @contextmanager
    def phase(self) -> Iterator[None]:
        """A phase of the test, in which the alarm may ring; one that rang between two phases ends the next one."""
        if self.expired and not self._raised:
            self._raised = True
            raise self.up()
        self._inside = True
        try:
            yield
        except Alarm:
            raise self.up() from None
        finally:
            self._inside = False

    def up(self, more: str = "") -> Expired:
        """What is raised when the time is up."""
        return Expired(f"timeout: the test took longer than {self.seconds:g} s{more}", pytrace=False)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self.expired = True
        if self._inside:
            self._raised = True
            raise Alarm


TIMER = pytest.StashKey[Timer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option of the time that a test may take."""
    group = parser.getgroup("s3prod")
    group.addoption("--test-timeout", type=float, default=0, metavar="S", help="a test that takes longer ends (never)")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the timer."""
    config.stash[TIMER] = Timer(config.getoption("--test-timeout"))


Wrapper = Generator[None, object, object]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Wrapper:
    """Runs the test within its time."""
    with item.config.stash[TIMER].running():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Wrapper:
    """Ends the phase when the time is up."""
    with item.config.stash[TIMER].phase():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Wrapper:
    """Ends the phase when the time is up."""
    with item.config.stash[TIMER].phase():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Wrapper:
    """Ends the phase when the time is up."""
    with item.config.stash[TIMER].phase():
        return (yield)


def status_of(when: str | None, outcome: str, error: BaseException | None) -> str:
    """What the end of a phase is called: FAILED is a promise that was broken, ERROR all that says nothing of the store.

    >>> status_of("call", "failed", AssertionError()), status_of("setup", "failed", AssertionError())
    ('FAILED', 'ERROR')
    >>> status_of("call", "failed", Expired("too long")), status_of("call", "failed", OSError())
    ('TIMEOUT', 'ERROR')
    >>> status_of("call", "failed", InconclusiveError("nobody listed"))
    'ERROR'
    """
    if outcome != "failed":
        return outcome.upper()
    if isinstance(error, NoVerdict):
        return error.status
    if isinstance(error, InconclusiveError):
        return NoVerdict.status
    broken = error is None or isinstance(error, AssertionError | pytest.fail.Exception)
    return "FAILED" if when == "call" and broken else "ERROR"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets.

    >>> redacted("key s3cret", ["s3cret"])
    'key …'
    """
    for secret in secrets:
        if len(secret) > 2:  # one that is shorter is part of any text
            text = text.replace(secret, "…")
    return text


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Notes what the end is called, and takes the secrets out of what is said."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    setattr(report, STATUS, status_of(report.when, report.outcome, error))
    crash = getattr(report.longrepr, "reprcrash", None)
    said = str(crash.message) if crash is not None else report.longreprtext
    if isinstance(error, pytest.fail.Exception):
        said = str(error.msg)
    secrets = item.config.stash[SECRETS]() if SECRETS in item.config.stash else []
    setattr(report, MESSAGE, one_line(redacted(said.strip().partition("\n")[0], secrets)))
    if report.failed and redacted(report.longreprtext, secrets) != report.longreprtext:
        report.longrepr = redacted(report.longreprtext, secrets)
    report.sections = [(name, redacted(text, secrets)) for name, text in report.sections]
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Says TIMEOUT, and ERROR for what has no verdict, instead of FAILED."""
    status = getattr(report, STATUS, "")
    if report.when == "call" and report.failed and status in ("ERROR", "TIMEOUT"):
        return "failed", status[0], status
    return None
