"""Says at the end of a run what the lanes found, or how to ask for them: of tests that are shared out, too."""

from __future__ import annotations

import lane_table as lanes
import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a lane; how to ask for the others only where the words of the session reach their tests."""
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == lanes.SAYS:
                terminalreporter.write_line(str(line))
    if not lanes.reached(config.args, config.invocation_params.dir):
        return
    for name, lane in lanes.LANES.items():
        if name not in lanes.asked():
            terminalreporter.write_line(f"lanes: not run: {lane.what} (ask with {lanes.VARIABLE}={name})")
