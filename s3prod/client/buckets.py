"""Calls about buckets and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from s3prod.client.base import Base, Response


class Buckets(Base):
    """Buckets: existence, place, ACL, rules of lifecycle and replication, encryption, object lock."""

    def create_bucket(self, bucket: str, **kwargs: Any) -> Response:
        """Makes a bucket, in the region of the client."""
        if self.region != "us-east-1" and "CreateBucketConfiguration" not in kwargs:
            kwargs["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        return self.call("create_bucket", Bucket=bucket, **kwargs)

    def delete_bucket(self, bucket: str, **kwargs: Any) -> Response:
        """Removes an empty bucket."""
        return self.call("delete_bucket", Bucket=bucket, **kwargs)

    def list_buckets(self) -> list[Response]:
        """The entries of all buckets."""
        return list(self.call("list_buckets").get("Buckets", []))

    def bucket_exists(self, bucket: str) -> bool:
        """Whether there is such a bucket: only a 404 means no, every other error is raised."""
        return self._exists("head_bucket", Bucket=bucket)

    def get_bucket_location(self, bucket: str) -> str:
        """The region of a bucket, also of one in us-east-1, of which S3 says nothing."""
        return self.call("get_bucket_location", Bucket=bucket).get("LocationConstraint") or "us-east-1"

    def put_bucket_acl(self, bucket: str, acl: str | None = None, **kwargs: Any) -> Response:
        """Sets the ACL: a canned one, or `AccessControlPolicy`."""
        return self.call("put_bucket_acl", Bucket=bucket, **_acl(acl), **kwargs)

    def get_bucket_acl(self, bucket: str, **kwargs: Any) -> Response:
        """Owner and grants."""
        return self.call("get_bucket_acl", Bucket=bucket, **kwargs)

    def put_bucket_lifecycle(self, bucket: str, rules: Iterable[Mapping[str, Any]], **kwargs: Any) -> Response:
        """Sets the lifecycle rules in the place of those that are there."""
        configuration = {"Rules": list(rules)}
        return self.call(
            "put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration=configuration, **kwargs
        )

    def get_bucket_lifecycle(self, bucket: str) -> list[Response]:
        """The lifecycle rules; none when nothing is set."""
        answer = self._or_absent("NoSuchLifecycleConfiguration", "get_bucket_lifecycle_configuration", Bucket=bucket)
        return list(answer.get("Rules", []))

    def put_bucket_encryption(
        self, bucket: str, sse_algorithm: str = "AES256", kms_key_id: str | None = None, **kwargs: Any
    ) -> Response:
        """Sets the default encryption."""
        default = {"SSEAlgorithm": sse_algorithm} | ({} if kms_key_id is None else {"KMSMasterKeyID": kms_key_id})
        configuration = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        return self.call(
            "put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration=configuration, **kwargs
        )

    def get_bucket_encryption(self, bucket: str) -> Response:
        """The encryption configuration (`Rules`); empty when nothing is set."""
        code = "ServerSideEncryptionConfigurationNotFoundError"
        answer = self._or_absent(code, "get_bucket_encryption", Bucket=bucket)
        return dict(answer.get("ServerSideEncryptionConfiguration", {}))

    def put_bucket_replication(
        self, bucket: str, rules: Iterable[Mapping[str, Any]], role: str = "", **kwargs: Any
    ) -> Response:
        """Sets the replication rules in the place of those that are there."""
        configuration = {"Role": role, "Rules": list(rules)}
        return self.call("put_bucket_replication", Bucket=bucket, ReplicationConfiguration=configuration, **kwargs)

    def get_bucket_replication(self, bucket: str) -> list[Response]:
        """The replication rules; none when nothing is set."""
        code = "ReplicationConfigurationNotFoundError"
        answer = self._or_absent(code, "get_bucket_replication", Bucket=bucket)
        return list(answer.get("ReplicationConfiguration", {}).get("Rules", []))

    def delete_bucket_replication(self, bucket: str, **kwargs: Any) -> Response:
        """Removes the replication rules."""
        return self.call("delete_bucket_replication", Bucket=bucket, **kwargs)

    def put_object_lock_configuration(self, bucket: str, configuration: Mapping[str, Any], **kwargs: Any) -> Response:
        """Sets object lock of a bucket: `{"ObjectLockEnabled": "Enabled", "Rule": …}`."""
        return self.call(
            "put_object_lock_configuration", Bucket=bucket, ObjectLockConfiguration=dict(configuration), **kwargs
        )

    def get_object_lock_configuration(self, bucket: str) -> Response:
        """Object lock of a bucket; empty when it has none."""
        code = "ObjectLockConfigurationNotFoundError"
        answer = self._or_absent(code, "get_object_lock_configuration", Bucket=bucket)
        return dict(answer.get("ObjectLockConfiguration", {}))


def _acl(acl: str | None) -> dict[str, str]:
    return {} if acl is None else {"ACL": acl}
