"""Pages of listings: their entries as a record has them, and the fields that an `as` binds of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from s3prod.runners.boto3_calls import next_query
from s3prod.runners.boto3_keys import Key, KeySpaces
from s3prod.runners.boto3_request import Named, Request, Upload

Page = Mapping[str, Any]
Entry = dict[str, Any]
Kinds = dict[str, tuple[str, Callable[[Page], Entry]]]  # by element: boto3's member, and its entry
Token = Callable[[Page, list[Entry]], tuple[Any, ...]]


def read(keys: KeySpaces, request: Request, page: Page, document: bytes, record: Entry, fields: dict[str, Any]) -> None:
    """Completes the record of a page, and what an `as` binds of it. `document` is what `page` was parsed from."""
    kinds, token = _LISTINGS[request.op]
    entries = _in_order(kinds, page, document)
    if entries:
        record["entries"] = entries
    after: tuple[Any, ...] = ()
    if page.get("IsTruncated"):
        after = token(page, entries)
        record |= {"flags": ["truncated"], "list_next": next_query(request, after)}
    elif page.get("NextContinuationToken"):  # the last page should have none: recorded as it came
        record["list_next"] = next_query(request, token(page, entries))
    if "KeyCount" in page:
        record["counter"] = page["KeyCount"]
    fields |= {"token": after, "bucket": request.bucket}
    fields |= _named(keys, request, entries)


def _in_order(kinds: Kinds, page: Page, document: bytes) -> list[Entry]:
    """The entries as the store listed them: boto3 parts the kinds, the document has them in order."""
    left = {tag: iter(page.get(member) or ()) for tag, (member, _) in kinds.items()}
    tags = [match[1].decode() for match in _ELEMENT.finditer(document)]
    found = [(tag, next(left[tag], None)) for tag in tags if tag in left]
    return [kinds[tag][1](item) for tag, item in found if item is not None]


def _named(keys: KeySpaces, request: Request, entries: list[Entry]) -> dict[str, Any]:
    """The keys, versions or uploads of a page, for a step that takes them all."""
    single = [entry for entry in entries if "prefix" not in entry.get("flags", ())]
    if request.op == "list_parts":
        return {}
    if request.op == "list_uploads":
        uploads = []
        for entry in single:
            key = keys.find(request.bucket, entry["key"]) or Key.foreign(request.bucket, entry["key"])
            uploads.append(Upload(entry["version_id"], key))
        begun = (entry.get("last_modified_ns", 0) // 1_000_000 for entry in single)
        return {"uploads": uploads, "initiated_ms": max(begun, default=0)}
    objects = [Named(entry["key"], entry.get("version_id", ""), entry.get("etag", "")) for entry in single]
    return {"versions" if request.op == "list_versions" else "keys": objects}


# --- entries -----------------------------------------------------------------------------------------------------------


def _entry(item: Page, *flags: str, **fields: Any) -> Entry:
    entry = {"key": item["Key"], "etag": item.get("ETag", ""), "version_id": item.get("VersionId", "")}
    entry = entry | {"size": item.get("Size", 0)} | fields
    entry["last_modified_ns"] = _nanoseconds(item.get("LastModified"))
    entry["flags"] = [*flags, *(["latest"] if item.get("IsLatest") else [])]
    return {name: value for name, value in entry.items() if value not in ("", [], None)}


def _nanoseconds(when: Any) -> int | None:
    return None if when is None else int(when.timestamp() * 1000) * 1_000_000


def _marker(item: Page) -> Entry:
    return _entry(item, "marker")


def _prefix(item: Page) -> Entry:
    return {"key": item["Prefix"], "flags": ["prefix"]}


def _upload(item: Page) -> Entry:
    entry = {"key": item["Key"], "version_id": item["UploadId"]}
    begun = _nanoseconds(item.get("Initiated"))
    return entry if begun is None else entry | {"last_modified_ns": begun}


def _part(item: Page) -> Entry:
    entry = {"key_index": item["PartNumber"], "size": item.get("Size", 0), "etag": item.get("ETag", "")}
    changed = _nanoseconds(item.get("LastModified"))
    return entry if changed is None else entry | {"last_modified_ns": changed}


def _next(*names: str) -> Token:
    """The token of a page is what it says under these names."""
    return lambda page, entries: tuple(page.get(name, "") for name in names)


def _next_marker(page: Page, entries: list[Entry]) -> tuple[Any, ...]:
    return (page.get("NextMarker", entries[-1]["key"] if entries else ""),)


_PREFIXES: Kinds = {"CommonPrefixes": ("CommonPrefixes", _prefix)}
_OBJECTS: Kinds = {"Contents": ("Contents", _entry)} | _PREFIXES
_VERSIONS: Kinds = {"Version": ("Versions", _entry), "DeleteMarker": ("DeleteMarkers", _marker)} | _PREFIXES
_UPLOADS: Kinds = {"Upload": ("Uploads", _upload)} | _PREFIXES
_LISTINGS: dict[str, tuple[Kinds, Token]] = {
    "list": (_OBJECTS, _next("NextContinuationToken")),
    "list_v1": (_OBJECTS, _next_marker),
    "list_versions": (_VERSIONS, _next("NextKeyMarker", "NextVersionIdMarker")),
    "list_uploads": (_UPLOADS, _next("NextKeyMarker", "NextUploadIdMarker")),
    "list_parts": ({"Part": ("Parts", _part)}, _next("NextPartNumberMarker")),
}
_ELEMENT = re.compile(rb"<(Contents|CommonPrefixes|Version|DeleteMarker|Upload|Part)[\s/>]")
