"""Workloads of objects that no plain write made: uploads of parts, copies, tags, versions, batches of deletes.

Like those of `s3prod.plans.registers` they are the plans of the mutants. Parts are small, so that many uploads race: the
store must take them (`s3prod serve --min-part-bytes 64`, which `SMALL_PARTS` says).
"""

from __future__ import annotations

from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Require,
    Space,
    Step,
    abort_upload,
    barrier,
    choose,
    complete_upload,
    copy,
    create_upload,
    get,
    head,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    upload_part,
    when,
)
from s3prod.plans.registers import SIZES

SMALL_PARTS = ("--min-part-bytes", "64")
ROUNDS = {"smoke": 60, "full": 400, "stress": 3000}
PARTS = (128, 640, 1024)


def _upload(key: str, *, condition: str | None = None) -> list[Step]:
    """Three parts, the first one twice, in another order than they are joined in."""
    return [
        create_upload(key, as_="up"),
        upload_part("up.upload", 1, PARTS),
        upload_part("up.upload", 3, 200),
        upload_part("up.upload", 2, PARTS),
        upload_part("up.upload", 1, PARTS),
        complete_upload("up.parts", if_none_match=condition),
    ]


def uploads(scale: str = "full", seed: int = 1) -> Plan:
    """24 clients race uploads, plain writes and aborts on 4 keys, and create others by a conditional Complete."""
    rounds = ROUNDS[scale]
    names = [f"made/{number:05}" for number in range(rounds)]
    racers = [
        choose("keys", "k"),
        *_upload("k.key"),
        get("k.key"),
        head("k.key"),
        complete_upload("up.parts"),
        choose("keys", "k"),
        put("k.key", SIZES),
        create_upload("k.key", as_="left"),
        upload_part("left.upload", 1, PARTS),
        abort_upload("left.upload"),
        get("k.key"),
    ]
    creators = [step for name in names for step in (barrier("start"), *_upload(name, condition=ANY), get(name))]
    groups = [
        make_bucket(),
        Group("racers", [repeat(rounds, *racers)], clients=16),
        Group("creators", creators, clients=8),
        remove_bucket(),
    ]
    spaces = {"keys": Space.uniform("keys/", 4), "made": Space.fixed(*names)}
    require = {"keys": Require(acked_writes=16 * rounds, reads=16 * rounds, overlap=0.3)}
    return Plan("uploads", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)


def copies(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients write sources, copy them to other keys with metadata of their own, and copy keys onto themselves."""
    rounds = ROUNDS[scale]
    program = [
        choose("sources", "s"),
        put("s.key", SIZES),
        choose("copies", "k"),
        copy("k.key", "s.key", metadata="replace"),
        when("ok", get("k.key"), head("k.key")),
        copy("k.key", "k.key", metadata="replace"),
        get("k.key"),
        choose("kept", "d"),
        copy("d.key", "s.key"),
        get("d.key"),
    ]
    spaces = {
        "sources": Space.uniform("sources/", 4),
        "copies": Space.uniform("copies/", 4),
        "kept": Space.uniform("kept/", 2),
    }
    groups = [make_bucket(), Group("clients", [repeat(rounds, *program)], clients=16), remove_bucket()]
    require = {"copies": Require(acked_writes=8 * rounds, reads=8 * rounds, overlap=0.3)}
    return Plan("copies", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)
