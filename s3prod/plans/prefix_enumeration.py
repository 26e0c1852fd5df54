"""Production test 6, prefix enumeration: the scans of a data lake (Spark, Presto), which find their input by listing. A key
that is missed is a query that is wrong and says nothing.
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    barrier,
    choose,
    create_bucket,
    list_page,
    put,
    remove_bucket,
    repeat,
)

FILES = {"smoke": 200, "full": 10_000, "stress": 50_000}  # of each partition
PARTITIONS = (
    "year=2023/month=12/day=31/hour=22",
    "year=2023/month=12/day=31/hour=23",
    *(f"year=2024/month=10/day=11/hour={hour:02}" for hour in range(7)),
    "year=2024/month=10/day=12/hour=00",
)
ODD = (
    "a b", "a+b", "a%20b", "a%2Bb", "100%", "q&a=1", "<tag>", "it's \"quoted\"", "x//y", "/leading", "slash/", "=", "~",
    "caf\u00e9", "cafe\u0301", "\u65e5\u672c\u8a9e", "\U0001f4e6", "\uffee", "dot/./dot", "star*?", "semi;colon:at@",
)  # fmt: skip
LONG = 1024  # bytes, the longest key
LISTERS, WRITERS = 10, 8
SAMPLE = 100  # pages of one key
LATE = "data/year=2024/month=10/day=12/"  # where others write while it is listed
MEMORY_MB = 1024


def _data(partition: str) -> str:
    return f"data/{partition}/file-"


def odd_keys() -> list[str]:
    """Keys that listings must encode, and one of the greatest length.

    >>> len(odd_keys()[-1].encode())
    1024
    """
    return [*(f"odd/{name}" for name in ODD), "odd/" + "k" * (LONG - len("odd/"))]


def _walk(pages: int, **options: object) -> list[Step]:
    """So many pages from the start; a walk of one page more would begin again."""
    first = list_page("main", as_="page", **options)  # type: ignore[arg-type]
    more = list_page("main", token="page.token", as_="page", **_without_start(options))  # type: ignore[arg-type]
    return [first, repeat(pages - 1, more)] if pages > 1 else [first]


def _without_start(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if name != "start_after"}


def _pages(keys: int, size: int) -> int:
    return -(-keys // size)


def _levels() -> list[Step]:
    """Every level of the tree, one common prefix after the other and all at once, in both versions."""
    parents = {"", "data/", "odd/"}
    for partition in PARTITIONS:
        parts = f"data/{partition}".split("/")
        parents |= {"/".join(parts[:n]) + "/" for n in range(2, len(parts))}
    steps: list[Step] = []
    for prefix in sorted(parents):
        for version in (1, 2):
            steps += _walk(1, prefix=prefix, delimiter="/", version=version)
            for size in (1, 7):
                steps += _walk(8, prefix=prefix, delimiter="/", max_keys=size, version=version)
    return steps


def _starts(files: int) -> list[Step]:
    """Beginnings before everything, at a key, between two, at an odd one and behind everything."""
    first = _data(PARTITIONS[3])
    last = f"{_data(PARTITIONS[-1])}{files - 1:08}"
    starts = (
        "a",
        f"{first}{files // 2:08}",
        f"{first}{files // 2:08}x",
        f"{first}{files // 2:07}",
        last,
        "odd/a b",
        "zzz",
    )
    steps: list[Step] = []
    for start in starts:
        for version in (1, 2):
            steps += _walk(2, start_after=start, max_keys=7, version=version)
            steps += [list_page("main", start_after=start, max_keys=1, version=version)]
            steps += [list_page("main", start_after=start, delimiter="/", version=version)]
    return steps


def _whole(keys: int, version: int = 2) -> list[Step]:
    """The whole bucket."""
    return _walk(_pages(keys, 1000), version=version)


def _views(files: int) -> list[Step]:
    """What one lister does: each partition, pages of one, of seven and of a thousand, the levels, the beginnings, a walk that
    is interrupted and goes on from its token.
    """
    steps: list[Step] = []
    for partition in PARTITIONS:
        steps += _walk(_pages(files, 1000), prefix=f"data/{partition}/", max_keys=1000)
    steps += _walk(_pages(files, 7), prefix=f"data/{PARTITIONS[2]}/", max_keys=7)
    steps += _walk(_pages(files, 7), prefix=f"data/{PARTITIONS[2]}/", max_keys=7, version=1)
    steps += _walk(SAMPLE, prefix=f"data/{PARTITIONS[-1]}/", max_keys=1)
    steps += _walk(len(odd_keys()), prefix="odd/", max_keys=1) + _walk(
        _pages(len(odd_keys()), 7), prefix="odd/", max_keys=7
    )
    saved = list_page("main", max_keys=7, token="saved.token")
    steps += [list_page("main", max_keys=7, as_="saved"), *_levels(), saved, *_starts(files), saved]
    return steps


def prefix_enumeration(scale: str = "smoke", seed: int = 1) -> Plan:
    """100,000 objects in ten partitions, and odd keys beside them, are listed by one, then by ten at once, in both versions,
    then one day of them while others write there.

    >>> sum(space.count or 0 for space in prefix_enumeration("full").spaces.values())
    110000
    """
    files = FILES[scale]
    keys, late = files * len(PARTITIONS) + len(odd_keys()), files
    spaces = {f"p{n}": Space.sequence(_data(partition), files) for n, partition in enumerate(PARTITIONS)}
    fill = [Group(f"fill-{name}", [barrier("made"), repeat(files // 4, choose(name, "k"), put("k.key", 64))], clients=4,
                  phase="setup") for name in spaces]  # fmt: skip
    odd = odd_keys()
    return Plan(
        "prefix-enumeration",
        seed=seed,
        scale=scale,
        memory_mb=MEMORY_MB,
        spaces={**spaces, "late": Space.sequence(f"{LATE}late-", late), "odd": Space.fixed(*odd)},
        groups=[
            Group("make", [create_bucket("main"), barrier("made")], phase="setup"),
            Group("fill-odd", [barrier("made"), *(put(name, 64) for name in odd)], phase="setup"),
            *fill,
            Group("solo", [*_whole(keys), barrier("alone")]),
            Group("views", [barrier("alone"), *_whole(keys, 1), *_views(files), barrier("together")]),
            *(Group(f"at-once-v{version}", [barrier("together"), *_whole(keys, version), barrier("writing")],
                    clients=LISTERS // 2) for version in (1, 2)),
            *(Group(f"writing-v{version}", [barrier("writing"), *_walk(_pages(2 * files, 1000), prefix=LATE,
                                                                       version=version)],
                    clients=LISTERS // 2) for version in (1, 2)),
            Group("writers", [barrier("writing"), repeat(late // WRITERS, choose("late", "k"), put("k.key", 64))],
                  clients=WRITERS),
            remove_bucket(),
        ],
        require={"*": Require(acked_writes=keys + late // WRITERS * WRITERS)},
    )  # fmt: skip
