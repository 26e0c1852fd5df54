"""Production test 10: distributed coordination. See docs/production/distributed_coordination.md.

Pattern: table commits, leader election and configuration registers on object storage.

What it tests: a create race (`If-None-Match: *`: exactly one winner a key), and compare-and-swap increments of one register
(GET, change, PUT with `If-Match`): every client commits its quota, the final counter is the number of commits, no
predecessor is used twice, nobody reads an older value after an acknowledgement. With several endpoints the clients are
spread over them.

Why it matters: two winners of one race are two leaders; a lost increment is a lost commit.

Conditional DELETE and re-creation, leases with fencing, and lost answers with read-back (they need deletes in the checker
and a fault proxy) are not part of it yet.
"""

from s3prod.plans.coordination import KEY, PRESETS, RACES, create_race, distributed_coordination


def test_production_create_race(run_plan, config):
    clients, keys = RACES[config["scale"]]
    run = run_plan(create_race(config["scale"], config["seed"]))

    put = run.metrics["ops"]["put"]
    assert put["ok"] == keys, f"{put['ok']} creates succeeded on {keys} keys: {put['by_status']}"
    assert put["failed"] == (clients - 1) * keys, f"losers must see 412 or 409: {put['by_status']}"
    assert set(put["by_status"]) <= {"200", "409", "412"}, f"unexpected answers to a create: {put['by_status']}"


def test_production_compare_and_swap(run_plan, config):
    clients, commits = PRESETS[config["scale"]]
    run = run_plan(distributed_coordination(config["scale"], config["seed"]))

    put = run.metrics["ops"]["put"]
    assert put["ok"] == 1 + clients * commits, (
        f"{put['ok']} writes, expected {1 + clients * commits}: {put['by_status']}"
    )
    assert put["unknown"] == 0 and set(put["by_status"]) <= {"200", "409", "412"}, f"answers: {put['by_status']}"
    group = run.metrics["groups"]["incrementers"]
    assert group["exhausted"] == 0, f"{group['exhausted']} commits gave up: no progress"

    final = [r for r in run.records() if r["op"] == "get" and r["run_phase"] == "teardown" and r["key"] == KEY]
    assert [r["counter"] for r in final] == [clients * commits], f"the final counter is {final}"
