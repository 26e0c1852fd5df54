"""How long a round trip takes: what times of a plan must be multiples of, to suit a far store or a slow SDK as well as a near one.

It is measured before the load, and is then a number of the plan as any other: who replays the plan has the same.
"""

from __future__ import annotations

from pathlib import Path

from s3prod.plan import Group, Plan, Space, barrier, choose, get, make_bucket, put, remove_bucket, repeat
from s3prod.runners import run_plan
from s3prod.target import Target

ROUNDS = 8
BYTES = 256


def pace(clients: int) -> Plan:
    """So many clients at once write and read, each a key of its own.

    >>> pace(6).groups[1].clients
    6
    """
    program = [barrier("start"), repeat(ROUNDS, choose("own", "k"), put("k.key", BYTES), get("k.key"))]
    groups = [make_bucket(), Group("pace", program, clients=clients), remove_bucket()]
    return Plan("pace", spaces={"own": Space.own("pace/", 1)}, groups=groups)


def round_trip_ms(target: Target, clients: int, *, runner: str = "native", out: Path) -> float:
    """What a PUT or a GET takes, whichever takes longer, in half of the tries, when so many clients ask at once.

    >>> round_trip_ms(store.target(), 6, out=Path("pace"))  # doctest: +SKIP
    0.412
    """
    ops = run_plan(pace(clients), target, runner=runner, out=out).metrics["ops"]
    return float(max(ops[op]["p50_us"] for op in ("put", "get")) / 1000)
