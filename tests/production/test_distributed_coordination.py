"""Production test 10: distributed coordination. See docs/production/distributed_coordination.md.

Pattern: table commits, leader leases and configuration registers on object storage.

What it tests: a create race (`If-None-Match: *`: exactly one winner a key); compare-and-swap increments of one register by
clients on every endpoint (GET, change, PUT with `If-Match`): every client commits its quota, the commits are one chain in
which no predecessor is used twice, and as long as the final counter; the same while acknowledgements are lost and writes
that took effect are answered with 503, with read-back; conditional DELETE and re-creation; a lease with a fencing token,
whose holders vanish and fall asleep.

Why it matters: two winners of one race are two leaders; a lost increment is a lost commit; a lease that does not fence lets
a leader that woke up late overwrite its successor.
"""

from collections import Counter

from s3prod.commits import REFUSED, Chain, progress, tenures, tokens_gone_back, told, writes_of
from s3prod.plans.coordination import (
    KEY,
    LOSSY,
    PRESETS,
    RACES,
    create_race,
    distributed_coordination,
    lost_answers,
)
from s3prod.plans.leases import GUARDED, LEADERS, LEASE, created_again_by_many, leases, ttl_of


def statuses(records):
    return {str(r.get("status", 0)) for r in records}


def test_production_create_race(run_plan, config):
    clients, keys = RACES[config["scale"]]
    run = run_plan(create_race(config["scale"], config["seed"]))

    put = run.metrics["ops"]["put"]
    assert put["ok"] == keys, f"{put['ok']} creates succeeded on {keys} keys: {put['by_status']}"
    assert put["failed"] == (clients - 1) * keys, f"losers must see 412 or 409: {put['by_status']}"
    assert set(put["by_status"]) <= {"200", "409", "412"}, f"unexpected answers to a create: {put['by_status']}"
    winners = Counter(r["key"] for r in run.records() if r["op"] == "put" and r["outcome"] == "ok")
    assert set(winners.values()) == {1}, f"keys with several creators, or none: {winners}"


def test_production_compare_and_swap(run_plan, report, config):
    clients, commits = PRESETS[config["scale"]]
    run = run_plan(distributed_coordination(config["scale"], config["seed"]))

    chain = Chain.of(run.records(), KEY)
    assert not chain.lost, f"acknowledged commits that nobody built on: {chain.lost}"
    assert not chain.refused_inside, f"commits by attempts that were answered 412 or 409: {chain.refused_inside}"
    assert not chain.broken, f"commits that do not count on from the one before: {chain.broken}"
    assert len(chain.links) == chain.acked == chain.final == clients * commits, (
        f"{len(chain.links)} commits in the chain, {chain.acked} acknowledged, counter {chain.final}, "
        f"expected {clients * commits}"
    )
    assert set(chain.by_client().values()) == {commits}, f"clients without their quota: {chain.by_client()}"
    assert statuses(chain.attempts) <= {"200", "409", "412"}, f"unexpected answers: {statuses(chain.attempts)}"
    used = {r.get("endpoint", 0) for r in chain.links}
    assert len(used) == min(len(config["s3_endpoints"]), clients), f"commits came through endpoints {used} alone"
    report("coordination", told(chain.progress(clients) | {"endpoints": len(used)}))


def test_production_lost_answers(run_plan, report, config):
    clients, commits = LOSSY[config["scale"]]
    run = run_plan(lost_answers(config["scale"], config["seed"]))

    chain = Chain.of(run.records(), KEY)
    assert not chain.lost and not chain.broken, f"lost: {chain.lost}, not counted on: {chain.broken}"
    assert len(chain.links) == chain.acked + chain.reconciled == chain.final, (
        f"{len(chain.links)} commits in the chain, {chain.acked} acknowledged and {chain.reconciled} reconciled, "
        f"counter {chain.final}"
    )
    assert chain.reconciled > 0, "no commit whose answer was lost is in the chain: the faults showed nothing"
    made = chain.by_client()
    assert len(made) == clients and min(made.values()) >= commits, f"clients without their quota of {commits}: {made}"
    group = run.metrics["groups"]["committers"]
    assert group["exhausted"] == group["unknown"] == 0, f"commits that were given up: {group}"
    report("lost-answers", told(chain.progress(clients) | {"reconciled": chain.reconciled}))


def test_production_created_again(run_plan, report, supports, config):
    run = run_plan(created_again_by_many(config["scale"], config["seed"], versions=supports("versioning")))

    records = list(run.records())
    main = [r for r in records if r["run_phase"] == "main" and r["op"] in ("put", "delete")]
    acked = [r for r in main if r["outcome"] == "ok"]
    replaced = [r for r in acked if r["op"] == "put" and r["cond"] == "if_match"]
    assert not replaced, f"replaced, although it was gone: {replaced}"
    deleted = Counter(r["expect_etag"] for r in acked if r["op"] == "delete")
    assert set(deleted.values()) <= {1}, f"deleted twice: {deleted.most_common(3)}"
    created = {r["etag"] for r in acked if r["op"] == "put"}
    assert set(deleted) <= created, f"deleted, and never created: {set(deleted) - created}"
    there = sum(r["op"] == "get" and r["run_phase"] == "teardown" and r["outcome"] == "ok" for r in records)
    assert len(created) - len(deleted) == there, (
        f"{len(created)} creates and {len(deleted)} deletes were acknowledged, and {there} keys are there"
    )
    assert statuses(main) <= {"200", "204", "404", "409", "412"}, f"unexpected answers: {statuses(main)}"
    report("created-again", told({"creates": len(created), "deletes": len(deleted), "attempts": len(main)}))


def test_production_leases(run_plan, round_trip_ms, report, config):
    clients, quota = LEADERS[config["scale"]]
    ttl_ms = ttl_of(round_trip_ms(3 * clients))
    run = run_plan(leases(config["scale"], config["seed"], ttl_ms))

    records = list(run.records())
    lease, guarded = writes_of(records, LEASE), writes_of(records, GUARDED)
    holders = tenures(lease)
    shared = {token: who for token, who in holders.items() if len(who) > 1}
    assert not shared, f"tokens that several clients held: {shared}"
    held = Counter(client for who in holders.values() for client in who)
    assert len(held) == 3 * clients and set(held.values()) == {quota}, f"tenures by client, expected {quota}: {held}"
    gone_back = tokens_gone_back(guarded)
    assert not gone_back, f"written with an older token after a newer one was acknowledged: {gone_back[:2]}"
    foreign = [r for r in guarded if r["client"] not in holders.get(r["counter"], ())]
    assert not foreign, f"guarded writes with a token that their client never held: {foreign[:2]}"
    answers = statuses(lease) | statuses(guarded)
    assert answers <= {"200", *map(str, REFUSED)}, f"unexpected answers: {answers}"
    written = [r for r in guarded if r["outcome"] == "ok"]
    first = {r["counter"]: r for r in reversed(lease) if r["outcome"] == "ok" and r["counter"] % 2}
    shown = progress(
        [r for r in lease if r["counter"] % 2], sorted(first.values(), key=lambda r: r["t_call"]), 3 * clients
    )
    fenced = len(guarded) - len(written)
    report("leases", told(shown | {"ttl_ms": ttl_ms, "guarded_writes": len(written), "fenced": fenced}))
