"""What an attempt's end means: an interpreter of `csrc/s3/outcomes.json`, the table that the C engine compiles in."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from s3prod.errors import S3ProdError


@dataclass(frozen=True)
class End:
    """How an attempt ended; the fields of `struct s3p_end`.

    >>> End("put", status=200, has_etag=True).phase
    'answered'
    """

    op: str
    cond: str = ""
    phase: str = "answered"
    status: int = 0
    code: str = ""
    error_document: bool = False
    has_etag: bool = False
    body_complete: bool = True


@functools.cache
def document() -> dict[str, Any]:
    """The table: from the package, else from the source tree."""
    packaged = resources.files("s3prod").joinpath("data/outcomes.json")
    source = Path(__file__).resolve().parent.parent / "csrc/s3/outcomes.json"
    for place in (packaged, source):
        if place.is_file():
            table: dict[str, Any] = json.loads(place.read_text("utf-8"))
            return table
    raise S3ProdError(f"outcomes: {source}, expected the table of outcomes: the package is not built")


def _values(field: object) -> list[Any]:
    return field if isinstance(field, list) else [field]


def _status_fits(asked: object, status: int) -> bool:
    return status // 100 == int(asked[0]) if isinstance(asked, str) else status == asked


@functools.cache
def _rows(op: str) -> list[dict[str, Any]]:
    classes = document()["classes"]

    def covers(name: str) -> bool:
        return name in ("*", op) or op in classes.get(name, ())

    return [row for row in document()["rows"] if any(covers(name) for name in row["ops"])]


def _fits(row: dict[str, Any], end: End) -> bool:
    body = {"error_document": end.error_document, "no_etag": not end.has_etag, "incomplete": not end.body_complete}
    return (
        ("phase" not in row or end.phase in _values(row["phase"]))
        and ("status" not in row or any(_status_fits(asked, end.status) for asked in _values(row["status"])))
        and ("code" not in row or end.code in _values(row["code"]))
        and ("cond" not in row or end.cond in _values(row["cond"]))
        and ("body" not in row or all(body[state] for state in _values(row["body"])))
    )


def outcome_of(end: End) -> tuple[str, str]:
    """The outcome (`ok`, `failed`, `unknown`) and the evidence of the first row that fits.

    >>> outcome_of(End("put", cond="if_match", status=412, code="PreconditionFailed"))
    ('failed', 'not_match')
    """
    row = _first(end)
    return row["outcome"], row["evidence"]


def _first(end: End) -> dict[str, Any]:
    return next(row for row in _rows(end.op) if _fits(row, end))


def is_mutation(op: str) -> bool:
    """Whether the operation changes objects: an unknown end of it ends the `repeat until` around it.

    >>> [is_mutation(op) for op in ("put", "delete_objects", "delete_bucket", "list")]
    [True, True, False, False]
    """
    return op in document()["classes"]["mutation"]
