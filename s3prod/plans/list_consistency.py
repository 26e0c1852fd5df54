"""Production test 4, LIST under churn: temporary files, job output, queue-like prefixes, and data lakes that commit by
listing. A page that misses a key, or shows one that is gone, is a job that reads too little or too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    Stop,
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


@dataclass(frozen=True)
class Size:
    """How much of it. Pauses are in milliseconds, between two pages of a lister."""

    per_s: int  # creations, and deletions
    seconds: int
    clients: int  # that create, and that delete
    seeded: int  # temporary keys that are there before anybody deletes
    static: int  # keys that never change
    page: int  # of the static keys
    pause_ms: int
    rounds: int  # how often everything is listed when nobody writes any more


SIZES = {
    "smoke": Size(per_s=30, seconds=2, clients=8, seeded=100, static=100, page=10, pause_ms=5, rounds=2),
    "full": Size(per_s=100, seconds=60, clients=32, seeded=300, static=1000, page=100, pause_ms=10, rounds=3),
    "stress": Size(per_s=500, seconds=120, clients=64, seeded=1000, static=1000, page=100, pause_ms=10, rounds=3),
}
PAGES = 100_000  # of a walk by sevens, at most; behind its last page it begins again
WHOLE = 3  # pages behind the first one that a walk of everything may need, and some more
SETTLE_MS = 10_000  # how long a store is looked at that says its listings lag, and not how long


def _views(pages: int, pause_ms: int) -> dict[str, list[Step]]:
    """The ways of listing the bucket: each a walk of up to `pages` pages from the start, with pauses, since a history that
    holds every entry of every page grows by more than a store's work shows.
    """
    few, many = sleep(pause_ms), sleep(10 * pause_ms)
    return {
        "whole": [
            list_page("main", as_="page"),
            repeat(WHOLE, list_page("main", token="page.token", as_="page"), many),
        ],
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


def _static(size: Size, pause_ms: int) -> list[Step]:
    """The static keys, a walk from the first to the last page."""
    more = list_page("main", prefix="static/", max_keys=size.page, token="page.token", as_="page")
    first = list_page("main", prefix="static/", max_keys=size.page, as_="page")
    return [first, sleep(pause_ms), repeat(size.static // size.page - 1, more, sleep(pause_ms))]


def _at_rest(size: Size, profile: Mapping[str, Any]) -> Step:
    """Everything in every way, again and again; of a store whose listings lag for as long as they may."""
    views = _views((size.seeded + size.per_s) // 7, 0)
    everything = [step for walk in views.values() for step in walk] + _static(size, 0)
    if profile.get("list") != "eventual":
        return repeat(size.rounds, *everything)
    settle_ms = profile.get("list_lag_ms") or SETTLE_MS
    return repeat(round(settle_ms / 500) + size.rounds, *everything, sleep(500))


def list_consistency(
    scale: str = "smoke", seed: int = 1, profile: Mapping[str, Any] | None = None, duration: int | None = None
) -> Plan:
    """Creators and deleters on an open schedule, while the bucket is listed in five ways and keys that are listed, and keys
    that are not, are asked for. When they have stopped everything is listed again. Further keys never change.
    `duration`: seconds, instead of those of the scale.

    >>> [group.group for group in list_consistency("full").groups][1:3]
    ['create', 'delete']
    >>> list_consistency("full", duration=600).stop.seconds
    600
    """
    size = SIZES[scale]
    rate, seconds, static = size.per_s, duration or size.seconds, size.static
    pinned = when("unknown", head("k.key"))
    create = [choose("temp", "k", take="fresh"), put("k.key", (64, 200, 700)), pinned, head("k.key")]
    remove = [choose("temp", "k", take="acked"), delete("k.key"), pinned, get("k.key"), sleep(20), head("k.key")]
    probe = [choose("temp", "k", take="any"), head("k.key"), get("k.key"), sleep(5)]
    fill = [
        repeat(static, choose("static", "k"), put("k.key", 64)),
        repeat(size.seeded, choose("temp", "k", take="fresh"), put("k.key", 64)),
    ]
    at_rest = [_at_rest(size, profile or {}), repeat(200, choose("temp", "k", take="any"), head("k.key"))]
    schedule = open_loop(rate, process="uniform", queue=1000)
    listers = _views(PAGES, size.pause_ms) | {"static": _static(size, 5 * size.pause_ms)}
    return Plan(
        "list-consistency",
        seed=seed,
        scale=scale,
        spaces={
            "temp": Space.lifecycle("temp/", size.seeded + 2 * rate * seconds),
            "static": Space.sequence("static/", static),
        },
        stop=Stop(seconds=seconds),
        groups=[
            Group("fill", [create_bucket("main"), *fill], phase="setup"),
            Group("create", create, clients=size.clients, arrival=schedule),
            Group("delete", remove, clients=size.clients, arrival=schedule),
            *(Group(f"list-{name}", walk, arrival=until_stop()) for name, walk in listers.items()),
            Group("probe", probe, clients=4, arrival=until_stop()),
            *read_then_remove(*at_rest),
        ],
        require={
            "temp": Require(acked_writes=size.seeded + rate * seconds * 9 // 10, reads=rate * seconds * 2),
            "static": Require(acked_writes=static),
        },
    )
