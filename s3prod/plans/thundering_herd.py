"""Production test 1, the thundering herd: many clients write one hot key at once, in waves, while others read it.

Cache stampedes, hot configuration keys and origin refreshes do this to a store. A lost, mixed or stale value here
corrupts what everybody reads.
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
    create_bucket,
    get,
    head,
    jitter,
    list_page,
    list_versions,
    put,
    put_versioning,
    repeat,
    until_others,
    when,
)
from s3prod.plans.teardown import read_then_remove

KEY = "hot/object"
KIB, MIB = 1024, 1024 * 1024
SIZES = (KIB - 1, 64 * KIB - 1, 64 * KIB + 1, MIB - 1, MIB + 1)
OWN_PACE = 2  # writes of each client after the waves
LARGE = (5 * MIB - 1, 5 * MIB + 1, 8 * MIB)
MIXED = SIZES * 4 + LARGE  # large ones are rarer
PRESETS = {  # clients, waves, readers of each kind, body sizes
    "smoke": (32, 3, 3, SIZES),
    "full": (100, 3, 6, MIXED),
    "stress": (400, 10, 20, MIXED),
}
TRIES = 3  # of a write that is not acknowledged, each an attempt of its own
RESTING = 8  # clients that read at rest, at least; dealt to the endpoints in turn, so that each is read


def writes_of(scale: str) -> int:
    """How many writes the herd makes.

    >>> writes_of("full")
    500
    """
    clients, waves, *_ = PRESETS[scale]
    return clients * (waves + OWN_PACE)


def _insist(write: Step, tries: int = TRIES) -> list[Step]:
    """The write, and again after a pause when it was not acknowledged (a store may say: slow down)."""
    return [write, when(["failed", "unknown"], jitter(20, 200), *_insist(write, tries - 1))] if tries > 1 else [write]


def _before(readers: int) -> Group:
    """Readers of the seed: the first wave waits for them."""
    seen = repeat(2, get(KEY), head(KEY), get(KEY, random_bytes=500))
    return Group("before", [seen, barrier("wave")], clients=readers)


def thundering_herd(scale: str = "smoke", seed: int = 1, endpoints: int = 1) -> Plan:
    """`clients` writers in waves on one key, then each at its own pace, so that some writes follow others; readers of the
    whole, of ranges and of the metadata throughout; at rest, the final value is read again and again on every endpoint.

    >>> thundering_herd("full").groups[1].clients
    100
    """
    clients, waves, readers, sizes = PRESETS[scale]
    writes = writes_of(scale)
    write = _insist(put(KEY, list(sizes)))
    in_waves = repeat(waves, barrier("wave"), *write, get(KEY))
    own_pace = repeat(OWN_PACE, *write, get(KEY))
    at_rest = repeat(5, get(KEY), head(KEY), list_page("main", prefix="hot/"))
    return Plan(
        "thundering-herd",
        seed=seed,
        scale=scale,
        spaces={"hot": Space.fixed(KEY)},
        groups=[
            Group("seed", [create_bucket("main"), put(KEY, KIB)], phase="setup"),
            Group("herd", [in_waves, own_pace], clients=clients),
            _before(readers),
            Group("readers", [get(KEY)], clients=readers, arrival=until_others()),
            Group("range-readers", [get(KEY, random_bytes=100_000)], clients=readers, arrival=until_others()),
            Group("head-readers", [head(KEY)], clients=readers, arrival=until_others()),
            *read_then_remove(at_rest, clients=max(RESTING, endpoints)),
        ],
        require={"hot": Require(acked_writes=writes, reads=writes, overlap=0.5, max_in_flight=8)},
        memory_mb=2048,
    )


def versioned_herd(scale: str = "smoke", seed: int = 1, endpoints: int = 1) -> Plan:
    """The herd in a bucket that keeps versions: each client reads back its own version; at rest the list has every one of
    them, once, and its first is what plain reads show on every endpoint.

    >>> versioned_herd("full").groups[1].clients
    100
    """
    clients, waves, readers, _ = PRESETS[scale]
    own = [*_insist(put(KEY, list(SIZES), as_="mine")), get(KEY, version="mine.version")]
    at_rest = [
        repeat(3, get(KEY), head(KEY)),
        list_versions(),
        list_versions(max_keys=99, as_="page"),
        repeat(writes_of(scale) // 99, list_versions(max_keys=99, token="page.token", as_="page")),
    ]
    writes = writes_of(scale)
    return Plan(
        "versioned-herd",
        seed=seed,
        scale=scale,
        spaces={"hot": Space.fixed(KEY)},
        groups=[
            Group("seed", [create_bucket("main"), put_versioning("Enabled"), put(KEY, KIB)], phase="setup"),
            Group("herd", [repeat(waves, barrier("wave"), *own), repeat(OWN_PACE, *own, get(KEY))], clients=clients),
            _before(readers),
            Group("readers", [get(KEY)], clients=readers, arrival=until_others()),
            Group("head-readers", [head(KEY)], clients=readers, arrival=until_others()),
            *read_then_remove(*at_rest, clients=max(RESTING, endpoints)),
        ],
        require={"hot": Require(acked_writes=writes, reads=writes, overlap=0.5, max_in_flight=8)},
        memory_mb=2048,
    )
