"""Uploads whose parts are on their way while somebody else aborts whatever is listed."""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    abort_upload,
    choose,
    complete_upload,
    create_upload,
    get,
    list_parts,
    list_uploads,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    sleep,
    until_others,
    upload_part,
)

ROUNDS = {"smoke": 30, "full": 200, "stress": 2000}


def racing_aborts(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients send parts and complete what is left to them; 2 list the uploads and abort all of them, again and again."""
    rounds = ROUNDS[scale]
    parts = [upload_part("up.upload", number, 256) for number in (1, 2, 3, 1, 2, 4)]
    owners = [
        choose("keys", "k"),
        put("k.key", 200),
        create_upload("k.key", as_="up"),
        *parts,
        list_parts("up.upload"),
        complete_upload("up.parts"),
        get("k.key"),
    ]
    aborters = [list_uploads("main", as_="page"), abort_upload("page.uploads"), sleep(2)]
    groups = [
        make_bucket(),
        Group("owners", [repeat(rounds, *owners)], clients=16),
        Group("aborters", aborters, clients=2, arrival=until_others()),
        remove_bucket(),
    ]
    require = {"keys": Require(acked_writes=16 * rounds, reads=8 * rounds)}
    spaces = {"keys": Space.uniform("keys/", 40)}
    return Plan("racing-aborts", seed=seed, scale=scale, spaces=spaces, groups=groups, require=require)
