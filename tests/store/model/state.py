"""What a store holds, as dictionaries: buckets, versions, uploads. And the rules that many requests share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from model import sums
from model.protocol import Name, Refusal, Request, Text

NULL = "null"
OLD, NEW = "Wed, 01 Jan 2020 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"  # all objects lie between
SYSTEM = ("content-type", "cache-control")


@dataclass
class Piece:
    """A part: of an upload, or of what it became."""

    number: int
    body: bytes

    @property
    def etag(self) -> str:
        return sums.etag(self.body)


@dataclass
class Version:
    """An object or a delete marker."""

    seq: int
    body: bytes = b""
    etag: str = ""
    algorithm: str = ""
    checksum: str = ""
    kind: str = "FULL_OBJECT"
    meta: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    parts: list[Piece] = field(default_factory=list)
    declared: bool = False  # the upload named a checksum algorithm
    marker: bool = False
    id: Text = NULL

    def checksum_headers(self) -> dict[str, Text]:
        return {f"x-amz-checksum-{self.algorithm.lower()}": self.checksum, "x-amz-checksum-type": self.kind}

    def checksum_elements(self) -> dict[str, str]:
        return {f"Checksum{self.algorithm}": self.checksum, "ChecksumType": self.kind}


@dataclass
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    seq: int
    bucket: str
    key: str
    id: Name
    algorithm: str
    kind: str
    declared: bool
    meta: dict[str, str]
    tags: dict[str, str]
    parts: dict[int, Piece] = field(default_factory=dict)


@dataclass
class Bucket:
    """`keys`: versions, newest first; a key without any is not there. `history`: every id that a key ever had.

    `finished`: of completed uploads the key, the parts that were named, and what they became.
    """

    status: str = ""  # as GetBucketVersioning gives it: "", Enabled, Suspended
    keys: dict[str, list[Version]] = field(default_factory=dict)
    uploads: dict[Text, Upload] = field(default_factory=dict)
    finished: dict[Text, tuple[str, list[tuple[int, str]], Version]] = field(default_factory=dict)
    places: dict[Text, int] = field(default_factory=dict)
    history: dict[str, list[Text]] = field(default_factory=dict)

    def current(self, key: str) -> Version | None:
        """The object that a plain GET finds."""
        versions = self.keys.get(key)
        return None if not versions or versions[0].marker else versions[0]

    def find(self, key: str, wanted: Text | None) -> Version:
        """The version that a read names, or its refusal."""
        versions = self.keys.get(key, [])
        if wanted is None:
            if not versions:
                raise Refusal(404, "NoSuchKey")
            if versions[0].marker:
                raise Refusal(404, "NoSuchKey", {"x-amz-delete-marker": "true", "x-amz-version-id": versions[0].id})
            return versions[0]
        for version in versions:
            if version.id == wanted:
                if version.marker:
                    headers: dict[str, Text] = {"x-amz-delete-marker": "true", "x-amz-version-id": version.id}
                    raise Refusal(405, "MethodNotAllowed", headers | {"allow": "DELETE"})
                return version
        raise Refusal(404, "NoSuchVersion")

    def id_header(self, version: Version) -> dict[str, Text]:
        return {"x-amz-version-id": version.id} if self.status else {}

    def add(self, key: str, version: Version) -> dict[str, Text]:
        """Makes it the current one; the header that names it."""
        versions = self.keys.setdefault(key, [])
        if self.status == "Enabled":
            version.id = Name("version id")
            self.places[version.id] = version.seq
            self.history.setdefault(key, []).append(version.id)
        else:
            versions[:] = [one for one in versions if one.id != NULL]
        versions.insert(0, version)
        return self.id_header(version)

    def remove(self, key: str, wanted: Text | None, seq: int) -> tuple[bool, Text | None]:
        """A DELETE: whether a marker was made or removed, and the id to tell."""
        if wanted is None:
            if self.status:
                marker = Version(seq, marker=True)
                self.add(key, marker)
                return True, marker.id
            self.keys.pop(key, None)
            return False, None
        versions = self.keys.get(key, [])
        gone = [one for one in versions if one.id == wanted]
        self.keys[key] = [one for one in versions if one.id != wanted]
        if not self.keys[key]:
            del self.keys[key]
        return any(one.marker for one in gone), wanted


def condition_of_write(headers: Mapping[str, Text], current: Version | None) -> None:
    """Refuses what If-Match and If-None-Match do not let through."""
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if none is not None and (none != "*" or match is not None):
        raise Refusal(501, "NotImplemented")
    if none is not None and current is not None:
        raise Refusal(412, "PreconditionFailed")
    if match is not None:
        if current is None:
            raise Refusal(404, "NoSuchKey")
        if match != "*" and not _strong(str(match), current.etag):
            raise Refusal(412, "PreconditionFailed")


def _strong(given: str, etag: str) -> bool:
    """Quoted or bare, never weak."""
    return given.strip('"') == etag.strip('"')


def _weak(given: str, etag: str) -> bool:
    return given == "*" or any(_strong(one.strip().removeprefix("W/"), etag) for one in given.split(","))


def read_condition(headers: Mapping[str, Text], version: Version, prefix: str = "") -> int:
    """200, or the status of a condition that does not hold: 304, 412."""
    given = {name: str(headers[prefix + name]) for name in CONDITIONS if prefix + name in headers}
    if "if-match" in given:
        values = [one.strip() for one in given["if-match"].split(",")]
        if given["if-match"] != "*" and not any(_strong(one, version.etag) for one in values):
            return 412
    elif given.get("if-unmodified-since") == OLD:
        return 412
    if "if-none-match" in given:
        return 304 if _weak(given["if-none-match"], version.etag) else 200
    return 304 if given.get("if-modified-since") == NEW else 200


CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def range_of(text: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte; None when the whole object is meant."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text or "")
    if not found or found[0] == "bytes=-":
        return None
    outside = Refusal(416, "InvalidRange", {"content-range": f"bytes */{size}"})
    if not found[1]:
        first, last = max(size - int(found[2]), 0), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= size:
        raise outside
    return first, last


def meta_of(headers: Mapping[str, Text]) -> dict[str, str]:
    """What of a request's headers stays with the object."""
    kept = {name: str(v) for name, v in headers.items() if name in SYSTEM or name.startswith("x-amz-meta-")}
    return {"content-type": "binary/octet-stream"} | kept


def tags_of(headers: Mapping[str, Text]) -> dict[str, str]:
    """x-amz-tagging; the rules send only plain words in it."""
    pairs = [pair.partition("=") for pair in str(headers.get("x-amz-tagging", "")).split("&") if pair]
    tags = {key: value for key, _, value in pairs}
    if len(tags) != len(pairs):
        raise Refusal(400, "InvalidTag")
    if len(tags) > 10:
        raise Refusal(400, "BadRequest")
    return tags


def checksum_sent(request: Request) -> tuple[str, str] | None:
    """Algorithm and value of the checksum header, which holds; None without one."""
    md5 = request.headers.get("content-md5")
    if md5 is not None and len(str(md5)) != 24:
        raise Refusal(400, "InvalidDigest")
    sent = [
        (one, str(request.headers[header])) for one in sums.ALGORITHMS if (header := _header(one)) in request.headers
    ]
    if len(sent) > 1 or any(len(value) != len(sums.checksum(one, b"")) for one, value in sent):
        raise Refusal(400, "InvalidRequest")
    if md5 not in (None, sums.md5(request.body)):
        raise Refusal(400, "BadDigest")
    if sent and sent[0][1] != sums.checksum(sent[0][0], request.body):
        raise Refusal(400, "BadDigest")
    return sent[0] if sent else None


def _header(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"
