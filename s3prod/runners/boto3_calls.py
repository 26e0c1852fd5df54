"""The S3 operations on boto3: how each is called, and what its answer adds to the record and to the plan's names."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from s3prod import body as bodies
from s3prod import ids
from s3prod.outcomes import End, outcome_of
from s3prod.runners.boto3_interp import Request

if TYPE_CHECKING:
    from s3prod.runners.boto3_record import Attempt, Book

META = "s3p-id"
_CONDITIONS = {
    "if_match": "IfMatch",
    "if_match_any": "IfMatch",
    "if_none_match": "IfNoneMatch",
    "if_none_match_any": "IfNoneMatch",
}
# Arguments of a page: (plan, boto3's V2, boto3's V1, query).
_LIST_ARGUMENTS = (
    ("prefix", "Prefix", "Prefix", "prefix"),
    ("delimiter", "Delimiter", "Delimiter", "delimiter"),
    ("max_keys", "MaxKeys", "MaxKeys", "max-keys"),
    ("start_after", "StartAfter", "Marker", "start-after"),
    ("token", "ContinuationToken", "Marker", "continuation-token"),
)


def build(
    api: Any, bucket: str, request: Request, payload: tuple[bytes, str], region: str
) -> Callable[[], Mapping[str, Any]]:
    """The call of a step, ready to be made."""
    arguments: dict[str, Any] = {"Bucket": bucket}
    if request.key is not None:
        arguments["Key"] = request.key.text
    if request.cond:
        arguments[_CONDITIONS[request.cond]] = request.cond_value
    if request.op == "put":
        arguments |= {"Body": payload[0], "Metadata": {META: payload[1]}}
    if request.ranged:
        last = "" if request.range_last is None else request.range_last
        arguments["Range"] = f"bytes={request.range_first}-{last}"
    if request.op == "delete_objects":
        arguments["Delete"] = {"Objects": [{"Key": key} for key in request.keys], "Quiet": False}
    if request.op in ("list", "list_v1"):
        column = 1 if request.op == "list" else 2
        for row in _LIST_ARGUMENTS:
            if row[0] in request.list_args:
                arguments[row[column]] = request.list_args[row[0]]
    if request.op == "create_bucket" and region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
    method: Callable[..., Mapping[str, Any]] = getattr(api, _METHODS[request.op])
    return lambda: method(**arguments)


_METHODS = {
    "put": "put_object",
    "get": "get_object",
    "head": "head_object",
    "delete": "delete_object",
    "delete_objects": "delete_objects",
    "list": "list_objects_v2",
    "list_v1": "list_objects",
    "create_bucket": "create_bucket",
    "head_bucket": "head_bucket",
    "delete_bucket": "delete_bucket",
}


def read(
    book: Book, request: Request, attempt: Attempt, record: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Completes the record; gives the fields that an `as` binds, and the records of a batch's children."""
    fields: dict[str, Any] = {"now_ms": time.time_ns() // 1_000_000}
    if request.key is not None:
        fields |= {"key": request.key, "etag": attempt.headers.get("etag", "")}
        fields["version"] = attempt.headers.get("x-amz-version-id", "")
    children: list[dict[str, Any]] = []
    if request.op == "put":
        _read_put(request, attempt, record, fields)
    elif request.op in ("get", "head"):
        _read_object(book, request, attempt, record, fields)
    elif request.op in ("list", "list_v1"):
        _read_page(book, request, attempt, record, fields)
    elif request.op == "delete_objects":
        children = _read_batch(book, request, attempt, record)
    if attempt.headers.get("x-amz-delete-marker") == "true":
        record["flags"] = [*record.get("flags", ()), "delete_marker"]
    return fields, children


def _read_put(request: Request, attempt: Attempt, record: dict[str, Any], fields: dict[str, Any]) -> None:
    value_id = attempt.value_id.hex()
    record |= {"size": request.size, "body_kind": request.body_kind, "body_id": value_id, "meta_id": value_id}
    fields["size"] = request.size
    if request.body_kind == "counter":
        record["counter"] = fields["counter"] = request.counter


def _read_object(
    book: Book, request: Request, attempt: Attempt, record: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert request.key is not None
    if request.ranged:
        to_end = request.range_last is None
        length = -1 if request.range_last is None else request.range_last - request.range_first + 1
        record |= {"range_first": request.range_first, "range_len": -1 if to_end else length}
    if attempt.status not in (200, 206):
        return
    length_text = attempt.headers.get("content-length", "")  # of a head that was cut it may be anything
    announced = int(length_text) if length_text.isascii() and length_text.isdigit() else -1
    start, total = _content_range(attempt.headers.get("content-range", ""))
    if total is None and attempt.status == 200 and announced >= 0:
        total = announced
    size = total if total is not None else announced if announced >= 0 else len(attempt.data)
    record["size"] = fields["size"] = size
    meta_id = ids.parse(attempt.headers.get(f"x-amz-meta-{META}", "")) or ids.NO_ID
    if meta_id != ids.NO_ID:
        record["meta_id"] = meta_id.hex()
    modified = attempt.parsed.get("LastModified")
    if modified is not None:
        record["last_modified"] = int(modified.timestamp())
    if request.op == "head":
        return
    record["bytes_in"] = len(attempt.data)
    if attempt.error is not None or request.key in book.constant:
        return
    found = bodies.verify(
        attempt.data,
        key_hash=bodies.key_hash(request.bucket, request.key.text),
        whole=attempt.status == 200,
        range_start=start,
        expect_len=announced if announced >= 0 else None,
        total_len=total,
        meta_id=meta_id,
    )
    record["body_verdict"] = found.verdict
    for name, value_id in (("body_id", found.id), ("body_id2", found.id2)):
        if value_id != ids.NO_ID:
            record[name] = value_id.hex()
    if found.bad_offset:
        record["bad_offset"] = found.bad_offset
    if found.counter is not None:
        record["counter"] = fields["counter"] = found.counter


def _content_range(text: str) -> tuple[int, int | None]:
    """First byte and total length of `bytes 0-63/1024`; 0 and None without one."""
    span, _, total = text.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return int(first) if first.isdigit() else 0, int(total) if total.isdigit() else None


def _read_page(book: Book, request: Request, attempt: Attempt, record: dict[str, Any], fields: dict[str, Any]) -> None:
    given = {row[3]: request.list_args[row[0]] for row in _LIST_ARGUMENTS if row[0] in request.list_args}
    if request.op == "list_v1":
        marker = given.pop("continuation-token", given.pop("start-after", ""))
        given |= {"marker": marker} if marker else {}
    given = {name: value for name, value in given.items() if value != ""}
    if given:
        record["list_args"] = urlencode(sorted(given.items()), quote_via=quote, safe="")
    page = attempt.parsed
    if attempt.status != 200 or attempt.document_code is not None:
        return
    contents = [_entry(item) for item in page.get("Contents", ())]
    prefixes = [{"key": item["Prefix"], "flags": ["prefix"]} for item in page.get("CommonPrefixes", ())]
    # boto3 parts the two kinds; each keeps its own order, so that what was out of order stays so
    entries = list(heapq.merge(contents, prefixes, key=lambda entry: entry["key"].encode("utf-8", "surrogateescape")))
    if entries:
        record["entries"] = entries
    truncated = bool(page.get("IsTruncated"))
    if truncated:
        record["flags"] = ["truncated"]
    last = entries[-1]["key"] if entries else ""
    token = page.get("NextContinuationToken", "") if request.op == "list" else page.get("NextMarker", last)
    fields |= {
        "token": token if truncated else "",
        "keys": [entry["key"] for entry in contents],
        "bucket": request.bucket,
    }


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    entry = {"key": item["Key"], "size": item.get("Size", 0), "etag": item.get("ETag", "")}
    if "LastModified" in item:
        entry["last_modified_ns"] = int(item["LastModified"].timestamp() * 1000) * 1_000_000
    return {name: value for name, value in entry.items() if value != ""}


def _read_batch(book: Book, request: Request, attempt: Attempt, record: dict[str, Any]) -> list[dict[str, Any]]:
    """A record for each key of a DeleteObjects, with what the answer said of it."""
    deleted = {item["Key"] for item in attempt.parsed.get("Deleted", ())}
    errors = {item["Key"]: item.get("Code", "") for item in attempt.parsed.get("Errors", ())}
    left_out = ("op", "outcome", "evidence", "code_text", "request_id", "parent")
    shared = {name: value for name, value in record.items() if name not in left_out} | {"op": "delete_child"}
    children: list[dict[str, Any]] = []
    for number, text in enumerate(request.keys, 1):
        child = shared | {"parent": number, "outcome": record["outcome"], "evidence": record["evidence"]}
        key = book.keys.find(request.bucket, text)
        if key is not None:
            child |= {"space": key.space, "key_index": key.index}
        if record["outcome"] == "ok":
            code = errors.get(text, "")
            end = End("delete_child", status=200, code=code, body_complete=text in deleted or text in errors)
            child["outcome"], child["evidence"] = outcome_of(end)
            child |= {"code_text": code} if code else {}
        children.append(child)
    return children
