"""Backups of a prefix: every version, in order, compared byte by byte on the way there and on the way back."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from s3prod.client import S3Client
from s3prod.client.base import status_of
from s3prod.errors import S3ProdError

_CHUNK_BYTES = 1 << 20
_SHOWN = 10


class BackupError(S3ProdError):
    """Copies that are not what was copied; `differences` says each in a sentence."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = list(differences)
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        super().__init__(f"backup: {'; '.join(self.differences[:_SHOWN])}{more}")


@dataclass(frozen=True)
class Content:
    """What a version is: bytes by length and SHA-256, metadata, tags. A delete marker has none."""

    size: int
    sha256: str
    content_type: str
    metadata: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class Version:
    """One version, or delete marker (`content` is None), of a key in a bucket."""

    key: str
    version_id: str
    content: Content | None

    @property
    def named(self) -> dict[str, str]:
        """Its version id as a parameter; none in a bucket that never kept versions."""
        return {"VersionId": self.version_id} if self.version_id else {}


@dataclass(frozen=True)
class Backup:
    """What a backup holds: `versions` of each key, oldest first, as they are in `bucket`."""

    bucket: str
    versions: tuple[Version, ...]

    def to_dict(self) -> dict[str, Any]:
        """The backup's list as JSON.

        >>> Backup("b", ()).to_dict()
        {'bucket': 'b', 'versions': ()}
        """
        return dataclasses.asdict(self)


class BackupManager:
    """Copies the versions of a prefix to another bucket, and back.

        manager = BackupManager(s3_client, bucket, backup_bucket)
        backup = manager.backup("reports/")
        manager.verify(backup)
        manager.restore(backup)

    Each version is read, copied by the store (CopyObject, at most 5 GiB), read again at its new place and compared: bytes,
    content type, metadata, tags. A difference is a `BackupError`. Where the source keeps versions, versioning of the other bucket
    is enabled.
    """

    def __init__(self, client: S3Client, bucket: str, backup_bucket: str) -> None:
        self.client, self.bucket, self.backup_bucket = client, bucket, backup_bucket

    def backup(self, prefix: str = "") -> Backup:
        """Copies what is under the prefix now."""
        found = [
            Version(key, version_id, None if marker else self._content(self.bucket, key, version_id))
            for key, version_id, marker in self._listed(prefix)
        ]
        return self._copy(self.bucket, found, self.backup_bucket)

    def verify(self, backup: Backup) -> None:
        """Reads the whole backup and compares it with what was backed up."""
        _raise(self._differences(backup.bucket, backup.versions))

    def restore(self, backup: Backup, bucket: str | None = None) -> Backup:
        """Writes the backup into a bucket, by default the one that it came from, on top of what is there; says where it is.

        A backup that is damaged is not restored.
        """
        self.verify(backup)
        return self._copy(backup.bucket, backup.versions, bucket or self.bucket)

    def _listed(self, prefix: str) -> list[tuple[str, str, bool]]:
        """(key, version id, marker?) of all versions, oldest first."""
        if not self.client.get_bucket_versioning(self.bucket).get("Status"):
            return [(entry["Key"], "", False) for entry in self.client.list_objects(self.bucket, prefix)]
        if self.client.get_bucket_versioning(self.backup_bucket).get("Status") != "Enabled":
            self.client.put_bucket_versioning(self.backup_bucket, {"Status": "Enabled"})
        return list(version_rows(self.client, self.bucket, prefix))[::-1]

    def _copy(self, source_bucket: str, versions: Sequence[Version], bucket: str) -> Backup:
        copies = []
        for version in versions:
            if version.content is None:
                answer = self.client.delete_object(bucket, version.key)
            else:
                source = {f"Source{name}": value for name, value in version.named.items()}
                answer = self.client.copy_object(source_bucket, version.key, bucket, version.key, **source)
            copies.append(dataclasses.replace(version, version_id=str(answer.get("VersionId", ""))))
        _raise(self._differences(bucket, copies))
        return Backup(bucket, tuple(copies))

    def _differences(self, bucket: str, versions: Sequence[Version]) -> list[str]:
        """What is not in the bucket as it should be."""
        out, markers = [], set[tuple[str, str]]()
        if any(version.content is None for version in versions):
            markers = {(key, id_) for key, id_, marker in version_rows(self.client, bucket, "") if marker}
        for version in versions:
            name = f"{bucket}/{version.key}" + (f" version {version.version_id}" if version.version_id else "")
            if version.content is None:
                out += [] if (version.key, version.version_id) in markers else [f"{name}: no delete marker"]
                continue
            try:
                found = self._content(bucket, version.key, version.version_id)
            except ClientError as error:
                if status_of(error) not in (404, 405):
                    raise
                out.append(f"{name}: not there")
                continue
            names = [field.name for field in dataclasses.fields(Content)]
            wrong = [each for each in names if getattr(found, each) != getattr(version.content, each)]
            out += [f"{name}: {', '.join(wrong)} not as backed up"] if wrong else []
        return out

    def _content(self, bucket: str, key: str, version_id: str) -> Content:
        named = {"VersionId": version_id} if version_id else {}
        answer = self.client.get_object(bucket, key, **named)
        digest, size = hashlib.sha256(), 0
        for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
        tags = self.client.get_object_tagging(bucket, key, **named)
        return Content(size, digest.hexdigest(), str(answer.get("ContentType", "")), dict(answer["Metadata"]), tags)


def version_rows(client: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, str, bool]]:
    """(key, version id, marker?) in the order of the listing, newest first inside a key.

    It reads the documents itself: boto3 gives versions and markers in two lists, and loses the order between them.
    """
    query = {"versions": "", "prefix": prefix, "encoding-type": "url"}
    while True:
        answer = client.request("GET", f"/{bucket}", query)
        if answer.status != 200:
            raise BackupError([f"{bucket}: its versions cannot be listed: {answer.status} {answer.code}"])
        page = ElementTree.fromstring(answer.body)
        texts = {_bare(child.tag): child.text or "" for child in page}
        for child in page:
            if _bare(child.tag) in ("Version", "DeleteMarker"):
                fields = {_bare(field.tag): field.text or "" for field in child}
                yield unquote_plus(fields["Key"]), fields["VersionId"], _bare(child.tag) == "DeleteMarker"
        if texts.get("IsTruncated") != "true":
            return
        following = {
            "key-marker": unquote_plus(texts["NextKeyMarker"]),
            "version-id-marker": texts["NextVersionIdMarker"],
        }
        if following.items() <= query.items():
            raise BackupError([f"{bucket}: a page of its versions leads to itself"])
        query |= following


def _bare(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


def _raise(differences: list[str]) -> None:
    if differences:
        raise BackupError(differences)
