"""Production test 5: versions, lifecycle rules, tags and replication together, as they are run; each works alone.

Every combination of {versioning on, suspended, never} with {objects, old versions, markers, uploads} and with filters by
{prefix, tags, size} has keys that a rule is about, and controls that no rule is about. All of it is read for two days of
the store, and listed at the end: what no rule is about must be there, and nothing may go before its days have passed. A
bucket that is a copy of another one shows its keys' values in their order.
"""

from __future__ import annotations

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

CLIENTS = {"smoke": 2, "full": 12, "stress": 40}  # each has a key of every combination in every bucket
DAYS = 2.5  # as long the keys are looked at; a store may round a day up to the next midnight
DAY_MS, LOOK_MS = 500, 80  # a day of `STORE_OPTIONS`
LOOKS = round(DAYS * DAY_MS / LOOK_MS)
COPIES, COPY_MS = 25, 20  # versions of each replicated key, and how often they are looked at
SMALL, LARGE = 128, 4096

RULES = (
    expire(prefix="current/", days=1),
    expire(prefix="old/", noncurrent_days=1),
    expire(prefix="marked/", markers=True),
    expire(prefix="upload/", abort_days=1),
    expire(prefix="tagged/", tags=3, noncurrent_days=1),
    expire(prefix="sized/", above=LARGE - 1, days=1),
)
# what stands under each prefix: two values, so that one of them may be no more current
BODIES: dict[str, tuple[int, int | None]] = {  # size, number of tags
    "current": (SMALL, None),
    "old": (SMALL, None),
    "tagged": (SMALL, 3),
    "tagged/plain": (SMALL, None),
    "sized": (LARGE, None),
    "sized/small": (SMALL, None),
    "kept": (SMALL, 3),
}
STATES = {"never": None, "on": "Enabled", "off": "Suspended"}  # of the buckets' versioning


def _make(role: str) -> list[Step]:
    """Two values of each key; in buckets of versions the first one keeps its id until the end."""
    steps: list[Step] = []
    for prefix, (size, tags) in BODIES.items():
        name = prefix.replace("/", "_")
        steps += [
            choose(f"{role}-{prefix.replace('/', '-')}", name),
            put(f"{name}.key", size, tags=tags, as_=f"{name}_1"),
            put(f"{name}.key", size, tags=tags, as_=f"{name}_2"),
        ]
    return [
        *steps,
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


def _look(role: str) -> list[Step]:
    names = [prefix.replace("/", "_") for prefix in BODIES]
    versions = [get(f"{name}.key", version=f"{name}_{number}.version") for name in names for number in (1, 2)]
    hidden = get("marked.key", version="marked_1.version")
    current = [*(get(f"{name}.key") for name in names), head("marked.key"), get("done.key")]
    return [*current, *((*versions, hidden) if role == "on" else ()), sleep(LOOK_MS)]


def cross_feature(scale: str = "full", seed: int = 1) -> Plan:
    """Clients make keys in three buckets and look at them for two days; others write what expires, or what is replicated."""
    clients = CLIENTS[scale]
    roles = (*STATES, "source", "copy")
    setup = list(make_bucket(*roles).program)
    groups: list[Group] = []
    spaces: dict[str, Space] = {}
    for role, status in STATES.items():
        setup += [*([put_versioning(status, role)] if status else ()), put_lifecycle(*RULES, bucket=role)]
        groups.append(Group(f"keys-{role}", [*_make(role), repeat(LOOKS, *_look(role))], clients=clients))
        for prefix in (*BODIES, "marked", "upload", "upload/left", "current/again"):
            spaces[f"{role}-{prefix.replace('/', '-')}"] = Space.own(f"{prefix}/", 1, bucket=role)
        again = [choose(f"{role}-current-again", "k"), put("k.key", SMALL), get("k.key"), sleep(LOOK_MS), get("k.key")]
        groups.append(Group(f"again-{role}", [repeat(LOOKS, *again)], clients=2))
    spaces |= {"source": Space.own("kept/", 1, bucket="source"), "copy": Space.own("kept/", 1, bucket="copy")}
    setup += [
        put_versioning("Enabled", "source"),
        put_versioning("Enabled", "copy"),
        put_replication(replicate("copy", prefix="kept/"), bucket="source"),
    ]
    look = [sleep(COPY_MS), get("seen.key"), head("seen.key")]
    copied = [choose("source", "k"), choose("copy", "seen"), repeat(COPIES, put("k.key", SMALL), *look, *look)]
    groups.append(Group("replicated", [*copied, *look, *look, *look, *look, *look], clients=clients))
    at_rest = [step for role in STATES for step in (list_page(role), list_versions(role), list_uploads(role))]
    return Plan(
        "cross-feature",
        seed=seed,
        scale=scale,
        buckets=roles,
        spaces=spaces,
        groups=[Group("make", setup, phase="setup"), *groups, *read_then_remove(*at_rest, roles=roles)],
        require={f"{role}-kept": Require(acked_writes=2 * clients, reads=clients * LOOKS) for role in STATES},
    )
