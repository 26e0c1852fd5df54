"""The kill matrix: every mutant on its own plan, and the correct store on every plan.

    python -m s3prod.matrix --seeds 20

A mutant is *killed* when the run is violated, a rule that its row names is among the violations, and a witness contains an
answer that the store's admin port lists as altered. A mutant that never altered an answer proves nothing and is an error.
The correct store must be *held* on every plan: anything else is a false alarm. Mutants of durability have crash rounds
(`s3prod.crash`) instead of a plan: killed means that something acknowledged was gone after a crash. Cells that are done are
kept under `build/kill-matrix` and not run again until the program changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s3prod.crash import CrashFailure, crash
from s3prod.errors import UsageError
from s3prod.plans import BUILTIN
from s3prod.plans.mutants import CRASH_MUTANTS, MUTANTS
from s3prod.plans.objects import SMALL_PARTS
from s3prod.results import Run
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore

CORRECT = "correct-store"
CRASHES = {"sigkill": None, "power-loss": "none"}  # what crash rounds take instead of a plan: how they lose the power
CRASH_ROUNDS = 20


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
    rows = MUTANTS | CRASH_MUTANTS
    for name in names or list(rows):
        if name not in rows:
            raise UsageError("mutant", name, f"one of {', '.join(rows)}")
        row = rows[name]
        for seed in range(1, seeds + 1):
            yield Cell(name, row.subtle, row.plan or row.judge, seed, row.endpoints)
    for plan in [] if names else [*BUILTIN, *CRASHES]:
        for seed in range(1, seeds + 1):
            yield Cell(CORRECT, "", plan, seed, 2)


def run_cell(cell: Cell, scale: str) -> Result:
    """Starts the store, runs the plan or the crash rounds, judges what came out."""
    mutants = [cell.spec] if cell.spec else []
    if cell.plan in CRASHES:
        return _crash(cell, mutants)
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


def _judge(cell: Cell, run: Run, altered: dict[str, Any]) -> Result:
    assert run.verdict is not None
    verdict = run.verdict
    ids = set(altered["request_ids"])
    witnesses = [w for w in verdict.witnesses if any(a.get("request_id") in ids for a in w.attempts)]
    named = sorted(set(MUTANTS[cell.store].rules) & set(verdict.by_rule)) if cell.spec else []
    if not cell.spec:
        outcome = "held" if verdict.consistency == "held" else "false-alarm"
        because = "; ".join(verdict.because)
    elif not ids:
        outcome, because = "not-altered", "the mutant never altered an answer"
    elif verdict.consistency != "violated":
        outcome, because = "missed", f"the run was {verdict.consistency}"
    elif not named:
        outcome, because = (
            "missed",
            f"named by {', '.join(verdict.by_rule)}, expected {', '.join(MUTANTS[cell.store].rules)}",
        )
    elif not witnesses:
        outcome, because = "missed", "no witness contains an altered answer"
    else:
        outcome, because = "killed", witnesses[0].sentence
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
