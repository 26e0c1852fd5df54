"""The mutants: what breaks the store on purpose, the plan that must notice, and the rule that must name it.

`subtle` is the realistic form (rare, or only under overlap) on the mutant's own plan; `strong` is the form that the
production tests themselves must catch at smoke scale, as far as they ask in a way that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One row of the kill matrix."""

    name: str
    subtle: str
    plan: str
    rules: tuple[str, ...]
    strong: str = ""
    caught_by: str = ""  # the production test that catches the strong form; empty: none asks in that way
    endpoints: int = 1
    judge: str = "plan"  # or "progress", "usage", "suite", a name of `s3prod.matrix.CRASHES`: see there


def _row(
    name: str, subtle: str, plan: str, rules: str, strong: str = "", caught_by: str = "", endpoints: int = 1
) -> Mutant:
    spec = f"{name}:{subtle}" if subtle else name
    return Mutant(name, spec, plan, tuple(rules.split()), f"{name}:{strong}" if strong else "", caught_by, endpoints)


def _table(*rows: Mutant) -> dict[str, Mutant]:
    return {row.name: row for row in rows}


BATCH_DELETE = "batch-delete"
VERSIONED_HERD = "versioned-herd"
HERD, RACE, CAS = "thundering-herd", "create-race", "coordination"
AGAIN, METADATA = "created-again-by-many", "metadata-consistency"
CONSISTENCY, ENUMERATION = "list-consistency", "prefix-enumeration"
LISTS, VERSIONS, UPLOADS = "list-churn", "version-churn", "upload-churn"
ENDINGS, RACING, RACING_VERSIONS = "upload-endings", "concurrent-multipart", "versioned-multipart"
EXPLOSION, ORPHANS = "version-explosion", "orphaned-multipart"
FEATURES = "cross-feature"
GONE = "version-lost absent-after-ack stale-read zone-overlap"
OLD = "stale-read zone-overlap absent-after-ack"

MUTANTS: dict[str, Mutant] = _table(
    # conditional writes
    _row("im-check-then-act", "min_inflight=2", "shared-counters", "cas-split-brain", "p=1", CAS),
    _row("inm-check-then-act", "min_inflight=2", "creates", "create-twice", "p=1", RACE),
    _row("cond-atomic-per-gateway", "min_inflight=2", "shared-counters", "cas-split-brain", "delay_ms=5", CAS, 2),
    _row("cond-ignored", "p=0.001", "shared-counters", "cas-split-brain cas-ignored create-twice", "p=0.3", CAS),
    _row("cond-ignored-one-path", "p=0.05", "chunked-counters", "cas-split-brain cas-ignored"),
    _row("cond-always-412", "p=0.001", "private-counters", "condition-false-negative", "p=1", CAS),
    _row(
        "cond-stale-eval",
        "p=0.01",
        "shared-counters",
        "cas-split-brain condition-false-negative chain-infeasible",
        "delay_ms=10",
        CAS,
    ),
    _row("cond-failed-but-applied", "p=0.001", "shared-counters", "failed-but-visible", "p=0.3", CAS),
    _row("im-fingerprint-aba", "p=0.01", "shared-counters", "etag-mismatch", "delay_ms=1000", CAS),
    _row("im-missing-creates", "p=0.01", "absent-matches", "cas-ignored create-twice", "p=1", AGAIN),
    _row("cond-delete-ignored", "p=0.005", "one-life", "cas-ignored stale-read", "p=0.3", AGAIN),
    _row("inm-marker-as-present", "p=0.005", "created-again", "condition-false-negative", "p=1", AGAIN),
    _row("cond-fail-in-200-body", "p=0.005,min_inflight=2", "shared-counters", "error-as-success", "p=0.3", CAS),
    Mutant("cond-put-blocks-reads", "cond-put-blocks-reads", "slow-conditions", ("reads",), judge="progress"),
    Mutant("cond-409-storm", "cond-409-storm", "watched-counter", ("cas_commits",), judge="progress"),
    # batch deletes
    _row("bulk-silent-failure", "p=0.02", "batches", "present-after-delete", "p=0.5", BATCH_DELETE),
    _row("bulk-missing-from-answer", "p=0.02", "batches", "batch-missing-key", "p=0.5", BATCH_DELETE),
    _row("bulk-quiet-ignored", "p=0.02", "batches", "batch-extra-key", "p=0.5", BATCH_DELETE),
    _row("bulk-quiet-hides-errors", "p=0.1", "batches", "cas-ignored stale-read", "p=0.5", BATCH_DELETE),
    _row("bulk-missing-key-error", "p=0.02", "batches", "batch-absent-error", "p=0.5", BATCH_DELETE),
    _row("bulk-collateral", "p=0.01", "batches", "absent-after-ack", "p=0.5", BATCH_DELETE),
    _row("bulk-over-limit-partial", "", "batches", "absent-after-ack", "p=0.5", BATCH_DELETE),
    _row("bulk-double-marker", "p=0.05", "batches", "list-missing list-phantom", "p=0.5", BATCH_DELETE),
    # tags, metadata, copies
    _row("tags-merge", "min_inflight=2", "tags", "tags-torn tags-corrupt", "p=1", METADATA),
    _row(
        "tag-write-fails-silently", "p=0.003", "tags", "stale-read zone-overlap present-after-delete", "p=0.3", METADATA
    ),
    _row("tags-wipe-metadata", "p=0.002", "tags", "meta-lost", "p=0.2", METADATA),
    _row("subresource-as-put", "p=0.002", "tags", "body-corrupt", "p=0.2", METADATA),
    _row("meta-merge", "min_inflight=2", "copies", "meta-torn", "p=1", METADATA),
    _row("copy-torn-source", "min_inflight=2", "copies", "body-torn"),
    _row("copy-source-cond-ignored", "p=0.05", "copies", "copy-wrong-source"),
    _row("tags-survive-overwrite", "p=0.05", "tags", "present-after-delete stale-read", "p=1", METADATA),
    _row("copy-drops-meta", "p=0.02", "copies", "body-foreign stale-read unwritten-value", "p=0.3", METADATA),
    # reads and overwrites
    _row("lost-ack-write", "p=0.001", "register-churn", OLD, "p=1", HERD),
    _row("first-writer-wins", "min_inflight=2", "register-contention", "stale-read zone-overlap", "p=1", HERD),
    _row("torn-get", "p=0.001", "register-contention", "body-length body-torn etag-mismatch", "p=0.2", HERD),
    _row("torn-blocks", "p=0.001", "register-contention", "body-torn", "p=0.2", HERD),
    _row("zero-filled-tail", "p=0.001", "register-churn", "body-corrupt", "p=0.2", HERD),
    _row("cross-key-body", "p=0.01,min_inflight=2", "register-contention", "body-foreign"),
    _row(
        "stale-read-replica",
        "endpoint=1,delay_ms=20",
        "register-replicas",
        OLD,
        "endpoint=1,delay_ms=60000",
        HERD,
        2,
    ),
    _row("cross-client-404", "p=0.002", "register-replicas", "absent-after-ack", "p=0.2", HERD, 2),
    _row("negative-cache-404", "p=0.05", "early-reads", "absent-after-ack", endpoints=2),
    _row("stale-head-fresh-get", "p=0.05", "register-churn", OLD, "delay_ms=60000", HERD),
    _row("nonmonotonic-reads", "p=0.001", "register-contention", OLD, "delay_ms=60000", HERD),
    _row("read-uncommitted", "p=0.01", "shared-counters", "failed-but-visible", "p=1", CAS),
    _row("overwrite-404-gap", "p=0.001", "register-contention", "absent-after-ack", "p=0.3", HERD),
    _row("wrong-put-etag", "p=0.001", "register-churn", "etag-mismatch", "p=0.2", HERD),
    _row("etag-not-content", "p=0.001", "register-churn", "etag-mismatch", "p=0.2", HERD),
    _row("poisoned-keepalive", "p=0.01,min_inflight=2", "register-contention", "surplus-bytes", "p=1", HERD),
    _row("range-off-by-one", "p=0.001", "range-reads", "body-corrupt body-torn body-length"),
    _row("range-mixes-versions", "p=0.05", "range-reads", "etag-mismatch"),
    # deletes
    _row("delete-acked-not-applied", "p=0.002", "one-life", "present-after-delete", "p=0.5", CONSISTENCY),
    _row("ghost-key", "p=0.001", "register-churn", "absent-after-ack", "p=0.2", HERD),
    _row("delete-resurrects", "p=0.002,delay_ms=1", "one-life", "present-after-delete"),
    # versions
    _row(
        "put-delete-race-loses-version",
        "min_inflight=2",
        "versions",
        "version-lost list-missing list-truncated-end",
        "p=0.5",
        EXPLOSION,
    ),
    _row("stale-latest-pointer", "min_inflight=2", "versions", "stale-read absent-after-ack", "p=1", VERSIONED_HERD, 2),
    _row(
        "delete-wrong-version",
        "min_inflight=2",
        VERSIONS,
        "list-phantom list-missing list-truncated-end",
        "p=0.5",
        EXPLOSION,
    ),
    _row("leftover-version-entries", "min_inflight=2", VERSIONS, "list-phantom", "p=0.5", EXPLOSION),
    _row("no-promotion", "p=0.02", "versions", "absent-after-ack", "p=1", EXPLOSION),
    _row("null-version-shadow", "p=0.2", "null-versions", "list-phantom present-after-delete"),
    _row("version-id-reused", "p=0.05,min_inflight=2", "versions", "version-id-reused", "p=0.5", EXPLOSION),
    _row("last-modified-backwards", "p=0.01", VERSIONS, "last-modified-backwards", "p=0.5", EXPLOSION),
    _row("versions-marker-missing", "p=0.05", VERSIONS, "list-missing list-truncated-end", "p=0.5", EXPLOSION),
    _row(
        "version-tags-shared", "p=0.05", "versions", "stale-read present-after-delete unwritten-value", "p=1", METADATA
    ),
    # request bodies
    _row("chunk-framing-stored", "p=0.005", "chunked-writes", "etag-mismatch body-corrupt body-length body-torn"),
    _row("partial-body-committed", "p=0.001", "register-churn", "body-length", "p=1", HERD),
    # nodes
    Mutant(
        "put-5xx-heavy",
        "put-5xx-heavy:p=0.45",
        "late-reads",
        ("acked_writes",),
        "put-5xx-heavy:p=0.45",
        HERD,
        judge="progress",
    ),
    _row("replica-divergence", "p=0.005", "late-reads", OLD, "p=1", HERD, 2),
    _row("failover-loses-tail", "p=0.01,min_inflight=2", "register-replicas", OLD, endpoints=2),
    _row("repair-deletes-survivors", "p=0.005", "late-reads", "absent-after-ack", "p=1,delay_ms=1", HERD),
    # rules of buckets
    _row("lifecycle-overdelete", "p=0.2", FEATURES, GONE, "p=1", FEATURES),
    _row("lifecycle-ignores-filter", "p=0.2", FEATURES, GONE, "p=1", FEATURES),
    _row("lifecycle-expires-current", "p=0.2", FEATURES, GONE, "p=1", FEATURES),
    _row("replication-reorders", "p=0.2", FEATURES, "replica-order", "p=1", FEATURES),
    # listings
    _row("list-drops-fraction", "p=0.02", LISTS, "list-missing list-truncated-end", "p=0.5", ENUMERATION),
    _row("list-lag", "delay_ms=20", LISTS, "list-missing list-truncated-end", "delay_ms=60000", CONSISTENCY),
    _row("list-after-delete-lag", "delay_ms=20", LISTS, "list-phantom", "delay_ms=60000", CONSISTENCY),
    _row("list-empty-under-churn", "p=0.02", LISTS, "list-missing", "p=0.5", CONSISTENCY),
    _row("list-early-end", "p=0.02", LISTS, "list-truncated-end", "p=1", ENUMERATION),
    _row("list-exact-prefix-shortcut", "p=0.1", VERSIONS, "list-phantom"),
    _row("list-token-missing", "p=0.02", LISTS, "list-no-progress", "p=1", ENUMERATION),
    _row("list-offset-token", "p=0.5", LISTS, "list-missing list-duplicate list-range", "p=1", CONSISTENCY),
    _row("list-dup-at-edge", "p=0.05", LISTS, "list-duplicate list-missing", "p=1", ENUMERATION),
    _row("list-dup-common-prefix", "p=0.05", LISTS, "list-duplicate", "p=1", ENUMERATION),
    _row("list-order-wrong", "p=0.02", LISTS, "list-order", "p=1", ENUMERATION),
    _row("list-start-inclusive", "p=0.05", LISTS, "list-duplicate list-range", "p=1", ENUMERATION),
    _row("list-stale-entry", "p=0.05", LISTS, "stale-read present-after-delete body-length"),
    _row("list-bad-encoding", "p=0.05", LISTS, "list-missing list-truncated-end", "p=1", ENUMERATION),
    _row("list-caps-silently", "p=0.1", LISTS, "list-truncated-end", "p=1", ENUMERATION),
    _row("listed-unreadable", "p=0.2", LISTS, "absent-after-ack", "p=0.5", CONSISTENCY, 2),
    _row("bucket-create-lag", "endpoint=1,delay_ms=20,p=0.2", "new-buckets", "bucket-unready", endpoints=2),
    _row("versions-reversed", "p=0.02", VERSIONS, "list-order list-latest", "p=0.5", EXPLOSION),
    _row("islatest-twice", "p=0.02", VERSIONS, "list-latest", "p=0.5", EXPLOSION),
    _row("versions-truncated", "p=0.02", VERSIONS, "list-missing list-truncated-end", "p=0.5", EXPLOSION),
    _row("mpu-hidden-recent", "delay_ms=20", UPLOADS, "list-missing list-truncated-end", "delay_ms=300", ORPHANS),
    _row("mpu-list-drops", "p=0.02", UPLOADS, "list-missing list-truncated-end", "p=0.5", ORPHANS),
    _row("mpu-list-order", "p=0.05", ENDINGS, "list-order", "p=0.5", ORPHANS),
    _row("parts-size-zero", "p=0.04", ENDINGS, "list-part-entry", "p=1", ORPHANS),
    # multipart uploads
    _row("mpu-blend", "p=0.05,min_inflight=2", ENDINGS, "mpu-blend", "p=1", RACING),
    _row("mpu-stale-part", "p=0.02", ENDINGS, "mpu-stale-part", "p=1", RACING),
    _row("mpu-tail-zeroed", "p=0.02", ENDINGS, "body-corrupt body-length", "p=0.5", RACING),
    _row("mpu-order-ignored", "p=0.02", ENDINGS, "mpu-blend", "p=0.5", RACING),
    _row("mpu-unlisted-part-included", "p=0.02", ENDINGS, "mpu-blend etag-mismatch", "p=0.5", RACING),
    _row("mpu-etag-wrong", "p=0.01", ENDINGS, "etag-mismatch", "p=0.5", RACING),
    _row("mpu-head-ok-get-empty", "p=0.005", ENDINGS, "body-length", "p=0.2", RACING),
    _row("mpu-visible-early", "p=0.02,min_inflight=2", ENDINGS, "future-read", "p=0.5", RACING),
    _row("mpu-complete-false-404", "p=0.02,min_inflight=2", ENDINGS, "failed-but-visible upload-lost", "p=0.5", RACING),
    _row("mpu-double-complete-blend", "p=0.05,min_inflight=2", ENDINGS, "completed-twice etag-mismatch", "p=1", RACING),
    _row("mpu-order-flipped", "p=0.05,min_inflight=2", ENDINGS, "stale-read", "p=1", RACING),
    _row(
        "mpu-abort-then-complete", "p=0.05,min_inflight=2", ENDINGS, "aborted-visible complete-and-abort", "p=1", RACING
    ),
    _row("mpu-abort-eats-object", "p=0.05,min_inflight=2", ENDINGS, "absent-after-ack", "p=1", RACING),
    _row("mpu-clean-eats-object", "p=0.02,min_inflight=2", ENDINGS, "body-corrupt", "p=1", ORPHANS),
    Mutant("mpu-storage-leak", "mpu-storage-leak:p=0.02", ENDINGS, (), judge="usage"),
    _row("mpu-part-resend-race", "min_inflight=2", RACING, "mpu-blend body-length", "p=1", RACING),
    _row("mpu-no-version", "p=0.02", "versions", "version-missing", "p=1", RACING_VERSIONS),
)

# Nobody can notice these while the store runs on: crash rounds (`s3prod.crash`) judge them.
CRASH_MUTANTS: dict[str, Mutant] = _table(
    Mutant("ack-before-commit", "ack-before-commit:delay_ms=1", "", (), judge="sigkill"),
    Mutant("commit-without-fsync", "commit-without-fsync:p=0.2", "", (), judge="power-loss"),
    Mutant("restart-resurrects", "restart-resurrects:p=0.5", "", (), judge="sigkill"),
)


def _suite(name: str, *tests: str) -> Mutant:
    return Mutant(name, name, "", tests, judge="suite")


# Only a request that must be refused shows these: tests of `tests/store` send it, and have to fail.
SUITE_MUTANTS: dict[str, Mutant] = _table(
    _suite("bulk-unsupported", "test_delete_many.py::test_quiet", "test_delete_many.py::test_present_and_absent_keys"),
    _suite("bulk-ignores-locks", "test_lock.py::test_a_batch_names_what_is_locked"),
    _suite("lifecycle-ignores-locks", "test_lock.py::test_lifecycle_leaves_a_locked_version"),
    _suite("config-update-race", "test_settings.py::test_settings_that_are_written_together_all_stay"),
    _suite(
        "cond-rejected", "test_conditions.py::test_create_if_absent", "test_rules.py::test_put_if_match_as_received"
    ),
    _suite("etag-quote-mismatch", "test_rules.py::test_put_if_match_bare"),
    _suite("head-missing-etag", "test_objects.py::test_put_get_head_delete"),
    _suite("multi-range-truncated", "test_objects.py::test_several_ranges_are_refused"),
    _suite(
        "chunk-signature-unchecked",
        "test_chunked.py::test_wrong_signatures",
        "test_rules_integrity.py::test_a_changed_chunk",
    ),
    _suite("trailer-checksum-ignored", "test_rules_integrity.py::test_a_trailer_with_a_wrong_checksum"),
    _suite("content-md5-ignored", "test_rules_integrity.py::test_a_wrong_md5"),
    _suite(
        "mpu-small-part-accepted",
        "test_multipart.py::test_complete_checks_what_is_named",
        "test_multipart.py::test_a_part_that_is_not_there_comes_before_one_that_is_too_small",
    ),
    _suite("mpu-empty-rejected", "test_multipart.py::test_parts_of_no_bytes"),
    _suite("mpu-complete-not-idempotent", "test_multipart.py::test_a_repeated_complete_says_the_same"),
    _suite("decoded-length-unchecked", "test_chunked.py::test_another_length_than_declared"),
)

EVERY = MUTANTS | CRASH_MUTANTS | SUITE_MUTANTS
