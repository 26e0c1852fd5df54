"""A small synchronous S3 client for the thin parts of a test: seeding, looking, cleaning up.

It wraps boto3 with retries off, so that what it reports is what one request did. Load is the engine's business, not this one's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from s3prod.target import Target

Response = dict[str, Any]


class S3Client:
    """One endpoint of a target.

    >>> client = S3Client(target)                            # doctest: +SKIP
    >>> client.put_object("bucket", "key", b"value")["ETag"]  # doctest: +SKIP
    '"2063c1608d6e0baf80249c42e2be5804"'
    """

    def __init__(self, target: Target, endpoint: int = 0) -> None:
        self.endpoint_url = target.endpoints[endpoint]
        self.region = target.region
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
            aws_session_token=target.session_token,
            region_name=target.region,
            verify=(target.ca_file or True) if target.verify_tls else False,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                s3={"addressing_style": target.addressing},
                request_checksum_calculation="when_required",
            ),
        )

    def create_bucket(self, bucket: str, **kwargs: Any) -> Response:
        if self.region != "us-east-1" and "CreateBucketConfiguration" not in kwargs:
            kwargs["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        return dict(self.client.create_bucket(Bucket=bucket, **kwargs))

    def delete_bucket(self, bucket: str) -> Response:
        return dict(self.client.delete_bucket(Bucket=bucket))

    def list_buckets(self) -> list[Response]:
        return list(self.client.list_buckets()["Buckets"])

    def bucket_exists(self, bucket: str) -> bool:
        return self._exists(self.client.head_bucket, Bucket=bucket)

    def object_exists(self, bucket: str, key: str) -> bool:
        return self._exists(self.client.head_object, Bucket=bucket, Key=key)

    def put_object(self, bucket: str, key: str, body: bytes = b"", **kwargs: Any) -> Response:
        return dict(self.client.put_object(Bucket=bucket, Key=key, Body=body, **kwargs))

    def get_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        return dict(self.client.get_object(Bucket=bucket, Key=key, **kwargs))

    def head_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        return dict(self.client.head_object(Bucket=bucket, Key=key, **kwargs))

    def delete_object(self, bucket: str, key: str, **kwargs: Any) -> Response:
        return dict(self.client.delete_object(Bucket=bucket, Key=key, **kwargs))

    def list_objects(self, bucket: str, prefix: str = "", max_keys: int = 1000, **kwargs: Any) -> list[Response]:
        """All entries under ``prefix``, page after page of ``max_keys``."""
        return [entry for page in self._pages(bucket, prefix, max_keys, kwargs) for entry in page.get("Contents", [])]

    def generate_presigned_url(
        self, bucket: str, key: str, operation: str = "get_object", expires_in: int = 3600
    ) -> str:
        return str(
            self.client.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key}, ExpiresIn=expires_in)
        )

    def empty_bucket(self, bucket: str) -> int:
        """Deletes every object; returns how many. An error of a single key is raised."""
        deleted = 0
        for page in self._pages(bucket, "", 1000, {}):
            keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
            if keys:
                answer = self.client.delete_objects(Bucket=bucket, Delete={"Objects": keys})
                if answer.get("Errors"):
                    raise RuntimeError(f"empty_bucket: {answer['Errors'][0]}")
                deleted += len(answer["Deleted"])
        return deleted

    def _pages(self, bucket: str, prefix: str, max_keys: int, kwargs: Response) -> Iterator[Response]:
        token: Response = {}
        while True:
            page = self.client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=max_keys, **kwargs, **token)
            yield page
            if not page["IsTruncated"]:
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    @staticmethod
    def _exists(call: Any, **kwargs: str) -> bool:
        """Only a 404 means no; everything else is raised."""
        try:
            call(**kwargs)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True
