"""Probes of multipart uploads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from s3prod.client import Answer
from s3prod.probe.conditions import Found, destination
from s3prod.probe.site import REFUSED, Site, Untold, is_ok, text, texts

MIB = 1 << 20
SIZES = (1, 64, 1024, 65_536, MIB, 5 * MIB, 16 * MIB)  # of parts that are tried, ascending
ROUNDS = 10
_PATIENCE_S, _POLL_S = 3.0, 0.02


class Upload:
    """One upload of a key, and the ETags of its parts."""

    def __init__(self, site: Site, key: str, bucket: str = "") -> None:
        self.site, self.key, self.bucket = site, key, bucket or site.plain
        begun = site.ask("POST", self.bucket, key, query={"uploads": ""}, quiet=True)
        self.id = text(begun, "UploadId")
        self.parts: dict[int, str] = {}
        if not is_ok(begun) or not self.id:
            raise Untold(f"CreateMultipartUpload was answered {begun.status} {begun.code}", failed=True)

    def part(self, number: int, body: bytes) -> None:
        query = {"partNumber": str(number), "uploadId": self.id}
        sent = self.site.ask("PUT", self.bucket, self.key, query=query, body=body, quiet=True)
        if not is_ok(sent):
            raise Untold(f"UploadPart was answered {sent.status} {sent.code}", failed=True)
        self.parts[number] = sent.headers.get("etag", "")

    def complete(self, headers: Mapping[str, str] | None = None, *, quiet: bool = False) -> Answer:
        named = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag.replace(chr(34), '&quot;')}</ETag></Part>"
            for number, etag in self.parts.items()
        )
        document = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
        answer = self.site.ask("POST", self.bucket, self.key, {"uploadId": self.id}, headers, document, quiet=True)
        if not quiet:
            given = "".join(f" {name}: {value}" for name, value in (headers or {}).items())
            code = text(answer, "Code")
            self.site.note(f"CompleteMultipartUpload {self.key}{given} → {answer.status}{' ' if code else ''}{code}")
        return answer

    def abort(self) -> None:
        self.site.ask("DELETE", self.bucket, self.key, {"uploadId": self.id}, quiet=True)


def _one_part(site: Site, key: str, body: bytes, bucket: str = "") -> Upload:
    upload = Upload(site, key, bucket)
    upload.part(1, body)
    return upload


def conditions(site: Site) -> Found:
    """Conditions of a CompleteMultipartUpload."""

    def write(key: str, headers: Mapping[str, str]) -> Answer:
        upload = _one_part(site, key, b"new")
        answer = upload.complete(headers)
        if not is_ok(answer):
            upload.abort()
        return answer

    return {"cond_complete": destination(site, "cc", write)}


def twice(site: Site) -> Found:
    """A second Complete of an upload."""
    upload = _one_part(site, "twice", b"whole")
    if not is_ok(upload.complete()):
        raise Untold("a plain CompleteMultipartUpload was refused")
    again = upload.complete()
    if is_ok(again):
        return {"mpu_complete_twice": "ok"}
    told = again.status == 404
    return {"mpu_complete_twice": 404 if told else Untold(f"answered {again.status}: neither 200 nor 404")}


def order(site: Site) -> Found:
    """Two uploads of one key: begun one after the other, completed the other way round."""
    found = set()
    for bucket in [site.plain] + ([site.versioned] if site.keeps_versions else []):
        early, late = (_one_part(site, "order", body, bucket) for body in (b"begun first", b"begun last"))
        if not is_ok(late.complete(quiet=True)) or not is_ok(early.complete(quiet=True)):
            raise Untold("a plain CompleteMultipartUpload was refused")
        shown = site.ask("GET", bucket, "order", quiet=True).body
        site.note(f"{site.named[bucket]}: of the upload completed last and the one initiated last, current is "
                  f"{'the former' if shown == b'begun first' else 'the latter'}")  # fmt: skip
        found.add("completed" if shown == b"begun first" else "initiated")
    return {"mpu_order": found.pop() if len(found) == 1 else "either"}


def until(seen: Callable[[], bool]) -> float | None:
    """How long it took until that was seen, 0 when at once, None when not in three seconds."""
    began = time.monotonic()
    first = True
    while not seen():
        first = False
        if time.monotonic() - began > _PATIENCE_S:
            return None
        time.sleep(_POLL_S)
    return 0.0 if first else time.monotonic() - began


def enough(waits: list[float | None]) -> bool:
    """Whether these waits tell it already: one without end, or three seconds in all."""
    return None in waits or sum(wait for wait in waits if wait is not None) > _PATIENCE_S


def settling(site: Site, what: str, waits: list[float | None]) -> int | None:
    """The longest of these times in ms, None when one of them was too long for us; as evidence."""
    late = [wait for wait in waits if wait != 0]
    if not late:
        site.note(f"{what}: {len(waits)} of {len(waits)} at once")
        return 0
    if None in late:
        site.note(f"{what}: {late.count(None)} of {len(waits)} not within {_PATIENCE_S:g} s")
        return None
    worst = max(wait for wait in late if wait is not None)
    site.note(f"{what}: {len(late)} of {len(waits)} late, by up to {worst:.2f} s")
    return int(worst * 1000) + 1


def listing(site: Site) -> Found:
    """Whether uploads and parts are listed once they are acknowledged, and not once they are aborted."""
    waits: list[float | None] = []

    def uploads() -> list[str]:
        return texts(site.ask("GET", site.plain, query={"uploads": ""}, quiet=True), "UploadId")

    for number in range(ROUNDS):
        if enough(waits):
            break
        upload = _one_part(site, f"listed-{number}", b"part")
        query = {"uploadId": upload.id}
        waits.append(until(lambda upload=upload: upload.id in uploads()))  # type: ignore[misc]
        waits.append(until(lambda upload=upload, query=query: "1" in texts(  # type: ignore[misc]
            site.ask("GET", site.plain, upload.key, query, quiet=True), "PartNumber")))  # fmt: skip
        upload.abort()
        waits.append(until(lambda upload=upload: upload.id not in uploads()))  # type: ignore[misc]
    lag_ms = settling(site, "ListMultipartUploads and ListParts after Create, UploadPart, Abort", waits)
    if lag_ms is None:
        return {"mpu_listing": "settles", "mpu_listing_lag_ms": 0}
    return {"mpu_listing": "settles" if lag_ms else "strong", "mpu_listing_lag_ms": lag_ms}


def smallest_part(site: Site) -> Found:
    """The smallest part that is not the last one, of some sizes that stores have."""
    upload = Upload(site, "small")

    def taken(size: int) -> bool:
        upload.part(1, bytes(size))
        upload.part(2, b"x")
        answer = upload.complete(quiet=True)
        code = text(answer, "Code")
        site.note(f"CompleteMultipartUpload, first part of {size} bytes → {answer.status}{' ' if code else ''}{code}")
        if is_ok(answer):
            return True
        if answer.status not in REFUSED or code != "EntityTooSmall":
            raise Untold(f"a part of {size} bytes was answered {answer.status} {code}")
        return False

    try:
        found = next((size for size in SIZES if taken(size)), None)
        if found is None:
            raise Untold(f"more than {SIZES[-1]} bytes")
        if found > 1:
            upload = Upload(site, "small")
            if taken(found - 1):
                site.note(f"somewhere below {found}: the next smaller size that was tried was refused")
        return {"min_part_bytes": found}
    finally:
        upload.abort()
