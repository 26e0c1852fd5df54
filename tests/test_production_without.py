"""Production tests on stores that lack something: only that part is left out, the rest is run and can fail."""

from __future__ import annotations

import dataclasses

import production_calls
import pytest

from s3prod.plans import STORE_OPTIONS
from s3prod.store import EmbeddedStore

LONG_DAYS = [86_400_000, "none"]


@pytest.fixture(scope="module")
def target():
    with EmbeddedStore(endpoints=2, options=STORE_OPTIONS) as store:
        yield store.target()


def run_of(target, folder, file, **profile):
    """The run of the test, on a store that promises this instead."""
    runs, function = [], f"test_production_{file}"
    store = dataclasses.replace(target, profile=dict(target.profile) | profile)

    def run(plan):
        runs.append(production_calls.runner_of(store, folder)(plan))
        return runs[-1]

    production_calls.call(getattr(production_calls.module_of(file), function), store, run)
    return runs[-1]


def test_many_versions_go_one_by_one_where_there_are_no_batches(target, tmp_path):
    run = run_of(target, tmp_path, "version_scalability", multi_delete="unsupported")
    assert run.verdict.consistency == "held" and "delete_objects" not in run.metrics["ops"]
    made = run.metrics["ops"]["put"]["ok"]
    assert run.metrics["ops"]["delete"]["ok"] > made, "each version, and the markers"


@pytest.mark.parametrize("day_ms", LONG_DAYS)
def test_replicas_are_looked_at_whatever_a_day_is(day_ms, target, tmp_path):
    run = run_of(target, tmp_path, "cross_feature_interaction", lifecycle_day_ms=day_ms)
    assert run.verdict.consistency == "held" and set(run.plan.buckets) == {"source", "copy"}
    assert "put_lifecycle" not in run.metrics["ops"] and run.metrics["ops"]["get_tags"]["ok"]


def test_replicas_that_are_wrong_are_noticed_whatever_a_day_is(tmp_path):
    with EmbeddedStore(endpoints=2, options=STORE_OPTIONS, mutants=["replication-reorders:p=1"]) as store:
        run = run_of(store.target(), tmp_path, "cross_feature_interaction", lifecycle_day_ms="none")
    assert {witness.rule for witness in run.verdict.witnesses} == {"replica-order"}


def test_without_rules_and_replicas_nothing_is_run(target, tmp_path):
    with pytest.raises(IndexError):  # no plan
        run_of(target, tmp_path, "cross_feature_interaction", lifecycle_day_ms="none", replication="unsupported")
