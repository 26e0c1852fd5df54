"""Calls about multipart uploads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from s3prod.client.base import Base, Response
from s3prod.client.objects import copy_source


class Uploads(Base):
    """Multipart uploads."""

    def create_multipart_upload(self, bucket: str, key: str, **kwargs: Any) -> str:
        """Begins an upload; gives its UploadId."""
        return str(self.call("create_multipart_upload", Bucket=bucket, Key=key, **kwargs)["UploadId"])

    def upload_part(
        self, bucket: str, key: str, upload_id: str, part_number: int, body: Any, **kwargs: Any
    ) -> Response:
        """Sends a part; its `ETag` is for Complete."""
        place = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumber": part_number}
        return self.call("upload_part", **place, Body=body, **kwargs)

    def upload_part_copy(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        part_number: int,
        source_bucket: str,
        source_key: str,
        **kwargs: Any,
    ) -> Response:
        """Makes a part of an object, of its version `SourceVersionId`, or of a range of it (`CopySourceRange`)."""
        source = copy_source(source_bucket, source_key, kwargs.pop("SourceVersionId", None))
        place = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumber": part_number}
        return self.call("upload_part_copy", **place, CopySource=source, **kwargs)

    def complete_multipart_upload(
        self, bucket: str, key: str, upload_id: str, parts: Iterable[Mapping[str, Any]], **kwargs: Any
    ) -> Response:
        """Makes the object of these parts: mappings with `PartNumber` and `ETag`."""
        named = {"Parts": [dict(part) for part in parts]}
        place = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        return self.call("complete_multipart_upload", **place, MultipartUpload=named, **kwargs)

    def abort_multipart_upload(self, bucket: str, key: str, upload_id: str, **kwargs: Any) -> Response:
        """Gives an upload up."""
        return self.call("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload_id, **kwargs)

    def list_multipart_uploads(self, bucket: str, **kwargs: Any) -> Response:
        """One page of the uploads that were begun and not ended."""
        return self.call("list_multipart_uploads", Bucket=bucket, **kwargs)

    def upload_pages(self, bucket: str, prefix: str = "", max_uploads: int = 1000, **kwargs: Any) -> Iterator[Response]:
        """The pages of ListMultipartUploads (`Uploads`, …)."""
        return self.pages("list_multipart_uploads", Bucket=bucket, Prefix=prefix, MaxUploads=max_uploads, **kwargs)

    def list_parts(self, bucket: str, key: str, upload_id: str, **kwargs: Any) -> Response:
        """One page of the parts of an upload."""
        return self.call("list_parts", Bucket=bucket, Key=key, UploadId=upload_id, **kwargs)

    def part_pages(
        self, bucket: str, key: str, upload_id: str, max_parts: int = 1000, **kwargs: Any
    ) -> Iterator[Response]:
        """The pages of ListParts (`Parts`, …)."""
        return self.pages("list_parts", Bucket=bucket, Key=key, UploadId=upload_id, MaxParts=max_parts, **kwargs)
