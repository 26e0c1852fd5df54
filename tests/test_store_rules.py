"""Each promise of the embedded store has a test that notices when it is broken: tests/store/rules, a part of it a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = 6
HARMLESS = """
[[rule]]
id = "a-rule-that-holds"
rule = "An edit that breaks nothing"
tests = ["test_front.py::test_methods"]
file = "ids.c"
from = "/* The mixed number hides"
to = "/* The number hides"
"""
MISFIT = """
[[rule]]
id = "Not-Kebab"
rule = "Nothing here is right"
tests = ["test_front.py::test_that_never_was"]
file = "ids.c"
from = "uint64_t"
to = "uint64_t"
"""


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/mutate_store.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=3600
    )


def test_rows_fit_the_sources_and_the_tests() -> None:
    done = mutate("--check")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_rows_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(MISFIT)
    done = mutate("--check", "--rules", str(tmp_path))
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert len(said) == 4 and all(line.startswith("Not-Kebab: ") for line in said)
    for problem in (
        "not a kebab-case",
        "no such test: test_front.py::test_that",
        "not once: 'uint64_t'",
        "changes nothing",
    ):
        assert problem in done.stderr


def test_a_rule_that_is_not_broken_survives(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(HARMLESS)
    done = mutate("--rules", str(tmp_path))
    assert done.returncode == 1 and "SURVIVED" in done.stdout
    assert done.stdout.endswith("rules 1  killed 0  survived 1\n")


def test_a_part_of_the_rules() -> None:
    """Which part goes by the commit; `make rules` breaks all."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    part = int(head[:8] or "0", 16) % PARTS
    done = mutate("--part", f"{part}/{PARTS}")
    print(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
