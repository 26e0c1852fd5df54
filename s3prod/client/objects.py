"""Calls about objects: bytes, listings, copies, batches, tags, ACL, retention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath
from typing import Any

from s3prod.client.base import Base, Response


class Objects(Base):
    """Objects."""

    def put_object(self, bucket: str, key: str, body: Any = b"", **kwargs: Any) -> Response:
        """Writes an object."""
        return self.call("put_object", Bucket=bucket, Key=key, Body=body, **kwargs)

    def get_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """Reads an object; `Body` is a stream."""
        return self.call("get_object", Bucket=bucket, Key=key, **kwargs)

    def head_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """What a read would say, without the bytes."""
        return self.call("head_object", Bucket=bucket, Key=key, **kwargs)

    def object_exists(self, bucket: str, key: str) -> bool:
        """Whether there is such an object: only a 404 means no, every other error is raised."""
        return self._exists("head_object", Bucket=bucket, Key=key)

    def delete_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """Removes an object, or the version `VersionId`."""
        return self.call("delete_object", Bucket=bucket, Key=key, **kwargs)

    def delete_objects(
        self, bucket: str, objects: Iterable[str | Mapping[str, Any]], quiet: bool = False, **kwargs: Any
    ) -> Response:
        """One DeleteObjects: keys, or mappings with `Key`, `VersionId`, `ETag`. HTTP 200 says nothing: read `Deleted` and
        `Errors` of the answer.
        """
        named = [{"Key": each} if isinstance(each, str) else dict(each) for each in objects]
        return self.call("delete_objects", Bucket=bucket, Delete={"Objects": named, "Quiet": quiet}, **kwargs)

    def list_objects(self, bucket: str, prefix: str = "", max_keys: int = 1000, **kwargs: Any) -> list[Response]:
        """All entries under `prefix`, page after page of `max_keys`."""
        pages = self.object_pages(bucket, prefix, max_keys, **kwargs)
        return [entry for page in pages for entry in page.get("Contents", [])]

    def object_pages(self, bucket: str, prefix: str = "", max_keys: int = 1000, **kwargs: Any) -> Iterator[Response]:
        """The pages of ListObjectsV2 (`Contents`, `CommonPrefixes`, `KeyCount`, …)."""
        return self.pages("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=max_keys, **kwargs)

    def copy_object(
        self, source_bucket: str, source_key: str, dest_bucket: str, dest_key: str, **kwargs: Any
    ) -> Response:
        """Copies an object, or its version `SourceVersionId`; `IfMatch` and `IfNoneMatch` are about the destination."""
        source = copy_source(source_bucket, source_key, kwargs.pop("SourceVersionId", None))
        return self.call("copy_object", Bucket=dest_bucket, Key=dest_key, CopySource=source, **kwargs)

    def put_object_tagging(self, bucket: str, key: str, tags: Mapping[str, str], **kwargs: Any) -> Response:
        """Replaces the whole set of tags."""
        tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
        return self.call("put_object_tagging", Bucket=bucket, Key=key, Tagging=tagging, **kwargs)

    def get_object_tagging(self, bucket: str, key: str, **kwargs: Any) -> dict[str, str]:
        """The tags, by name."""
        answer = self.call("get_object_tagging", Bucket=bucket, Key=key, **kwargs)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def delete_object_tagging(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """Removes all tags."""
        return self.call("delete_object_tagging", Bucket=bucket, Key=key, **kwargs)

    def put_object_acl(self, bucket: str, key: str, acl: str | None = None, **kwargs: Any) -> Response:
        """Sets the ACL: a canned one, or `AccessControlPolicy`."""
        return self.call("put_object_acl", Bucket=bucket, Key=key, **({} if acl is None else {"ACL": acl}), **kwargs)

    def get_object_acl(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """Owner and grants."""
        return self.call("get_object_acl", Bucket=bucket, Key=key, **kwargs)

    def put_object_retention(self, bucket: str, key: str, retention: Mapping[str, Any], **kwargs: Any) -> Response:
        """Locks a version: `{"Mode": "GOVERNANCE", "RetainUntilDate": …}`."""
        return self.call("put_object_retention", Bucket=bucket, Key=key, Retention=dict(retention), **kwargs)

    def get_object_retention(self, bucket: str, key: str, **kwargs: Any) -> Response:
        """The retention of a version (`Mode`, `RetainUntilDate`); empty when it has none."""
        code = "NoSuchObjectLockConfiguration"
        answer = self._or_absent(code, "get_object_retention", Bucket=bucket, Key=key, **kwargs)
        return dict(answer.get("Retention", {}))

    def put_object_legal_hold(self, bucket: str, key: str, status: str, **kwargs: Any) -> Response:
        """Sets (`ON`) or lifts (`OFF`) the legal hold of a version."""
        return self.call("put_object_legal_hold", Bucket=bucket, Key=key, LegalHold={"Status": status}, **kwargs)

    def get_object_legal_hold(self, bucket: str, key: str, **kwargs: Any) -> str:
        """The legal hold of a version: `ON` or `OFF`."""
        code = "NoSuchObjectLockConfiguration"
        answer = self._or_absent(code, "get_object_legal_hold", Bucket=bucket, Key=key, **kwargs)
        return str(answer.get("LegalHold", {}).get("Status", "OFF"))

    def generate_presigned_url(
        self, bucket: str, key: str, operation: str = "get_object", expires_in: int = 3600
    ) -> str:
        """A URL that does `operation` for whoever has it, for so many seconds."""
        parameters = {"Bucket": bucket, "Key": key}
        return str(self.client.generate_presigned_url(operation, Params=parameters, ExpiresIn=expires_in))

    def upload_file(self, filename: str | PathLike[str], bucket: str, key: str, transfer_config: Any = None) -> None:
        """Writes a file, in parts when it is large."""
        self.client.upload_file(fspath(filename), bucket, key, Config=transfer_config)

    def download_file(self, bucket: str, key: str, filename: str | PathLike[str], transfer_config: Any = None) -> None:
        """Reads an object into a file, in ranges when it is large."""
        self.client.download_file(bucket, key, fspath(filename), Config=transfer_config)


def copy_source(bucket: str, key: str, version_id: str | None) -> dict[str, str]:
    """The source of a copy.

    >>> copy_source("b", "k", None)
    {'Bucket': 'b', 'Key': 'k'}
    """
    return {"Bucket": bucket, "Key": key} | ({} if version_id is None else {"VersionId": version_id})
