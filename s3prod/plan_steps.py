"""Constructors of program steps: what one client does, as data.

Each function returns one step of a program as `docs/semantics.md` section 1 describes it. Values that a step gets from
an earlier one are written `name.field` where `name` was given by `as_`; `counter` and `constant` build bodies.

    program = [
        get("config.json", as_="seen"),
        put("config.json", body=counter("seen.counter + 1"), if_match="seen.etag"),
    ]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Step: TypeAlias = dict[str, Any]
Program: TypeAlias = Sequence[Step]
Body: TypeAlias = int | Sequence[int] | Mapping[str, Any]

ANY = "*"


def make_step(verb: str, value: object, **options: object) -> Step:
    """The step without the options that were not given; a trailing `_` of an option's name is dropped.

    >>> make_step("get", "a", as_="x", part=None)
    {'get': 'a', 'as': 'x'}
    """
    return {verb: value} | {name.rstrip("_"): option for name, option in options.items() if option is not None}


def counter(expression: str | int) -> dict[str, Any]:
    """A JSON body that carries a number: a literal, a reference, or a reference plus or minus an integer.

    >>> counter("seen.counter + 1")
    {'counter': 'seen.counter + 1'}
    """
    return {"counter": expression}


def constant(size: int) -> dict[str, Any]:
    """The same `size` bytes always. For benchmarks only: the key is not checked.

    >>> constant(1024)
    {'constant': 1024}
    """
    return {"constant": size}


def body_of(body: Body | None) -> object:
    """The `body` of a step.

    >>> body_of([1, 2])
    {'bytes': [1, 2]}
    """
    if isinstance(body, int):
        return {"bytes": body}
    if isinstance(body, Sequence):
        return {"bytes": list(body)}
    return None if body is None else dict(body)


def put(
    key: str,
    body: Body | None = None,
    *,
    fields: int | None = None,
    tags: int | None = None,
    checksum: str | None = None,
    chunked: str | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Writes an object: `body` is a size, sizes to draw from, `counter(…)` or `constant(…)`; 1,024 bytes by default.
    `fields`: so many of metadata; `tags`: a set of so many; `checksum`: `crc32`, `crc32c`, `crc64nvme`, `sha1`, `sha256`;
    `chunked` (native runner only):
    `signed`, `signed_trailer`, `unsigned_trailer`.

    >>> put("hot/object", [1024, 65537], if_none_match="*")
    {'put': 'hot/object', 'body': {'bytes': [1024, 65537]}, 'if_none_match': '*'}
    """
    return make_step(
        "put",
        key,
        body=body_of(body),
        fields=fields,
        tags=tags,
        checksum=checksum,
        chunked=chunked,
        if_match=if_match,
        if_none_match=if_none_match,
        as_=as_,
        bucket=bucket,
    )


def get(
    key: str,
    *,
    range: Sequence[int | None] | None = None,
    random_bytes: int | None = None,
    version: str | None = None,
    part: int | None = None,
    checksum_mode: bool | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Reads an object, a `range` (first, last; last None: to the end) of it, `random_bytes` at a random offset, or one `part`
    of a multipart object; the current version, or `version` (an id, or `name.version`). `checksum_mode` asks for checksums.

    >>> get("k.key", range=(0, 63), as_="head")
    {'get': 'k.key', 'range': [0, 63], 'as': 'head'}
    """
    asked: object = None if range is None else list(range)
    if random_bytes is not None:
        asked = {"random": random_bytes}
    return make_step(
        "get",
        key,
        range=asked,
        version=version,
        part=part,
        checksum_mode=checksum_mode,
        if_match=if_match,
        if_none_match=if_none_match,
        as_=as_,
        bucket=bucket,
    )


def head(
    key: str,
    *,
    version: str | None = None,
    part: int | None = None,
    checksum_mode: bool | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Reads an object's metadata.

    >>> head("a/b")
    {'head': 'a/b'}
    """
    return make_step(
        "head",
        key,
        version=version,
        part=part,
        checksum_mode=checksum_mode,
        if_match=if_match,
        if_none_match=if_none_match,
        as_=as_,
        bucket=bucket,
    )


def delete(
    key: str,
    *,
    version: str | None = None,
    if_match: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Removes an object: in a versioned bucket it gets a delete marker, unless `version` says which one to remove.

    >>> delete("k.key", if_match="seen.etag")
    {'delete': 'k.key', 'if_match': 'seen.etag'}
    """
    return make_step("delete", key, version=version, if_match=if_match, as_=as_, bucket=bucket)


def delete_objects(
    keys: str | Sequence[str], *, quiet: bool | None = None, etags: bool | None = None, bucket: str | None = None
) -> Step:
    """Removes in one request the `keys` of a listed page, the `versions` of one of `list_versions`, or the keys of a list; an
    empty page sends nothing. `etags`: each only with the ETag that the page gave it.

    >>> delete_objects("page.keys")
    {'delete_objects': 'page.keys'}
    """
    value = keys if isinstance(keys, str) else list(keys)
    return make_step("delete_objects", value, quiet=quiet, etags=etags, bucket=bucket)


def list_page(
    bucket: str,
    *,
    prefix: str | None = None,
    delimiter: str | None = None,
    max_keys: int | None = None,
    start_after: str | None = None,
    token: str | None = None,
    as_: str | None = None,
    version: int = 2,
) -> Step:
    """One page of a listing (ListObjectsV2; with `version=1` ListObjects, where `start_after` is the marker).

    >>> list_page("main", prefix="objs/", max_keys=7, token="page.token", as_="page")
    {'list': 'main', 'prefix': 'objs/', 'max_keys': 7, 'token': 'page.token', 'as': 'page'}
    """
    return make_step(
        "list_v1" if version == 1 else "list",
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        max_keys=max_keys,
        start_after=start_after,
        token=token,
        as_=as_,
    )


def create_bucket(bucket: str = "main") -> Step:
    """Makes the bucket of a role.

    >>> create_bucket("main")
    {'create_bucket': 'main'}
    """
    return make_step("create_bucket", bucket)


def head_bucket(bucket: str = "main") -> Step:
    """Asks whether the bucket of a role is there.

    >>> head_bucket("main")
    {'head_bucket': 'main'}
    """
    return make_step("head_bucket", bucket)


def delete_bucket(bucket: str = "main") -> Step:
    """Removes the (empty) bucket of a role.

    >>> delete_bucket("main")
    {'delete_bucket': 'main'}
    """
    return make_step("delete_bucket", bucket)


def repeat(times: int, *program: Step) -> Step:
    """Carries the program out `times` times.

    >>> repeat(3, get("a"))
    {'repeat': 3, 'do': [{'get': 'a'}]}
    """
    return {"repeat": times, "do": list(program)}


def until_ok(at_most: int, *program: Step) -> Step:
    """Carries the program out until its last S3 step ended ok, at most so many times. An unknown mutation ends it.

    >>> until_ok(1000, head("a"))
    {'repeat': {'until': 'ok', 'at_most': 1000}, 'do': [{'head': 'a'}]}
    """
    return {"repeat": {"until": "ok", "at_most": at_most}, "do": list(program)}


def when(classes: int | str | Sequence[int | str], *program: Step, otherwise: Program | None = None) -> Step:
    """Carries the program out when the last S3 step ended with one of these statuses, codes or classes.

    >>> when((409, 412), sleep(5))
    {'when': [409, 412], 'do': [{'sleep': 5}]}
    """
    asked = [classes] if isinstance(classes, int | str) else list(classes)
    return make_step("when", asked, do=list(program), else_=None if otherwise is None else list(otherwise))


def when_equal(left: str | int, right: str | int, *program: Step, otherwise: Program | None = None) -> Step:
    """Carries the program out when both expressions have the same value.

    >>> when_equal("a.etag", "b.etag", sleep(1))
    {'when': {'equal': ['a.etag', 'b.etag']}, 'do': [{'sleep': 1}]}
    """
    otherwise_list = None if otherwise is None else list(otherwise)
    return make_step("when", {"equal": [left, right]}, do=list(program), else_=otherwise_list)


def when_less(left: str | int, right: str | int, *program: Step, otherwise: Program | None = None) -> Step:
    """Carries the program out when the first number is smaller than the second.

    >>> when_less("mine.counter", "seen.counter", sleep(1))
    {'when': {'less': ['mine.counter', 'seen.counter']}, 'do': [{'sleep': 1}]}
    """
    otherwise_list = None if otherwise is None else list(otherwise)
    return make_step("when", {"less": [left, right]}, do=list(program), else_=otherwise_list)


def when_odd(number: str | int, *program: Step, otherwise: Program | None = None) -> Step:
    """Carries the program out when the number is odd: the lowest bit of a counter is a state.

    >>> when_odd("lease.counter", sleep(1))
    {'when': {'odd': 'lease.counter'}, 'do': [{'sleep': 1}]}
    """
    otherwise_list = None if otherwise is None else list(otherwise)
    return make_step("when", {"odd": number}, do=list(program), else_=otherwise_list)


def barrier(name: str) -> Step:
    """Waits for every client of the phase whose program names the barrier.

    >>> barrier("wave")
    {'barrier': 'wave'}
    """
    return {"barrier": name}


def sleep(ms: int) -> Step:
    """Waits so many milliseconds.

    >>> sleep(10)
    {'sleep': 10}
    """
    return {"sleep": ms}


def jitter(base_ms: int, cap_ms: int) -> Step:
    """Backs off with full jitter: a draw from 0 to min(cap, base · 2^k) after k failures in a row.

    >>> jitter(1, 64)
    {'sleep': {'full_jitter_ms': [1, 64]}}
    """
    return {"sleep": {"full_jitter_ms": [base_ms, cap_ms]}}


def choose(space: str, as_: str, *, take: str | None = None) -> Step:
    """Chooses a key of a space; `take` (`fresh`, `acked`, `any`) for lifecycle spaces.

    >>> choose("objs", "k")
    {'choose': 'objs', 'as': 'k'}
    """
    return make_step("choose", space, as_=as_, take=take)


def behaviour(name: str, **arguments: object) -> Step:
    """A step written in C, by its name; native runner only.

    >>> behaviour("relay", source="a")
    {'behaviour': 'relay', 'source': 'a'}
    """
    return {"behaviour": name} | arguments


def cas(
    key: str,
    *,
    at_most: int = 1000,
    backoff_ms: tuple[int, int] = (1, 64),
    as_: str = "seen",
    bucket: str | None = None,
) -> Step:
    """One increment of the counter in `key` by compare-and-swap: read, put with `If-Match`, back off on a conflict.

    >>> cas("config.json")["repeat"]
    {'until': 'ok', 'at_most': 1000}
    """
    return until_ok(
        at_most,
        get(key, as_=as_, bucket=bucket),
        put(key, counter(f"{as_}.counter + 1"), if_match=f"{as_}.etag", bucket=bucket),
        when("failed", jitter(*backoff_ms)),
    )


def walk(program: Program) -> Iterator[Step]:
    """The steps of a program in order, with those nested in it.

    >>> len(list(walk([repeat(2, head("a"), head("b"))])))
    3
    """
    for step in program:
        yield step
        for nested in ("do", "else"):
            yield from walk(step.get(nested, ()))
