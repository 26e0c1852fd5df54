"""The grade: the staleness that a mutant gives its reads is what the checker measures; the correct store has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.report.text import render_evidence
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore
from s3prod.verdict import Verdict


def _judge(plan: str, mutants: list[str], out: Path) -> Verdict:
    with EmbeddedStore(mutants=mutants, endpoints=2, options=STORE_OPTIONS) as store:
        run = run_plan(BUILTIN[plan]("smoke", 1), store.target(), out=out)
    assert run.verdict is not None
    return run.verdict


@pytest.mark.parametrize(
    ("mutant", "plan", "delay_ms"),
    [
        ("stale-read-replica", "register-replicas", 50),
        ("nonmonotonic-reads", "register-contention", 50),
        ("stale-head-fresh-get", "register-churn", 150),
    ],
)
def test_staleness_is_the_delay(mutant: str, plan: str, delay_ms: int, tmp_path: Path) -> None:
    verdict = _judge(plan, [f"{mutant}:p=0.1,delay_ms={delay_ms}"], tmp_path)
    grade = verdict.grade
    assert grade["level"] == "eventual", grade
    assert 0.5 * delay_ms < grade["ms"] <= delay_ms + 50, grade  # a loaded machine adds to it
    assert grade["stale_reads"] > 20 and grade["versions"] > 1
    assert grade["sessions"]["read_your_writes"] > 0 and grade["sessions"]["monotonic_reads"] > 0
    text = render_evidence(verdict)
    assert "  grade: eventual (reads are stale" in text and f"and {grade['ms']:.3f} ms" in text
    assert "  sessions, reads that broke them: read your writes" in text


def test_a_torn_read_is_no_question_of_age(tmp_path: Path) -> None:
    assert _judge("register-contention", ["torn-blocks:p=0.05"], tmp_path).grade["level"] == "none"


@pytest.mark.parametrize("plan", ["register-contention", "one-life", "shared-counters"])
def test_the_correct_store_is_linearizable(plan: str, tmp_path: Path) -> None:
    grade = _judge(plan, [], tmp_path).grade
    assert grade["level"] == "linearizable" and grade["stale_reads"] == grade["keys"] == 0, grade
