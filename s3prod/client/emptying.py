"""Removing what a test left: objects, versions, delete markers and uploads of a prefix, again and again until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from s3prod.client.base import code_of, status_of
from s3prod.client.objects import Objects
from s3prod.client.uploads import Uploads
from s3prod.client.versions import Versions
from s3prod.errors import S3ProdError

ROUNDS = 5
_BATCH = 1000
_PAUSE_S = 0.1  # after a round that left something; doubles
_NOT_HERE = (405, 501)  # the store does not have the operation
_SHOWN = 10


class LeftBehindError(S3ProdError):
    """What could not be removed: `left` names each thing, `errors` what the store said of the last try.

    >>> str(LeftBehindError("b", ["object a"], ["AccessDenied"]))
    'bucket: b, expected to be empty, but object a is left (AccessDenied)'
    """

    def __init__(self, bucket: str, left: Sequence[str], errors: Sequence[str] = ()) -> None:
        self.left, self.errors = list(left), list(errors)
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        because = f" ({'; '.join(sorted(set(errors)))})" if errors else ""
        verb = "is" if len(left) == 1 else "are"
        shown = ", ".join(self.left[:_SHOWN])
        super().__init__(f"bucket: {bucket}, expected to be empty, but {shown}{more} {verb} left{because}")


@dataclass(frozen=True)
class Thing:
    """Something in a bucket that can be removed."""

    kind: str  # object, version, delete marker, upload
    key: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.key}" if self.kind == "object" else f"{self.kind} {self.id} of {self.key}"

    @property
    def named(self) -> dict[str, str]:
        """As DeleteObjects names it."""
        return {"Key": self.key} | ({"VersionId": self.id} if self.id else {})


class Emptying(Objects, Uploads, Versions):
    """Removing everything."""

    def empty_bucket(self, bucket: str, prefix: str = "", versions: bool = True) -> int:
        """Removes every object, version, delete marker and upload whose key begins with `prefix`, and gives how many.

        With `versions=False` only what a plain listing shows, and uploads. What fails is tried again in the next of five
        rounds; `LeftBehindError` names what is left after them.
        """
        removed, errors, left = 0, list[str](), list[Thing]()
        for number in range(ROUNDS):
            if number:
                time.sleep(_PAUSE_S * 2**number)
            errors = []
            try:
                left = list(self.things(bucket, prefix, versions))
                removed += self._remove(bucket, left, errors)
                left = list(self.things(bucket, prefix, versions))
            except (BotoCoreError, ClientError) as error:
                if number == ROUNDS - 1 or (isinstance(error, ClientError) and status_of(error) < 500):
                    raise
                continue
            if not left:
                return removed
        raise LeftBehindError(bucket, [str(thing) for thing in left], errors)

    def things(self, bucket: str, prefix: str = "", versions: bool = True) -> Iterator[Thing]:
        """What is under a prefix: with `versions` every version and marker, else objects; then uploads."""
        try:
            yield from self._versions(bucket, prefix) if versions else self._objects(bucket, prefix)
        except ClientError as error:
            if not versions or status_of(error) not in _NOT_HERE:
                raise
            yield from self._objects(bucket, prefix)
        try:
            for page in self.upload_pages(bucket, prefix):
                yield from (Thing("upload", each["Key"], each["UploadId"]) for each in page.get("Uploads", []))
        except ClientError as error:
            if status_of(error) not in _NOT_HERE:
                raise

    def _objects(self, bucket: str, prefix: str) -> Iterator[Thing]:
        for page in self.object_pages(bucket, prefix):
            yield from (Thing("object", entry["Key"]) for entry in page.get("Contents", []))

    def _versions(self, bucket: str, prefix: str) -> Iterator[Thing]:
        for page in self.version_pages(bucket, prefix):
            for field, kind in (("Versions", "version"), ("DeleteMarkers", "delete marker")):
                yield from (Thing(kind, entry["Key"], entry["VersionId"]) for entry in page.get(field, []))

    def _remove(self, bucket: str, things: Sequence[Thing], errors: list[str]) -> int:
        removed = 0
        stored = [thing for thing in things if thing.kind != "upload"]
        for first in range(0, len(stored), _BATCH):
            removed += self._remove_batch(bucket, stored[first : first + _BATCH], errors)
        for thing in things:
            if thing.kind == "upload":
                removed += self._tried(errors, self.abort_multipart_upload, bucket, thing.key, thing.id)
        return removed

    def _remove_batch(self, bucket: str, batch: Sequence[Thing], errors: list[str]) -> int:
        try:
            failed = self.delete_objects(bucket, [thing.named for thing in batch], quiet=True).get("Errors", [])
        except (BotoCoreError, ClientError) as error:
            if not isinstance(error, ClientError) or status_of(error) not in _NOT_HERE:
                errors.append(_said(error))
                return 0
            names = [({"VersionId": thing.id} if thing.id else {}) for thing in batch]
            return sum(
                self._tried(errors, self.delete_object, bucket, thing.key, **name)
                for thing, name in zip(batch, names, strict=True)
            )
        errors += [str(each.get("Code", "")) for each in failed]
        return len(batch) - len(failed)

    @staticmethod
    def _tried(errors: list[str], call: Callable[..., Any], *words: str, **kwargs: str) -> int:
        try:
            call(*words, **kwargs)
        except (BotoCoreError, ClientError) as error:
            errors.append(_said(error))
            return 0
        return 1


def _said(error: Exception) -> str:
    return code_of(error) if isinstance(error, ClientError) else type(error).__name__
