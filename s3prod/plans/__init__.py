"""The built-in plans: the workloads of the production tests, and the plans that the mutants are judged on.

Each is a function of (scale, seed) that gives a `Plan`; `s3prod run NAME` runs one by its name. Some need options of the
embedded store: `STORE_OPTIONS` suit all of them.
"""

from __future__ import annotations

from s3prod.plans import aborts, batches, lists, multipart, narrow, nodes, objects, registers, versions, wire
from s3prod.plans.batch_delete import batch_delete
from s3prod.plans.concurrent_multipart import concurrent_multipart, conditional_multipart, versioned_multipart
from s3prod.plans.coordination import create_race, distributed_coordination, lost_answers
from s3prod.plans.cross_feature import cross_feature
from s3prod.plans.leases import created_again_by_many, leases
from s3prod.plans.list_consistency import list_consistency
from s3prod.plans.metadata_consistency import metadata_consistency
from s3prod.plans.orphaned_multipart import orphaned_multipart
from s3prod.plans.prefix_enumeration import prefix_enumeration
from s3prod.plans.registers import PlanBuilder
from s3prod.plans.thundering_herd import thundering_herd, versioned_herd
from s3prod.plans.version_explosion import version_explosion

__all__ = ["BUILTIN", "DURATION_HELP", "LONG", "SCALES", "STORE_OPTIONS", "PlanBuilder"]

SCALES = ("smoke", "full", "stress")
DURATION_HELP = "seconds of the tests that last for a time, which is test 4 (2, 60 and 120 by scale)"

# of `s3prod serve`: small parts, so that many uploads race; days and lags that a run can wait for
STORE_OPTIONS = ("--min-part-bytes", "64", "--lifecycle-day", "500ms", "--replication-lag", "50ms")

# take long at full scale: by their names, the scale at which the matrix runs them on the correct store
LONG = {"list-consistency": "smoke", "prefix-enumeration": "smoke"}

BUILTIN: dict[str, PlanBuilder] = {
    "thundering-herd": thundering_herd,
    "versioned-herd": versioned_herd,
    "orphaned-multipart": orphaned_multipart,
    "concurrent-multipart": concurrent_multipart,
    "versioned-multipart": versioned_multipart,
    "conditional-multipart": conditional_multipart,
    "create-race": create_race,
    "batch-delete": batch_delete,
    "metadata-consistency": metadata_consistency,
    "cross-feature": cross_feature,
    "coordination": distributed_coordination,
    "lost-answers": lost_answers,
    "created-again-by-many": created_again_by_many,
    "leases": leases,
    "list-consistency": list_consistency,
    "prefix-enumeration": prefix_enumeration,
    "register-churn": registers.register_churn,
    "register-contention": registers.register_contention,
    "register-replicas": registers.register_replicas,
    "private-counters": registers.private_counters,
    "shared-counters": registers.shared_counters,
    "creates": registers.creates,
    "list-churn": lists.list_churn,
    "new-buckets": lists.new_buckets,
    "version-churn": lists.version_churn,
    "upload-churn": lists.upload_churn,
    "uploads": objects.uploads,
    "upload-endings": multipart.upload_endings,
    "racing-aborts": aborts.racing_aborts,
    "copies": objects.copies,
    "range-reads": narrow.range_reads,
    "early-reads": narrow.early_reads,
    "chunked-writes": narrow.chunked_writes,
    "chunked-counters": narrow.chunked_counters,
    "absent-matches": narrow.absent_matches,
    "late-reads": nodes.late_reads,
    "one-life": narrow.one_life,
    "created-again": narrow.created_again,
    "watched-counter": narrow.watched_counter,
    "slow-conditions": narrow.slow_conditions,
    "tags": objects.tags,
    "versions": objects.versions,
    "version-explosion": version_explosion,
    "null-versions": versions.null_versions,
    "batches": batches.batches,
    "wire": wire.wire,
}
