"""Times of a plan that suit the store: what is measured before the load, and the lease that lives by it."""

from __future__ import annotations

import json

import pytest

from s3prod.pace import BYTES, ROUNDS, round_trip_ms
from s3prod.plan_steps import sleep
from s3prod.plans.leases import HELD, TTL_MS, leases, ttl_of
from s3prod.proxy import FaultProxy

SLOW_MS = 20


@pytest.mark.parametrize("runner", ["native", "boto3"])
def test_a_slow_store_is_measured_as_slow(runner, embedded_target, tmp_path):
    """The store itself, and the same behind a wire that takes 20 ms for each body."""
    near = round_trip_ms(embedded_target, 3, runner=runner, out=tmp_path / "near")
    fault = f"slow-body:rate={BYTES * 1000 // SLOW_MS},op=put,side=request"
    with FaultProxy.before(embedded_target, [fault], 1) as proxy:
        far = round_trip_ms(proxy.target(embedded_target), 3, runner=runner, out=tmp_path / "far")
    assert 0 < near < far and far > SLOW_MS * 0.8
    ops = json.loads((tmp_path / "near" / "run.json").read_text())["metrics"]["ops"]
    assert ops["put"]["ok"] == ops["get"]["ok"] == 3 * ROUNDS


@pytest.mark.parametrize("round_trip", [0.0, 0.1, 3.1, 3.2, 20.0, 700.0])
def test_a_lease_lives_for_some_round_trips(round_trip):
    ttl_ms = ttl_of(round_trip)
    assert ttl_ms >= TTL_MS and ttl_ms >= HELD * round_trip and ttl_ms % TTL_MS == 0
    assert ttl_ms < HELD * round_trip + TTL_MS or ttl_ms == TTL_MS, "no longer than that"


def test_the_time_to_live_is_a_number_of_the_plan():
    near, far = leases("smoke"), leases("smoke", 1, 800)
    assert leases("smoke", 1, 800) == far != near and near == leases("smoke", 1, TTL_MS)
    slept = [
        [step for step in plan.steps() if step in (sleep(ttl), sleep(4 * ttl))]
        for plan, ttl in ((near, TTL_MS), (far, 800))
    ]
    assert len(slept[0]) == len(slept[1]) == 4, "three groups wait for it, one falls asleep"
    assert far.stop.seconds > near.stop.seconds
