"""The kill matrix: every mutant on its own plan, and the correct store on every plan.

    python -m s3prod.matrix --seeds 20

A mutant is *killed* when the run is violated, a rule that its row names is among the violations, and a witness contains an
answer that the store's admin port lists as altered. A mutant that never altered an answer proves nothing and is an error.
The correct store must be *held* on every plan: anything else is a false alarm. Some mutants have another judge:

* `progress`: no answer is wrong, but nothing moves: killed means that a floor of the plan which the row names was missed.
* `suite`: tests of `tests/store` instead of a plan: killed means that all that the row names fail.
* `sigkill`, `power-loss`: crash rounds (`s3prod.crash`): killed means that something acknowledged was gone after a crash.

Cells that are done are kept under `build/kill-matrix` and not run again until the program changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from s3prod.crash import CrashFailure, crash
from s3prod.errors import S3ProdError, UsageError
from s3prod.plans import BUILTIN
from s3prod.plans.mutants import EVERY, SUITE_MUTANTS, Mutant
from s3prod.plans.objects import SMALL_PARTS
from s3prod.results import Run
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore
from s3prod.verdict import Verdict, Witness

CORRECT = "correct-store"
CRASHES = {"sigkill": None, "power-loss": "none"}  # what crash rounds take instead of a plan: how they lose the power
CRASH_ROUNDS = 20
SUITE = "suite"
SUITE_FOLDER = Path(__file__).parents[1] / "tests" / "store"


@dataclass(frozen=True)
class Cell:
    """One run of the matrix: a store (correct or broken), a plan, a seed."""

    store: str
    spec: str
    plan: str
    seed: int
    endpoints: int


@dataclass(frozen=True)
class Result:
    """What a cell showed."""

    cell: Cell
    outcome: str  # killed, missed, not-altered, held, false-alarm
    because: str
    altered: int
    attempts: int
    rules: dict[str, int]
    seconds: float
    seconds_to_detection: float | None


def cells(names: list[str], seeds: int) -> Iterator[Cell]:
    """The mutants' own cells, and with no name asked for the correct store on every plan."""
    for name in names or list(EVERY):
        if name not in EVERY:
            raise UsageError("mutant", name, f"one of {', '.join(EVERY)}")
        row = EVERY[name]
        for seed in range(1, seeds + 1):
            yield Cell(name, row.subtle, row.plan or row.judge, seed, row.endpoints)
    for plan in [] if names else [*BUILTIN, *CRASHES, SUITE]:
        for seed in range(1, seeds + 1):
            yield Cell(CORRECT, "", plan, seed, 2)


def run_cell(cell: Cell, scale: str) -> Result:
    """Starts the store, runs the plan, the tests or the crash rounds, judges what came out."""
    mutants = [cell.spec] if cell.spec else []
    if cell.plan in CRASHES:
        return _crash(cell, mutants)
    if cell.plan == SUITE:
        return _suite(cell, mutants)
    with (
        tempfile.TemporaryDirectory(prefix="s3prod-matrix-") as out,
        EmbeddedStore(mutants=mutants, endpoints=cell.endpoints, seed=cell.seed, options=SMALL_PARTS) as store,
    ):
        run = run_plan(BUILTIN[cell.plan](scale, cell.seed), store.target(), out=Path(out) / "run")
        altered = store.altered()
    return _judge(cell, run, altered)


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
    return Result(cell, outcome, because, 0, acknowledged, rules, seconds, seconds if found else None)


def _suite(cell: Cell, mutants: list[str]) -> Result:
    """Runs the tests that the row names; all rows' tests on the correct store."""
    named = (
        EVERY[cell.store].rules if mutants else dict.fromkeys(t for row in SUITE_MUTANTS.values() for t in row.rules)
    )
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
    return Result(cell, outcome, because, altered, len(cases), rules, time.monotonic() - begun, None)


def _progress(row: Mutant, verdict: Verdict) -> tuple[str, str]:
    """Nothing is wrong, but a floor is missed."""
    missed = [str(floor["what"]) for floor in verdict.require if not floor["met"]]
    if verdict.consistency == "inconclusive" and set(missed) & set(row.rules):
        return "killed", "; ".join(verdict.because)
    return "missed", f"the run was {verdict.consistency}, floors missed: {', '.join(missed) or 'none'}"


def _named(row: Mutant, verdict: Verdict, witnesses: list[Witness]) -> tuple[str, str]:
    """The right rule, and a witness with an altered answer among `witnesses`."""
    if verdict.consistency != "violated":
        return "missed", f"the run was {verdict.consistency}"
    if not set(row.rules) & set(verdict.by_rule):
        return "missed", f"named by {', '.join(verdict.by_rule)}, expected {', '.join(row.rules)}"
    if not witnesses:
        return "missed", "no witness contains an altered answer"
    return "killed", witnesses[0].sentence


def _judge(cell: Cell, run: Run, altered: dict[str, Any]) -> Result:
    assert run.verdict is not None
    verdict = run.verdict
    ids = set(altered["request_ids"])
    witnesses = [w for w in verdict.witnesses if any(a.get("request_id") in ids for a in w.attempts)]
    if not cell.spec:
        outcome = "held" if verdict.consistency == "held" else "false-alarm"
        because = "; ".join(verdict.because)
    elif not ids:
        outcome, because = "not-altered", "the mutant never altered an answer"
    elif EVERY[cell.store].judge == "progress":
        outcome, because = _progress(EVERY[cell.store], verdict)
    else:
        outcome, because = _named(EVERY[cell.store], verdict, witnesses)
    times = [a["t_return"] for w in witnesses for a in w.attempts if "t_return" in a]
    start = run.metrics.get("start_ns")
    return Result(
        cell,
        outcome,
        because,
        len(ids),
        sum(op["attempts"] for op in run.metrics["ops"].values()),
        verdict.by_rule,
        float(run.metrics["seconds"]),
        (min(times) - start) / 1e9 if times and start is not None else None,
    )


class Journal:
    """Results that are kept between calls, so that an interrupted matrix goes on where it stopped."""

    def __init__(self, folder: Path, scale: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{_fingerprint()}-{scale}.jsonl"
        self.done: dict[Cell, Result] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            document = json.loads(line)
            cell = Cell(**document.pop("cell"))
            self.done[cell] = Result(cell, **document)

    def add(self, result: Result) -> None:
        self.done[result.cell] = result
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _fingerprint() -> str:
    """Changes whenever the program does."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(
        [*package.glob("*.so"), *package.glob("plans/*.py"), *package.glob("crash/*.py"), Path(__file__)]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def summary(results: list[Result]) -> dict[str, Any]:
    """The matrix as one document: a row a mutant, a row a plan of the correct store."""
    rows: list[dict[str, Any]] = []
    for store, plan in dict.fromkeys((r.cell.store, r.cell.plan) for r in results):
        mine = [r for r in results if (r.cell.store, r.cell.plan) == (store, plan)]
        detected = [r.seconds_to_detection for r in mine if r.seconds_to_detection is not None]
        rows.append(
            {
                "store": store,
                "spec": mine[0].cell.spec,
                "plan": plan,
                "seeds": len(mine),
                "outcomes": {o: sum(r.outcome == o for r in mine) for o in sorted({r.outcome for r in mine})},
                "rules": sorted({rule for r in mine for rule in r.rules}),
                "altered_median": statistics.median(r.altered for r in mine),
                "attempts_median": statistics.median(r.attempts for r in mine),
                "seconds_to_detection_median": round(statistics.median(detected), 3) if detected else None,
                "because": next((r.because for r in mine if r.outcome not in ("killed", "held")), ""),
            }
        )
    broken = [row for row in rows if row["store"] != CORRECT]
    killed = [row for row in broken if row["outcomes"] == {"killed": row["seeds"]}]
    return {
        "mutants": len(broken),
        "killed": len(killed),
        "missed": len(broken) - len(killed),
        "false_alarms": sum(r.outcome == "false-alarm" for r in results),
        "rows": rows,
    }


def table(document: dict[str, Any], command: str) -> str:
    """The matrix as a Markdown page."""
    lines = [
        "# Kill matrix",
        "",
        f"Written by `{command}`. Each mutant breaks one promise of the embedded store, in its subtle form, and its own plan must "
        "notice: the rule is among those that its row names, and a witness contains an altered answer. The correct store must be "
        "held on every plan.",
        "",
        f"**mutants {document['mutants']}  killed {document['killed']}  missed {document['missed']}  "
        f"false alarms {document['false_alarms']}**",
        "",
        "| store | plan | seeds | outcome | rules that fired | altered answers | attempts | seconds to detection |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["rows"]:
        outcome = ", ".join(f"{name} {count}" for name, count in row["outcomes"].items())
        when = "" if row["seconds_to_detection_median"] is None else row["seconds_to_detection_median"]
        lines.append(
            f"| `{row['spec'] or row['store']}` | {row['plan']} | {row['seeds']} | {outcome} | {', '.join(row['rules'])} "
            f"| {row['altered_median']:g} | {row['attempts_median']:g} | {when} |"
        )
    return "\n".join([*lines, ""])


def run_matrix(names: list[str], seeds: int, scale: str, write: bool) -> int:
    """Runs what is not done yet, prints a line a cell and the closing line, writes the documents; the exit status."""
    journal = Journal(Path("build/kill-matrix"), scale)
    results = []
    for cell in cells(names, seeds):
        result = journal.done.get(cell)
        if result is None:
            result = run_cell(cell, scale)
            journal.add(result)
        results.append(result)
        print(
            f"{result.outcome:12} {cell.spec or cell.store} on {cell.plan}, seed {cell.seed}: {result.because}",
            flush=True,
        )
    document = summary(results)
    if write:
        command = f"python -m s3prod.matrix --seeds {seeds}"
        Path("benchmarks/results").mkdir(parents=True, exist_ok=True)
        Path("benchmarks/results/kill-matrix.json").write_text(json.dumps(document, indent=1) + "\n")
        Path("docs/kill-matrix.md").write_text(table(document, command))
    print(
        f"mutants {document['mutants']}  killed {document['killed']}  missed {document['missed']}  "
        f"false-alarms {document['false_alarms']}"
    )
    return 1 if document["missed"] or document["false_alarms"] else 0


def main(argv: list[str] | None = None) -> int:
    """The command line of `make kill-matrix`."""
    parser = argparse.ArgumentParser(prog="python -m s3prod.matrix", description=__doc__.splitlines()[0])
    parser.add_argument("mutant", nargs="*", help="names; none: all of them and the correct store")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--scale", default="full", choices=("smoke", "full", "stress"))
    options = parser.parse_args(argv)
    try:
        return run_matrix(options.mutant, options.seeds, options.scale, write=not options.mutant)
    except UsageError as error:
        print(f"s3prod: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
