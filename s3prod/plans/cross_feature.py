"""Production test 5: versions, lifecycle rules, tags and replication together, as they are run; each works alone.

Every combination of {versioning on, suspended, never} with {objects, old versions, markers, uploads} and with filters by
{prefix, tags, size} has keys that a rule is about, and controls that no rule is about. All of it is read for two days of
the store, and listed at the end: what no rule is about must be there, nothing may go before its days have passed, and what
has to go is gone. A bucket that is a copy of another one shows its keys' values in their order, whatever expires in the
other; deletes go over only where the rule says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from s3prod.listings import walks
from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    choose,
    complete_upload,
    create_upload,
    delete,
    expire,
    get,
    get_tags,
    head,
    list_page,
    list_uploads,
    list_versions,
    make_bucket,
    put,
    put_lifecycle,
    put_replication,
    put_versioning,
    repeat,
    replicate,
    sleep,
    upload_part,
)
from s3prod.plans.teardown import read_then_remove

if TYPE_CHECKING:
    from s3prod.results import Run

CLIENTS = {"smoke": 2, "full": 12, "stress": 40}  # each has a key of every combination in every bucket
DAYS = 2.5  # as long the keys are looked at; a store may round a day up to the next midnight
DAY_MS = 500  # of `STORE_OPTIONS`
LOOKS = 16
COPIES, COPY_MS = 25, 20  # versions of each replicated key, and how often they are looked at
LAG_MS = 50  # of replication, of `STORE_OPTIONS`
PARTS = ("versioning", "tagging", "replication", "lifecycle_day_ms")
SMALL, LARGE = 128, 4096

RULES = (
    expire(prefix="current/", days=1),
    expire(prefix="old/", noncurrent_days=1),
    expire(prefix="marked/", markers=True),
    expire(prefix="upload/", abort_days=1),
    expire(prefix="tagged/", tags=3, noncurrent_days=1),
    expire(prefix="sized/", above=LARGE - 1, days=1),
    expire(prefix="tagged-now/", tags=3, days=1),
    expire(prefix="sized-old/", above=LARGE - 1, noncurrent_days=1),
)
# what stands under each prefix: two values, so that one of them may be no more current
BODIES: dict[str, tuple[int, int | None]] = {  # size, number of tags
    "current": (SMALL, None),
    "old": (SMALL, None),
    "tagged": (SMALL, 3),
    "tagged/plain": (SMALL, None),
    "sized": (LARGE, None),
    "sized/small": (SMALL, None),
    "tagged-now": (SMALL, 3),
    "tagged-now/plain": (SMALL, None),
    "sized-old": (LARGE, None),
    "sized-old/small": (SMALL, None),
    "kept": (SMALL, 3),
}
EXPIRED, THINNED = (
    ("current", "sized", "tagged-now"),
    ("old", "tagged", "sized-old"),
)  # the rule takes the current one, old ones
BRIEF = "brief"
# what is replicated, and what is left of a key of it in the source and in the copy: versions, markers
REPLICATED: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "kept": ((COPIES, 0), (COPIES, 0)),
    "kept/deleted": ((1, 1), (1, 0)),  # markers do not go over
    "gone": ((2, 1), (2, 1)),  # here they do
    "labelled": ((1, 0), (1, 0)),
    "labelled/plain": ((1, 0), (0, 0)),  # no tags, no replica
    BRIEF: ((1, 1), (1, 0)),  # expires in the source only
    "other": ((1, 0), (0, 0)),
}
STATES: dict[str, str | None] = {"never": None, "on": "Enabled", "off": "Suspended"}  # of the buckets' versioning


def survivors(role: str, prefix: str) -> tuple[int, int | None]:
    """How many versions and markers of a key are left after its days, in a bucket that keeps versions, did so, or never did.
    None: a marker that hides nothing, which goes when its own days have passed.

    >>> survivors("on", "current"), survivors("never", "current"), survivors("on", "old"), survivors("on", "kept")
    ((2, 1), (0, 0), (1, 0), (2, 0))
    """
    if prefix in EXPIRED:
        return {"on": (2, 1), "off": (0, None), "never": (0, 0)}[role]
    if prefix == "marked":  # a marker that hides a version stays
        return (1, 1) if role == "on" else (0, 0)
    if prefix in ("marked/alone", "upload/left"):
        return (0, 0)
    return (2, 0) if role == "on" and prefix not in (*THINNED, "upload") else (1, 0)


def left(run: Run, bucket: str) -> dict[str, tuple[int, int]]:
    """How many versions and markers of each key there are at rest.

    >>> left(run, "source")  # doctest: +SKIP
    {'kept/00000/00000000': (25, 0)}
    """
    op = "list_versions" if run.metrics["ops"].get("put_versioning") else "list"
    pages = [page for page in run.records(op, phase="teardown", group="at-rest") if page["bucket"] == bucket]
    found: dict[str, Counter[str]] = {}
    for entry in walks(pages)[-1].entries:
        kind = "marker" if "marker" in entry.get("flags", ()) else "version"
        found.setdefault(entry["key"], Counter())[kind] += 1
    return {key: (count["version"], count["marker"]) for key, count in found.items()}


def prefix_of(key: str) -> str:
    """What stands before the client and the number.

    >>> prefix_of("current/00003/00000000")
    'current'
    """
    return key.rsplit("/", 2)[0]


def _bodies(parts: Collection[str]) -> dict[str, tuple[int, int | None]]:
    """Those that a store with these parts takes."""
    tagging = "tagging" in parts
    return {name: row if tagging else (row[0], None) for name, row in BODIES.items() if tagging or "tagged" not in name}


def _space(role: str, prefix: str) -> str:
    return f"{role}-{prefix.replace('/', '-')}"


def _make(role: str, bodies: dict[str, tuple[int, int | None]]) -> list[Step]:
    """Two values of each key; in buckets of versions the first one keeps its id until the end."""
    steps: list[Step] = []
    for prefix, (size, tags) in bodies.items():
        name = _name(prefix)
        steps += [
            choose(_space(role, prefix), name),
            put(f"{name}.key", size, tags=tags, as_=f"{name}_1"),
            put(f"{name}.key", size, tags=tags, as_=f"{name}_2"),
        ]
    alone = [
        choose(f"{role}-marked-alone", "alone"),
        put("alone.key", SMALL, as_="alone_1"),
        delete("alone.key"),
        delete("alone.key", version="alone_1.version"),
    ]
    return [
        *steps,
        *(alone if role == "on" else ()),
        choose(f"{role}-marked", "marked"),
        put("marked.key", SMALL, as_="marked_1"),
        delete("marked.key"),
        choose(f"{role}-upload", "done"),
        create_upload("done.key", as_="up"),
        upload_part("up.upload", 1, SMALL),
        complete_upload("up.parts"),
        choose(f"{role}-upload-left", "left"),
        create_upload("left.key", as_="open"),
        upload_part("open.upload", 1, SMALL),
    ]


def _name(prefix: str) -> str:
    return prefix.replace("/", "_").replace("-", "_")


def _look(role: str, bodies: Collection[str], look_ms: int) -> list[Step]:
    names = [_name(prefix) for prefix in bodies]
    versions = [get(f"{name}.key", version=f"{name}_{number}.version") for name in names for number in (1, 2)]
    hidden = get("marked.key", version="marked_1.version")
    current = [*(get(f"{name}.key") for name in names), head("marked.key"), get("done.key")]
    return [*current, *((*versions, hidden) if role == "on" else ()), sleep(look_ms)]


def replicated(parts: Collection[str]) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """The rows of `REPLICATED` of a store with these parts.

    >>> sorted(REPLICATED.keys() - replicated(["versioning", "tagging", "replication"]).keys())
    ['brief']
    """
    if not {"versioning", "tagging", "replication"} <= set(parts):
        return {}
    return {prefix: row for prefix, row in REPLICATED.items() if prefix != BRIEF or "lifecycle_day_ms" in parts}


def _replicated(prefixes: Collection[str], lag_ms: int) -> list[Step]:
    """A key of many versions, looked at in both buckets; one of each other kind, and the copies when they must be there."""
    keys = [step for prefix in prefixes for step in (
        choose(_space("source", prefix), _name(prefix)), choose(_space("copy", prefix), f"seen_{_name(prefix)}"))]  # fmt: skip
    look = [sleep(COPY_MS), get("seen_kept.key"), head("seen_kept.key")]
    return [
        *keys,
        put("kept_deleted.key", SMALL),
        put("gone.key", SMALL),
        put("gone.key", SMALL),
        put("labelled.key", SMALL, tags=3, fields=3),
        put("labelled_plain.key", SMALL),
        *([put("brief.key", SMALL)] if BRIEF in prefixes else ()),
        put("other.key", SMALL),
        delete("kept_deleted.key"),
        delete("gone.key"),
        repeat(COPIES, put("kept.key", SMALL), *look, *look),
        repeat(5, *look),
        sleep(2 * lag_ms),
        *(get(f"seen_{_name(prefix)}.key") for prefix in prefixes),
        get_tags("seen_labelled.key"),
    ]


def cross_feature(
    scale: str = "full", seed: int = 1, parts: Collection[str] = PARTS, day_ms: int = DAY_MS, lag_ms: int = LAG_MS
) -> Plan:
    """Clients make keys in three buckets and look at them for two days of `day_ms`; others write what expires, or what is
    replicated within `lag_ms`. `parts`: which of those that not every store has (by the keys of profiles) are in it; it takes
    lifecycle rules or replication.
    """
    clients, bodies = CLIENTS[scale], _bodies(parts)
    lifecycle, copied = "lifecycle_day_ms" in parts, replicated(parts)
    states = {role: status for role, status in STATES.items() if lifecycle and ("versioning" in parts or not status)}
    look_ms = round(DAYS * day_ms / LOOKS)
    roles = (*states, *(("source", "copy") if copied else ()))
    rules = [rule for rule in RULES if "tagging" in parts or "tags" not in rule]
    setup = list(make_bucket(*roles).program)
    groups: list[Group] = []
    spaces: dict[str, Space] = {}
    for role, status in states.items():
        setup += [*([put_versioning(status, role)] if status else ()), put_lifecycle(*rules, bucket=role)]
        labels = [get_tags("kept.key"), get_tags("tagged.key")] if "tagging" in parts else []
        looks = [*_make(role, bodies), repeat(LOOKS, *_look(role, bodies, look_ms)), *labels]
        groups.append(Group(f"keys-{role}", looks, clients=clients))
        for prefix in (*bodies, "marked", "marked/alone", "upload", "upload/left", "current/again"):
            spaces[_space(role, prefix)] = Space.own(f"{prefix}/", 1, bucket=role)
        again = [choose(f"{role}-current-again", "k"), put("k.key", SMALL), get("k.key"), sleep(look_ms), get("k.key")]
        groups.append(Group(f"again-{role}", [repeat(LOOKS, *again)], clients=2))
    if copied:
        setup += [
            put_versioning("Enabled", "source"),
            put_versioning("Enabled", "copy"),
            *([put_lifecycle(expire(prefix=f"{BRIEF}/", days=1), bucket="source")] if lifecycle else ()),
            put_replication(
                replicate("copy", prefix="kept/"),
                replicate("copy", prefix="gone/", markers=True),
                replicate("copy", prefix="labelled/", tags=3),
                *([replicate("copy", prefix=f"{BRIEF}/")] if lifecycle else ()),
                bucket="source",
            ),
        ]
        groups.append(Group("replicated", _replicated(copied, lag_ms), clients=clients))
        for bucket in ("source", "copy"):
            spaces |= {_space(bucket, prefix): Space.own(f"{prefix}/", 1, bucket=bucket) for prefix in copied}
    listings = [list_versions(role) if "versioning" in parts else list_page(role) for role in roles]
    at_rest = [*(list_page(role) for role in roles), *listings, *(list_uploads(role) for role in roles)]
    # their passes may come a day later
    late = [repeat(3, sleep(day_ms), *listings)] if states and day_ms > 2 * DAY_MS else []
    require = {f"{role}-kept": Require(acked_writes=2 * clients, reads=clients * LOOKS) for role in states}
    if copied:
        require["source-kept"] = Require(acked_writes=COPIES * clients)
    return Plan(
        "cross-feature",
        seed=seed,
        scale=scale,
        buckets=roles,
        spaces=spaces,
        groups=[Group("make", setup, phase="setup"), *groups, *read_then_remove(*late, *at_rest, roles=roles)],
        require=require,
    )
