"""Production test 10, distributed coordination: a key that is deleted and created again under conditions, and a lease with a
fencing token.

The lease is one number: even while it is free, odd while somebody holds it, and then it is the holder's *token*. To acquire a
free lease is to write the number plus 1, to release it plus 1 again; a lease that nobody renewed for a time to live is taken
over by adding 2. All of it is `If-Match` on the ETag that was read, so nobody's clock is asked: who sees the lease held waits
for the time to live, and the condition fails if it was renewed meanwhile. What the lease guards is written with `If-Match` as
well, and holds the token of its writer, who leaves it alone when it holds a newer one.
"""

from __future__ import annotations

import math

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    Step,
    Stop,
    barrier,
    counter,
    create_bucket,
    delete,
    get,
    jitter,
    put,
    put_versioning,
    repeat,
    sleep,
    until_ok,
    until_others,
    when,
    when_less,
    when_odd,
)
from s3prod.plans.coordination import SECONDS
from s3prod.plans.teardown import read_then_remove

LEASE, GUARDED = "leader/lease", "leader/state"
KEPT = "kept"  # the role of the bucket with versions
TTL_MS = 25  # of a lease, at least
HELD = 5  # round trips of a time to live; its holder renews it every third
WRITES = 3  # of a tenure
LEADERS = {"smoke": (2, 2), "full": (8, 3), "stress": (24, 10)}  # clients of each kind, tenures of each
RIVALS = 6  # for each key that is created again: as many as the checker's search decides at any time
AGAIN = {"smoke": (2, 8), "full": (8, 20), "stress": (16, 100)}  # keys of each bucket, rounds


def created_again_by_many(scale: str = "smoke", seed: int = 1, versions: bool = True) -> Plan:
    """Six clients a key create it if it is not there, and delete it if it is what they saw; who replaces what is gone must be
    refused. With `versions` the same in a bucket that keeps them, where a delete marker counts as absent.

    >>> sum(group.clients for group in created_again_by_many("full").groups if group.group.startswith("rivals"))
    96
    """
    keys, rounds = AGAIN[scale]
    names = [f"again/{number}" for number in range(keys)]
    roles = ["main", KEPT] if versions else ["main"]
    keep = [create_bucket(KEPT), put_versioning("Enabled", KEPT)] if versions else []

    def rivals(role: str, name: str) -> Group:
        program = [
            put(name, 256, if_none_match=ANY, bucket=role),
            get(name, as_="seen", bucket=role),
            delete(name, if_match="seen.etag", bucket=role),
            when(
                ("ok", 404, 412), put(name, 128, if_match="seen.etag", bucket=role)
            ),  # gone: its ETag never comes back
        ]
        return Group(f"rivals-{role}-{name[-1]}", [barrier("start"), repeat(rounds, *program)], clients=RIVALS)

    return Plan(
        "created-again-by-many",
        seed=seed,
        scale=scale,
        buckets=roles,
        spaces={role: Space.fixed(*names, bucket=role) for role in roles},
        stop=Stop(seconds=SECONDS[scale]),
        groups=[
            Group("make", [create_bucket(), *keep], phase="setup"),
            *(rivals(role, name) for role in roles for name in names),
            *read_then_remove(*(get(name, bucket=role) for role in roles for name in names), roles=roles),
        ],
        require={role: Require(acked_writes=2 * keys * rounds, overlap=0.5) for role in roles},
    )


def ttl_of(round_trip_ms: float) -> int:
    """The time to live of a lease that can be held, where a round trip takes so long: a multiple of the shortest.

    >>> ttl_of(0.4), ttl_of(4.0), ttl_of(100.0)
    (25, 25, 500)
    """
    return TTL_MS * max(1, math.ceil(HELD * round_trip_ms / TTL_MS))


def _acquire(ttl_ms: int) -> Step:
    take_over = put(LEASE, counter("was.counter + 2"), if_match="was.etag", as_="mine")
    take = put(LEASE, counter("was.counter + 1"), if_match="was.etag", as_="mine")
    return until_ok(
        10_000,
        get(LEASE, as_="was"),
        when_odd("was.counter", sleep(ttl_ms), take_over, otherwise=[take]),
        when("failed", jitter(1, 8)),
    )


def _write(seen: str) -> Step:
    """A guarded write, unless a newer token was there: then the lease is somebody else's by now."""
    return when_less(
        f"{seen}.counter", "mine.counter + 1", put(GUARDED, counter("mine.counter"), if_match=f"{seen}.etag")
    )


_RENEW = put(LEASE, counter("mine.counter"), if_match="mine.etag", as_="mine")
_RELEASE = put(LEASE, counter("mine.counter + 1"), if_match="mine.etag")
_WORK = repeat(WRITES, get(GUARDED, as_="seen"), _write("seen"), _RENEW)


def leases(scale: str = "smoke", seed: int = 1, ttl_ms: int = TTL_MS) -> Plan:
    """A third of the clients release the lease after their writes, a third vanish with it, and a third fall asleep with it and
    write what they had in mind when they wake up. `ttl_ms` is a lease's time to live: that of a near store, or `ttl_of`.

    >>> [group.group for group in leases().groups][1:4]
    ['leaders', 'vanishing', 'sleeping']
    """
    clients, tenures = LEADERS[scale]
    # what was read before a pause is written after it: the classic way to break a lock that has no fencing
    pause = [get(GUARDED, as_="old"), sleep(4 * ttl_ms), _write("old")]
    seeded = [create_bucket(), *(put(key, counter(0), if_none_match=ANY) for key in (LEASE, GUARDED))]

    def group(name: str, *end: Step) -> Group:
        return Group(name, [barrier("start"), repeat(tenures, _acquire(ttl_ms), _WORK, *end)], clients=clients)

    return Plan(
        "leases",
        seed=seed,
        scale=scale,
        spaces={"lease": Space.fixed(LEASE), "guarded": Space.fixed(GUARDED)},
        stop=Stop(seconds=max(SECONDS[scale], 3 * clients * tenures * 4 * ttl_ms // 1000)),
        groups=[
            Group("seed", seeded, phase="setup"),
            group("leaders", _RELEASE),
            group("vanishing"),
            group("sleeping", *pause),
            Group("readers", [get(GUARDED), get(LEASE), sleep(1)], clients=2, arrival=until_others()),
            *read_then_remove(get(LEASE), get(GUARDED)),
        ],
        require={
            "lease": Require(cas_commits=3 * clients * tenures),
            "guarded": Require(cas_commits=3 * clients * tenures),
        },
    )
