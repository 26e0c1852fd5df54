"""The production tests themselves catch the strong form of every mutant, at smoke scale, on any seed they are given."""

import pytest

from s3prod.plans import BUILTIN
from s3prod.plans.mutants import MUTANTS
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore


@pytest.mark.parametrize("name", [row.name for row in MUTANTS.values() if row.caught_by])
def test_strong_form_is_caught(name, tmp_path):
    row = MUTANTS[name]
    with EmbeddedStore(mutants=[row.strong], endpoints=2, seed=1) as store:
        run = run_plan(BUILTIN[row.caught_by]("smoke", 1), store.target(), out=tmp_path / "run")
        assert store.altered()["mutants"][name]["altered"] > 0, "the mutant never altered an answer"
    assert run.verdict.consistency != "held", f"{row.strong} was not noticed by {row.caught_by}"
    if run.verdict.consistency == "inconclusive":  # no progress: the commits that the plan requires are missing
        assert [r["what"] for r in run.verdict.require if not r["met"]] == ["cas_commits"]
