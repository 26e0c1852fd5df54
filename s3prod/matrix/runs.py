"""How a cell is run: a plan on a store of its own, tests of `tests/store`, or crash rounds."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from s3prod.crash import CrashFailure, crash
from s3prod.errors import S3ProdError
from s3prod.matrix.cells import CRASHES, SUITE, Cell, Result
from s3prod.matrix.judges import judge
from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.plans.mutants import EVERY, SUITE_MUTANTS
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore

CRASH_ROUNDS = 20
SUITE_FOLDER = Path(__file__).parents[2] / "tests" / "store"


def run_cell(cell: Cell) -> Result:
    """Starts the store, runs the plan, the tests or the crash rounds, judges what came out."""
    mutants = [cell.mutant] if cell.mutant else []
    if cell.plan in CRASHES:
        return _crash(cell, mutants)
    if cell.plan == SUITE:
        return _suite(cell, mutants)
    modes = [cell.mode] if cell.mode else []
    # of a mutant that needs several endpoints the store has them, whatever the clients use
    endpoints = max(cell.endpoints, EVERY[cell.name].endpoints if mutants else 1)
    weighed = any(row.judge == "usage" and cell.plan == row.plan for row in EVERY.values())
    options = (*STORE_OPTIONS, "--admin") if weighed else STORE_OPTIONS
    plan = BUILTIN[cell.plan](cell.scale, cell.seed)
    plan = replace(plan, faults=(*plan.faults, *cell.faults))
    with (
        tempfile.TemporaryDirectory(prefix="s3prod-matrix-") as out,
        EmbeddedStore(mutants=mutants, modes=modes, endpoints=endpoints, seed=cell.seed, options=options) as store,
    ):
        target = store.target()
        target = replace(target, endpoints=target.endpoints[: cell.endpoints])
        run = run_plan(plan, target, runner=cell.runner, out=Path(out) / "run")
        return judge(cell, run, store.altered(), store.usage() if weighed else None)


def _crash(cell: Cell, mutants: list[str]) -> Result:
    begun, acknowledged, found = time.monotonic(), 0, ""
    try:
        done = crash(rounds=CRASH_ROUNDS, seed=cell.seed, loss=CRASHES[cell.plan], mutants=mutants, running=not mutants)
        acknowledged = done.acknowledged
    except CrashFailure as failure:
        found = f"round {failure.round}: {failure.problems[0]}"
    seconds = time.monotonic() - begun
    if mutants:
        outcome, because = ("killed", found) if found else ("missed", f"nothing was lost in {CRASH_ROUNDS} rounds")
    else:
        outcome, because = ("false-alarm", found) if found else ("held", "")
    rules = {"durability": 1} if found else {}
    return Result(
        cell,
        outcome,
        because,
        attempts=acknowledged,
        rules=rules,
        seconds=round(seconds, 3),
        seconds_to_detection=round(seconds, 3) if found else None,
    )


def _suite(cell: Cell, mutants: list[str]) -> Result:
    """Runs the tests that the row names; all rows' tests on the correct store."""
    named = EVERY[cell.name].rules if mutants else dict.fromkeys(t for row in SUITE_MUTANTS.values() for t in row.rules)
    options = [part for spec in mutants for part in ("--mutant", spec)]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="s3prod-matrix-") as out:
        report = Path(out) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *options,
            *named,
        ]
        store = shlex.join([sys.executable, "-m", "s3prod", "serve"])  # this build's, whatever else there is
        environment = os.environ | {"S3PROD_STORE": store}
        done = subprocess.run(command, cwd=SUITE_FOLDER, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not report.exists():
            raise S3ProdError(
                f"suite: {(done.stdout + done.stderr).strip().splitlines()[-1:]}, expected tests that run"
            )
        root = ElementTree.parse(report).getroot()
    cases = list(root.iter("testcase"))
    failed = {f"{c.get('classname', '').rpartition('.')[2]}.py::{str(c.get('name')).partition('[')[0]}"
              for c in cases if c.find("failure") is not None}  # fmt: skip
    broken = sum(c.find("error") is not None for c in cases)
    altered = sum(int(str(p.get("value"))) for p in root.iter("property") if p.get("name") == "altered")
    passed = sorted(set(named) - failed)
    if broken:
        outcome, because = ("missed" if mutants else "false-alarm"), f"{broken} tests could not run"
    elif not mutants:
        outcome, because = ("false-alarm", f"failed: {', '.join(sorted(failed))}") if failed else ("held", "")
    elif altered == 0:
        outcome, because = "not-altered", "the mutant never altered an answer"
    else:
        outcome, because = (
            ("missed", f"passed: {', '.join(passed)}") if passed else ("killed", f"{', '.join(named)} failed")
        )
    rules = dict.fromkeys(sorted(failed), 1)
    seconds = round(time.monotonic() - begun, 3)
    return Result(cell, outcome, because, altered, len(cases), len(failed) if mutants else 0, rules, seconds)
