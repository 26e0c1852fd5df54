"""Cleaning up after a test, and the client that does it."""

from __future__ import annotations

from s3prod.client import S3Client
from s3prod.errors import UsageError
from s3prod.target import Target


class _Current:
    """The target of this process's pytest session: what a shared part uses when its caller names no client."""

    target: Target | None = None


def set_current_target(target: Target | None) -> None:
    """Says which target the session runs against; None: none any more."""
    _Current.target = target


def cleanup_test_resources(
    bucket: str, prefix: str, include_versions: bool = True, *, client: S3Client | None = None
) -> int:
    """Removes objects, versions, delete markers and uploads of a bucket whose keys begin with `prefix`, and nothing else; gives
    how many. With `include_versions=False` the versions stay: what is current goes, as a plain DELETE does it.

    What is left after several tries is a `LeftBehindError` that names it. Without a client that of the pytest session is used.
    """
    if client is None:
        if _Current.target is None:
            raise UsageError("client", "not given", "an S3Client, outside of a pytest session of s3prod")
        client = S3Client(_Current.target)
    return client.empty_bucket(bucket, prefix, include_versions)
