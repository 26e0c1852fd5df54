"""Workloads of one key with very many versions, and of buckets that began to keep versions late.

`version_explosion` is production test 3: a chatty writer, and a restore or an audit that needs a complete, ordered history.
"""

from __future__ import annotations

from dataclasses import replace

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
from s3prod.plans.registers import SIZES
from s3prod.plans.teardown import read_then_remove

KEY = "exploding/object"
VERSIONS = {"smoke": 800, "full": 10_000, "stress": 100_000}
BODIES = (64, 200, 700)
RACERS = 16
MARKER_EVERY = 100  # versions
PAIRS = (1, 37, 211, 499, 998)  # sizes of pages that end anywhere


def _walk(versions: int, max_keys: int, pages: int | None = None) -> list[Step]:
    """A walk to the end, or of so many pages; behind its end it begins anew."""
    following = list_versions(max_keys=max_keys, token="page.token", as_="page")
    return [
        list_versions(max_keys=max_keys, as_="page"),
        repeat(versions // max_keys + 1 if pages is None else pages, following),
    ]


def _pairs() -> list[Step]:
    """Pages behind marker pairs at any place."""
    steps: list[Step] = []
    for size in PAIRS:
        steps += [
            list_versions(max_keys=size, as_="page"),
            list_versions(max_keys=100, token="page.token", as_="page"),
            list_versions(max_keys=size, token="page.token"),
        ]
    return steps


def _ordered(versions: int) -> list[Step]:
    """One write after the other, a marker every now and then; each block leaves the id of one as `s0.version` …"""
    blocks = versions // MARKER_EVERY
    return [
        step
        for block in range(blocks)
        for step in (put(KEY, BODIES, as_=f"s{block}"), repeat(MARKER_EVERY - 2, put(KEY, BODIES)), delete(KEY))
    ]


def _racing_round(versions: int) -> list[Step]:
    """So many versions, of which the last one stays and the first one goes."""
    return [
        put(KEY, BODIES, as_="first"),
        repeat(versions - 1, put(KEY, BODIES, as_="mine")),
        get(KEY, version="mine.version"),
        delete(KEY, version="first.version"),
        get(KEY, version="first.version"),
    ]


def _promotion() -> list[Step]:
    """Whatever is current goes, version or marker, and what was before it shows again."""
    return [
        put(KEY, BODIES, as_="below"),
        put(KEY, BODIES, as_="top"),
        get(KEY),
        delete(KEY, version="top.version"),
        get(KEY),
        get(KEY, version="top.version"),
        delete(KEY, as_="marker"),
        head(KEY),
        get(KEY, version="below.version"),
        delete(KEY, version="marker.version"),
        get(KEY),
        head(KEY),
        delete(KEY, version="below.version"),
        get(KEY),
    ]


def _emptying(versions: int) -> list[Step]:
    """Everything goes by version id, a thousand at a time; then nothing is left."""
    return [
        *_walk(versions, 1000),
        repeat(versions // 1000 + 2, list_versions(as_="page"), delete_objects("page.versions")),
        list_versions(),
        list_page("main"),
        get(KEY),
    ]


def version_explosion(scale: str = "full", seed: int = 1) -> Plan:
    """Half of the versions of one key come one after the other, half from racing clients, with markers among them. The list
    is walked by thousands, by hundreds, by ones and from the middle, at rest and while a writer appends. Sampled versions
    are read; the current one is deleted, and its marker; at last everything is.

    >>> version_explosion("full").require["keys"].acked_writes
    9840
    """
    versions = VERSIONS[scale]
    half, each = versions // 2, versions // 2 // RACERS // 10
    sampled = [get(KEY, version=f"s{block}.version") for block in range(half // MARKER_EVERY)]
    racing = [
        barrier("racing"),
        repeat(5, *_racing_round(each), get(KEY), delete(KEY), *_racing_round(each), head(KEY)),
        barrier("at-rest"),
    ]
    owner = [
        *_ordered(half),
        barrier("racing"),
        barrier("at-rest"),
        get(KEY),
        head(KEY),
        *sampled,
        barrier("appending"),
        repeat(versions // 20, put(KEY, BODIES)),
        barrier("promotion"),
        *_promotion(),
        *_emptying(versions + versions // 10),
    ]
    walks = {
        "thousands": _walk(versions, 1000),
        "hundreds": _walk(versions, 100),
        "ones": _walk(versions, 1, pages=versions // 100),
        "pairs": _pairs(),
    }
    groups = [
        Group("make", [create_bucket(), put_versioning("Enabled")], phase="setup"),
        Group("owner", owner),
        Group("racers", racing, clients=RACERS),
        *(
            Group(f"list-{name}", [barrier("at-rest"), *walk, barrier("appending"), *walk, barrier("promotion")])
            for name, walk in walks.items()
        ),
        remove_bucket(),
    ]
    acked = half // MARKER_EVERY * (MARKER_EVERY - 1) + 10 * each * RACERS + versions // 20
    require = {"keys": Require(acked_writes=acked * 9 // 10, reads=10 * RACERS, overlap=0.15)}
    return Plan(
        "version-explosion",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.fixed(KEY)},
        groups=groups,
        require=require,
        memory_mb=500,
    )


UPGRADED = {"smoke": 6, "full": 40, "stress": 200}  # keys of each client
ROUNDS = {"smoke": 40, "full": 400, "stress": 4000}


def null_versions(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients write keys, and when their bucket has begun to keep versions they overwrite some, delete them and list what
    is left. In a bucket whose versions are suspended 6 clients write, delete and read the one version `null` of 4 keys.
    """
    rounds, keys = ROUNDS[scale], UPGRADED[scale]
    gone = [delete("k.key"), get("k.key"), list_page("main"), get("k.key", version="null")]
    upgraded = [
        repeat(keys, choose("before", "k"), put("k.key", 200)),
        barrier("written"),
        barrier("kept"),
        repeat(keys // 2, choose("before", "k"), *gone, choose("before", "k"), put("k.key", 200), *gone),
    ]
    racing = [
        choose("paused", "k"),
        put("k.key", SIZES, bucket="paused"),
        get("k.key", version="null", bucket="paused"),
        get("k.key", bucket="paused"),
        delete("k.key", bucket="paused"),
        head("k.key", version="null", bucket="paused"),
        put("k.key", SIZES, bucket="paused"),
        delete("k.key", version="null", bucket="paused"),
        get("k.key", version="null", bucket="paused"),
        list_versions("paused", max_keys=3),
    ]
    make = [create_bucket("paused"), put_versioning("Enabled", "paused"), put_versioning("Suspended", "paused")]
    groups = [
        Group("make", [create_bucket(), *make], phase="setup"),
        Group("upgraded", upgraded, clients=8),
        Group("upgrade", [barrier("written"), put_versioning("Enabled"), barrier("kept")]),
        Group("racing", [repeat(rounds, *racing)], clients=6),
        *read_then_remove(list_versions()),
        replace(remove_bucket("paused"), group="remove-paused"),
    ]
    return Plan(
        "null-versions",
        seed=seed,
        scale=scale,
        buckets=("main", "paused"),
        spaces={"before": Space.own("before/", keys), "paused": Space.uniform("paused/", 4, bucket="paused")},
        groups=groups,
        require={"before": Require(reads=8 * keys), "paused": Require(acked_writes=6 * rounds)},
    )
