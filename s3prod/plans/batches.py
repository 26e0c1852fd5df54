"""Batch deletes: the plan of their mutants.

What a batch must leave alone stands beside what it names: keys with the same beginning, the next ones in the order of
listings, names that look alike once they are written as XML.
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Space,
    Step,
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

ROUNDS = {"smoke": 30, "full": 200, "stress": 3000}
LIMIT = 1000  # keys of a request
OVER_LIMIT = [f"over/{number:04}" for number in range(LIMIT + 1)]
KEPT = "kept"  # the role of the bucket with versions


def _buckets() -> Group:
    """The first client of the plan makes both buckets."""
    program = [create_bucket(), create_bucket(KEPT), put_versioning("Enabled", KEPT)]
    return Group("make-buckets", program, phase="setup")


def _over_limit(rounds: int, written: int) -> Group:
    """Asks for one key too many, some of which are there: nothing may go."""
    some = OVER_LIMIT[:: len(OVER_LIMIT) // written]
    looks = [get(key) for key in some]
    return Group("over-limit", [*(put(key, 200) for key in some), repeat(rounds, delete_objects(OVER_LIMIT), *looks)])


def _outdated(prefix: str, keys: list[str], *, quiet: bool) -> list[Step]:
    """Deletes the keys of a page with the ETags that it gave them; the first one has another one by then."""
    return [
        *(put(key, 200) for key in keys),
        list_page("main", prefix=prefix, as_="page"),
        put(keys[0], 300),
        delete_objects("page.keys", etags=True, quiet=quiet),
        *(head(key) for key in keys),
    ]


def _client(client: int, rounds: int) -> list[Group]:
    """Of ten keys six are written, two are deleted before, two never were there; the next ones stay as they are."""
    keys = [f"batch/{client}/{number}" for number in range(10)]
    stay = [f"{key}!" for key in keys[:6]]  # each right behind the key
    outdated = f"outdated/{client}/"
    program = [
        *(put(key, 200) for key in keys[:8]),
        *(delete(key) for key in keys[6:8]),
        delete_objects(keys[::2], quiet=True),
        delete_objects(keys[1::2]),
        *(head(key) for key in keys),
        *(get(key) for key in stay),
        *_outdated(outdated, [f"{outdated}{number}" for number in range(3)], quiet=client % 2 == 0),
    ]
    return [Group(f"client-{client}", [*(put(key, 200) for key in stay), repeat(rounds, *program)])]


def _marking(client: int, rounds: int) -> Group:
    """Deletes by markers, looks for exactly these, and removes all by version id."""
    prefix = f"marked/{client}/"
    keys = [f"{prefix}{number}" for number in range(6)]
    versions = list_versions(KEPT, prefix=prefix, as_="page")
    program = [
        *(put(key, 200, bucket=KEPT) for key in keys[:4]),
        delete_objects(keys, bucket=KEPT),
        versions,
        delete_objects("page.versions"),
        versions,
    ]
    return Group(f"marking-{client}", [repeat(rounds // 3, *program)])


def batches(scale: str = "full", seed: int = 1) -> Plan:
    """6 clients fill keys of their own, delete them in batches, and look what is gone; 2 do so in a bucket with versions; one
    asks for too much.
    """
    rounds = ROUNDS[scale]
    groups = [_buckets()]
    for client in range(6):
        groups += _client(client, rounds)
    groups += [_marking(client, rounds) for client in range(2)]
    groups += [_over_limit(max(rounds // 12, 4), written=20), remove_bucket("main", KEPT)]
    return Plan(
        "batches",
        seed=seed,
        scale=scale,
        buckets=["main", KEPT],
        spaces={"over": Space.fixed(*OVER_LIMIT)},
        groups=groups,
    )
