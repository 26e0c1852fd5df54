"""Tries a store and says what its profile is: cheap requests, one after the other, each key with its evidence.

    report = probe(target)
    print(report.toml())

Races are not probed: what is right one at a time may still lose in a race, which is what runs are for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, HTTPClientError

from s3prod.client import S3Client
from s3prod.errors import TargetError, one_line
from s3prod.probe import buckets, conditions, objects, uploads
from s3prod.probe.conditions import Found
from s3prod.probe.report import Report
from s3prod.probe.site import Finding, Site, Untold, is_ok
from s3prod.profile import KEYS, Profile
from s3prod.target import Target
from s3prod.testing.names import random_string

__all__ = ["BUDGET_S", "NOT_PROBED", "PROBES", "Finding", "Report", "probe"]

BUDGET_S = 20.0  # no probe begins later


@dataclass(frozen=True)
class Probe:
    """A function that tries something, and the keys that it finds values for."""

    keys: tuple[str, ...]
    run: Callable[[Site], Found]


def _row(run: Callable[[Site], Found], *keys: str) -> Probe:
    return Probe(keys, run)


PROBES = (
    _row(objects.bucket_ready, "bucket_ready_s"),
    _row(objects.etag, "etag_is_md5"),
    _row(objects.listing, "list", "list_lag_ms"),
    _row(objects.key_order, "key_order"),
    _row(conditions.put_none_match, "cond_put_none_match"),
    _row(conditions.put_match, "cond_put_match"),
    _row(conditions.match_absent, "if_match_absent"),
    _row(conditions.delete_match, "cond_delete"),
    _row(conditions.copy, "cond_copy_dst"),
    _row(uploads.conditions, "cond_complete"),
    _row(conditions.multi_delete, "multi_delete"),
    _row(conditions.multi_delete_etag, "cond_multi_delete"),
    _row(buckets.versioning, "versioning", "versioning_settle_s"),
    _row(buckets.absent_marker, "delete_absent_creates_marker"),
    _row(buckets.marker_version, "marker_version_on_404"),
    _row(uploads.order, "mpu_order"),
    _row(uploads.twice, "mpu_complete_twice"),
    _row(uploads.listing, "mpu_listing", "mpu_listing_lag_ms"),
    _row(uploads.smallest_part, "min_part_bytes"),
    _row(buckets.tagging, "tagging"),
    _row(buckets.object_lock, "object_lock"),
    _row(buckets.replication, "replication", "replication_lag_ms"),
    _row(buckets.lifecycle_day, "lifecycle_day_ms"),
    _row(objects.last_modified, "last_modified_resolution_s"),
)
NOT_PROBED = {
    "name": "",
    "list_interval": "it shows in races only",
    "cond_409_possible": "it shows in races only",
    "max_clock_skew_ms": "one machine's clock tells nothing of the others'",
    "usage_probe": "it is a command of whoever runs the store",
    "usage_lag_ms": "it depends on that command",
}


def probe(
    target: Target, base: Profile | None = None, budget_s: float = BUDGET_S, keys: Collection[str] | None = None
) -> Report:
    """Probes a store, in buckets of its own that are removed again; with `keys` only what finds one of them. What is not probed
    keeps the value of `base`, else the default. A store that cannot be used at all is a `TargetError`.
    """
    site = Site(S3Client(target), f"{target.bucket_prefix[:30]}-probe-{random_string()}")
    kept = {key: row.default for key, row in KEYS.items()} | {"name": "probed"} | dict(base or {})
    findings = {key: Finding(kept[key], not_probed=why) for key, why in NOT_PROBED.items()}
    try:
        _enter(site)
        for row in (row for row in PROBES if keys is None or not set(keys).isdisjoint(row.keys)):
            findings |= _carry_out(row, site, budget_s, kept)
    finally:
        left = site.clean()
    return Report({key: findings[key] for key in KEYS if key in findings}, left, time.monotonic() - site.began_s)


def _enter(site: Site) -> None:
    """The first request and the first object: wrong credentials and dead endpoints end here."""
    try:
        answer = site.make("plain")
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise TargetError("endpoint", site.client.endpoint_url, f"a store that answers ({_short(error)})") from None
    except Untold as error:
        raise TargetError("endpoint", site.client.endpoint_url, f"a store that makes a bucket ({error.why})") from None
    if not is_ok(answer):
        said = f"{answer.status} {answer.code}".strip()
        expected = (
            "credentials that may make a bucket" if answer.status in (401, 403) else "a store that makes a bucket"
        )
        raise TargetError("endpoint", site.client.endpoint_url, f"{expected} (CreateBucket was answered {said})")


def _short(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", 160)


def _carry_out(row: Probe, site: Site, budget_s: float, kept: Profile) -> dict[str, Finding]:
    """The findings of a row's keys. What goes wrong on the way is a finding, too: the key is not probed."""
    site.begin()
    found: Found
    try:
        if time.monotonic() - site.began_s > budget_s:
            raise Untold(f"{budget_s:g} s had gone by", failed=True)
        found = row.run(site)
    except Untold as error:
        found = dict.fromkeys(row.keys, error)
    except (BotoCoreError, HTTPClientError, OSError) as error:
        found = dict.fromkeys(row.keys, Untold(_short(error), failed=True))
    out = {}
    for key, value in found.items():
        said = tuple(site.said)
        out[key] = (
            Finding(kept[key], said, value.why, value.failed) if isinstance(value, Untold) else Finding(value, said)
        )
    return out
