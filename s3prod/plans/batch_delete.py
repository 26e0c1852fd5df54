"""Production test 8: batch deletes at scale, of keys that are there, were deleted before or never were.

Retention jobs, compaction and offboarding delete a thousand keys a request, and clients that read only the status of the
answer lose track of what is left. What a batch must leave alone stands beside what it names: keys with the same beginning,
the next ones in the order of listings, names that look alike once they are written as XML.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
    choose,
    create_bucket,
    delete,
    delete_objects,
    get,
    head,
    list_page,
    list_versions,
    put,
    put_versioning,
    remove_bucket,
    repeat,
)

LIMIT = 1000  # keys of a request
KEPT = "kept"  # the role of the bucket with versions
PARTS = ("versioning", "cond_multi_delete")
OUTDATED = 8  # keys of a batch of which every third has another ETag by then
ODD = ("&amp;", "<Key>", '"quoted"', "it's", "a b+c%20", "é/ü", "日本", "tab\tend")


@dataclass(frozen=True)
class Size:
    """How much of it: batches, the keys of each, batches in the versioned bucket, times that too much is asked for."""

    batches: int
    keys: int
    versioned: int
    refused: int


SIZES = {
    "smoke": Size(batches=3, keys=100, versioned=1, refused=2),
    "full": Size(batches=20, keys=LIMIT, versioned=4, refused=20),
    "stress": Size(batches=100, keys=LIMIT, versioned=20, refused=100),
}


def _own(prefix: str, client: int, count: int) -> list[str]:
    """The keys of a client in a space of kind `own`."""
    return [f"{prefix}{client:05}/{index:08}" for index in range(count)]


def _mix(client: int, keys: int) -> list[str]:
    """Half of them there, a quarter deleted before, a quarter never written; in turns, and not sorted."""
    there = _own("there/", client, keys // 2)
    gone, never = _own("gone/", client, keys // 4), _own("never/", client, keys // 4)
    return [key for four in zip(there[::2], gone, there[1::2], never, strict=True) for key in four][::-1]


def _all_of(space: str, count: int, *steps: Step) -> Step:
    """The steps on each key of the client's own."""
    return repeat(count, choose(space, "k"), *steps)


def _deleting(client: int, keys: int) -> Group:
    """Fills the keys, deletes them with the others in one request, and looks for each of them."""
    half, quarter = keys // 2, keys // 4
    program = [
        _all_of("there", half, put("k.key", (200, 700))),
        _all_of("gone", quarter, put("k.key", 200), delete("k.key")),
        barrier("filled"),
        delete_objects(_mix(client, keys), quiet=client % 2 == 0),
        barrier("deleted"),
        _all_of("there", half, head("k.key")),
        _all_of("gone", quarter, head("k.key")),
        _all_of("never", quarter, get("k.key")),
        barrier("looked"),
    ]
    return Group(f"deleting-{client}", program)


def survivors(first: int, size: Size) -> list[str]:
    """What looks like a target: its beginning, its next neighbours, other cases, and names that XML and URLs change."""
    keys: list[str] = []
    for client in range(first, first + size.batches):
        target = f"there/{client:05}/{0:08}"
        keys += [
            target[:-1],
            f"{target}!",
            f"{target}/",
            target.upper(),
            f"there/{client:05}",
            f"{target}&amp;",
            f"{target}é",
        ]
    return keys + [f"odd/{name}/stays" for name in ODD]


def _odd() -> list[Step]:
    """Deletes names that XML and URLs change, each beside one that stays."""
    keys = [f"odd/{name}" for name in ODD]
    return [
        *(put(key, 200) for key in keys),
        delete_objects(keys),
        *(get(key) for key in keys),
        *(put(key, 200) for key in keys),
        delete_objects(keys, quiet=True),
        *(head(key) for key in keys),
    ]


def _outdated(number: int, quiet: bool) -> list[Step]:
    """Deletes what a page named with the ETags that it gave, of which some are outdated by then: these must fail, and only
    these.
    """
    keys = [f"outdated/{number}/{index}" for index in range(OUTDATED)]
    return [
        *(put(key, 200) for key in keys),
        list_page("main", prefix=f"outdated/{number}/", as_="page"),
        *(put(key, 300) for key in keys[::3]),
        delete_objects("page.keys", etags=True, quiet=quiet),
        *(get(key) for key in keys),
    ]


def _refused(times: int) -> list[Step]:
    """Asks for one key too many, some of which are there: nothing may go."""
    keys = [f"over/{number:04}" for number in range(LIMIT + 1)]
    some = keys[::50]
    return [*(put(key, 200) for key in some), repeat(times, delete_objects(keys), *(get(key) for key in some))]


def _rewriting(first: int, size: Size) -> list[Step]:
    """Writes some targets again while they are deleted; whether they stay is a matter of order."""
    some = [_own("there/", first + number, 2)[1] for number in range(min(size.batches, 20))]
    return [barrier("filled"), *(put(key, 300) for key in some for _ in range(3)), barrier("deleted"), *map(get, some),
            barrier("looked")]  # fmt: skip


def _versioned(client: int, keys: int) -> Group:
    """Deletes by markers, of which each key gets exactly one, then everything by version id: nothing is left."""
    half, quarter = keys // 2, keys // 4
    prefix = f"versioned/{client:05}/"
    pages = -(-(keys + half) // LIMIT) + 1
    versions = list_versions(KEPT, prefix=prefix, as_="page")
    names = _own("versioned/", client, keys - quarter)
    program = [
        _all_of("versioned", half, put("k.key", 200)),
        *(delete_objects(names[at : at + LIMIT], bucket=KEPT) for at in range(0, len(names), LIMIT)),
        repeat(half, choose("versioned", "k"), head("k.key")),
        list_versions(KEPT, prefix=prefix, as_="seen"),
        repeat(pages, list_versions(KEPT, prefix=prefix, token="seen.token", as_="seen")),
        repeat(pages, versions, delete_objects("page.versions")),
        versions,
    ]
    return Group(f"versioned-{client}", program)


def batch_delete(scale: str = "full", seed: int = 1, parts: Collection[str] = PARTS) -> Plan:
    """At full scale 20 clients delete 10,000 objects in 20 concurrent requests of 1,000 keys, half of which are there; others
    write some of them again, ask with outdated ETags and for too much; the same by markers and by version ids. `parts`: which of
    those that not every store has (by the keys of profiles) are in it.

    >>> plan = batch_delete()
    >>> sum(len(step["delete_objects"]) for group in plan.groups for step in group.program if group.group == "deleting-1"
    ...     and "delete_objects" in step)
    1000
    """
    size = SIZES[scale]
    first, stay = 1, survivors(1, size)  # the group that makes the buckets is client 0
    versions = "versioning" in parts
    keep = [create_bucket(KEPT), put_versioning("Enabled", KEPT)]
    fill = [create_bucket(), *(keep if versions else []), *(put(key, 300) for key in stay)]
    buckets = ["main", KEPT] if versions else ["main"]
    last = first + size.batches
    half, quarter = size.keys // 2, size.keys // 4
    outdated = [*_outdated(0, quiet=False), *_outdated(1, quiet=True)]
    groups = [
        Group("make-buckets", fill, phase="setup"),
        *(_deleting(client, size.keys) for client in range(first, last)),
        *(_versioned(client, size.keys) for client in range(last, last + size.versioned) if versions),
        Group("rewriting", _rewriting(first, size)),
        Group("odd", _odd()),
        *([Group("outdated", outdated)] if "cond_multi_delete" in parts else []),
        Group("over-limit", _refused(size.refused)),
        Group("survivors", [barrier("looked"), *(get(key) for key in stay)]),
        Group("listing", [barrier("looked"), list_page("main", as_="page"),
                          repeat(4, list_page("main", token="page.token", as_="page"))]),
        remove_bucket(*buckets, at_most=100 + size.batches * size.keys // 500),
    ]  # fmt: skip
    spaces = {
        "there": Space.own("there/", half),
        "gone": Space.own("gone/", quarter),
        "never": Space.own("never/", quarter),
        "survivors": Space.fixed(*stay),
    } | ({"versioned": Space.own("versioned/", half, bucket=KEPT)} if versions else {})
    require = {
        "there": Require(acked_writes=size.batches * half, reads=size.batches * half),
        "gone": Require(acked_writes=size.batches * quarter, reads=size.batches * quarter),
        "survivors": Require(reads=len(stay)),
    }
    return Plan(
        "batch-delete",
        seed=seed,
        scale=scale,
        buckets=buckets,
        spaces=spaces,
        groups=groups,
        require=require,
    )
