"""Register workloads that are sized for finding a rare fault: enough operations that one altered answer in a thousand shows.

The production tests have their own shapes; these are the plans of the mutants (`s3prod.plans.mutants`).
"""

from __future__ import annotations

from collections.abc import Callable

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    barrier,
    cas,
    choose,
    counter,
    create_bucket,
    get,
    head,
    make_bucket,
    put,
    remove_bucket,
    repeat,
)

PlanBuilder = Callable[[str, int], Plan]
SIZES = (200, 700, 1024, 3000, 9000)
ROUNDS = {"smoke": 250, "full": 1500, "stress": 10_000}


def _plan(name: str, scale: str, seed: int, groups: list[Group], space: Space, require: Require) -> Plan:
    return Plan(
        name,
        seed=seed,
        scale=scale,
        spaces={"keys": space},
        groups=[*groups, remove_bucket()],
        require={"keys": require},
    )


def _register(name: str, *, clients: int, keys: int, heads: bool, overlap: float | None = None) -> PlanBuilder:
    """`clients` write random ones of `keys`, and read back (and head) what they chose, again and again."""

    def build(scale: str = "full", seed: int = 1) -> Plan:
        rounds = ROUNDS[scale]
        reads = [get("k.key"), head("k.key")] if heads else [get("k.key")]
        program = [repeat(rounds, choose("keys", "k"), put("k.key", SIZES), *reads)]
        floor = clients * rounds // 2
        require = Require(acked_writes=floor, reads=floor * len(reads), overlap=overlap)
        groups = [make_bucket(), Group("clients", program, clients=clients)]
        return _plan(name, scale, seed, groups, Space.uniform("keys/", keys), require)

    return build


# light contention, each acknowledgement followed by reads
register_churn = _register("register-churn", clients=32, keys=64, heads=True)
# most writes overlap others, and every read races one
register_contention = _register("register-contention", clients=32, keys=4, heads=False, overlap=0.5)
# clients are spread over the endpoints: what one acknowledged, the others must show
register_replicas = _register("register-replicas", clients=16, keys=8, heads=True)


def private_counters(scale: str = "full", seed: int = 1) -> Plan:
    """32 clients, each with a compare-and-swap register of its own: without a rival no condition may fail."""
    rounds = ROUNDS[scale]
    program = [choose("keys", "k"), put("k.key", counter(0), if_none_match=ANY), repeat(rounds, cas("k.key"))]
    groups = [make_bucket(), Group("clients", program, clients=32)]
    return _plan("private-counters", scale, seed, groups, Space.own("private/", 1), Require(cas_commits=32 * rounds))


def shared_counters(scale: str = "full", seed: int = 1) -> Plan:
    """24 clients increment 4 compare-and-swap registers: every commit has rivals."""
    rounds = ROUNDS[scale]
    names = [f"shared/{number}" for number in range(4)]
    make = [create_bucket(), *(put(name, counter(0), if_none_match=ANY) for name in names)]
    rivals = [
        Group(f"rivals-{number}", [barrier("start"), repeat(rounds, cas(name, backoff_ms=(1, 4)))], clients=6)
        for number, name in enumerate(names)
    ]
    require = Require(cas_commits=24 * rounds, overlap=0.3)
    groups = [Group("make", make, phase="setup"), *rivals]
    return _plan("shared-counters", scale, seed, groups, Space.fixed(*names), require)


def creates(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients create the same keys at once with `If-None-Match: *`, one key after the other."""
    names = [f"create/{number:05}" for number in range(ROUNDS[scale] // 3)]
    program = [step for name in names for step in (barrier("start"), put(name, 256, if_none_match=ANY))]
    groups = [make_bucket(), Group("creators", program, clients=16)]
    require = Require(cas_commits=len(names), overlap=0.5)
    return _plan("creates", scale, seed, groups, Space.fixed(*names), require)
