"""Production test 10, distributed coordination: create races and compare-and-swap registers, as table commits, leases and
configuration registers on object storage use them. A lost update or a split brain here loses somebody's commit.
"""

from __future__ import annotations

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    Stop,
    barrier,
    cas,
    counter,
    create_bucket,
    get,
    put,
    remove_bucket,
    repeat,
    sleep,
    until_others,
)
from s3prod.plans.teardown import read_then_remove

KEY = "config.json"
PRESETS = {"smoke": (16, 5), "full": (50, 20), "stress": (200, 50)}  # clients, commits of each
SECONDS = {"smoke": 20, "full": 180, "stress": 900}  # whoever has not made its commits by then will not
RACES = {"smoke": (16, 10), "full": (50, 20), "stress": (200, 50)}  # clients, keys


def distributed_coordination(scale: str = "smoke", seed: int = 1) -> Plan:
    """Every client commits its quota of increments to one register: read it, put it back with `If-Match`, back off on a
    conflict. Readers look on.

    >>> distributed_coordination("full").groups[1].clients
    50
    """
    clients, commits = PRESETS[scale]
    return Plan(
        "coordination",
        seed=seed,
        scale=scale,
        spaces={"register": Space.fixed(KEY)},
        stop=Stop(seconds=SECONDS[scale]),
        groups=[
            Group("seed", [create_bucket("main"), put(KEY, counter(0), if_none_match=ANY)], phase="setup"),
            Group(
                "incrementers",
                [barrier("start"), repeat(commits, cas(KEY, backoff_ms=(1, 16)))],
                clients=clients,
            ),
            Group("readers", [get(KEY), sleep(1)], clients=4, arrival=until_others()),
            *read_then_remove(get(KEY)),
        ],
        require={"register": Require(cas_commits=clients * commits, overlap=0.5)},
    )


def create_race(scale: str = "smoke", seed: int = 1) -> Plan:
    """All clients create the same key at once with `If-None-Match: *`, key after key; then everybody reads who won.

    >>> len(create_race("smoke").spaces["race"].keys)
    10
    """
    clients, keys = RACES[scale]
    names = [f"leader/{number:04}" for number in range(keys)]
    program = [step for name in names for step in (barrier("start"), put(name, 256, if_none_match=ANY), get(name))]
    return Plan(
        "create-race",
        seed=seed,
        scale=scale,
        spaces={"race": Space.fixed(*names)},
        groups=[
            Group("make", [create_bucket("main")], phase="setup"),
            Group("creators", program, clients=clients),
            remove_bucket(),
        ],
        require={"race": Require(cas_commits=keys, overlap=0.5)},
    )
