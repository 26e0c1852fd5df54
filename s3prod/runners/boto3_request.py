"""What the parts of the boto3 runner hand to one another: an S3 step with everything resolved, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3prod import ids
from s3prod.runners.boto3_keys import Key


@dataclass(frozen=True)
class Named:
    """An object that a page named, to be deleted."""

    key: str
    version: str = ""
    etag: str = ""


@dataclass(frozen=True)
class Part:
    """An acknowledged part of an upload; a part copy has no id of its own."""

    number: int
    etag: str
    id: bytes = ids.NO_ID
    size: int = 0
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Upload:
    """A multipart upload, with what was acknowledged of it."""

    id: str
    key: Key
    meta_id: bytes = ids.NO_ID
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass
class Request:
    """An S3 step with everything resolved. What is behind `value_id` is filled in by who sends it."""

    op: str
    bucket: str
    key: Key | None = None
    cond: str = ""
    cond_value: str = ""
    source_cond: str = ""
    source_cond_value: str = ""
    again: tuple[int, int] | None = (
        None  # place of this very step's last attempt, which was unknown: the same operation
    )
    version: str = ""
    range_first: int = 0
    range_last: int | None = None
    ranged: bool = False
    body_kind: str = "none"
    size: int = 0
    counter: int = 0
    fields: int = 0  # of the metadata; 0: the id alone
    tags: int | None = None
    checksum: str = ""
    checksum_type: str = ""
    checksum_mode: bool = False
    source: Key | None = None
    source_version: str = ""
    replace: bool = False  # the metadata of a copy
    upload: Upload | None = None
    part: int = 0
    parts: Sequence[Part] = ()
    objects: Sequence[Named] = ()
    quiet: bool = False
    status: str = ""
    rules: Sequence[Mapping[str, Any]] = ()
    list_args: Mapping[str, Any] = field(default_factory=dict)

    value_id: bytes = ids.NO_ID
    data: bytes = b""
    checksum_value: str = ""


@dataclass
class Result:
    """How an S3 step ended, and the fields that an `as` binds of it."""

    op: str
    outcome: str
    status: int = 0
    code: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    place: tuple[int, int] = (0, 0)  # number of the operation, and of its last attempt
