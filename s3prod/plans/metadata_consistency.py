"""Production test 9: metadata and tags that many clients update at once.

Backup, compliance and analytics systems update the metadata of the same object; a blend of two updates breaks automation.
Every update is a self-describing set, of fields of metadata or of tags, of a size of its own: a field that is left over, lost
or of another update shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
    choose,
    copy,
    create_bucket,
    delete_tags,
    get,
    get_tags,
    head,
    list_versions,
    put,
    put_tags,
    put_versioning,
    repeat,
    until_others,
)
from s3prod.plans.teardown import read_then_remove

KEPT = "kept"  # the role of the bucket with versions
BODY = (700, 3000)
SHARED, TAGGED, COPIED = "shared/object", "tagged/object", "copied/object"
ALONE, RACING, VERSIONED, TOGETHER = 8, 3, 4, 8  # clients of the parts beside the shared objects
RACED = [f"raced/{number}" for number in range(4)]


@dataclass(frozen=True)
class Size:
    """Clients that tag and that copy, readers beside them, and how often each does it."""

    taggers: int
    copiers: int
    readers: int
    rounds: int

    @property
    def half(self) -> int:
        """Rounds of the parts beside the shared objects."""
        return self.rounds // 2

    def tag_sets(self, versions: bool) -> int:
        """How many tag sets are put in all."""
        beside = (ALONE + (VERSIONED if versions else 0)) * self.half + RACING * self.rounds
        return 2 * self.taggers * self.rounds + beside

    def updates(self, versions: bool) -> int:
        """How many updates of metadata are made in all."""
        beside = ALONE + (2 * VERSIONED + TOGETHER if versions else 0)
        return 2 * self.copiers * self.rounds + beside * self.half

    @property
    def versions(self) -> int:
        """How many versions there are at rest: of each key its first one, and one for each update."""
        return VERSIONED * (1 + 2 * self.half) + 1 + TOGETHER * self.half


SIZES = {
    "smoke": Size(taggers=8, copiers=8, readers=3, rounds=8),
    "full": Size(taggers=100, copiers=100, readers=10, rounds=20),
    "stress": Size(taggers=200, copiers=200, readers=40, rounds=100),
}


def _retouch(key: str, fields: int, tags: int | None = None) -> Step:
    """New metadata for the object: a copy onto itself."""
    return copy(key, key, metadata="replace", fields=fields, tags=tags)


def _shared(size: Size) -> list[Group]:
    """Half of the clients work on one object: its tags, and its metadata and tags together. The other half on two objects, of
    which one never gets other metadata, the other never other tags.
    """
    tagging = [put_tags(SHARED, 6), get_tags(SHARED), put_tags(SHARED, 3), head(SHARED)]
    copying = [_retouch(SHARED, 7, 5), head(SHARED), _retouch(SHARED, 4, 2), get(SHARED)]
    tags_alone = [put_tags(TAGGED, 8), get_tags(TAGGED), put_tags(TAGGED, 4), get(TAGGED)]
    metadata_alone = [_retouch(COPIED, 9), head(COPIED), _retouch(COPIED, 3), get_tags(COPIED)]
    half, rest = size.taggers // 2, size.taggers - size.taggers // 2
    reads = [step for key in (SHARED, TAGGED, COPIED) for step in (head(key), get_tags(key), get(key))]
    start = barrier("start")
    return [
        Group("tagging", [start, repeat(size.rounds, *tagging)], clients=half),
        Group("copying", [start, repeat(size.rounds, *copying)], clients=size.copiers // 2),
        Group("tags-alone", [start, repeat(size.rounds, *tags_alone)], clients=rest),
        Group(
            "metadata-alone", [start, repeat(size.rounds, *metadata_alone)], clients=size.copiers - size.copiers // 2
        ),
        Group("reading", [barrier("start"), *reads], clients=size.readers, arrival=until_others()),
    ]


def _private(size: Size) -> Group:
    """Reads of one's own writes, on an object that nobody else knows."""
    program = [
        put("k.key", BODY, fields=5, tags=4),
        get("k.key"),
        get_tags("k.key"),
        put_tags("k.key", 7),
        get_tags("k.key"),
        head("k.key"),
        _retouch("k.key", 8),
        get("k.key"),
        get_tags("k.key"),
        delete_tags("k.key"),
        get_tags("k.key"),
        head("k.key"),
    ]
    return Group("private", [choose("private", "k"), repeat(size.half, *program)], clients=ALONE)


def _overwriting(size: Size) -> list[Group]:
    """Overwrites against tags: an object without tags has none, whatever its predecessor had."""
    writing = [
        choose("raced", "k"),
        put("k.key", BODY, fields=4),
        get_tags("k.key"),
        put("k.key", BODY, fields=6, tags=3),
    ]
    tagging = [choose("raced", "k"), put_tags("k.key", 5), get_tags("k.key"), get("k.key")]
    return [
        Group("overwriting", [repeat(size.rounds, *writing)], clients=RACING),
        Group("racing-tags", [repeat(size.rounds, *tagging)], clients=RACING),
    ]


def _versioned(size: Size) -> list[Group]:
    """Each update of metadata makes a version, which keeps its own metadata and tags."""
    updates = [
        copy("k.key", "k.key", metadata="replace", fields=6, tags=4, as_="new"),
        head("k.key", version="new.version"),
        get_tags("k.key", version="new.version"),
        put_tags("k.key", 3, version="first.version"),
        get_tags("k.key", version="new.version"),
        get_tags("k.key", version="first.version"),
        copy("k.key", "k.key", metadata="replace", fields=4, tags=2, as_="newer"),
        head("k.key", version="newer.version"),
        get_tags("k.key", version="newer.version"),
        head("k.key", version="new.version"),
        get("k.key", version="new.version"),
        get("k.key", version="first.version"),
    ]
    alone = [
        choose("versions", "k"),
        put("k.key", BODY, fields=3, tags=2, as_="first"),
        repeat(size.half, *updates),
    ]
    together = [
        repeat(
            size.half,
            copy("raced", "raced", metadata="replace", fields=5, bucket=KEPT, source_bucket=KEPT, as_="one"),
            head("raced", version="one.version", bucket=KEPT),
            head("raced", bucket=KEPT),
        )
    ]
    page = list_versions(KEPT, as_="page")
    more = repeat(size.rounds // 4, list_versions(KEPT, token="page.token", as_="page"))
    return [
        Group("versions-alone", [*alone, barrier("versioned")], clients=VERSIONED),
        Group("versions-together", [*together, barrier("versioned")], clients=TOGETHER),
        Group("listing", [barrier("versioned"), page, more]),
    ]


def metadata_consistency(scale: str = "full", seed: int = 1, versions: bool = True) -> Plan:
    """At full scale 100 clients tag one object and copy it onto itself with new metadata, and 100 others do one of both to an
    object each, while others read all three; private objects, overwrites against tags, and (with `versions`) the same in a
    bucket that keeps versions.

    >>> sum(group.clients for group in metadata_consistency().groups if group.group in ("tagging", "copying"))
    100
    """
    size = SIZES[scale]
    make = [
        create_bucket(),
        *(put(key, BODY, fields=6, tags=5) for key in (SHARED, TAGGED, COPIED, *RACED)),
    ]
    at_rest = [step for key in (SHARED, TAGGED, COPIED, *RACED) for step in (get(key), get_tags(key))]
    if versions:
        make += [
            create_bucket(KEPT),
            put_versioning("Enabled", KEPT),
            put("raced", BODY, fields=6, tags=5, bucket=KEPT),
        ]
        at_rest += [list_versions(KEPT), head("raced", bucket=KEPT)]
    roles = ["main", KEPT] if versions else ["main"]
    groups = [
        Group("make", make, phase="setup"),
        *_shared(size),
        _private(size),
        *_overwriting(size),
        *(_versioned(size) if versions else []),
        *read_then_remove(*at_rest, roles=roles),
    ]
    spaces = {
        "shared": Space.fixed(SHARED, TAGGED, COPIED),
        "raced": Space.fixed(*RACED),
        "private": Space.own("private/", 1),
    }
    if versions:
        spaces["versions"] = Space.own("versions/", 1, bucket=KEPT)
    require = {
        "shared": Require(
            acked_writes=2 * size.copiers * size.rounds, reads=2 * size.copiers * size.rounds, overlap=0.3
        )
    }
    return Plan(
        "metadata-consistency",
        seed=seed,
        scale=scale,
        buckets=roles,
        spaces=spaces,
        groups=groups,
        require=require,
    )
