"""Workloads of objects that no plain write made: uploads of parts, copies, tags, versions.

Like those of `s3prod.plans.registers` they are the plans of the mutants. Parts are small, so that many uploads race: the
store must take them (`s3prod.plans.STORE_OPTIONS`).
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
    create_bucket,
    create_upload,
    delete,
    delete_tags,
    get,
    get_tags,
    head,
    list_versions,
    make_bucket,
    put,
    put_tags,
    put_versioning,
    remove_bucket,
    repeat,
    upload_part,
    when,
)
from s3prod.plans.registers import SIZES
from s3prod.plans.teardown import read_then_remove

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
    names = [f"made/{number:05}" for number in range(min(rounds, 200))]  # a program has at most 2,048 steps
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
    """16 clients write sources, copy them to other keys with metadata of their own, and copy keys onto themselves; sources
    are asked for as they are and as they were.
    """
    rounds = ROUNDS[scale]
    program = [
        choose("sources", "s"),
        put("s.key", SIZES, as_="old"),
        put("s.key", SIZES, as_="new"),
        choose("copies", "k"),
        copy("k.key", "s.key", metadata="replace", fields=7, if_source_match="new.etag"),
        when("ok", get("k.key"), head("k.key")),
        copy("k.key", "k.key", metadata="replace", fields=5),
        get("k.key"),
        copy("k.key", "s.key", metadata="replace", fields=4, if_source_match="old.etag"),
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


def tags(scale: str = "full", seed: int = 1) -> Plan:
    """16 clients replace, remove and read the tags of 4 objects, overwrite others with and without tags, and read them all."""
    rounds = ROUNDS[scale]
    tagging = [
        choose("tagged", "k"),
        put_tags("k.key", 6),
        get_tags("k.key"),
        choose("tagged", "k"),
        put_tags("k.key", 3),
        get_tags("k.key"),
        get("k.key"),
    ]
    overwriting = [
        choose("replaced", "k"),
        put("k.key", SIZES, tags=4),
        get_tags("k.key"),
        put("k.key", SIZES),
        get_tags("k.key"),
        put_tags("k.key", 2),
        get("k.key"),
        delete_tags("k.key"),
        get_tags("k.key"),
        get("k.key"),
    ]
    names = [f"tagged/{number}" for number in range(4)]
    make = [create_bucket(), *(put(name, 256) for name in names)]
    spaces = {"tagged": Space.fixed(*names), "replaced": Space.own("replaced/", 1)}
    groups = [
        Group("make", make, phase="setup"),
        Group("tagging", [repeat(rounds, *tagging)], clients=12),
        Group("overwriting", [repeat(rounds, *overwriting)], clients=4),
        remove_bucket(),
    ]
    return Plan("tags", seed=seed, scale=scale, spaces=spaces, groups=groups)


def versions(scale: str = "full", seed: int = 1) -> Plan:
    """12 clients write, upload and delete 4 keys of a versioned bucket, read old versions, and remove some; others tag them."""
    rounds = ROUNDS[scale]
    racing = [
        choose("keys", "k"),
        put("k.key", SIZES, as_="one"),
        get("k.key"),
        get("k.key", version="one.version"),
        create_upload("k.key", as_="up"),
        upload_part("up.upload", 1, PARTS),
        complete_upload("up.parts"),
        get("k.key"),
        delete("k.key"),
        get("k.key"),
    ]
    removing = [
        choose("own", "k"),
        put("k.key", SIZES, as_="old"),
        put("k.key", SIZES, as_="new"),
        delete("k.key", version="new.version"),
        get("k.key"),
        get("k.key", version="old.version"),
        delete("k.key", as_="marker"),
        head("k.key"),
        delete("k.key", version="marker.version"),
        get("k.key"),
    ]
    tagging = [
        choose("tagged", "k"),
        put("k.key", SIZES, tags=3, as_="one"),
        put("k.key", SIZES, as_="two"),
        put_tags("k.key", 4, version="one.version"),
        get_tags("k.key", version="one.version"),
        get_tags("k.key", version="two.version"),
    ]
    pages = rounds // 10  # the walk begins anew behind its end
    walk = [list_versions(as_="page"), repeat(pages, list_versions(token="page.token", as_="page"))]
    spaces = {
        "keys": Space.uniform("keys/", 4),
        "own": Space.own("own/", 1),
        "tagged": Space.own("tagged/", 1),
    }
    groups = [
        Group("make-bucket", [*make_bucket().program, put_versioning("Enabled")], phase="setup"),
        Group("racing", [repeat(rounds, *racing)], clients=6),
        Group("removing", [repeat(rounds, *removing)], clients=4),
        Group("tagging", [repeat(rounds // 2, *tagging)], clients=2),
        *read_then_remove(*walk),
    ]
    return Plan("versions", seed=seed, scale=scale, spaces=spaces, groups=groups)
