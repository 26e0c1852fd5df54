"""Buckets with object lock, for tests that must not leave any lock behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from s3prod.client import S3Client
from s3prod.client.base import status_of

_RETAINED = timedelta(hours=1)  # long enough for any test; GOVERNANCE, so that the end of the test can lift it


class Version(NamedTuple):
    """A version of a key."""

    key: str
    id: str


class LockedBucket:
    """A bucket whose versions can be locked; at the end all locks are lifted, and it goes with everything in it.

        with LockedBucket(s3_client, "bucket") as bucket:
            held = bucket.put("key", hold=True)
            assert bucket.remove(held) == "AccessDenied"

    Locks are legal holds and retentions in the mode GOVERNANCE.
    """

    def __init__(self, client: S3Client, name: str) -> None:
        self.client, self.name = client, name

    def __enter__(self) -> LockedBucket:
        """Makes the bucket."""
        self.client.create_bucket(self.name, ObjectLockEnabledForBucket=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lifts all locks and removes everything."""
        for version in self.versions():
            self.release(version)
            self.remove(version, BypassGovernanceRetention=True)
        self.client.empty_bucket(self.name)
        self.client.delete_bucket(self.name)

    def put(self, key: str, body: bytes, *, retained: bool = False, hold: bool = False, **more: Any) -> Version:
        """Writes a version, locked as is said, with the checksum that S3 asks for then."""
        more["ContentMD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        if retained:
            more |= {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.now(UTC) + _RETAINED}
        if hold:
            more["ObjectLockLegalHoldStatus"] = "ON"
        return Version(key, str(self.client.put_object(self.name, key, body, **more).get("VersionId", "null")))

    def read(self, version: Version) -> bytes:
        """The bytes of a version; `b""` when it is gone."""
        try:
            return bytes(self.client.get_object(self.name, version.key, VersionId=version.id)["Body"].read())
        except ClientError as error:
            if status_of(error) != 404:
                raise
            return b""

    def remove(self, version: Version, **how: Any) -> str:
        """Deletes a version or a marker by its id; the code with which that was refused, empty when it was not."""
        try:
            self.client.delete_object(self.name, version.key, VersionId=version.id, **how)
        except ClientError as error:
            return str(error.response.get("Error", {}).get("Code"))
        return ""

    def remove_all(self, things: Iterable[Version | str], **how: Any) -> tuple[set[Version], dict[Version, str]]:
        """Deletes versions, and keys without an id, in one batch: what was deleted, and the codes of what failed. A key without
        an id is named by that of its marker.
        """
        named = [{"Key": t} if isinstance(t, str) else {"Key": t.key, "VersionId": t.id} for t in things]
        answer = self.client.delete_objects(self.name, named, **how)
        deleted = {
            Version(each["Key"], each.get("DeleteMarkerVersionId", each.get("VersionId", "")))
            for each in answer.get("Deleted", [])
        }
        failed = {Version(e["Key"], e.get("VersionId", "")): str(e["Code"]) for e in answer.get("Errors", [])}
        return deleted, failed

    def mark(self, key: str) -> Version:
        """Deletes a key without an id: its marker."""
        return Version(key, str(self.client.delete_object(self.name, key).get("VersionId")))

    def release(self, version: Version) -> None:
        """Lifts the legal hold of a version."""
        self.client.put_object_legal_hold(self.name, version.key, "OFF", VersionId=version.id)

    def versions(self) -> set[Version]:
        """All versions, without markers."""
        pages = self.client.list_object_versions(self.name)
        return {Version(each["Key"], each["VersionId"]) for each in pages.get("Versions", [])}
