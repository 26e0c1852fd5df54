"""Rounds of load, crash and restart: nothing acknowledged is lost, nothing is there by half."""

from __future__ import annotations

import pytest

from s3prod.crash import CrashFailure, crash

SYNCS = ("body-sync", "dir-sync", "db-sync", "db-meta")
FOUND_WITHIN = 30  # rounds; a mutant or a lying disk is mostly found in the first


def found(**settings: object) -> CrashFailure:
    with pytest.raises(CrashFailure) as failure:
        crash(rounds=FOUND_WITHIN, **settings)  # type: ignore[arg-type]
    print(failure.value)
    return failure.value


def test_sigkill(rounds: int) -> None:
    done = crash(rounds=rounds, seed=1)
    print(f"seed 1: {done}")
    assert done.acknowledged > 50 * rounds and done.in_flight > rounds, "the store was killed under load"


@pytest.mark.parametrize("loss", ["none", "some"])
def test_power_loss(rounds: int, loss: str) -> None:
    done = crash(rounds=rounds // 4, seed=1, loss=loss)
    print(f"seed 1: {done}")
    assert done.acknowledged > 25 * done.rounds and done.in_flight > done.rounds


@pytest.mark.parametrize("kind", SYNCS)
def test_every_sync_is_needed(kind: str) -> None:
    """A disk that lies about one kind of sync loses something, so the rounds would notice a store without it."""
    assert found(seed=1, loss="none", skip=kind).round > 0


def test_ack_before_commit_is_found() -> None:
    failure = found(seed=1, mutants=["ack-before-commit"], running=False)
    assert failure.round > 0 and "acknowledged" in str(failure)


@pytest.mark.parametrize("loss", ["none", "some"])
def test_commit_without_fsync_is_found(loss: str) -> None:
    assert found(seed=1, mutants=["commit-without-fsync"], loss=loss).round > 0


def test_commit_without_fsync_is_not_found_without_a_loss_of_power() -> None:
    """The kernel has the pages: only the loss of power tells this store from a correct one."""
    assert crash(rounds=10, seed=1, mutants=["commit-without-fsync"]).acknowledged > 0


def test_a_failure_names_seed_and_round() -> None:
    text = str(CrashFailure(7, 3, [f"problem {n}" for n in range(12)]))
    assert text.startswith("seed 7, round 3: 12 problems:\n  problem 0") and text.endswith("and 2 more")
