"""Production test 2, multipart orphans: uploads completed, aborted and abandoned in every state, and a cleaner among them.

Abandoned uploads hold storage that is paid for; a cleaner that is wrong destroys data. It knows what is old by the times of
the store alone (`Initiated`), never by its own clock.
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
    when_equal,
    when_less,
)
from s3prod.plans.teardown import read_then_remove

PRESETS = {  # completed, aborted, abandoned, live uploads
    "smoke": (8, 6, 6, 4),
    "full": (40, 30, 30, 10),
    "stress": (400, 300, 300, 40),
}
LARGE = (1 << 20, 5 << 20)  # bytes: the parts of other scales than smoke have these at least
STATES = 3  # of abandoned uploads: without a part, with some parts, with all of them; one key has one of each
CELL = 64  # sizes of parts are multiples of it
SMALL = 10 * CELL  # bytes, of a part that must be refused
LEAST_PART = CELL  # bytes; the embedded store takes such parts when it is told to (`STORE_OPTIONS`)
AGE_MS = 50  # between what is abandoned and what goes on
SETTLE_MS = 50  # what the store may need to free what is gone, before all is read again
LONGEST_MS = {"smoke": 2_000, "full": 10_000, "stress": 60_000}  # of that, for a store that may need longer
MARK = "mark/age"
LISTED_SOON = 8  # looks for the mark, 1.5 s apart: listings of uploads may settle


def _parts(upload: str, sizes: tuple[int, ...], count: int = 3) -> list[Step]:
    """So many parts, the highest one cut, the others sent in descending order."""
    return [upload_part(upload, count, 100), *(upload_part(upload, n, sizes) for n in range(count - 1, 0, -1))]


def _is_gone(name: str) -> list[Step]:
    """What an upload that ended must refuse. The part is a small one: a store may answer before it has read a large one, and close
    the connection, which some clients hear and others do not.
    """
    return [
        list_parts(f"{name}.upload"),
        upload_part(f"{name}.upload", 1, SMALL),
        complete_upload(f"{name}.parts"),
        abort_upload(f"{name}.upload"),
    ]


def _completed(sizes: tuple[int, ...], settle_ms: int) -> list[Step]:
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
        sleep(settle_ms),
        get("k.key"),
    ]


def _aborted(sizes: tuple[int, ...]) -> list[Step]:
    return [
        choose("gone", "k"),
        create_upload("k.key", as_="up"),
        *_parts("up.upload", sizes, 2),
        abort_upload("up.upload"),
        *_is_gone("up"),
        get("k.key"),
        barrier("made"),
        barrier("cleaned"),
        head("k.key"),
    ]


def _abandoned(sizes: tuple[int, ...], settle_ms: int) -> list[Step]:
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
        upload_part("done.upload", 1, SMALL),
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
        *(step for name in ("none", "some", "all") for step in _is_gone(name)),
        get("k.key"),
        head("k.key"),
        sleep(settle_ms),
        get("k.key"),
    ]


def _live(sizes: tuple[int, ...], settle_ms: int) -> list[Step]:
    """An upload that begins behind the cleaner's mark, goes on while the cleaner is at work, and is completed then."""
    return [
        choose("live", "k"),
        barrier("begin"),
        create_upload("k.key", as_="up"),
        *_parts("up.upload", sizes),
        barrier("begun"),
        barrier("listed"),
        repeat(10 if sizes[0] < 1 << 20 else 3, upload_part("up.upload", 2, sizes), sleep(1)),
        barrier("cleaned"),
        list_parts("up.upload"),
        complete_upload("up.parts"),
        get("k.key"),
        head("k.key"),
        sleep(settle_ms),
        get("k.key"),
    ]


def _walk(pages: int, **arguments: int | str) -> list[Step]:
    """A listing page by page, from the start to its end and a little more."""
    first = list_uploads(as_="page", **arguments)  # type: ignore[arg-type]
    return [first, repeat(pages, list_uploads(token="page.token", as_="page", **arguments))]  # type: ignore[arg-type]


def _listers(uploads: int, first_key: str) -> list[Group]:
    """Once all is there: by one, by seven, whole, by prefix and delimiter, behind markers that are keys and that are not."""
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
    return [Group(f"list-{name}", [barrier("begun"), *view, barrier("listed"), *view]) for name, view in views.items()]


def _look(times: int) -> list[Step]:
    """Looks for the mark until it is listed, so many times at most."""
    again = [when_equal("age.initiated_ms", 0, sleep(1500), *_look(times - 1))] if times > 1 else []
    return [list_uploads(prefix=MARK, as_="age"), *again]


def _cleaner(uploads: int, age_ms: int, skew_ms: int) -> list[Step]:
    """Begins an upload of its own, whose time is the store's; later it walks all uploads and aborts those begun before it.
    Where the clocks of a store differ, before it by more than that.
    """
    return [
        barrier("made"),
        sleep(age_ms + 2 * skew_ms),
        create_upload(MARK, as_="mark"),
        *_look(LISTED_SOON),
        barrier("begin"),
        barrier("listed"),
        list_uploads(max_keys=1, as_="page"),
        repeat(
            uploads + 1,
            when_less("page.initiated_ms", f"age.initiated_ms - {skew_ms}", abort_upload("page.uploads")),
            list_uploads(max_keys=1, token="page.token", as_="page"),
        ),
        abort_upload("mark.upload"),
        list_uploads(prefix="left/"),
        list_uploads(),
        barrier("cleaned"),
        list_uploads(),
    ]


def _sizes(scale: str, least_part: int) -> tuple[int, ...]:
    """Of a part that is not its upload's last one.

    >>> _sizes("smoke", 64), _sizes("full", 64)
    ((640, 1024), (1049152, 5243840))
    """
    least = -(-max(least_part, CELL) // CELL) * CELL
    small, large = (least, least) if scale == "smoke" else (max(least, each) for each in LARGE)
    return (small + 9 * CELL, large + 15 * CELL)


def settle_of(scale: str, lag_ms: float) -> int:
    """How long what stays is looked at after the last request, when the store may be freeing something for `lag_ms`.

    >>> settle_of("full", 0), settle_of("full", 60_000)
    (50, 10000)
    """
    return int(min(max(SETTLE_MS, lag_ms), LONGEST_MS[scale]))


def orphaned_multipart(
    scale: str = "smoke",
    seed: int = 1,
    least_part: int = LEAST_PART,
    age_ms: int = AGE_MS,
    skew_ms: int = 0,
    settle_ms: int = SETTLE_MS,
) -> Plan:
    """40 uploads completed, 30 aborted, 30 abandoned in three states, 10 that go on: listed in every way; then a cleaner
    aborts what is older than it while the ten go on; then all that is left is read again, and again after a while.

    Parts have at least `least_part` bytes; `age_ms` is what the clock of the store can tell apart; `settle_ms` after all has ended
    what is left is read once more.

    >>> sum(group.clients for group in orphaned_multipart("full").groups if group.group in ("completed", "abandoned"))
    40
    """
    completed, aborted, abandoned, live = PRESETS[scale]
    keys = abandoned // STATES
    first_left = completed - keys + aborted  # the index of the first client that abandons uploads
    sizes = _sizes(scale, least_part)
    uploads = abandoned + live + 1
    return Plan(
        "orphaned-multipart",
        seed=seed,
        scale=scale,
        spaces={
            **{name: Space.own(f"{name}/", 1) for name in ("kept", "gone", "left")},
            "live": Space.own("alive/", 1),  # a walk meets them first
        },
        groups=[
            Group("completed", _completed(sizes, settle_ms), clients=completed - keys),
            Group("aborted", _aborted(sizes), clients=aborted),
            Group("abandoned", _abandoned(sizes, settle_ms), clients=keys),
            Group("live", _live(sizes, settle_ms), clients=live),
            Group("cleaner", _cleaner(uploads, age_ms, skew_ms)),
            *_listers(uploads, f"left/{first_left:05}/00000000"),
            Group("watch", [list_uploads(max_keys=7), list_page("main"), sleep(1)], arrival=until_others()),
            make_bucket(),
            *read_then_remove(list_page("main"), list_uploads(), clients=4),
        ],
        require={
            "kept": Require(acked_writes=completed - keys, reads=4 * (completed - keys)),
            "gone": Require(reads=aborted),
            "left": Require(acked_writes=keys, reads=4 * keys),
            "live": Require(acked_writes=live, reads=2 * live),
        },
    )
