"""Shared parts for tests of one's own, under the names that existing suites use.

    from s3prod.testing import random_string, run_concurrent_operations

    def test_production_hot_key(s3_client, config):
        bucket = f"{config['s3_bucket_prefix']}-hot-{random_string()}"
        try:
            s3_client.create_bucket(bucket)
            metrics = run_concurrent_operations(lambda client: s3_client.put_object(bucket, "hot", b"…"), 20, 2)
            assert not metrics.errors, f"writes failed: {metrics.errors}"
        finally:
            s3_client.empty_bucket(bucket)
            s3_client.delete_bucket(bucket)

Threads and boto3 reach about a thousand operations a second. Load beyond that, and proof, are a plan's business
(`s3prod.plan`, the fixture `run_plan`).
"""

from __future__ import annotations

from s3prod.errors import InconclusiveError
from s3prod.testing.backup import BackupError, BackupManager
from s3prod.testing.cleanup import cleanup_test_resources
from s3prod.testing.concurrent import PerformanceMetrics, run_concurrent_operations
from s3prod.testing.consistency import ConsistencyValidator
from s3prod.testing.locks import LockedBucket
from s3prod.testing.names import random_string
from s3prod.testing.network import NetworkFailureInjector
from s3prod.testing.rate import RateLimiter
from s3prod.testing.storage import given_back

__all__ = [
    "BackupError",
    "BackupManager",
    "ConsistencyValidator",
    "InconclusiveError",
    "LockedBucket",
    "NetworkFailureInjector",
    "PerformanceMetrics",
    "RateLimiter",
    "cleanup_test_resources",
    "given_back",
    "random_string",
    "run_concurrent_operations",
]
