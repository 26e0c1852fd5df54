"""The checkers of what is no plain register: no alarm on the correct store, whatever races."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore

ASPECTS = [
    "uploads",
    "upload-endings",
    "orphaned-multipart",
    "concurrent-multipart",
    "copies",
    "tags",
    "versions",
    "version-explosion",
    "null-versions",
    "versioned-herd",
    "batches",
    "cross-feature",
]


@pytest.mark.parametrize("name", ASPECTS)
def test_the_correct_store_is_held(name: str, tmp_path: Path) -> None:
    with EmbeddedStore(endpoints=2, options=STORE_OPTIONS) as store:
        for seed in (1, 2, 3):
            run = run_plan(BUILTIN[name]("smoke", seed), store.target(), out=tmp_path / str(seed))
            assert run.verdict is not None
            assert run.verdict.consistency == "held", run.verdict.document


def test_lost_answers_leave_the_evidence(tmp_path: Path) -> None:
    """The end of every run deletes by the version `null`: in a bucket without versions that is a plain delete."""
    plan = replace(BUILTIN["register-churn"]("smoke", 1), faults=["drop-ack-after-commit:p=0.01,op=put"])
    with EmbeddedStore(options=STORE_OPTIONS) as store:
        run = run_plan(plan, store.target(), out=tmp_path)
    assert run.verdict is not None
    document = run.verdict.document
    assert run.verdict.consistency == "held", document
    assert run.metrics["ops"]["put"]["unknown"] > 20
    assert document["keys_checked"] == document["keys"]
    assert not any(one["keys"] for one in document["not_checked"] if one["reason"] == "versions")
