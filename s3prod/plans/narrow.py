"""Workloads for faults that show in one way of asking only: ranges, chunked bodies, conditions on absent keys, deletes, reads
that come too early.

They are the plans of mutants (`s3prod.plans.mutants`), sized like those of `s3prod.plans.registers`.
"""

from __future__ import annotations

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
    cas,
    choose,
    counter,
    create_bucket,
    delete,
    get,
    head,
    jitter,
    make_bucket,
    put,
    put_versioning,
    remove_bucket,
    repeat,
    sleep,
    until_ok,
    until_others,
    when,
)
from s3prod.plans.registers import ROUNDS, SIZES

NOBODYS = '"00000000000000000000000000000000"'  # no body has this ETag
CELLS = (64, 191)  # the second and the third cell of a body


def range_reads(scale: str = "full", seed: int = 1) -> Plan:
    """24 clients overwrite 4 keys and read them in ranges: at a fixed and at a random place, and the rest of what they saw."""
    rounds = ROUNDS[scale]
    reads = [get("k.key", as_="seen"), get("k.key", random_bytes=128), get("k.key", range=CELLS, if_match="seen.etag")]
    program = [repeat(rounds, choose("keys", "k"), put("k.key", (200, 700, 1024)), *reads)]
    groups = [make_bucket(), Group("clients", program, clients=24), remove_bucket()]
    require = {"keys": Require(acked_writes=12 * rounds, reads=24 * rounds, overlap=0.5)}
    return Plan(
        "range-reads",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.uniform("keys/", 4)},
        groups=groups,
        require=require,
    )


def early_reads(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients ask for each key before it is there, and again as soon as its writer was answered."""
    names = [
        f"early/{number:05}" for number in range(min(ROUNDS[scale] // 4, 400))
    ]  # a program has at most 2,048 steps
    asks: list[Step] = []
    writes: list[Step] = []
    for name in names:
        asks += [get(name), barrier("asked"), barrier("written"), get(name), head(name)]
        writes += [barrier("asked"), put(name, 256), barrier("written")]
    groups = [make_bucket(), Group("writer", writes), Group("readers", asks, clients=8), remove_bucket()]
    require = {"keys": Require(acked_writes=len(names), reads=24 * len(names))}
    return Plan(
        "early-reads", seed=seed, scale=scale, spaces={"keys": Space.fixed(*names)}, groups=groups, require=require
    )


def chunked_writes(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients write in every way of sending a body in chunks, and read back what they wrote."""
    rounds = ROUNDS[scale] // 2
    program = [choose("keys", "k")]
    for mode, checksum in (("signed", None), ("signed_trailer", "sha256"), ("unsigned_trailer", "crc32")):
        program += [put("k.key", SIZES, chunked=mode, checksum=checksum), get("k.key"), head("k.key")]
    groups = [make_bucket(), Group("clients", [repeat(rounds, *program)], clients=16), remove_bucket()]
    require = {"keys": Require(acked_writes=24 * rounds, reads=48 * rounds)}
    spaces = {"keys": Space.uniform("keys/", 64)}
    return Plan("chunked-writes", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)


def chunked_counters(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients increment 4 registers by compare-and-swap, half of them with bodies in chunks."""
    rounds = ROUNDS[scale]
    names = [f"chunked/{number}" for number in range(4)]
    make = [create_bucket(), *(put(name, counter(0), if_none_match=ANY) for name in names)]
    groups = [Group("make", make, phase="setup")]
    for number, name in enumerate(names):
        chunked = until_ok(
            1000,
            get(name, as_="seen"),
            put(name, counter("seen.counter + 1"), chunked="signed", if_match="seen.etag"),
            when("failed", jitter(1, 4)),
        )
        for way, step in (("plain", cas(name, backoff_ms=(1, 4))), ("chunked", chunked)):
            groups.append(Group(f"{way}-{number}", [barrier("start"), repeat(rounds, step)], clients=2))
    require = {"keys": Require(cas_commits=16 * rounds)}
    spaces = {"keys": Space.fixed(*names)}
    return Plan(
        "chunked-counters", seed=seed, scale=scale, spaces=spaces, groups=[*groups, remove_bucket()], require=require
    )


def absent_matches(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients, each on keys that nobody else knows: replace what is not there, create it, read it."""
    rounds = ROUNDS[scale]
    program = [choose("keys", "k"), put("k.key", if_match=NOBODYS), put("k.key", if_none_match=ANY), get("k.key")]
    groups = [make_bucket(), Group("clients", [repeat(rounds, *program)], clients=16), remove_bucket()]
    require = {"keys": Require(reads=16 * rounds)}
    spaces = {"keys": Space.own("own/", rounds)}
    return Plan("absent-matches", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)


def one_life(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients, each on keys that nobody else knows: write twice, fail to delete what was replaced, delete, look again."""
    rounds = ROUNDS[scale] // 2
    program = [
        choose("keys", "k"),
        put("k.key", 200, as_="first"),
        put("k.key", 200),
        delete("k.key", if_match="first.etag"),
        get("k.key"),
        delete("k.key"),
        get("k.key"),
        sleep(2),
        head("k.key"),
        get("k.key"),
    ]
    groups = [make_bucket(), Group("clients", [repeat(rounds, *program)], clients=16), remove_bucket()]
    require = {"keys": Require(acked_writes=32 * rounds, reads=64 * rounds)}
    spaces = {"keys": Space.own("own/", rounds)}
    return Plan("one-life", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)


def created_again(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients in a versioned bucket, each on keys of its own: create, fail to delete what never was, delete what is, create
    again over the marker, read.
    """
    rounds = ROUNDS[scale] // 3
    create = put("k.key", 200, if_none_match=ANY, as_="made")
    remove = [delete("k.key", if_match=NOBODYS), get("k.key"), delete("k.key", if_match="made.etag")]
    program = [choose("keys", "k"), create, *remove, create, get("k.key")]
    make = Group("make", [create_bucket(), put_versioning("Enabled")], phase="setup")
    groups = [make, Group("clients", [repeat(rounds, *program)], clients=16), remove_bucket()]
    require = {"keys": Require(acked_writes=32 * rounds, reads=16 * rounds)}
    spaces = {"keys": Space.own("own/", rounds)}
    return Plan("created-again", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)


def slow_conditions(scale: str = "full", seed: int = 1) -> Plan:
    """A large object is replaced under a condition, again and again, while 8 clients read it; nobody may have to wait for that
    beyond a retry.
    """
    rounds = ROUNDS[scale] // 125
    name, large = "slow", 8 << 20
    begin, end = barrier("begin"), barrier("end")
    make = [create_bucket(), put(name, 1024)]
    write = [head(name, as_="seen"), begin, put(name, large, if_match="seen.etag"), end, put(name, 1024)]
    read = [begin, repeat(3, sleep(2), head(name)), end]
    groups = [
        Group("make", make, phase="setup"),
        Group("writer", [repeat(rounds, *write)]),
        Group("readers", [repeat(rounds, *read)], clients=8),
        remove_bucket(),
    ]
    require = {"keys": Require(acked_writes=2 * rounds, reads=23 * rounds)}
    return Plan(
        "slow-conditions", seed=seed, scale=scale, spaces={"keys": Space.fixed(name)}, groups=groups, require=require
    )


def watched_counter(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients increment one register while others read it all the time: each commit has its rivals, and none takes more than
    a hundred attempts.
    """
    rounds = ROUNDS[scale] // 250
    name = "watched"
    make = [create_bucket(), put(name, counter(0), if_none_match=ANY)]
    commit = cas(name, at_most=100, backoff_ms=(1, 8))
    groups = [
        Group("make", make, phase="setup"),
        Group("rivals", [barrier("start"), repeat(rounds, commit)], clients=8),
        Group("watchers", [get(name)], clients=8, arrival=until_others()),
        remove_bucket(),
    ]
    require = {"keys": Require(cas_commits=8 * rounds)}
    return Plan(
        "watched-counter", seed=seed, scale=scale, spaces={"keys": Space.fixed(name)}, groups=groups, require=require
    )
