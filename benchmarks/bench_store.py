"""The embedded store's cost of signed 1 KiB requests in fast mode, on one core, beside moto_server and versitygw."""

from __future__ import annotations

from benchmarks.harness import MissingPeer, Record, interleave, server
from benchmarks.stores import Meter, moto, read_plan, versitygw, write_plan

GOALS = {"put": 30_000, "get": 50_000, "head": 50_000}
UNIT = "requests/s a core"
# every switch that a request may meet, set so that none of them has anything to do
SWITCHES = (
    "--lifecycle-day",
    "24h",
    "--replication-lag",
    "1s",
    "--throttle",
    "other/*=1/s",
    "--bucket-policy",
    "--admin",
)


def store() -> list[Record]:
    """The rates of PUT, GET and HEAD over their goals, and of PUT over moto_server's."""
    with server() as serve, moto() as other:
        ours, theirs = Meter(serve), Meter(other)
        found = interleave(
            {
                "put": lambda: ours.put(write_plan()),
                "get": lambda: ours.read("get", read_plan("get")),
                "head": lambda: ours.read("head", read_plan("head")),
                "moto": lambda: theirs.put(write_plan(clients=4)),
            }
        )
    rate = {name: 1e6 / cpu for name, cpu in found.items()}
    records = [
        Record(f"store-{op}", rate[op] / goal, rate[op], goal, UNIT, "higher", 1,
               f"signed 1 KiB {op.upper()}, fast mode: rate a store core over the goal of {goal:,}",
               f"s3prod bench store  # store-{op}")
        for op, goal in GOALS.items()
    ]  # fmt: skip
    what = "signed 1 KiB PUT: rate a core of the store over moto_server's"
    return [
        *records,
        Record(
            "store",
            rate["put"] / rate["moto"],
            rate["put"],
            rate["moto"],
            UNIT,
            "higher",
            50,
            what,
            "s3prod bench store",
        ),
    ]


def switches() -> list[Record]:
    """What the switches cost a request that they do not concern; with them off it is less still."""
    with server(*SWITCHES) as idle, server() as plain:
        meters = {"on": Meter(idle), "off": Meter(plain)}
        puts = interleave({side: lambda meter=meter: meter.put(write_plan()) for side, meter in meters.items()})
        gets = interleave(
            {side: lambda meter=meter: meter.read("get", read_plan("get")) for side, meter in meters.items()}
        )
    return [
        Record(f"store-switches-{op}", found["on"] / found["off"], found["on"], found["off"], "CPU µs/request", "lower", 1.05,
               f"signed 1 KiB {op.upper()}: all switches on and idle over all off",
               f"s3prod bench store-switches  # store-switches-{op}")
        for op, found in (("put", puts), ("get", gets))
    ]  # fmt: skip


def against_versitygw() -> list[Record]:
    """The same PUT and GET on the store and on versitygw, whose folder is in memory. Without it the rows name what is missing."""
    command = "s3prod bench store-versitygw"
    try:
        with server() as serve, versitygw() as other:
            ours, theirs = Meter(serve), Meter(other)
            found = interleave(
                {
                    "put": lambda: ours.put(write_plan()),
                    "versitygw-put": lambda: theirs.put(write_plan()),
                    "get": lambda: ours.read("get", read_plan("get")),
                    "versitygw-get": lambda: theirs.read("get", read_plan("get")),
                }
            )
    except MissingPeer as error:
        return [_versitygw_row(op, 0, 0, command, str(error)) for op in ("put", "get")]
    return [_versitygw_row(op, 1e6 / found[op], 1e6 / found[f"versitygw-{op}"], command) for op in ("put", "get")]


def _versitygw_row(op: str, ours: float, peer: float, command: str, missing: str = "") -> Record:
    name = f"store-versitygw-{op}"
    what = f"signed 1 KiB {op.upper()}: rate a core of the store over versitygw's (no goal)"
    ratio = ours / peer if peer else 0
    return Record(name, ratio, ours, peer, UNIT, "higher", 0, what, f"{command}  # {name}", missing=missing)
