"""Calls about versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from s3prod.client.base import Base, Response


class Versions(Base):
    """Versions and delete markers."""

    def put_bucket_versioning(self, bucket: str, config: Mapping[str, Any], **kwargs: Any) -> Response:
        """Sets versioning: `{"Status": "Enabled"}` or `{"Status": "Suspended"}`."""
        return self.call("put_bucket_versioning", Bucket=bucket, VersioningConfiguration=dict(config), **kwargs)

    def get_bucket_versioning(self, bucket: str, **kwargs: Any) -> Response:
        """`Status`, when versioning was ever set."""
        return self.call("get_bucket_versioning", Bucket=bucket, **kwargs)

    def list_object_versions(self, bucket: str, **kwargs: Any) -> Response:
        """One page of versions (`Versions`, `DeleteMarkers`)."""
        return self.call("list_object_versions", Bucket=bucket, **kwargs)

    def version_pages(self, bucket: str, prefix: str = "", max_keys: int = 1000, **kwargs: Any) -> Iterator[Response]:
        """The pages of ListObjectVersions (`Versions`, `DeleteMarkers`, …)."""
        return self.pages("list_object_versions", Bucket=bucket, Prefix=prefix, MaxKeys=max_keys, **kwargs)
