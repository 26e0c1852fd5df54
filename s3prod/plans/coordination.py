"""Production test 10, distributed coordination: create races, and compare-and-swap registers as table commits and configuration
registers on object storage use them. A lost update or a split brain here loses somebody's commit. Leases are in
`s3prod.plans.leases`.
"""

from __future__ import annotations

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    Step,
    Stop,
    barrier,
    cas,
    counter,
    create_bucket,
    get,
    head,
    jitter,
    put,
    remove_bucket,
    repeat,
    sleep,
    until_ok,
    until_others,
    when,
    when_equal,
)
from s3prod.plans.teardown import read_then_remove

KEY = "config.json"
PRESETS = {"smoke": (16, 5), "full": (50, 20), "stress": (200, 50)}  # clients, commits of each
SECONDS = {"smoke": 10, "full": 180, "stress": 900}  # whoever has not made its commits by then will not
RACES = {"smoke": (16, 10), "full": (50, 20), "stress": (200, 50)}  # clients, keys
LOSSY = {"smoke": (8, 5), "full": (24, 20), "stress": (100, 50)}  # clients, commits of each
NOWHERE = "never-written"
LOST = ("drop-ack-after-commit:every=7,op=put", "status-after-commit:every=11,op=put,status=503")


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


def _reconciled_commit() -> Step:
    """One increment by a client that may not hear how it ended: it reads back, and its own value means that it is done. Else it
    tries again: the loop goes round because a look at a key that nobody writes fails.
    """
    back_off = when("failed", jitter(1, 16))
    read_back = when_equal("mine.id", "now.id", sleep(0), otherwise=[head(NOWHERE), jitter(1, 16)])
    return until_ok(
        1000,
        get(KEY, as_="seen"),
        put(KEY, counter("seen.counter + 1"), if_match="seen.etag", as_="mine"),
        when("unknown", until_ok(20, get(KEY, as_="now")), read_back, otherwise=[back_off]),
    )


def lost_answers(scale: str = "smoke", seed: int = 1) -> Plan:
    """The same increments, while a proxy swallows some acknowledgements and answers 503 to some writes that took effect.

    >>> lost_answers("full").faults[0]
    'drop-ack-after-commit:every=7,op=put'
    """
    clients, commits = LOSSY[scale]
    seeded = [put(KEY, counter(0), if_none_match=ANY), when(["unknown", 412], get(KEY))]
    return Plan(
        "lost-answers",
        seed=seed,
        scale=scale,
        spaces={"register": Space.fixed(KEY)},
        stop=Stop(seconds=2 * SECONDS[scale]),
        groups=[
            Group("seed", [create_bucket("main"), until_ok(20, *seeded)], phase="setup"),
            Group("committers", [barrier("start"), repeat(commits, _reconciled_commit())], clients=clients),
            Group("readers", [get(KEY), sleep(1)], clients=4, arrival=until_others()),
            *read_then_remove(get(KEY)),
        ],
        require={"register": Require(reads=clients * commits, overlap=0.5)},
        faults=LOST,
    )
