"""Production test 2, multipart orphans: uploads completed, aborted and abandoned in every state, and a cleaner among them.

Abandoned uploads hold storage that is paid for; a cleaner that is wrong destroys data. Parts are small by default, so that
the embedded store runs the documented numbers in seconds; a store with its own least size of a part needs `part_bytes`.
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    abort_upload,
    barrier,
    choose,
    complete_upload,
    create_upload,
    get,
    head,
    list_page,
    list_parts,
    list_uploads,
    make_bucket,
    repeat,
    sleep,
    until_others,
    upload_part,
)
from s3prod.plans.teardown import read_then_remove

PRESETS = {  # completed, aborted, abandoned, live uploads
    "smoke": (8, 6, 6, 4),
    "full": (40, 30, 30, 10),
    "stress": (400, 300, 300, 40),
}
STATES = 3  # of abandoned uploads: without a part, with some parts, with all of them; one key has one of each
PART_BYTES = (640, 1024)
SETTLE_MS = 50  # what the store may need to free what is gone, before all is read again
CLEANED_AT_ONCE = 7


def _parts(upload: str, sizes: tuple[int, ...], count: int = 3) -> list[Step]:
    """So many parts, the highest one cut, the others sent in descending order."""
    return [upload_part(upload, count, 100), *(upload_part(upload, n, sizes) for n in range(count - 1, 0, -1))]


def _is_gone(name: str, sizes: tuple[int, ...]) -> list[Step]:
    """What an upload that ended must refuse."""
    return [
        list_parts(f"{name}.upload"),
        upload_part(f"{name}.upload", 1, sizes),
        complete_upload(f"{name}.parts"),
        abort_upload(f"{name}.upload"),
    ]


def _completed(sizes: tuple[int, ...]) -> list[Step]:
    return [
        choose("kept", "k"),
        create_upload("k.key", as_="up"),
        *_parts("up.upload", sizes),
        complete_upload("up.parts"),
        list_parts("up.upload"),
        get("k.key"),
        barrier("made"),
        barrier("listed"),
        get("k.key"),
        barrier("cleaned"),
        get("k.key"),
        head("k.key"),
        sleep(SETTLE_MS),
        get("k.key"),
    ]


def _aborted(sizes: tuple[int, ...]) -> list[Step]:
    return [
        choose("gone", "k"),
        create_upload("k.key", as_="up"),
        *_parts("up.upload", sizes, 2),
        abort_upload("up.upload"),
        *_is_gone("up", sizes),
        get("k.key"),
        barrier("made"),
        barrier("cleaned"),
        head("k.key"),
    ]


def _abandoned(sizes: tuple[int, ...]) -> list[Step]:
    """An object of parts, and three uploads of its key that nobody ends; then what the cleaner has left of them. (Between two
    beginnings stands another request, so that clocks tell which upload is the older one.)
    """
    pages = [
        step
        for name in ("none", "some", "all")
        for step in (
            list_parts(f"{name}.upload"),
            list_parts(f"{name}.upload", max_keys=1, as_="page"),
            repeat(3, list_parts(f"{name}.upload", max_keys=1, token="page.token", as_="page")),
        )
    ]
    return [
        choose("left", "k"),
        create_upload("k.key", as_="done"),
        *_parts("done.upload", sizes),
        complete_upload("done.parts"),
        create_upload("k.key", as_="none"),
        upload_part("done.upload", 1, sizes),
        create_upload("k.key", as_="some"),
        upload_part("some.upload", 2, sizes),
        create_upload("k.key", as_="all"),
        *_parts("all.upload", sizes),
        barrier("made"),
        *pages,
        get("k.key"),
        barrier("listed"),
        barrier("cleaned"),
        get("k.key"),
        *(step for name in ("none", "some", "all") for step in _is_gone(name, sizes)),
        get("k.key"),
        head("k.key"),
        sleep(SETTLE_MS),
        get("k.key"),
    ]


def _live(sizes: tuple[int, ...]) -> list[Step]:
    """An upload that goes on while the cleaner is at work, and is completed then."""
    return [
        choose("live", "k"),
        create_upload("k.key", as_="up"),
        *_parts("up.upload", sizes),
        barrier("made"),
        barrier("listed"),
        repeat(10, upload_part("up.upload", 2, sizes), sleep(1)),
        barrier("cleaned"),
        list_parts("up.upload"),
        complete_upload("up.parts"),
        get("k.key"),
        head("k.key"),
        sleep(SETTLE_MS),
        get("k.key"),
    ]


def _walk(pages: int, **arguments: int | str) -> list[Step]:
    """A listing page by page, from the start to its end and a little more."""
    first = list_uploads(as_="page", **arguments)  # type: ignore[arg-type]
    return [first, repeat(pages, list_uploads(token="page.token", as_="page", **arguments))]  # type: ignore[arg-type]


def _listers(uploads: int, first_key: str) -> list[Group]:
    """Once all is made: by one, by seven, whole, by prefix and delimiter, behind markers that are keys and that are not."""
    views = {
        "ones": _walk(uploads, max_keys=1),
        "sevens": _walk(uploads // 7 + 1, max_keys=7),
        "whole": [list_uploads(max_keys=1000), list_uploads()],
        "prefixes": [
            *_walk(3, delimiter="/", max_keys=1),
            *_walk(uploads // 2 + 1, prefix="left/", max_keys=2),
            list_uploads(prefix="left/", delimiter="/"),
            list_uploads(prefix="kept/"),
        ],
        "markers": [
            list_uploads(start_after=first_key),
            list_uploads(start_after=first_key[:-1]),
            list_uploads(start_after="left/", max_keys=7),
            list_uploads(prefix="left/", start_after="left/~"),
        ],
    }
    return [Group(f"list-{name}", [barrier("made"), *view, barrier("listed"), *view]) for name, view in views.items()]


def orphaned_multipart(scale: str = "smoke", seed: int = 1, part_bytes: tuple[int, ...] = PART_BYTES) -> Plan:
    """40 uploads completed, 30 aborted, 30 abandoned in three states, 10 that go on: listed in every way; then a cleaner
    ends what was abandoned while the ten go on; then all that is left is read again, and again after a while.

    The cleaner knows what was abandoned by its prefix. `full` runs the documented number of uploads, with parts of
    `part_bytes` (not the documented ones of 1 MB and more).

    >>> sum(group.clients for group in orphaned_multipart("full").groups if group.group in ("completed", "abandoned"))
    40
    """
    completed, aborted, abandoned, live = PRESETS[scale]
    keys = abandoned // STATES
    first_left = completed - keys + aborted  # the index of the first client that abandons uploads
    rounds = abandoned // CLEANED_AT_ONCE + 2
    cleaner = [
        barrier("listed"),
        repeat(
            rounds,
            list_uploads(prefix="left/", max_keys=CLEANED_AT_ONCE, as_="page"),
            abort_upload("page.uploads"),
        ),
        list_uploads(prefix="left/"),
        list_uploads(),
        barrier("cleaned"),
        list_uploads(),
    ]
    made = make_bucket()
    return Plan(
        "orphaned-multipart",
        seed=seed,
        scale=scale,
        spaces={name: Space.own(f"{name}/", 1) for name in ("kept", "gone", "left", "live")},
        groups=[
            Group("completed", _completed(part_bytes), clients=completed - keys),
            Group("aborted", _aborted(part_bytes), clients=aborted),
            Group("abandoned", _abandoned(part_bytes), clients=keys),
            Group("live", _live(part_bytes), clients=live),
            Group("cleaner", cleaner),
            *_listers(abandoned + live, f"left/{first_left:05}/00000000"),
            Group("watch", [list_uploads(max_keys=7), list_page("main"), sleep(1)], arrival=until_others()),
            made,
            *read_then_remove(list_page("main"), list_uploads(), clients=4),
        ],
        require={
            "kept": Require(acked_writes=completed - keys, reads=4 * (completed - keys)),
            "gone": Require(reads=aborted),
            "left": Require(acked_writes=keys, reads=4 * keys),
            "live": Require(acked_writes=live, reads=2 * live),
        },
    )
