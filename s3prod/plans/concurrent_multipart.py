"""Production test 7, concurrent multipart: several actors write one object in parts, and complete at the same moment.

Two attempts of one job write the same output like this (speculative execution). The object must be exactly one of them.
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
    borrow,
    choose,
    complete_upload,
    create_upload,
    get,
    head,
    jitter,
    list_parts,
    list_uploads,
    list_versions,
    make_bucket,
    put,
    put_versioning,
    remove_bucket,
    repeat,
    sleep,
    until_others,
    upload_part,
    when,
)
from s3prod.plans.teardown import read_then_remove

KEY = "output/result.json"
MIXED = "output/mixed.json"
PRESETS = {  # actors, waves, pairs of clients for each race of two on one upload, their rounds
    "smoke": (6, 3, 3, 5),
    "full": (10, 5, 5, 40),
    "stress": (20, 50, 10, 300),
}
CROSSED = 5  # uploads of each actor at its own pace, after the waves
PART_BYTES = (128, 640, 1024)
KEPT = "kept"  # the role of the bucket that keeps versions


def _parts(number: int, sizes: tuple[int, ...]) -> list[Step]:
    """Of actor `number`: one to five parts, the first one of a size of its own, in an order of its own."""
    count = number % 5 + 1
    parts = [upload_part("up.upload", n, sizes) for n in range(2, count)]
    if count > 1:
        parts = [upload_part("up.upload", 1, 64 * (number + 2)), *parts, upload_part("up.upload", count, 65 + number)]
    else:
        parts = [upload_part("up.upload", 1, 65 + number)]
    return parts if number % 2 else parts[::-1]


def _actors(bucket: str, number: int, waves: int, sizes: tuple[int, ...]) -> Group:
    """One actor on the hot key: it begins before some and after others, and completes when all are ready."""
    versioned = [get(KEY, version="done.version", bucket=bucket)] if bucket == KEPT else []
    wave = [
        sleep(number % 3),
        create_upload(KEY, as_="up", bucket=bucket),
        *_parts(number, sizes),
        barrier(f"complete-{bucket}"),
        complete_upload("up.parts", as_="done"),
        *versioned,
        get(KEY, bucket=bucket),
        list_parts("up.upload"),
        barrier(f"done-{bucket}"),
    ]
    crossed = [  # begun and completed in different orders
        create_upload(KEY, as_="up", bucket=bucket),
        *_parts(number, sizes),
        jitter(2, 8),
        complete_upload("up.parts"),
        get(KEY, bucket=bucket),
    ]
    return Group(f"actor-{bucket}-{number}", [repeat(waves, *wave), repeat(CROSSED, *crossed)])


def _mixed(number: int, waves: int, sizes: tuple[int, ...]) -> Group:
    """An upload or, of every second actor, a plain PUT of one key at the same moment."""
    upload = [create_upload(MIXED, as_="up"), *_parts(number, sizes), barrier("mix"), complete_upload("up.parts")]
    plain = [barrier("mix"), put(MIXED, list(sizes))]
    return Group(f"mixed-{number}", [repeat(waves, *(plain if number % 2 else upload), get(MIXED), barrier("mixed"))])


def _creator(number: int, waves: int, sizes: tuple[int, ...]) -> Group:
    """All actors create each key by a conditional Complete: one succeeds."""
    program = [
        step
        for wave in range(waves)
        for step in (
            create_upload(f"made/{wave:05}", as_="up"),
            *_parts(number, sizes),
            barrier("create"),
            complete_upload("up.parts", if_none_match=ANY),
            when("failed", abort_upload("up.upload")),
            get(f"made/{wave:05}"),
        )
    ]
    return Group(f"creator-{number}", program)


def _pair(name: str, pairs: int, rounds: int, mine: list[Step], other: list[Step]) -> list[Group]:
    """Two groups, client by client on one upload of three parts: `mine` and `other` begin at the same moment."""
    make = [
        choose(f"by-{name}", "k"),
        create_upload("k.key", as_="up"),
        upload_part("up.upload", 1, 640),
        upload_part("up.upload", 2, 1024),
        upload_part("up.upload", 3, 100),
    ]
    owner = [*make, barrier(f"{name}-made"), *mine, get("k.key"), barrier(f"{name}-done"), get("k.key"), head("k.key")]
    second = [barrier(f"{name}-made"), borrow(f"{name}.up", "up"), *other, get("up.key"), barrier(f"{name}-done")]
    return [
        Group(name, [repeat(rounds, *owner, list_parts("up.upload"), abort_upload("up.upload"))], clients=pairs),
        Group(f"{name}-other", [repeat(rounds, *second)], clients=pairs),
    ]


def _races(pairs: int, rounds: int) -> dict[str, list[Group]]:
    """Two clients on one upload: of each, what the one and the other do."""
    complete = complete_upload("up.parts")
    asked = {
        "abort": ([complete], [abort_upload("up.upload")]),
        "twice": ([complete], [complete]),
        "lists": ([complete], [complete_upload("up.parts", part_numbers=[1, 2])]),
        "resend": ([complete], [upload_part("up.upload", 1, 640), upload_part("up.upload", 2, 1024)]),
    }
    return {name: _pair(name, pairs, rounds, mine, other) for name, (mine, other) in asked.items()}


def concurrent_multipart(scale: str = "smoke", seed: int = 1, part_bytes: tuple[int, ...] = PART_BYTES) -> Plan:
    """10 actors race to complete uploads of one key, each of another number of parts and another size, in waves, with readers
    throughout; the same in a bucket that keeps versions; then Complete against PUT, against Abort of the upload, twice
    with equal and with different parts, while a part is sent again, and on condition that there is no object.

    `full` runs the documented 10 actors in 5 waves, with parts of `part_bytes` (a store with its own least size of a part
    needs larger ones; the races of two clients keep their small ones).

    >>> sum(group.group.startswith("actor-main") for group in concurrent_multipart("full").groups)
    10
    """
    actors, waves, pairs, rounds = PRESETS[scale]
    races = _races(pairs, rounds)
    names = [f"made/{wave:05}" for wave in range(waves)]
    spaces = {name: Space.own(f"{name}/", 2) for name in (f"by-{race}" for race in races)}
    removal = remove_bucket(KEPT)
    readers = [get(KEY), head(KEY), get(KEY, bucket=KEPT), get(MIXED), get(KEY, random_bytes=500)]
    at_rest = [
        *(step for _ in range(3) for step in (get(KEY), head(KEY), get(KEY, bucket=KEPT), get(MIXED))),
        list_uploads(),
        list_uploads(KEPT),
        list_versions(KEPT),
    ]
    return Plan(
        "concurrent-multipart",
        seed=seed,
        scale=scale,
        buckets=["main", KEPT],
        spaces={"hot": Space.fixed(KEY), "mixed": Space.fixed(MIXED), "made": Space.fixed(*names), **spaces},
        groups=[
            Group("make", [*make_bucket("main", KEPT).program, put_versioning("Enabled", bucket=KEPT)], phase="setup"),
            *(_actors(bucket, number, waves, part_bytes) for bucket in ("main", KEPT) for number in range(actors)),
            *(_mixed(number, waves, part_bytes) for number in range(actors)),
            *(_creator(number, waves, part_bytes) for number in range(actors)),
            *(group for race in races.values() for group in race),
            Group("readers", readers, clients=3, arrival=until_others()),
            *read_then_remove(*at_rest, clients=4),
            Group("remove-kept", [barrier("at-rest"), *removal.program], phase="teardown"),
        ],
        require={
            "hot": Require(acked_writes=actors * (waves + CROSSED), reads=actors * waves, overlap=0.3),
            "mixed": Require(acked_writes=actors * waves, reads=actors * waves, overlap=0.3),
            "made": Require(acked_writes=waves, reads=waves),
            **{f"by-{race}": Require(acked_writes=pairs * rounds // 4, reads=pairs * rounds) for race in races},
        },
    )
