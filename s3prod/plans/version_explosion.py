"""Production test 3, version explosion: one key with very many versions, as a chatty writer leaves them.

A restore or an audit needs the history of a key complete and in order, however long it is.
"""

from __future__ import annotations

from collections.abc import Collection

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
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
    when,
)

KEY = "exploding/object"
VERSIONS = {"smoke": 800, "full": 10_000, "stress": 100_000}
BODIES = (64, 200, 700)
RACERS = 16
MARKER_EVERY = 100  # versions
MEASURED = 10  # how often, while versions come one after the other, the list is timed
PARTS = ("multi_delete",)
ROUNDS = 5  # of a racer
PAIRS = (1, 37, 211, 499, 998)  # sizes of pages that end anywhere


def ordered_of(scale: str) -> int:
    """How many versions, markers among them, come one after the other before the others race.

    >>> ordered_of("full")
    5000
    """
    return VERSIONS[scale] // 2 // MARKER_EVERY * MARKER_EVERY


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
    """One write after the other, a marker every now and then; each block leaves the ids of one of each as `s0.version` and
    `m0.version` … Every now and then some pages, to see what they cost by the number of versions.
    """
    blocks = versions // MARKER_EVERY
    steps: list[Step] = []
    for block in range(blocks):
        steps += [put(KEY, BODIES, as_=f"s{block}"), repeat(MARKER_EVERY - 2, put(KEY, BODIES))]
        steps += [delete(KEY, as_=f"m{block}")]
        if (block + 1) % max(1, blocks // MEASURED) == 0:
            steps += [*_walk(versions, 100, pages=2), list_versions(max_keys=1000)]
    return steps


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


def _markers(names: list[str]) -> list[Step]:
    """Delete markers go, by their ids."""
    return [delete(KEY, version=f"{name}.version") for name in names]


def _emptying(versions: int, markers: list[str], batches: bool) -> list[Step]:
    """Everything goes by version id; then nothing is left. In `batches` a thousand at a time; else first the markers, which
    only those know who made them, and then one version after the other, whichever is current.
    """
    by_thousands = [repeat(versions // 1000 + 2, list_versions(as_="page"), delete_objects("page.versions"))]
    current = [head(KEY, as_="top"), when("ok", delete(KEY, version="top.version"))]
    one_by_one = [*_markers(markers), barrier("unmarked"), repeat(versions, *current)]
    return [
        *_walk(versions, 1000),
        *(by_thousands if batches else one_by_one),
        list_versions(),
        list_page("main"),
        get(KEY),
    ]


def version_explosion(scale: str = "full", seed: int = 1, parts: Collection[str] = PARTS) -> Plan:
    """Half of the versions of one key come one after the other, half from racing clients, with markers among them. The list
    is walked by thousands, by hundreds, by ones and from the middle, at rest and while a writer appends. Sampled versions,
    the first and the last are read; the current one is deleted, and its marker; at last everything is. `parts`: which of
    those that not every store has (by the keys of profiles) are in it.

    >>> version_explosion("full").require["keys"].acked_writes
    9840
    """
    versions, ordered = VERSIONS[scale], ordered_of(scale)
    half, each = versions // 2, versions // 2 // RACERS // 10
    sampled = [get(KEY, version=f"s{block}.version") for block in range(ordered // MARKER_EVERY)]
    batches = "multi_delete" in parts
    marks = [f"d{number}" for number in range(ROUNDS)]
    blocks = [f"m{block}" for block in range(ordered // MARKER_EVERY)]
    racing = [barrier("racing")]
    for name in marks:
        racing += [*_racing_round(each), get(KEY), delete(KEY, as_=name), *_racing_round(each), head(KEY)]
    unmarking = [] if batches else [barrier("promotion"), *_markers(marks), barrier("unmarked")]
    owner = [
        *_ordered(ordered),
        barrier("racing"),
        barrier("at-rest"),
        head(KEY, as_="last"),
        get(KEY),
        get(KEY, version="last.version"),
        *sampled,
        barrier("appending"),
        repeat(versions // 20, put(KEY, BODIES)),
        barrier("promotion"),
        *_promotion(),
        *_emptying(versions + versions // 10, blocks, batches),
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
        Group("racers", [*racing, barrier("at-rest"), *unmarking], clients=RACERS),
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
        memory_mb=300,
    )
