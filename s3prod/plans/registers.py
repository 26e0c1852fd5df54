"""Register workloads that are sized for finding a rare fault: enough operations that one altered answer in a thousand shows.

The production tests have their own shapes; these are the plans of the mutants (`s3prod.plans.mutants`).
"""

from __future__ import annotations

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

SIZES = (200, 700, 1024, 3000, 9000)
ROUNDS = {"smoke": 250, "full": 1500, "stress": 10_000}


def _plan(name: str, scale: str, seed: int, groups: list[Group], space: Space, require: Require) -> Plan:
    return Plan(
        name,
        seed=seed,
        scale=scale,
        spaces={"keys": space},
        groups=[make_bucket(), *groups, remove_bucket()],
        require={"keys": require},
    )


def register_churn(scale: str = "full", seed: int = 1) -> Plan:
    """32 clients write, read back and head keys out of 64: light contention, each ack followed by a read."""
    rounds = ROUNDS[scale]
    program = [repeat(rounds, choose("keys", "k"), put("k.key", SIZES), get("k.key"), head("k.key"))]
    return _plan(
        "register-churn",
        scale,
        seed,
        [Group("clients", program, clients=32)],
        Space.uniform("churn/", 64),
        Require(acked_writes=16 * rounds, reads=32 * rounds),
    )


def register_contention(scale: str = "full", seed: int = 1) -> Plan:
    """32 clients on 4 keys: most writes overlap others, and every read races one."""
    rounds = ROUNDS[scale]
    program = [repeat(rounds, choose("keys", "k"), put("k.key", SIZES), get("k.key"))]
    return _plan(
        "register-contention",
        scale,
        seed,
        [Group("clients", program, clients=32)],
        Space.uniform("hot/", 4),
        Require(acked_writes=16 * rounds, reads=16 * rounds, overlap=0.5),
    )


def register_replicas(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients spread over the endpoints write and read 8 keys: what one endpoint acknowledged, the others must show."""
    rounds = ROUNDS[scale]
    program = [repeat(rounds, choose("keys", "k"), put("k.key", SIZES), get("k.key"), head("k.key"))]
    return _plan(
        "register-replicas",
        scale,
        seed,
        [Group("clients", program, clients=16)],
        Space.uniform("replica/", 8),
        Require(acked_writes=8 * rounds, reads=16 * rounds),
    )


def private_counters(scale: str = "full", seed: int = 1) -> Plan:
    """32 clients, each with a compare-and-swap register of its own: without a rival no condition may fail."""
    rounds = ROUNDS[scale]
    program = [choose("keys", "k"), put("k.key", counter(0), if_none_match=ANY), repeat(rounds, cas("k.key"))]
    return _plan(
        "private-counters",
        scale,
        seed,
        [Group("clients", program, clients=32)],
        Space.own("private/", 1),
        Require(cas_commits=32 * rounds),
    )


def shared_counters(scale: str = "full", seed: int = 1) -> Plan:
    """24 clients increment 4 compare-and-swap registers: every commit has rivals."""
    rounds = ROUNDS[scale]
    names = [f"shared/{number}" for number in range(4)]
    seed_registers = [put(name, counter(0), if_none_match=ANY) for name in names]
    rivals = [
        Group(f"rivals-{number}", [barrier("start"), repeat(rounds, cas(name, backoff_ms=(1, 4)))], clients=6)
        for number, name in enumerate(names)
    ]
    return Plan(
        "shared-counters",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.fixed(*names)},
        groups=[Group("make", [create_bucket(), *seed_registers], phase="setup"), *rivals, remove_bucket()],
        require={"keys": Require(cas_commits=24 * rounds, overlap=0.3)},
    )


def creates(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients create the same keys at once with `If-None-Match: *`, one key after the other."""
    names = [f"create/{number:05}" for number in range(ROUNDS[scale] // 3)]
    program = [step for name in names for step in (barrier("start"), put(name, 256, if_none_match=ANY))]
    return _plan(
        "creates",
        scale,
        seed,
        [Group("creators", program, clients=16)],
        Space.fixed(*names),
        Require(cas_commits=len(names), overlap=0.5),
    )
