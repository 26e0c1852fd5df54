"""Objects that are read a while after their last write, on every endpoint: what was acknowledged must still be there."""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    barrier,
    choose,
    get,
    head,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    sleep,
)
from s3prod.plans.registers import SIZES

KEYS = {"smoke": 500, "full": 8000, "stress": 100_000}
CLIENTS, LATER_MS = 8, 100
FIRST_ATTEMPTS = 0.99  # this share of the writes must succeed: nothing is sent twice


def late_reads(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients write random keys, two writes a key; when all is written, and a while later, they read random ones.

    >>> late_reads("smoke").require["keys"].acked_writes
    990
    """
    keys = KEYS[scale]
    each = 2 * keys // CLIENTS
    program = [
        repeat(each, choose("keys", "k"), put("k.key", SIZES)),
        barrier("written"),
        sleep(LATER_MS),
        repeat(each, choose("keys", "k"), get("k.key"), choose("keys", "k"), head("k.key")),
    ]
    require = Require(acked_writes=int(CLIENTS * each * FIRST_ATTEMPTS), reads=keys)
    return Plan(
        "late-reads",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.uniform("keys/", keys)},
        groups=[make_bucket(), Group("clients", program, clients=CLIENTS), remove_bucket()],
        require={"keys": require},
    )
