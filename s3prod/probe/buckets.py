"""Probes of what buckets are told: versions, tags, rules, replication, locks."""

from __future__ import annotations

import time

from s3prod.probe.conditions import Found
from s3prod.probe.objects import listed
from s3prod.probe.site import REFUSED, Site, Untold, is_ok, text, texts
from s3prod.probe.uploads import until

_PATIENCE_S = 3.0
HOLD = "<LegalHold><Status>{}</Status></LegalHold>"


def _enable(site: Site, bucket: str) -> int:
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    return site.ask("PUT", bucket, query={"versioning": ""}, body=body).status


def _need_versions(site: Site) -> None:
    if not site.keeps_versions:
        raise Untold("no versions are kept")


def versioning(site: Site) -> Found:
    """Two PUTs of a key: both versions are listed and can be read."""
    site.make("versions")
    status = _enable(site, site.versioned)
    if status in REFUSED:
        return {"versioning": "unsupported", "versioning_settle_s": Untold("no versions are kept")}
    if status // 100 != 2:
        raise Untold(f"PutBucketVersioning was answered {status}")
    began, number, ids = time.monotonic(), 0, list[str]()
    while len(ids) < 2 and time.monotonic() - began < _PATIENCE_S:
        number += 1
        said = site.put(site.versioned, "v", f"body {number}".encode()).headers.get("x-amz-version-id", "")
        ids += [said] if said not in ("", "null") else []
    settled_s = 0.0 if number == 2 else time.monotonic() - began
    if len(ids) < 2:
        site.note("PUT v → 200 without x-amz-version-id")
        return {"versioning": "ignored", "versioning_settle_s": Untold("no version ids")}
    page = site.ask("GET", site.versioned, query={"versions": "", "prefix": "v"})
    bodies = [site.ask("GET", site.versioned, "v", {"versionId": version}, quiet=True).body for version in ids]
    right = bodies == [f"body {number - 1}".encode(), f"body {number}".encode()]
    site.note(f"of two PUTs {sum(version in texts(page, 'VersionId') for version in ids)} versions are listed, and "
              f"{'each can' if right else 'not each can'} be read; version ids after {settled_s:.2f} s")  # fmt: skip
    site.keeps_versions = True
    whole = right and set(ids) <= set(texts(page, "VersionId"))
    return {
        "versioning": "required" if whole else "broken",
        "versioning_settle_s": round(settled_s, 1) if settled_s else 0,
    }


def absent_marker(site: Site) -> Found:
    """DELETE of a key that never was, where versions are kept."""
    _need_versions(site)
    site.ask("DELETE", site.versioned, "never")
    page = site.ask("GET", site.versioned, query={"versions": "", "prefix": "never"}, quiet=True)
    made = page.body.count(b"<DeleteMarker>")
    site.note(f"ListObjectVersions shows {made} delete markers of it")
    return {"delete_absent_creates_marker": made == 1}


def marker_version(site: Site) -> Found:
    """GET of a key whose current version is a delete marker."""
    _need_versions(site)
    site.put(site.versioned, "marked")
    marker = site.ask("DELETE", site.versioned, "marked", quiet=True).headers.get("x-amz-version-id", "")
    answer = site.ask("GET", site.versioned, "marked")
    names = {name: answer.headers.get(name, "none") for name in ("x-amz-delete-marker", "x-amz-version-id")}
    if answer.status != 404:
        raise Untold(f"answered {answer.status}, not 404")
    named = names == {"x-amz-delete-marker": "true", "x-amz-version-id": marker}
    site.note(f"x-amz-delete-marker: {names['x-amz-delete-marker']}, x-amz-version-id: "
              f"{'the marker' if named else names['x-amz-version-id']}")  # fmt: skip
    return {"marker_version_on_404": named}


def tagging(site: Site) -> Found:
    """Tags that are put are read again, and replaced by others."""
    site.put(site.plain, "tagged")
    document = "<Tagging><TagSet><Tag><Key>{}</Key><Value>{}</Value></Tag></TagSet></Tagging>"
    answers = [
        site.ask("PUT", site.plain, "tagged", {"tagging": ""}, body=document.format(*tag).encode())
        for tag in (("first", "1"), ("second", "2"))
    ]
    got = site.ask("GET", site.plain, "tagged", {"tagging": ""})
    if any(answer.status in REFUSED for answer in (*answers, got)):
        return {"tagging": "unsupported"}
    tags = dict(zip(texts(got, "Key"), texts(got, "Value"), strict=False))
    brought = site.ask("PUT", site.plain, "brought", headers={"x-amz-tagging": "third=3"}, body=b"x")
    also = site.ask("GET", site.plain, "brought", {"tagging": ""}, quiet=True)
    site.note(f"the tags put last: {tags or 'none'}; those of a PUT: {texts(also, 'Key') or 'none'}")
    if not tags and all(map(is_ok, answers)):
        return {"tagging": "ignored"}
    right = (
        tags == {"second": "2"} and is_ok(brought) and (texts(also, "Key"), texts(also, "Value")) == (["third"], ["3"])
    )
    return {"tagging": "required" if right else "broken"}


def lifecycle_rule(site: Site) -> None:
    """Begins the probe of lifecycle rules: an object that a rule of one day names, looked at when all else is done."""
    site.make("lifecycle")
    document = (
        "<LifecycleConfiguration><Rule><ID>one</ID><Filter><Prefix>old/</Prefix></Filter><Status>Enabled</Status>"
        "<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    answer = site.ask("PUT", site.bucket("lifecycle"), query={"lifecycle": ""}, body=document.encode())
    if is_ok(answer):
        site.put(site.bucket("lifecycle"), "old/object")
        site.expiring_s = time.monotonic()
    elif answer.status not in REFUSED:
        raise Untold(f"PutBucketLifecycleConfiguration was answered {answer.status} {answer.code}")


def lifecycle_day(site: Site) -> Found:
    """Whether rules are taken; and whether a day of one goes by while we look."""
    lifecycle_rule(site)
    if not site.expiring_s:
        return {"lifecycle_day_ms": "none"}
    while time.monotonic() - site.expiring_s < _PATIENCE_S:
        if "old/object" not in listed(site, "old/", site.bucket("lifecycle")):
            day_ms = int((time.monotonic() - site.expiring_s) * 1000) + 1
            site.note(f"the object of a rule of one day was gone after {day_ms} ms: no day is longer")
            return {"lifecycle_day_ms": day_ms}
        time.sleep(0.02)
    raise Untold(f"rules are taken; no day went by in {_PATIENCE_S:g} s")


def replication(site: Site) -> Found:
    """Whether a rule is taken, and an object arrives."""
    _need_versions(site)
    site.make("replica")
    _enable(site, site.bucket("replica"))
    document = (
        "<ReplicationConfiguration><Role>arn:aws:iam::000000000000:role/s3prod</Role><Rule><ID>one</ID><Priority>1</Priority>"
        "<Status>Enabled</Status><Filter><Prefix>copied/</Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status>"
        f"</DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::{site.bucket('replica')}</Bucket></Destination></Rule>"
        "</ReplicationConfiguration>"
    )
    answer = site.ask("PUT", site.versioned, query={"replication": ""}, body=document.encode())
    if answer.status in (405, 501):
        return {"replication": "unsupported", "replication_lag_ms": Untold("there is no replication")}
    if not is_ok(answer):
        raise Untold(f"a rule with a role that we do not know was answered {answer.status} {text(answer, 'Code')}")
    site.put(site.versioned, "copied/object")
    took_s = until(lambda: listed(site, "copied/", site.bucket("replica")) == ["copied/object"])
    if took_s is None:
        raise Untold("a rule was taken; no object arrived within 3 s")
    site.note(f"the object arrived after {took_s:.2f} s")
    return {"replication": "required", "replication_lag_ms": int(took_s * 1000) + 1}


def object_lock(site: Site) -> Found:
    """Whether a version with a legal hold stays."""
    made = site.make("lock", x_amz_bucket_object_lock_enabled="true")
    if made.status in REFUSED:
        return {"object_lock": "unsupported"}
    if not is_ok(made):
        raise Untold(f"CreateBucket with a lock was answered {made.status} {made.code}")
    bucket = site.bucket("lock")
    version = {"versionId": site.put(bucket, "held").headers.get("x-amz-version-id", "null")}
    hold = {"legal-hold": ""} | version
    put = site.ask("PUT", bucket, "held", hold, body=HOLD.format("ON").encode())
    if put.status in REFUSED or put.status == 404:
        return {"object_lock": "unsupported"}
    removed = site.ask("DELETE", bucket, "held", version)
    kept = site.holds(bucket, "held", b"a probe")
    site.note(f"the version with a legal hold {'stayed' if kept else 'was removed'}")
    site.ask("PUT", bucket, "held", hold, body=HOLD.format("OFF").encode(), quiet=True)
    if is_ok(put) and removed.status == 403 and kept:
        return {"object_lock": "required"}
    return {"object_lock": "broken" if kept or not is_ok(put) else "ignored"}
