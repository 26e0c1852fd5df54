"""A pytest plugin for the child of a run of the suite: it selects tests, and tells on a pipe what begins and how it ended.

Loaded by `-p s3prod.suite.teller --suite-job JOB`, JOB being JSON: `fd` (the pipe), `tests` (patterns), `done` (ids). It tells
lines of JSON, whose `event` is `collected` (ids), `started` (id), `ended` (a result), `interrupted` (message) or `finished`
(pytest's exit status).
"""

from __future__ import annotations

import fnmatch
import json
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from s3prod.errors import one_line
from s3prod.suite.outcome import MESSAGE, STATUS
from s3prod.suite.record import Result, now


def matches(pattern: str, test_id: str) -> bool:
    """Whether a pattern means a test: its id, its function (without parameters, too), its file, or a glob over one of them.

    >>> one = "tests/production/test_herd.py::test_production_herd[1]"
    >>> [matches(p, one) for p in (one, "test_production_herd", "test_herd", "test_herd.py", "*herd*", "herd")]
    [True, True, True, True, True, False]
    """
    path, _, function = test_id.partition("::")
    file = path.rpartition("/")[2]
    names = (test_id, function, function.partition("[")[0], path, file, file.removesuffix(".py"))
    return pattern in names or any(fnmatch.fnmatchcase(name, pattern) for name in names)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option with the job."""
    parser.addoption("--suite-job", type=json.loads, help="what a run of the suite asks for")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begins to tell."""
    job = config.getoption("--suite-job")
    os.set_inheritable(job["fd"], False)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is begun in the background may have it ignored
    config.pluginmanager.register(Teller(**job))


class Teller:
    """The plugin that selects the tests and tells what happens."""

    def __init__(self, fd: int, tests: Sequence[str], done: Sequence[str]) -> None:
        self._pipe = os.fdopen(fd, "w", encoding="utf-8")
        self._tests, self._done = tests, set(done)
        self._reports: list[pytest.TestReport] = []
        self._began = ""

    def tell(self, event: str, **more: Any) -> None:
        """Writes one line; when nobody listens any more the session ends."""
        try:
            print(json.dumps({"event": event} | more), file=self._pipe, flush=True)
        except BrokenPipeError:
            os._exit(3)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        chosen: list[pytest.Item] = []
        rest: list[pytest.Item] = []
        for item in items:
            wanted = not self._tests or any(matches(pattern, item.nodeid) for pattern in self._tests)
            (chosen if wanted and item.nodeid not in self._done else rest).append(item)
        if rest:
            config.hook.pytest_deselected(items=rest)
        items[:] = chosen

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tell("collected", ids=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.failed or report.nodeid in self._done:
            return
        text = report.longreprtext
        last = [line for line in text.splitlines() if line.strip()] or ["it could not be collected"]
        result = Result(report.nodeid, "ERROR", 0.0, one_line(last[-1].removeprefix("E ")), text)
        self.tell("ended", result=vars(result))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._reports, self._began = [], now()
        self.tell("started", id=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.tell("ended", result=vars(result_of(nodeid, self._reports, self._began)))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.tell("interrupted", message=one_line(str(excinfo.value) or "interrupted"))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.tell("finished", status=int(exitstatus))


def result_of(test_id: str, reports: Sequence[pytest.TestReport], began: str) -> Result:
    """The result of a test's phases: the first that did not pass says how it ended, unless it only skipped."""
    seconds = sum(report.duration for report in reports)
    ended = [report for report in reports if report.failed] or [report for report in reports if report.skipped]
    properties = {name: str(value) for report in reports[-1:] for name, value in report.user_properties}
    if not ended:
        return Result(test_id, "PASSED", seconds, timestamp=began, properties=properties)
    status, text = getattr(ended[0], STATUS), ended[0].longreprtext
    error = None if status == "SKIPPED" else text
    return Result(test_id, status, seconds, message_of(ended[0]), error, began, properties)


def message_of(report: pytest.TestReport) -> str:
    """Why, in one line: the reason of a skip, or what was raised."""
    if report.skipped:
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else getattr(report, "wasxfail", report.longreprtext)
        return one_line(str(reason).removeprefix("Skipped: "))
    return str(getattr(report, MESSAGE))
