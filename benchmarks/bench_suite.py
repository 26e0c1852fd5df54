"""The production tests on the embedded store: how long they take, in how much memory, and how much slower boto3 is."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.harness import ROOT, Record, interleave

OWN_S = 60  # test 4 lasts so long at full scale, however fast all is
GOAL_S = {"full": 120, "smoke": 25}
GOAL_MB = 300
GOAL_POPULATED_S = 10
ROUNDS = 3


@dataclass(frozen=True)
class Suite:
    """One run of all production tests: its wall time, the summaries of its plans, what test 6 says of its objects."""

    seconds: float
    plans: dict[str, dict]
    populated_s: float

    @property
    def memory_mb(self) -> float:
        """Of the plan that took most."""
        return max(plan["peak_rss_mb"] for plan in self.plans.values())


def run_suite(scale: str, sdk: str = "native") -> Suite:
    """Runs them in one pytest, one after the other. One that fails ends the benchmark."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        junit = Path(folder) / "junit.xml"
        words = [
            "tests/production",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--scale={scale}",
            f"--sdk={sdk}",
            f"--junitxml={junit}",
        ]
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
        )
        seconds = time.monotonic() - begun
        if done.returncode != 0:
            sys.exit(
                f"{done.stdout}\ns3prod: bench: pytest {' '.join(words[:1])}: status {done.returncode}, expected 0"
            )
        found = [(each.get("name"), each.get("value")) for each in ElementTree.parse(junit).iter("property")]
    plans = {name: json.loads(value) for name, value in found if value.startswith("{") and '"plan"' in value}
    populated = re.search(r"objects in ([0-9.]+) s", dict(found)["populated"])
    return Suite(seconds, plans, float(populated.group(1)) if populated else 0.0)


def _row(name: str, ours: float, goal: float, unit: str, what: str, command: str, rounds: int) -> Record:
    return Record(name, ours / goal, ours, goal, unit, "lower", 1, what, f"{command}  # {name}", rounds)


def full() -> list[Record]:
    """All tests at full scale, once."""
    suite, command = run_suite("full"), "s3prod bench suite-full"
    return [
        _row("suite-full", suite.seconds - OWN_S, GOAL_S["full"], "s", "the ten tests at full, beside the 60 s of test 4, "
             f"over {GOAL_S['full']} s", command, 1),
        _row("suite-full-memory", suite.memory_mb, GOAL_MB, "MB", "the client's peak in the plan that takes most, "
             f"over {GOAL_MB} MB", command, 1),
        _row("populate", suite.populated_s, GOAL_POPULATED_S, "s", "the 100,000 objects of test 6, "
             f"over {GOAL_POPULATED_S} s", command, 1),
    ]  # fmt: skip


def smoke() -> list[Record]:
    """All tests at smoke scale."""
    seconds = interleave({"smoke": lambda: run_suite("smoke").seconds}, ROUNDS)["smoke"]
    what = f"the ten tests at smoke, over {GOAL_S['smoke']} s"
    return [_row("suite-smoke", seconds, GOAL_S["smoke"], "s", what, "s3prod bench suite-smoke", ROUNDS)]


def against_boto3() -> list[Record]:
    """The same plans by the engine and by boto3's threads. The rates are those of the main phases, waits of a plan's own
    included; each plan counts alike.
    """
    rates: dict[str, dict[str, list[float]]] = {"native": {}, "boto3": {}}

    def side(sdk: str) -> float:
        suite = run_suite("smoke", sdk)
        for name, plan in suite.plans.items():
            rates[sdk].setdefault(name, []).append(plan["operations_per_second"])
        return suite.seconds

    interleave({sdk: lambda sdk=sdk: side(sdk) for sdk in rates}, ROUNDS)
    ours, theirs = (
        statistics.geometric_mean(statistics.median(found) for found in rates[sdk].values()) for sdk in rates
    )
    what = "the plans of the ten tests at smoke: operations a second of the engine over those of boto3, geometric mean (no goal)"
    return [
        Record(
            "suite-boto3",
            ours / theirs,
            ours,
            theirs,
            "operations/s",
            "higher",
            0,
            what,
            "s3prod bench suite-boto3",
            ROUNDS,
        )
    ]
