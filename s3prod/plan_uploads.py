"""Constructors of the steps of multipart uploads.

program = [
    create_upload("big", as_="up"),
    upload_part("up.upload", 1, 5 << 20),
    upload_part("up.upload", 2, 1000),
    complete_upload("up.parts"),
]
"""

from __future__ import annotations

from collections.abc import Sequence

from s3prod.plan_steps import Body, Step, body_of, make_step


def create_upload(
    key: str,
    *,
    tags: int | None = None,
    checksum: str | None = None,
    checksum_type: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Begins an upload; `as_` binds its id (`name.upload`) and the parts that are acknowledged (`name.parts`).

    >>> create_upload("big", checksum="crc32c", checksum_type="full_object", as_="up")
    {'create_upload': 'big', 'checksum': 'crc32c', 'checksum_type': 'full_object', 'as': 'up'}
    """
    return make_step(
        "create_upload", key, tags=tags, checksum=checksum, checksum_type=checksum_type, as_=as_, bucket=bucket
    )


def borrow(upload: str, as_: str) -> Step:
    """Takes over the upload that the client of the same number in another group has bound: `group.name`.

    >>> borrow("makers.up", "up")
    {'borrow': 'makers.up', 'as': 'up'}
    """
    return make_step("borrow", upload, as_=as_)


def upload_part(
    upload: str,
    part: int,
    body: Body | None = None,
    *,
    checksum: str | None = None,
    chunked: str | None = None,
    as_: str | None = None,
) -> Step:
    """Sends a part of an upload; sizes are multiples of 64, except that of the highest part.

    >>> upload_part("up.upload", 1, 5 << 20)
    {'upload_part': 'up.upload', 'part': 1, 'body': {'bytes': 5242880}}
    """
    return make_step("upload_part", upload, part=part, body=body_of(body), checksum=checksum, chunked=chunked, as_=as_)


def upload_part_copy(
    upload: str,
    part: int,
    source: str,
    *,
    source_bucket: str | None = None,
    source_version: str | None = None,
    range: Sequence[int] | None = None,
    if_source_match: str | None = None,
    if_source_none_match: str | None = None,
    as_: str | None = None,
) -> Step:
    """Makes a part of an object, or of a `range` (first, last) of it.

    >>> upload_part_copy("up.upload", 2, "a", range=(64, 127))
    {'upload_part_copy': 'up.upload', 'part': 2, 'source': 'a', 'range': [64, 127]}
    """
    return make_step(
        "upload_part_copy",
        upload,
        part=part,
        source=source,
        source_bucket=source_bucket,
        source_version=source_version,
        range=None if range is None else list(range),
        if_source_match=if_source_match,
        if_source_none_match=if_source_none_match,
        as_=as_,
    )


def complete_upload(
    parts: str,
    *,
    part_numbers: Sequence[int] | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    as_: str | None = None,
) -> Step:
    """Makes the object of the parts of an upload: of all that were acknowledged, or of `part_numbers` in their order.

    >>> complete_upload("up.parts", part_numbers=[1, 3], if_none_match="*")
    {'complete_upload': 'up.parts', 'parts': [1, 3], 'if_none_match': '*'}
    """
    numbers = None if part_numbers is None else list(part_numbers)
    return make_step("complete_upload", parts, parts=numbers, if_match=if_match, if_none_match=if_none_match, as_=as_)


def abort_upload(uploads: str) -> Step:
    """Gives an upload up, or each of the `uploads` of a page of `list_uploads`.

    >>> abort_upload("page.uploads")
    {'abort_upload': 'page.uploads'}
    """
    return make_step("abort_upload", uploads)


def list_parts(upload: str, *, max_keys: int | None = None, token: str | None = None, as_: str | None = None) -> Step:
    """One page of the parts of an upload.

    >>> list_parts("up.upload", max_keys=2, as_="page")
    {'list_parts': 'up.upload', 'max_keys': 2, 'as': 'page'}
    """
    return make_step("list_parts", upload, max_keys=max_keys, token=token, as_=as_)


def list_uploads(
    bucket: str = "main",
    *,
    prefix: str | None = None,
    delimiter: str | None = None,
    max_keys: int | None = None,
    start_after: str | None = None,
    token: str | None = None,
    as_: str | None = None,
) -> Step:
    """One page of the unfinished uploads of a bucket (`start_after` is the key marker).

    >>> list_uploads("main", as_="page")
    {'list_uploads': 'main', 'as': 'page'}
    """
    return make_step(
        "list_uploads",
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        max_keys=max_keys,
        start_after=start_after,
        token=token,
        as_=as_,
    )
