"""Production test 7, concurrent multipart: several actors write one object in parts, and complete at the same moment.

Two attempts of one job write the same output like this (speculative execution). The object must be exactly one of them.
Three plans: what every store has, the race in a bucket that keeps versions, and the race of conditional Completes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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
    repeat,
    sleep,
    until_others,
    upload_part,
    when,
)
from s3prod.plans.teardown import read_then_remove

KEY = "output/result.json"
MIXED = "output/mixed.json"
CELL = 64  # sizes of parts are multiples of it
LARGER = {
    3: 64 << 10,
    4: 1 << 20,
    5: 2 << 20,
}  # at other scales than smoke: the parts of an upload of so many, at least
LEAST_PART = 64  # bytes; the embedded store takes such parts when it is told to (`STORE_OPTIONS`)


class Size(NamedTuple):
    """How much of each a scale has."""

    actors: int
    waves: int
    crossed: int  # uploads of each actor at its own pace, after the waves
    pairs: int  # of clients, for each race of two on one upload
    rounds: int  # of each pair


SMALL_PARTS = {"smoke": Size(6, 3, 5, 3, 5), "full": Size(10, 5, 5, 5, 40), "stress": Size(20, 50, 5, 10, 300)}
LARGE_PARTS = {
    "smoke": Size(6, 2, 1, 2, 2),
    "full": Size(10, 3, 2, 3, 5),
    "stress": Size(20, 10, 5, 5, 50),
}  # megabytes


def size_of(scale: str, least_part: int = LEAST_PART) -> Size:
    """What a scale has of each, with parts of at least so many bytes.

    >>> size_of("full").actors, size_of("full", 5 << 20).actors
    (10, 10)
    """
    return (SMALL_PARTS if least_part < 1 << 20 else LARGE_PARTS)[scale]


class _Parts:
    """Parts that a store takes, and no two uploads of one size."""

    def __init__(self, least_part: int, scale: str) -> None:
        self.least = max(-(-least_part // CELL), 1) * CELL
        self.sizes = self._sizes(self.least)
        self.larger = {} if scale == "smoke" else LARGER

    @staticmethod
    def _sizes(least: int) -> tuple[int, ...]:
        return tuple(least + more for more in (CELL, 9 * CELL, 15 * CELL))

    def of_actor(self, number: int) -> list[Step]:
        """One to five parts, the first one of a size of its own, in an order of its own; the more parts, the larger they are."""
        count = number % 5 + 1
        least = max(self.least, self.larger.get(count, 0))
        parts = [upload_part("up.upload", n, self._sizes(least)) for n in range(2, count)]
        if count > 1:
            first = upload_part("up.upload", 1, least + CELL * (number + 1))
            parts = [first, *parts, upload_part("up.upload", count, 65 + number)]
        else:
            parts = [upload_part("up.upload", 1, 65 + number)]
        return parts if number % 2 else parts[::-1]

    def three(self) -> list[Step]:
        """Three parts, the last one short."""
        return [*self.first_two(), upload_part("up.upload", 3, 100)]

    def first_two(self) -> list[Step]:
        return [upload_part("up.upload", 1, self.sizes[1]), upload_part("up.upload", 2, self.sizes[2])]


def _actors(size: Size, parts: _Parts, keeps_versions: bool = False) -> list[Group]:
    """Each begins its upload before some and after others, and completes when all are ready."""
    mine = [get(KEY, version="done.version")] if keeps_versions else []
    groups = []
    for number in range(size.actors):
        wave = [
            sleep(number % 3),
            create_upload(KEY, as_="up"),
            *parts.of_actor(number),
            barrier("complete"),
            complete_upload("up.parts", as_="done"),
            *mine,
            get(KEY),
            list_parts("up.upload"),
            barrier("done"),
        ]
        first, *others = parts.of_actor(number)
        crossed = [  # resumed after a look at the parts, one part sent again; begun and completed in different orders
            create_upload(KEY, as_="up"),
            first,
            list_parts("up.upload"),
            *others,
            first,
            jitter(2, 8),
            complete_upload("up.parts", as_="done"),
            *mine,
            get(KEY),
        ]
        groups.append(Group(f"actor-{number}", [repeat(size.waves, *wave), repeat(size.crossed, *crossed)]))
    return groups


def _mixed(size: Size, parts: _Parts) -> Iterable[Group]:
    """An upload or, of every second actor, a plain PUT of one key at the same moment."""
    for number in range(size.actors):
        upload = [create_upload(MIXED, as_="up"), *parts.of_actor(number), barrier("mix"), complete_upload("up.parts")]
        action = [barrier("mix"), put(MIXED, list(parts.sizes))] if number % 2 else upload
        yield Group(f"mixed-{number}", [repeat(size.waves, *action, get(MIXED), barrier("mixed"))])


def _pair(name: str, size: Size, parts: _Parts, mine: list[Step], other: list[Step]) -> list[Group]:
    """Two groups, client by client on one upload of three parts: `mine` and `other` begin at the same moment."""
    make = [choose(f"by-{name}", "k"), create_upload("k.key", as_="up"), *parts.three()]
    owner = [*make, barrier(f"{name}-made"), *mine, get("k.key"), barrier(f"{name}-done"), get("k.key"), head("k.key")]
    second = [barrier(f"{name}-made"), borrow(f"{name}.up", "up"), *other, get("up.key"), barrier(f"{name}-done")]
    end = [list_parts("up.upload"), abort_upload("up.upload")]
    return [
        Group(name, [repeat(size.rounds, *owner, *end)], clients=size.pairs),
        Group(f"{name}-other", [repeat(size.rounds, *second)], clients=size.pairs),
    ]


def _races(size: Size, parts: _Parts) -> dict[str, list[Group]]:
    """Two clients on one upload: of each, what the one and the other do."""
    complete = complete_upload("up.parts")
    asked = {
        "abort": ([complete], [abort_upload("up.upload")]),
        "twice": ([complete], [complete]),
        "lists": ([complete], [complete_upload("up.parts", part_numbers=[1, 2])]),
        "resend": ([complete], parts.first_two()),
    }
    return {name: _pair(name, size, parts, mine, other) for name, (mine, other) in asked.items()}


def concurrent_multipart(scale: str = "smoke", seed: int = 1, least_part: int = LEAST_PART) -> Plan:
    """10 actors race to complete uploads of one key, each of another number of parts and another size, in waves, with readers
    throughout; then Complete against PUT, against Abort of the upload, twice with equal and with different parts, and
    while a part is sent again. With parts of megabytes there are fewer waves and rounds.

    >>> sum(group.group.startswith("actor") for group in concurrent_multipart("full").groups)
    10
    """
    size, parts = size_of(scale, least_part), _Parts(least_part, scale)
    races = _races(size, parts)
    writes = size.actors * size.waves
    at_rest = [step for _ in range(3) for step in (get(KEY), head(KEY), get(MIXED))]
    return Plan(
        "concurrent-multipart",
        seed=seed,
        scale=scale,
        spaces={
            "hot": Space.fixed(KEY),
            "mixed": Space.fixed(MIXED),
            **{f"by-{race}": Space.own(f"by-{race}/", 2) for race in races},
        },
        groups=[
            make_bucket(),
            *_actors(size, parts),
            *_mixed(size, parts),
            *(group for race in races.values() for group in race),
            Group(
                "readers",
                [get(KEY), head(KEY), get(MIXED), get(KEY, random_bytes=500)],
                clients=3,
                arrival=until_others(),
            ),
            *read_then_remove(*at_rest, list_uploads(), clients=4),
        ],
        require={
            "hot": Require(acked_writes=writes + size.actors * size.crossed, reads=writes, overlap=0.3),
            "mixed": Require(acked_writes=writes, reads=writes, overlap=0.3),
            **{f"by-{race}": Require(acked_writes=size.pairs * size.rounds // 4) for race in races},
        },
    )


def versioned_multipart(scale: str = "smoke", seed: int = 1, least_part: int = LEAST_PART) -> Plan:
    """The race of the actors in a bucket that keeps versions: each upload becomes a version, which is read by its id; at rest
    the list has them all, and the current one is one that the store's rule allows.

    >>> versioned_multipart("full").require["hot"].acked_writes
    100
    """
    size, parts = size_of(scale, least_part), _Parts(least_part, scale)
    writes = size.actors * (size.waves + size.crossed)
    return Plan(
        "versioned-multipart",
        seed=seed,
        scale=scale,
        spaces={"hot": Space.fixed(KEY)},
        groups=[
            Group("make", [*make_bucket().program, put_versioning("Enabled")], phase="setup"),
            *_actors(size, parts, keeps_versions=True),
            Group("readers", [get(KEY), head(KEY)], clients=3, arrival=until_others()),
            *read_then_remove(repeat(3, get(KEY), head(KEY)), list_versions(), list_uploads(), clients=4),
        ],
        require={"hot": Require(acked_writes=writes, reads=writes, overlap=0.3)},
    )


def conditional_multipart(scale: str = "smoke", seed: int = 1, least_part: int = LEAST_PART) -> Plan:
    """10 actors create each key by an upload, and complete on condition that there is no object: one succeeds.

    >>> conditional_multipart("full").require["made"].acked_writes
    5
    """
    size, parts = size_of(scale, least_part), _Parts(least_part, scale)
    keys = [f"made/{wave:05}" for wave in range(size.waves)]
    groups = []
    for number in range(size.actors):
        program = [
            step
            for key in keys
            for step in (
                create_upload(key, as_="up"),
                *parts.of_actor(number),
                barrier("create"),
                complete_upload("up.parts", if_none_match=ANY),
                when("failed", abort_upload("up.upload")),
                get(key),
            )
        ]
        groups.append(Group(f"creator-{number}", program))
    return Plan(
        "conditional-multipart",
        seed=seed,
        scale=scale,
        spaces={"made": Space.fixed(*keys)},
        groups=[
            make_bucket(),
            *groups,
            Group("readers", [get(key) for key in keys], clients=2, arrival=until_others()),
            *read_then_remove(*(get(key) for key in keys), list_uploads(), clients=4),
        ],
        require={"made": Require(acked_writes=size.waves, reads=size.actors * size.waves)},
    )
