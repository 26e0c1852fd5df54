"""Probes of objects and their listing."""

from __future__ import annotations

import hashlib
import time

from s3prod.probe.conditions import Found
from s3prod.probe.site import Site, Untold, is_ok, texts
from s3prod.probe.uploads import enough, settling, until

ROUNDS = 20
# In the order of their bytes. Upper case before lower, and what UTF-16 would sort the other way round.
ORDERED = ("ko/", "ko/A", "ko/a", "ko/a-", "ko/a/", "ko/a0", "ko/é", "ko/\uff5e", "ko/\U0001f600")


def listed(site: Site, prefix: str, bucket: str = "") -> list[str]:
    """The keys that a listing shows."""
    query = {"list-type": "2", "prefix": prefix}
    return texts(site.ask("GET", bucket or site.plain, query=query, quiet=True), "Key")


def etag(site: Site) -> Found:
    """The ETag of a plain PUT."""
    body = b"of these bytes"
    found = site.put(site.plain, "etag", body, quiet=False).headers.get("etag", "").strip('"')
    digest = hashlib.md5(body).hexdigest()
    site.note(f"ETag {found}, MD5 {digest}")
    return {"etag_is_md5": found == digest}


def listing(site: Site) -> Found:
    """Whether objects are listed once they are acknowledged, and not once they are deleted."""
    waits: list[float | None] = []
    for number in range(ROUNDS):
        if enough(waits):
            break
        key = f"listed/{number}"
        site.put(site.plain, key)
        waits.append(until(lambda key=key: key in listed(site, key)))  # type: ignore[misc]
        site.ask("DELETE", site.plain, key, quiet=True)
        waits.append(until(lambda key=key: key not in listed(site, key)))  # type: ignore[misc]
    lag_ms = settling(site, "ListObjectsV2 after PUT and DELETE", waits)
    return {"list": "strong" if lag_ms == 0 else "eventual", "list_lag_ms": lag_ms or 0}


def key_order(site: Site) -> Found:
    """The order of keys that several rules sort differently."""
    for key in reversed(ORDERED):
        site.put(site.plain, key, b"")
    found = listed(site, "ko/")
    site.note(f"ListObjectsV2 → {' '.join(key.removeprefix('ko/') or '(empty)' for key in found)}")
    if sorted(found) != sorted(ORDERED):
        raise Untold("the listing shows other keys than were written")
    return {"key_order": "utf8" if found == list(ORDERED) else "other"}


def first_modified(site: Site) -> str:
    """LastModified of an object that is written now."""
    site.put(site.plain, "modified")
    return next(iter(texts(site.ask("GET", site.plain, query={"list-type": "2", "prefix": "modified"}, quiet=True),
                           "LastModified")), "")  # fmt: skip


def last_modified(site: Site) -> Found:
    """Whether LastModified goes on with a second: the first object of the probe was written with that in mind."""
    before, at_s = site.first_modified
    if not before:
        raise Untold("a listing tells no LastModified", failed=True)
    time.sleep(max(0.0, at_s + 1.05 - time.monotonic()))
    apart_s = time.monotonic() - at_s
    after = first_modified(site)
    site.note(f"LastModified of two PUTs {apart_s:.1f} s apart: {before}, {after}")
    if before == after:
        raise Untold(f"the same in {apart_s:.1f} s")
    return {"last_modified_resolution_s": 1}


def bucket_ready(site: Site) -> Found:
    """How long the bucket that was just made is unknown. Writes the object that `last_modified` looks back to."""
    began = time.monotonic()
    until_s = began + 10
    waits, key = 0.0, "ready"
    while True:
        answers = [
            site.ask("HEAD", site.plain, quiet=True),
            site.ask("PUT", site.plain, key, body=b"x", quiet=True),
            site.ask("GET", site.plain, query={"list-type": "2"}, quiet=True),
        ]
        if all(is_ok(answer) for answer in answers):
            break
        waits = time.monotonic() - began
        if time.monotonic() > until_s:
            raise Untold("the new bucket was unknown for 10 s")
        time.sleep(0.02)
    site.note(
        f"HEAD, PUT and ListObjectsV2 right after CreateBucket → 200 {'at once' if not waits else f'after {waits:.2f} s'}"
    )
    site.first_modified = (first_modified(site), time.monotonic())
    return {"bucket_ready_s": 0 if not waits else round(waits + 0.05, 1)}
