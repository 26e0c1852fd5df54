"""Random plans: the correct store is never violated, and a broken one is."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_plans import GO, random_trial, run_trial

SEEDS = (2, 5, 8, 12, 23, 27, 64, 227)  # the last ones were once taken for violations


@pytest.mark.parametrize(("seed", "runner"), [*((seed, None) for seed in SEEDS), (182, GO)])
def test_the_correct_store_is_never_violated(seed: int, runner: str | None, tmp_path: Path) -> None:
    run = run_trial(random_trial(seed, runner), tmp_path / "run")
    assert run.verdict is not None and run.verdict.consistency != "violated", run.verdict.to_dict()


def test_a_store_that_loses_writes_is_violated(tmp_path: Path) -> None:
    runs = (run_trial(random_trial(seed), tmp_path / f"{seed}", ["lost-ack-write:p=0.05"]) for seed in SEEDS)
    assert any(run.verdict is not None and run.verdict.consistency == "violated" for run in runs)


def test_a_trial_is_its_seeds() -> None:
    assert random_trial(7) == random_trial(7) != random_trial(8)
