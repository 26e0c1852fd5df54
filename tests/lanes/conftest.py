"""Runs the lanes that `S3PROD_LANES` asks for, and says at the end what they found or how to ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import lanes
import pytest
from rgw import Gateway

collect_ignore = [name for name, of in lanes.FILES.items() if not of & set(lanes.asked())]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a lane."""
    for line in lanes.SUMMARY:
        terminalreporter.write_line(line)
    for name, store in lanes.LANES.items():
        if name not in lanes.asked():
            terminalreporter.write_line(f"lanes: not run against {store} (ask with {lanes.VARIABLE}={name})")


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    """One gateway for all tests of its lane."""
    lanes.install("rgw16")
    with Gateway() as running:
        yield running
