"""The modes of the embedded store: what is legal and surprises, and the plans on which it shows. No rule may speak of it.

A mode with `profile` is legal for a store that says so: its runs are judged by that. What the store does anyway is `always`:
the correct store's own runs show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from s3prod.profile import Value


@dataclass(frozen=True)
class Mode:
    """One legal behaviour, how it is switched on, and where it shows."""

    name: str
    spec: str
    plans: tuple[str, ...]
    profile: Mapping[str, Value] = field(default_factory=dict)
    always: bool = False


def _mode(name: str, plans: str, spec: str = "", **profile: Value) -> Mode:
    return Mode(name, f"{name}:{spec}" if spec else name, tuple(plans.split()), profile)


def _always(name: str, plans: str) -> Mode:
    return Mode(name, name, tuple(plans.split()), always=True)


_ROWS = (
    _mode(
        "ok-409-instead-of-412",
        "shared-counters creates coordination created-again-by-many leases",
        cond_409_possible=True,
    ),
    _always("ok-404-for-if-match-absent", "absent-matches"),
    _mode("ok-412-for-if-match-absent", "absent-matches", if_match_absent=412),
    _always("ok-mpu-completed-order", "uploads"),
    _mode("ok-mpu-initiated-order", "uploads", mpu_order="initiated"),
    _always("ok-complete-twice-200", "uploads"),
    _mode("ok-complete-twice-404", "uploads", mpu_complete_twice=404),
    _mode("ok-concurrent-put-any-order", "register-contention thundering-herd"),
    _mode("ok-late-landing", "register-churn register-contention"),
    _mode("ok-nonatomic-page", "list-churn", "p=1,delay_ms=5"),
    _always("ok-delete-absent-204", "list-churn batches"),
    _always("ok-marker-for-absent-key", "versions"),
    # rules of days go by these times, which are up to a second before those of the writes
    _mode("ok-last-modified-equal", "register-churn version-churn list-churn cross-feature", max_clock_skew_ms=1000),
    _always("ok-aba-by-content", "copies"),
    _always("ok-copy-same-etag", "copies"),
    _mode("ok-whitespace-before-xml", "uploads copies"),
    _mode("ok-parts-remain-after-racing-abort", "racing-aborts"),
    _mode("ok-short-page", "list-churn"),
    _mode("ok-empty-page-truncated", "list-churn"),
    _mode("ok-upload-listing-settles", "upload-churn", mpu_listing="settles", mpu_listing_lag_ms=100),
    _mode("ok-503-throttle", "register-churn list-churn uploads copies batches"),
    _mode("ok-bucket-ready-delay", "register-churn shared-counters versions", "delay_ms=300", bucket_ready_s=1),
    _mode("ok-lifecycle-late", "cross-feature"),
    _always("ok-last-tag-writer-wins", "tags"),
    _mode("ok-etag-not-md5", "register-churn shared-counters copies list-churn", etag_is_md5=False),
    _always("ok-unquoted-if-match-accepted", "suite"),
    _always("ok-plain-delete-of-locked-object-adds-marker", "suite"),
)
MODES: dict[str, Mode] = {row.name: row for row in _ROWS}
