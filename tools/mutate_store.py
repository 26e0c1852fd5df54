"""Breaks the rules of the embedded store one by one, and expects the tests of each rule to notice.

Usage: mutate_store.py [--check] [--rules DIR] [--part K/N] [--jobs N] [ID…]

tests/store/rules/*.toml has a row for each promise of the store: `id`, `rule` (the promise), `tests` (node ids relative
to tests/store), `file`, `from` and `to` (a text that stands exactly once in that file of csrc/server, and what it is
replaced with), `also` (more edits of that form). Each row's edit is made in a private copy of the sources, the store is
built, and every test of the row must fail against it: a test that cannot be collected or set up does not count.
First all tests that are going to be used must pass against the unchanged copy. Exit status 1: a rule survived.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "csrc" / "server"
TRIES = 3  # of a test that did not fail: some edits only show where requests race
TESTS = "tests/store/"
RULES = ROOT / TESTS / "rules"
TEST_SECONDS = 600
# -O0: compiling is the longer part. What an edit leaves unused is no error.
MAKE = ["make", "-s", "-C", "csrc", "VARIANT=debug", "LAYERS=core server", "OUT=../out", "../out/s3p_serve"]
MAKE += ["EXTRA_CFLAGS=-O0 -g0 -Wno-error"]


@dataclass(frozen=True)
class Edit:
    """A replacement in a file of csrc/server."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Rule:
    """A promise of the store, the edit that breaks it, the tests that notice."""

    id: str
    rule: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]


def rule_of(row: dict[str, Any]) -> Rule:
    """A row of the tables; unknown and missing fields are errors."""
    unknown = row.keys() - {"id", "rule", "tests", "file", "from", "to", "also"}
    if unknown:
        raise ValueError(f"rule {row.get('id')!r}: unknown field {sorted(unknown)[0]!r}")
    edits = tuple(Edit(one["file"], one["from"], one["to"]) for one in [row, *row.get("also", [])])
    return Rule(row["id"], row["rule"], tuple(row["tests"]), edits)


def load(directory: Path = RULES) -> list[Rule]:
    """All rows of all tables."""
    tables = (tomllib.loads(path.read_text()) for path in sorted(directory.glob("*.toml")))
    return [rule_of(row) for table in tables for row in table["rule"]]


def problems(rules: list[Rule], known_tests: set[str], sources: Path = SERVER) -> list[str]:
    """What is wrong with the rows, by row."""
    found = []
    texts = {path.name: path.read_text() for path in sources.glob("*.[ch]")}
    bare = {name.partition("[")[0] for name in known_tests}
    ids = [rule.id for rule in rules]
    for rule in rules:
        if ids.count(rule.id) > 1 or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id):
            found.append(f"{rule.id}: not a kebab-case name of its own")
        if not rule.tests or not rule.rule:
            found.append(f"{rule.id}: needs a promise and a test")
        found += [f"{rule.id}: no such test: {one}" for one in rule.tests if one not in known_tests | bare]
        for edit in rule.edits:
            times = texts.get(edit.file, "").count(edit.before)
            if times != 1:
                found.append(f"{rule.id}: found {times} times in {edit.file}, not once: {edit.before!r}")
            if edit.before == edit.after:
                found.append(f"{rule.id}: changes nothing in {edit.file}")
    return found


class Recorder:
    """What pytest says of each test."""

    def __init__(self) -> None:
        self.collected: list[str] = []
        self.outcomes: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The ids, without the folder."""
        self.collected = [item.nodeid.removeprefix(TESTS) for item in session.items]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """`failed` is a failure of the test itself; one of its set-up is an `error`."""
        name = report.nodeid.removeprefix(TESTS)
        if report.when == "call":
            self.outcomes[name] = report.outcome
        elif report.failed:
            self.outcomes.setdefault(name, "error")


def run_pytest(*arguments: str) -> Recorder:
    """In this process, from the root of the project."""
    os.chdir(ROOT)
    recorder = Recorder()
    options = ["-q", "--tb=short", "--no-header", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # all is imported already
    pytest.main([*options, *arguments], plugins=[recorder])
    return recorder


def warm_up() -> set[str]:
    """Imports all tests and what they need, so that forked runs start at once; the ids of the tests."""
    boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # loads its models
    with contextlib.redirect_stdout(io.StringIO()):
        return set(run_pytest("--collect-only", TESTS).collected)


def run_in_child(tests: Iterable[str], store: Path, log: Path) -> dict[str, str]:
    """Outcomes of tests against this store, from a forked process group of its own; none when it took too long."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.environ["S3PROD_STORE"] = shlex.quote(str(store))
            os.write(writer, json.dumps(run_pytest(*(TESTS + one for one in tests)).outcomes).encode())
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(writer)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, TEST_SECONDS)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return dict(json.loads(said)) if said else {}


class Tree:
    """A private copy of the sources, with its objects."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.binary = root / "out" / "s3p_serve"
        self.log = root / "log"

    def fill(self) -> None:
        """Copies what the store is made of."""
        for part in ("core", "server", "tools/server"):
            shutil.copytree(ROOT / "csrc" / part, self.root / "csrc" / part)
        shutil.copy(ROOT / "csrc" / "Makefile", self.root / "csrc")

    def build(self, jobs: int = 1) -> None:
        """Rebuilds what has changed."""
        done = subprocess.run([*MAKE, f"-j{jobs}"], cwd=self.root, capture_output=True, text=True)
        if done.returncode != 0:
            raise ValueError("does not compile:\n" + done.stdout + done.stderr)

    def run(self, tests: Iterable[str]) -> dict[str, str]:
        """Outcome of each test."""
        return run_in_child(tests, self.binary, self.log)

    def said(self) -> str:
        """What the last run printed."""
        return self.log.read_text()[-4000:]


def of_test(outcomes: dict[str, str], test: str) -> set[str]:
    """Outcomes of a test, over all its parameters when none are named."""
    return {outcome for name, outcome in outcomes.items() if test in (name, name.partition("[")[0])}


def unchanged(tree: Tree, tests: list[str]) -> str:
    """Empty when the unchanged store passes, else what failed."""
    outcomes = tree.run(tests)
    failed = [one for one in tests if of_test(outcomes, one) != {"passed"}]
    return "" if not failed else f"failing without any edit: {', '.join(failed)}\n{tree.said()}"


@dataclass(frozen=True)
class Verdict:
    """What became of a rule."""

    id: str
    killed: bool
    seconds: float
    detail: str


def judge(tree: Tree, rule: Rule) -> Verdict:
    """Makes the edits, builds, runs the tests, takes the edits back."""
    began = time.monotonic()
    paths = {edit.file: tree.root / "csrc" / "server" / edit.file for edit in rule.edits}
    before = {file: path.read_text() for file, path in paths.items()}
    detail = ""
    try:
        for edit in rule.edits:
            paths[edit.file].write_text(paths[edit.file].read_text().replace(edit.before, edit.after))
        tree.build()
        missed = rule.tests
        for _ in range(TRIES):
            outcomes = tree.run(missed)
            missed = [one for one in missed if "failed" not in of_test(outcomes, one)]
            if not missed:
                break
        if missed:
            detail = f"{', '.join(missed)}: no failure\n{tree.said()}"
    except ValueError as error:
        detail = str(error)
    finally:
        for file, path in paths.items():
            path.write_text(before[file])
    return Verdict(rule.id, not detail, time.monotonic() - began, detail)


_tree: Tree | None = None


def take_tree(counter: Any, root: Path) -> None:
    """Gives this worker its tree."""
    global _tree
    with counter.get_lock():
        _tree = Tree(root / str(counter.value))
        counter.value += 1


def judge_here(rule: Rule) -> Verdict:
    """In a worker."""
    assert _tree is not None
    return judge(_tree, rule)


def unchanged_here(tests: list[str]) -> str:
    """In a worker."""
    assert _tree is not None
    return unchanged(_tree, tests)


def mutate(rules: list[Rule], jobs: int = 2, say: Callable[[str], None] = print) -> list[Verdict]:
    """Breaks these rules, after warm_up(); says a line for each."""
    rules = sorted(rules, key=lambda rule: rule.edits[0].file)  # neighbours share what has to be compiled again
    tests = sorted({test for rule in rules for test in rule.tests})
    fork = multiprocessing.get_context("fork")
    with TemporaryDirectory(prefix="s3prod-rules-") as scratch:
        first = Tree(Path(scratch) / "0")
        first.fill()
        first.build(jobs)
        for number in range(1, jobs):
            shutil.copytree(first.root, Path(scratch) / str(number))
        with ProcessPoolExecutor(jobs, fork, take_tree, (fork.Value("i", 0), Path(scratch))) as pool:
            parts = [tests[number::jobs] for number in range(jobs)]
            wrong = "".join(pool.map(unchanged_here, [part for part in parts if part]))
            if wrong:
                raise ValueError(wrong)
            verdicts = []
            for verdict in pool.map(judge_here, rules):
                verdicts.append(verdict)
                say(f"{verdict.id:60} {'killed' if verdict.killed else 'SURVIVED':8} {verdict.seconds:5.1f}")
                if verdict.detail:
                    say(verdict.detail)
    killed = sum(one.killed for one in verdicts)
    say(f"rules {len(verdicts)}  killed {killed}  survived {len(verdicts) - killed}")
    return verdicts


def part_of(rules: list[Rule], number: int, parts: int) -> list[Rule]:
    """Every parts-th rule, from number on."""
    return rules[number % parts :: parts]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only look whether the rows fit sources and tests")
    parser.add_argument("--rules", type=Path, default=RULES, metavar="DIR", help="the tables (tests/store/rules)")
    parser.add_argument("--part", default="0/1", metavar="K/N", help="only every N-th rule, from K on")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these rules")
    args = parser.parse_args()
    rules = load(args.rules)
    found = problems(rules, warm_up())
    found += [f"{one}: no such rule" for one in set(args.ids) - {rule.id for rule in rules}]
    if found:
        print("\n".join(found), file=sys.stderr)
        return 2
    if args.check:
        return 0
    number, parts = map(int, args.part.split("/"))
    chosen = [rule for rule in part_of(rules, number, parts) if not args.ids or rule.id in args.ids]
    try:
        verdicts = mutate(chosen, args.jobs, lambda line: print(line, flush=True))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(verdict.killed for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
