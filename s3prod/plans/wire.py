"""The wire's own workload: a bit of everything, on keys that are used seldom, for runs behind the fault proxy.

`FAULTS` are its rows: how often each fault of `s3prod proxy` fires, and how an attempt that it has touched must end for the
client. The store is correct, and must never be blamed.
"""

from __future__ import annotations

from dataclasses import dataclass

from s3prod.plan import (
    Group,
    Plan,
    Space,
    choose,
    complete_upload,
    copy,
    create_upload,
    get,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    sleep,
    upload_part,
)

NOBODYS = '"00000000000000000000000000000000"'  # no body has this ETag
ROUNDS = {"smoke": 15, "full": 60, "stress": 600}
DEADLINE_MS = 1000


@dataclass(frozen=True)
class Fault:
    """A fault of the proxy, as it is switched on, and the outcomes that it may have."""

    name: str
    specs: tuple[str, ...]
    ends: tuple[str, ...]  # none: the key is not checked, however it ends
    runner: str = "native"


def _fault(ends: str, *specs: str, runner: str = "native") -> Fault:
    return Fault(specs[0].partition(":")[0], specs, tuple(ends.split()), runner)


_ROWS = (
    _fault("unknown", "drop-ack-after-commit:p=0.02,op=put", "drop-ack-after-commit:p=0.01,op=put,how=hang"),
    _fault("unknown", "drop-before-commit:p=0.02,op=put", "drop-before-commit:p=0.01,op=put,how=hang"),
    _fault("unknown", *(f"status-before-commit:p=0.01,op=put,status={n}" for n in (429, 499, 500, 502, 503, 504))),
    _fault("unknown", *(f"status-after-commit:p=0.01,op=put,status={n}" for n in (429, 499, 500, 502, 503, 504))),
    _fault("failed", "conflict-mix:p=0.02,op=put", "conflict-mix:p=0.02,op=upload_part"),
    _fault("unknown", "error-in-200-body:p=0.05"),
    _fault("ok", "whitespace-then-result:p=0.05,delay_ms=5"),
    _fault("unknown", "reset-request-at:p=0.02,op=put"),
    _fault("unknown", "reset-response-at:p=0.02,op=get"),
    _fault("unknown", "truncate-clean:p=0.02,op=get"),
    _fault("ok unknown", "slow-body:p=0.02,op=get,rate=100000", "slow-body:p=0.003,op=get,rate=100"),
    _fault("unknown", "stall-then-close:p=0.02,op=get,delay_ms=20"),
    _fault("unknown", "half-open:p=0.01,op=put"),
    _fault("ok unknown", "stall-100:p=0.02,op=put", runner="boto3"),
    _fault("", "duplicate-delivery:p=0.02,op=put", "duplicate-delivery:p=0.02,op=put,how=second,delay_ms=5"),
    _fault("unknown", "late-delivery:p=0.02,op=put,delay_ms=20"),
    _fault("", "corrupt-byte:p=0.02,op=get", "corrupt-byte:p=0.02,op=put,side=request"),
    _fault("ok", "stale-connection:p=0.02", "stale-connection:p=0.02,how=surplus"),
    _fault("failed", "redirect-307:p=0.02,op=put"),
    _fault("failed", "clock-skew:p=0.02,op=put"),
    _fault("ok", "dns-multi:p=0.05,op=put"),
    _fault("unknown", "endpoint-partition:p=0.1,op=put,endpoint=1"),
    _fault("unknown", "rolling-restart:op=put,delay_ms=20"),
    _fault("unknown", "throttle-prefix:op=put,rate=100"),
)
FAULTS: dict[str, Fault] = {row.name: row for row in _ROWS}


def wire(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients write, read, copy and upload; each key is seldom written, so that an unknown end costs little evidence."""
    rounds = ROUNDS[scale]
    program = [
        choose("keys", "k"),
        put("k.key", 3000),
        get("k.key"),
        sleep(1),
        get("k.key"),
        choose("copies", "c"),
        copy("c.key", "k.key", metadata="replace"),
        get("c.key"),
        choose("made", "m"),
        create_upload("m.key", as_="up"),
        upload_part("up.upload", 1, 640),
        upload_part("up.upload", 2, 200),
        put("m.key", 200),
        complete_upload("up.parts"),
        get("m.key"),
        complete_upload("up.parts"),
        put("nowhere", if_match=NOBODYS),
    ]
    spaces = {
        "keys": Space.uniform("keys/", 2 * rounds),
        "copies": Space.uniform("copies/", 2 * rounds),
        "made": Space.uniform("made/", 2 * rounds),
    }
    groups = [make_bucket(), Group("clients", [repeat(rounds, *program)], clients=8), remove_bucket()]
    return Plan("wire", seed=seed, scale=scale, spaces=spaces, groups=groups, deadline_ms=DEADLINE_MS)
