"""The model's five listings, by one rule: what lies after a position, with keys rolled up at the delimiter, cut off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from model.protocol import Answer, Document, Name, Refusal, Request, Text
from model.state import NULL, Bucket, Upload, Version


class Entry(NamedTuple):
    """A line of a listing: entries of one key stand by `place`."""

    key: str
    place: int
    tag: str
    shown: Document


class Position(NamedTuple):
    """After all of `key`, or only after what stands at `place` of it."""

    key: str = ""
    place: int | None = None


class Token(Name):
    """A continuation token, with the position that it stands for."""

    __slots__ = ("position",)

    def __init__(self, position: Position) -> None:
        super().__init__("token")
        self.position = position


def _text(request: Request, name: str) -> str:
    return str(request.query.get(name, ""))


def _limit(request: Request, name: str) -> int:
    text = str(request.query.get(name, "1000"))
    if not text.isdecimal():
        raise Refusal(400, "InvalidArgument")
    return min(int(text), 1000)


def rolled(entries: Iterable[Entry], prefix: str, delimiter: str, after: Position) -> list[Entry]:
    """All that the listing shows from there on, in its order."""
    shown: list[Entry] = []
    for entry in sorted(entries, key=lambda one: (one.key.encode(), one.place)):
        if not entry.key.startswith(prefix):
            continue
        at = entry.key.find(delimiter, len(prefix)) if delimiter else -1
        name = entry.key if at < 0 else entry.key[: at + len(delimiter)]
        if at >= 0:
            if name.encode() > after.key.encode() and not (shown and shown[-1].key == name and not shown[-1].tag):
                shown.append(Entry(name, 0, "", {"Prefix": name}))
        elif name.encode() > after.key.encode() or (
            name == after.key and after.place is not None and entry.place > after.place
        ):
            shown.append(entry)
    return shown


def _page(request: Request, limit: int, whole: list[Entry]) -> tuple[Document, Entry | None]:
    """The elements that all listings have, and the last entry when there are more."""
    shown = whole[:limit]
    cut = limit > 0 and len(whole) > limit
    document: Document = {"Prefix": _text(request, "prefix"), "IsTruncated": "true" if cut else "false"}
    for name, tag in (("delimiter", "Delimiter"), ("encoding-type", "EncodingType")):
        if _text(request, name):
            document[tag] = _text(request, name)
    entries = [(one.tag, one.shown) for one in shown if one.tag]
    common = [("CommonPrefixes", one.shown) for one in shown if not one.tag]
    document |= ({"": entries} if entries else {}) | ({"CommonPrefixes": common} if common else {})
    return document, shown[-1] if cut else None


def _facts(version: Version) -> Document:
    """What every listing says of an object."""
    return {
        "ETag": version.etag,
        "Size": str(len(version.body)),
        "LastModified": "there",
        "StorageClass": "STANDARD",
        "ChecksumAlgorithm": version.algorithm,
        "ChecksumType": version.kind,
    }


def _objects(bucket: Bucket, owner: bool) -> list[Entry]:
    who = {"Owner": "there"} if owner else {}
    return [
        Entry(key, 0, "Contents", {"Key": key} | _facts(current) | who)
        for key in bucket.keys
        if (current := bucket.current(key)) is not None
    ]


def objects_v1(request: Request, bucket: Bucket) -> Answer:
    limit, marker = _limit(request, "max-keys"), _text(request, "marker")
    prefix, delimiter = _text(request, "prefix"), _text(request, "delimiter")
    document, last = _page(request, limit, rolled(_objects(bucket, True), prefix, delimiter, Position(marker)))
    document |= {"Name": request.bucket, "Marker": marker, "MaxKeys": str(limit)}
    if last is not None and delimiter:
        document["NextMarker"] = last.key
    return Answer(200, document=document)


def objects_v2(request: Request, bucket: Bucket) -> Answer:
    limit, token = _limit(request, "max-keys"), request.query.get("continuation-token")
    after = token.position if isinstance(token, Token) else Position(_text(request, "start-after"))
    entries = _objects(bucket, request.query.get("fetch-owner") == "true")
    whole = rolled(entries, _text(request, "prefix"), _text(request, "delimiter"), after)
    document, last = _page(request, limit, whole)
    document |= {"Name": request.bucket, "MaxKeys": str(limit), "KeyCount": str(len(whole[:limit]))}
    if token is not None:
        document["ContinuationToken"] = token
    if "start-after" in request.query:
        document["StartAfter"] = _text(request, "start-after")
    if last is not None:
        document["NextContinuationToken"] = Token(Position(last.key))
    return Answer(200, document=document)


def versions(request: Request, bucket: Bucket) -> Answer:
    limit, key = _limit(request, "max-keys"), _text(request, "key-marker")
    marker: Text | None = request.query.get("version-id-marker")
    place = None
    if marker is not None:
        if not key:
            raise Refusal(400, "InvalidArgument")
        place = _place(bucket, key, marker)
    entries = [
        Entry(key, -one.seq, "DeleteMarker" if one.marker else "Version", _version(key, one, at == 0))
        for key, of_key in bucket.keys.items()
        for at, one in enumerate(of_key)
    ]
    whole = rolled(entries, _text(request, "prefix"), _text(request, "delimiter"), Position(key, place))
    document, last = _page(request, limit, whole)
    document |= {"Name": request.bucket, "KeyMarker": key, "MaxKeys": str(limit)}
    document["VersionIdMarker"] = "" if marker is None else marker
    if last is not None:
        document["NextKeyMarker"] = last.key
        if last.tag:
            named = last.shown["VersionId"]  # "null" may be another version by the time of the next page
            document["NextVersionIdMarker"] = Token(Position(last.key, last.place)) if named == NULL else named
    return Answer(200, document=document)


def _place(bucket: Bucket, key: str, marker: Text) -> int | None:
    if isinstance(marker, Token):
        return marker.position.place
    nulls = [one.seq for one in bucket.keys.get(key, []) if one.id == NULL]
    return -(nulls[0] if marker == NULL else bucket.places[marker])


def _version(key: str, version: Version, latest: bool) -> Document:
    facts = {"LastModified": "there"} if version.marker else _facts(version)
    named = {"Key": key, "VersionId": version.id, "IsLatest": "true" if latest else "false", "Owner": "there"}
    return named | facts


def uploads(request: Request, bucket: Bucket) -> Answer:
    limit, key = _limit(request, "max-uploads"), _text(request, "key-marker")
    marker = request.query.get("upload-id-marker") if key else None
    entries = [Entry(one.key, one.seq, "Upload", _upload(one)) for one in bucket.uploads.values()]
    after = Position(key, None if marker is None else bucket.places[marker])
    whole = rolled(entries, _text(request, "prefix"), _text(request, "delimiter"), after)
    document, last = _page(request, limit, whole)
    document |= {"Bucket": request.bucket, "KeyMarker": key, "MaxUploads": str(limit)}
    document["UploadIdMarker"] = "" if marker is None else marker
    if last is not None:
        document["NextKeyMarker"] = last.key
        if last.tag:
            document["NextUploadIdMarker"] = last.shown["UploadId"]
    return Answer(200, document=document)


def _upload(upload: Upload) -> Document:
    shown = {"Key": upload.key, "UploadId": upload.id, "Initiated": "there", "StorageClass": "STANDARD"}
    shown |= {"Owner": "there", "Initiator": "there"}
    if upload.declared:
        shown |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.kind}
    return shown
