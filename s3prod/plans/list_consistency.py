"""Production test 4, LIST under churn: temporary files, job output, queue-like prefixes, and data lakes that commit by
listing. A page that misses a key, or shows one that is gone, is a job that reads too little or too much.
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Load,
    Plan,
    Require,
    Space,
    Step,
    Stop,
    at_rate,
    choose,
    create_bucket,
    delete,
    get,
    head,
    list_page,
    open_loop,
    put,
    repeat,
    sleep,
    until_stop,
    when,
)
from s3prod.plans.teardown import read_then_remove

PRESETS = {
    "smoke": (100, 2, 100),
    "full": (100, 60, 1000),
    "stress": (500, 120, 1000),
}  # a second, seconds, static keys
SEEDED = 300  # temporary keys that are there before anybody deletes
PAGE = 100  # of the static keys
PAUSE_MS = 2  # of the listers, between two pages
AT_REST = 3  # how often everything is listed when nobody writes any more
PAGES = 100_000  # of a walk by sevens, at most; behind its last page it begins again


def _views(pages: int, pause_ms: int) -> dict[str, list[Step]]:
    """The ways of listing the bucket: each a walk of up to `pages` pages from the start, with pauses, since a history that
    holds every entry of every page grows by more than a store's work shows.
    """
    few, many = sleep(pause_ms), sleep(10 * pause_ms)
    return {
        "whole": [list_page("main", as_="page"), repeat(3, list_page("main", token="page.token", as_="page"), many)],
        "sevens": [
            list_page("main", prefix="temp/", max_keys=7, as_="page"),
            repeat(pages, list_page("main", prefix="temp/", max_keys=7, token="page.token", as_="page"), few),
        ],
        "markers": [
            list_page("main", max_keys=50, as_="page", version=1),
            repeat(pages, list_page("main", max_keys=50, token="page.token", as_="page", version=1), few, few),
        ],
        "folders": [list_page("main", delimiter="/"), list_page("main", prefix="temp/", delimiter="/"), many],
    }


def _static(keys: int, pause_ms: int) -> list[Step]:
    """The static keys, a walk from the first to the last page of a hundred."""
    more = list_page("main", prefix="static/", max_keys=PAGE, token="page.token", as_="page")
    first = list_page("main", prefix="static/", max_keys=PAGE, as_="page")
    return [first, *[step for _ in range(keys // PAGE - 1) for step in (more, sleep(pause_ms))], sleep(pause_ms)]


def list_consistency(scale: str = "smoke", seed: int = 1) -> Plan:
    """Creators and deleters on an open schedule, while the bucket is listed in five ways and keys that are listed, and keys
    that are not, are asked for. When they have stopped everything is listed again. 1,000 further keys never change.

    >>> [group.group for group in list_consistency("full").groups][1:3]
    ['create', 'delete']
    """
    rate, seconds, static = PRESETS[scale]
    pinned = when("unknown", head("k.key"))
    create = [choose("temp", "k", take="fresh"), put("k.key", (64, 200, 700)), pinned, head("k.key")]
    remove = [choose("temp", "k", take="acked"), delete("k.key"), pinned, get("k.key"), sleep(20), head("k.key")]
    probe = [choose("temp", "k", take="any"), head("k.key"), get("k.key"), sleep(5)]
    fill = [
        repeat(static, choose("static", "k"), put("k.key", 64)),
        repeat(SEEDED, choose("temp", "k", take="fresh"), put("k.key", 64)),
    ]
    everything = [step for walk in _views(200, 0).values() for step in walk]
    at_rest = [
        repeat(AT_REST, *everything, *_static(static, 0)),
        repeat(200, choose("temp", "k", take="any"), head("k.key")),
    ]
    schedule = open_loop(rate, process="uniform", queue=1000)
    listers = _views(PAGES, PAUSE_MS) | {"static": _static(static, 5 * PAUSE_MS)}
    return Plan(
        "list-consistency",
        seed=seed,
        scale=scale,
        spaces={
            "temp": Space.lifecycle("temp/", SEEDED + 2 * rate * seconds),
            "static": Space.sequence("static/", static),
        },
        stop=Stop(seconds=seconds),
        groups=[
            Group("fill", [create_bucket("main"), *fill], phase="setup"),
            Group("create", create, clients=32, arrival=schedule),
            Group("delete", remove, clients=32, arrival=schedule),
            *(Group(f"list-{name}", walk, arrival=until_stop()) for name, walk in listers.items()),
            Group("probe", probe, clients=4, arrival=until_stop()),
            *read_then_remove(*at_rest),
        ],
        require={
            "temp": Require(acked_writes=SEEDED + rate * seconds * 9 // 10, reads=rate * seconds * 2),
            "static": Require(acked_writes=static),
        },
        load=Load(rate=at_rate("create", rate, within=0.9)),
    )
