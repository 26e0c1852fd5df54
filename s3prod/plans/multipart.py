"""Uploads of parts from their beginning to each of their ends: completed, resumed, repeated, aborted, forgotten.

`upload_endings` is a plan of mutants. Parts are small: the store must take them (`s3prod.plans.STORE_OPTIONS`).
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    abort_upload,
    complete_upload,
    create_upload,
    get,
    head,
    list_parts,
    list_uploads,
    make_bucket,
    remove_bucket,
    repeat,
    until_others,
    upload_part,
)

ENDINGS = {"smoke": 8, "full": 60, "stress": 600}
ENDERS = 12
PARTS = (128, 640, 1024)


def _resumed(key: str) -> list[Step]:
    """An upload that goes on after a look at its parts, leaves one of them out, and is completed again and again."""
    return [
        create_upload(key, as_="up"),
        upload_part("up.upload", 3, PARTS),
        upload_part("up.upload", 1, 640),
        upload_part("up.upload", 1, 640),
        list_parts("up.upload"),
        upload_part("up.upload", 2, PARTS),
        complete_upload("up.parts", part_numbers=[1, 2]),
        get(key),
        complete_upload("up.parts", part_numbers=[1, 2]),
        complete_upload("up.parts"),
        abort_upload("up.upload"),
        head(key),
        get(key),
    ]


def _crossed(key: str) -> list[Step]:
    """Two uploads, listed in the order in which they began, completed in the other one."""
    return [
        create_upload(key, as_="older"),
        upload_part("older.upload", 2, PARTS),
        upload_part("older.upload", 1, PARTS),
        create_upload(key, as_="newer"),
        upload_part("newer.upload", 2, PARTS),
        upload_part("newer.upload", 1, PARTS),
        list_uploads(prefix=key),
        complete_upload("newer.parts"),
        get(key),
        complete_upload("older.parts"),
        get(key),
    ]


def _aborted(key: str) -> list[Step]:
    """An upload that is aborted over an object, and then completed all the same."""
    return [
        create_upload(key, as_="left"),
        upload_part("left.upload", 1, PARTS),
        abort_upload("left.upload"),
        list_parts("left.upload"),
        complete_upload("left.parts"),
        get(key),
    ]


def upload_endings(scale: str = "full", seed: int = 1) -> Plan:
    """12 clients bring uploads of keys of their own to every end, while others read these keys and leave uploads of them."""
    rounds = ENDINGS[scale]
    keys = [f"ends/{number:02}" for number in range(ENDERS)]
    groups = [make_bucket()]
    for number, key in enumerate(keys):
        ending = repeat(rounds, *_resumed(key), *_crossed(key), *_aborted(key))
        leaving = [create_upload(key, as_="other"), upload_part("other.upload", 2, PARTS), abort_upload("other.upload")]
        groups += [
            Group(f"ender-{number:02}", [ending]),
            Group(f"leaver-{number:02}", [leaving[0], repeat(3, leaving[1]), leaving[2]], arrival=until_others()),
        ]
    readers = Group("readers", [get(key) for key in keys], clients=2, arrival=until_others())
    return Plan(
        "upload-endings",
        seed=seed,
        scale=scale,
        spaces={"ends": Space.fixed(*keys)},
        groups=[*groups, readers, remove_bucket()],
        require={"ends": Require(acked_writes=2 * ENDERS * rounds, reads=2 * ENDERS * rounds)},
    )
