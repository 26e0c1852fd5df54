"""What an answer adds to the record of its attempt and to the plan's names, operation by operation."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from s3prod import body as bodies
from s3prod import checksums, ids
from s3prod.body_verify import verify
from s3prod.outcomes import End, outcome_of
from s3prod.runners import boto3_pages
from s3prod.runners.boto3_calls import CHECKSUM_MEMBERS, META, PAGES, list_query
from s3prod.runners.boto3_request import Part, Request, Upload

if TYPE_CHECKING:
    from s3prod.runners.book import Book
    from s3prod.runners.boto3_record import Attempt

Record = dict[str, Any]
_IN_THE_BODY = {"copy": "CopyObjectResult", "upload_part_copy": "CopyPartResult"}


def etag_of(op: str, attempt: Attempt) -> str:
    """The ETag of an answer: in its head, else in its document; one document has it without quotes."""
    tag = attempt.headers.get("etag") or _document(op, attempt).get("ETag") or ""
    return tag if not tag or tag.startswith('"') or op != "get_attributes" else f'"{tag}"'


def _document(op: str, attempt: Attempt) -> Mapping[str, Any]:
    """What the answer's document says of the object: boto3 has it with the heads, or one level down."""
    parsed = attempt.parsed
    return (
        {**parsed, **parsed.get("Checksum", {})}
        if op == "get_attributes"
        else parsed.get(_IN_THE_BODY.get(op, ""), parsed)
    )


def read(book: Book, request: Request, attempt: Attempt, record: Record) -> tuple[dict[str, Any], list[Record]]:
    """Completes the record; gives the fields that an `as` binds, and the records of a batch's children."""
    fields: dict[str, Any] = {"now_ms": time.time_ns() // 1_000_000}
    if request.key is not None:
        fields |= {"key": request.key, "etag": etag_of(request.op, attempt)}
        fields["version"] = attempt.headers.get("x-amz-version-id", "")
    _read_asked(request, record)
    _read_carried(request, record)
    reader = _READERS.get(request.op)
    if reader is not None:
        reader(book, request, attempt, record, fields)
    _read_checksum(request, attempt, record)
    if attempt.headers.get("x-amz-delete-marker") == "true":
        _flag(record, "delete_marker")
    return fields, _children(book, request, attempt, record) if request.op == "delete_objects" else []


def _flag(record: Record, name: str) -> None:
    record["flags"] = [*record.get("flags", ()), name]


def _read_carried(request: Request, record: Record) -> None:
    """Whether the object that the request makes gets a tag set."""
    if request.tags and request.op in ("put", "copy", "create_upload"):
        _flag(record, "tagged")


def _read_asked(request: Request, record: Record) -> None:
    """What the request named."""
    asked: Record = {
        "version_asked": request.version,
        "upload_id": "" if request.upload is None else request.upload.id,
        "part_number": request.part,
        "source_key": _source(request),
        "list_args": list_query(request) if request.op in PAGES else _carried(request),
    }
    record |= {name: value for name, value in asked.items() if value}
    if request.ranged:
        last = request.range_last
        record |= {
            "range_first": request.range_first,
            "range_len": -1 if last is None else last - request.range_first + 1,
        }


def _source(request: Request) -> str:
    if request.source is None:
        return ""
    version = f"?versionId={request.source_version}" if request.source_version else ""
    return f"{request.source.bucket}/{request.source.text}{version}"


def _carried(request: Request) -> str:
    """How many fields of metadata, and the condition on the source of a copy."""
    fields = [f"fields={request.fields}"] if request.fields else []
    condition = f"{request.source_cond.replace('_', '-')}={request.source_cond_value}"
    return "&".join([*fields, condition] if request.source_cond else fields)


def _read_checksum(request: Request, attempt: Attempt, record: Record) -> None:
    """A checksum of the answer, from its head or its document; of a whole read it must be that of the bytes."""
    document = _document(request.op, attempt)
    told = {name.lower().removeprefix("checksum"): value for name, value in document.items()}
    told |= {name.lower().removeprefix(checksums.HEADER): value for name, value in attempt.headers.items()}
    found = [f"{name}={told[name]}" for name in checksums.ALGORITHMS if told.get(name)]
    if found:
        record["checksum"] = found[0]
    composite = told.get("type") == "COMPOSITE"
    whole = request.op == "get" and attempt.status == 200 and record.get("body_verdict", "corrupt") != "corrupt"
    if found and whole and not composite and not checksums.agrees(found[0], attempt.data):
        record["body_verdict"] = "corrupt"
        record.pop("bad_offset", None)


# --- objects -----------------------------------------------------------------------------------------------------------


def _put(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    value_id = attempt.value_id.hex()
    record |= {"size": request.size, "body_kind": request.body_kind, "body_id": value_id, "meta_id": value_id}
    fields |= {"size": request.size, "id": value_id}
    if request.body_kind == "counter":
        record["counter"] = fields["counter"] = request.counter


def _copy(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    if request.replace:
        record["meta_id"] = attempt.value_id.hex()
    if request.tags is not None:
        record |= {"body_kind": "tags", "size": request.tags}
    if request.tags:
        record["body_id"] = attempt.value_id.hex()


def _object(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    assert request.key is not None
    if attempt.status not in (200, 206):
        return
    length_text = attempt.headers.get("content-length", "")  # of a head that was cut it may be anything
    announced = int(length_text) if length_text.isascii() and length_text.isdigit() else -1
    total = _length_in_range(attempt.headers.get("content-range", ""))
    whole = attempt.status == 200
    start = 0 if whole else request.range_first  # not where the answer says that it begins
    if total is None and whole and announced >= 0:
        total = announced
    size = total if total is not None else announced if announced >= 0 else len(attempt.data)
    if request.part:  # a part is a body of its own
        whole, start, total = True, 0, announced if announced >= 0 else None
    record["size"] = fields["size"] = size
    meta_id = ids.parse(attempt.headers.get(f"x-amz-meta-{META}", "")) or ids.NO_ID
    whole_id = _read_metadata(attempt, meta_id, record)
    if whole_id != ids.NO_ID:
        record["meta_id"] = whole_id.hex()
    _modified(attempt, record)
    if request.op == "head":
        return
    record["bytes_in"] = len(attempt.data)
    if attempt.error is not None or request.key in book.constant:
        return
    found = verify(
        attempt.data,
        key_hash=bodies.key_hash(request.bucket, request.key.text),
        whole=whole,
        range_start=start,
        expect_len=announced if announced >= 0 else None,
        total_len=total,
        meta_id=meta_id,
    )
    record["body_verdict"] = found.verdict
    fields["id"] = found.id.hex()
    for name, value_id in (("body_id", found.id), ("body_id2", found.id2)):
        if value_id != ids.NO_ID:
            record[name] = value_id.hex()
    if found.bad_offset:
        record["bad_offset"] = found.bad_offset
    if found.counter is not None:
        record["counter"] = fields["counter"] = found.counter


def _read_metadata(attempt: Attempt, meta_id: bytes, record: Record) -> bytes:
    """The id of the metadata: of several fields none unless they are one whole set."""
    given = {name.lower().removeprefix("x-amz-meta-"): value for name, value in attempt.headers.items()}
    fields = {name: value for name, value in given.items() if name.startswith("s3p-")}
    if not fields or (len(fields) == 1 and meta_id != ids.NO_ID):
        return meta_id
    verdict, value_id = ids.tags_found(fields)
    record["list_args"] = f"fields={len(fields)}" if verdict == "clean" else "fields=torn"
    return value_id if verdict == "clean" else ids.NO_ID


def _modified(attempt: Attempt, record: Record) -> None:
    modified = attempt.parsed.get("LastModified")
    if modified is not None:
        record["last_modified"] = int(modified.timestamp())


def _length_in_range(text: str) -> int | None:
    """The total length that a Content-Range tells.

    >>> _length_in_range("bytes 0-63/1024")
    1024
    """
    total = text.partition("/")[2]
    return int(total) if total.isdigit() else None


def _attributes(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    _modified(attempt, record)
    size = attempt.parsed.get("ObjectSize")
    if size is not None:
        record["size"] = fields["size"] = size


# --- uploads -----------------------------------------------------------------------------------------------------------


def _create_upload(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    record["meta_id"] = attempt.value_id.hex()
    upload_id = attempt.parsed.get("UploadId", "")
    if upload_id and request.key is not None:
        record["upload_id"] = upload_id
        fields["upload"] = Upload(upload_id, request.key, attempt.value_id)


def _part(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    record |= {"size": request.size, "body_kind": request.body_kind, "body_id": attempt.value_id.hex()}
    sums = {CHECKSUM_MEMBERS[request.checksum]: request.checksum_value} if request.checksum else {}
    fields["size"] = request.size
    fields["part"] = Part(request.part, fields["etag"], attempt.value_id, request.size, sums)


def _part_copy(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    document = _document(request.op, attempt)
    sums = {name: document[name] for name in CHECKSUM_MEMBERS.values() if name in document}
    fields["part"] = Part(request.part, fields["etag"], checksums=sums)


def _complete(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    assert request.upload is not None
    value_id = ids.composite([part.id for part in request.parts])
    for name, given in (("body_id", value_id), ("meta_id", request.upload.meta_id)):
        if given != ids.NO_ID:
            record[name] = given.hex()
    record["size"] = fields["size"] = sum(part.size for part in request.parts)
    if request.parts:
        record["entries"] = [{"key_index": part.number, "size": part.size, "etag": part.etag} for part in request.parts]


# --- tags, pages, batches ----------------------------------------------------------------------------------------------


def _put_tags(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    record |= {"body_kind": "tags", "size": request.tags or 0}
    if request.tags:
        record["body_id"] = attempt.value_id.hex()


def _put_versioning(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    record["list_args"] = f"status={request.status}"


def _put_rules(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    rules = json.dumps(request.rules, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    record["list_args"] = f"rules={rules}"


def _get_tags(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    record["body_kind"] = "tags"
    if attempt.status != 200 or attempt.document_code is not None:
        return
    tags = {item.get("Key", ""): item.get("Value", "") for item in attempt.parsed.get("TagSet", ())}
    verdict, value_id = ids.tags_found(tags)
    record |= {"size": len(tags), "body_verdict": verdict}
    fields["size"] = len(tags)
    if value_id != ids.NO_ID:
        record["body_id"] = value_id.hex()


def _listing(book: Book, request: Request, attempt: Attempt, record: Record, fields: dict[str, Any]) -> None:
    if attempt.status == 200 and attempt.document_code is None:
        boto3_pages.read(book.keys, request, attempt.parsed, attempt.document, record, fields)


def _give_versions(attempt: Attempt, request: Request) -> None:
    """A store may leave out the versions that it was asked for. Where it does not matter which result of a key is whose, as
    they are as many as its names and say the same, they are given back.
    """
    versions: dict[str, list[str]] = defaultdict(list)
    for one in request.objects:
        versions[one.key].append(one.version)
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind in ("Deleted", "Errors"):
        for item in attempt.parsed.get(kind, ()):
            results[item.get("Key", "")].append(item)
    for key, items in results.items():
        untold = not any(item.get("VersionId") for item in items) and all(versions[key])
        if untold and len(items) == len(versions[key]) and len({item.get("Code", "") for item in items}) == 1:
            for item, version in zip(items, versions[key], strict=True):
                item["VersionId"] = version


def _results(attempt: Attempt, kind: str, request: Request) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """The results of a DeleteObjects by name, which may be there twice; a store may tell the version that it removed
    unasked.
    """
    asked = {(one.key, one.version) for one in request.objects}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for item in attempt.parsed.get(kind, ()):
        name = (item.get("Key", ""), item.get("VersionId", ""))
        found[name if name in asked else (name[0], "")].append(item)
    return found


def _surplus(book: Book, request: Request, attempt: Attempt) -> list[Record]:
    """Results that the request did not call for: of keys that it does not name, a second one, a deleted key when quiet."""
    left = [(one.key, one.version) for one in request.objects]
    surplus: list[Record] = []
    for kind, flag in (("Deleted", "deleted"), ("Errors", "error")):
        for item in attempt.parsed.get(kind, ()):
            key, version = item.get("Key", ""), item.get("VersionId", "")
            name = next((name for name in ((key, version), (key, "")) if name in left), None)
            if name is not None:
                left.remove(name)
            if name is None or (request.quiet and kind == "Deleted"):
                entry: Record = {"key": key, "flags": [flag]}
                surplus.append(entry | ({"version_id": version} if version else {}))
    return surplus


def _children(book: Book, request: Request, attempt: Attempt, record: Record) -> list[Record]:
    """A record for each key of a DeleteObjects, with what the answer said of it."""
    _give_versions(attempt, request)
    deleted = _results(attempt, "Deleted", request)
    errors = _results(attempt, "Errors", request)
    if surplus := _surplus(book, request, attempt):
        record["entries"] = surplus
    left_out = ("op", "outcome", "evidence", "code_text", "request_id", "checksum", "parent", "entries")
    shared = {name: value for name, value in record.items() if name not in left_out} | {"op": "delete_child"}
    children: list[Record] = []
    for number, one in enumerate(request.objects, 1):
        child = shared | {"parent": number, "outcome": record["outcome"], "evidence": record["evidence"]}
        key = book.keys.find(request.bucket, one.key)
        if key is not None:
            child |= {"space": key.space, "key_index": key.index}
        if one.version:
            child["version_asked"] = one.version
        if one.etag:
            child |= {"cond": "if_match", "expect_etag": one.etag}
        name = (one.key, one.version)
        done = deleted[name].pop(0) if deleted[name] else None
        failed = errors[name].pop(0) if done is None and errors[name] else None
        code = "" if failed is None else failed.get("Code", "")
        if done is not None and done.get("DeleteMarker"):
            _flag(child, "delete_marker")
        if done is not None and done.get("DeleteMarkerVersionId"):
            child["version_id"] = done["DeleteMarkerVersionId"]
        if record["outcome"] == "ok":
            told = done is not None or failed is not None or request.quiet
            end = End("delete_child", child.get("cond", ""), status=200, code=code, body_complete=told)
            child["outcome"], child["evidence"] = outcome_of(end)
            child |= {"code_text": code} if code else {}
        children.append(child)
    return children


_READERS: dict[str, Callable[[Book, Request, Attempt, Record, dict[str, Any]], None]] = {
    "put": _put,
    "get": _object,
    "head": _object,
    "copy": _copy,
    "get_attributes": _attributes,
    "create_upload": _create_upload,
    "upload_part": _part,
    "upload_part_copy": _part_copy,
    "complete_upload": _complete,
    "put_tags": _put_tags,
    "put_versioning": _put_versioning,
    **dict.fromkeys(("put_lifecycle", "put_replication"), _put_rules),
    "get_tags": _get_tags,
    **dict.fromkeys(PAGES, _listing),
}
