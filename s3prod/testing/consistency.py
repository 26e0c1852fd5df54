"""The checker for reads and writes that a test makes itself, one by one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from s3prod import _native, profile
from s3prod.client import S3Client
from s3prod.client.base import Response, status_of
from s3prod.errors import InconclusiveError, UsageError
from s3prod.outcomes import End, outcome_of
from s3prod.verdict import Verdict, check

if TYPE_CHECKING:
    from s3prod.runners.boto3_record import Attempt


class ConsistencyValidator:
    """Watches the writes and reads of one bucket that go through it, from any number of threads, and has the checker judge
    them: lost, stale, mixed and wrongly refused writes come with a witness.

        validator = ConsistencyValidator(s3_client, bucket, profile=target.profile)
        validator.put("hot", b"one")
        assert validator.get("hot") == b"one"
        validator.check()

    Bodies tell the writes of a key apart, so every body is used once for a key. What was in the bucket before is not known to
    it: begin with keys that do not exist. `validate` judges the history of a run.
    """

    def __init__(self, client: S3Client, bucket: str, *, profile: Mapping[str, profile.Value] | None = None) -> None:
        self.client, self.bucket = client, bucket
        self._profile = profile
        self._run = int.from_bytes(os.urandom(6), "big")
        self._lock = threading.Lock()
        self._records: list[dict[str, Any]] = []
        self._written: set[tuple[str, bytes]] = set()
        self._threads: dict[int, int] = {}

    def put(self, key: str, body: bytes, **kwargs: Any) -> Response:
        """`put_object`."""
        value = self._value_of(body)
        with self._lock:
            if (key, value) in self._written:
                raise UsageError("body", f"{body[:20]!r} again for {key}", "bytes that no earlier write of the key had")
            self._written.add((key, value))
        record = {"size": len(body), "body_id": value.hex(), "meta_id": value.hex()}
        return self._observed(
            "put", key, record, kwargs, lambda: self.client.put_object(self.bucket, key, body, **kwargs)
        )

    def get(self, key: str, **kwargs: Any) -> bytes | None:
        """The whole body; None when there is no object (404)."""
        record: dict[str, Any] = {}

        def read() -> Response:
            answer = self.client.get_object(self.bucket, key, **kwargs)
            answer["Body"] = answer["Body"].read()
            value = self._value_of(answer["Body"]).hex()
            record.update(size=len(answer["Body"]), body_id=value, meta_id=value, body_verdict="clean")
            return answer

        try:
            return bytes(self._observed("get", key, record, kwargs, read)["Body"])
        except ClientError as error:
            if status_of(error) == 404:
                return None
            raise

    def delete(self, key: str, **kwargs: Any) -> Response:
        """`delete_object`."""
        return self._observed("delete", key, {}, kwargs, lambda: self.client.delete_object(self.bucket, key, **kwargs))

    def verdict(self) -> Verdict:
        """What the checker says of all that was observed until now; inconclusive without an acknowledged write and a read."""
        with self._lock:
            records = sorted(self._records, key=lambda record: int(record["t_call"]))
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "history.s3ph")
            with _native.HistoryWriter(path, json.dumps(self._header(records))) as writer:
                for record in records:
                    writer.append(record)
            return check(path)

    def check(self) -> Verdict:
        """The verdict when everything held, else an AssertionError with the witnesses in words."""
        return _held(self.verdict())

    @staticmethod
    def validate(history: str | PathLike[str]) -> Verdict:
        """The verdict on the history of a run (`history.s3ph`, or the folder of the run); raises as `check` does."""
        path = Path(fspath(history))
        return _held(check(str(path / "history.s3ph" if path.is_dir() else path)))

    def _value_of(self, body: bytes) -> bytes:
        """The value id that stands for these bytes."""
        return self._run.to_bytes(6, "big") + hashlib.sha256(body).digest()[:10]

    def _observed(
        self, op: str, key: str, record: dict[str, Any], asked: Mapping[str, Any], call: Callable[[], Response]
    ) -> Response:
        """Makes the call and writes down what it came to."""
        from s3prod.runners.boto3_record import Attempt  # numpy comes with it, which takes long

        attempt, answer = Attempt(time.monotonic_ns()), Response()
        try:
            answer = call()
            return answer
        except ClientError as error:
            answer = error.response
            raise
        except BotoCoreError as error:
            attempt.error = error
            raise
        finally:
            attempt.t_return = time.monotonic_ns()
            attempt.status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            self._write(op, key, record, asked, attempt, answer)

    def _write(
        self, op: str, key: str, record: dict[str, Any], asked: Mapping[str, Any], attempt: Attempt, answer: Response
    ) -> None:
        phase, wire = attempt.phase_and_wire()
        code = str(answer.get("Error", {}).get("Code", ""))
        condition, expected = _condition(asked)
        etag = str(answer.get("ETag", ""))
        outcome, evidence = outcome_of(End(op, condition, phase, attempt.status, code, has_etag=bool(etag)))
        row = record | {"op": op, "key": key, "bucket": 0, "run_phase": "main", "phase": phase, "wire": wire}
        row |= {"outcome": outcome, "evidence": evidence, "t_call": attempt.t_call}
        heads = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        told = {
            "status": attempt.status,
            "code_text": code,
            "etag": etag,
            "cond": condition,
            "expect_etag": "" if condition.endswith("_any") else expected,
            "request_id": heads.get("x-amz-request-id", ""),
            "version_id": answer.get("VersionId", ""),
        }
        row |= {name: value for name, value in told.items() if value}
        if phase == "answered":
            row |= {"t_sent": attempt.t_return, "t_first": attempt.t_return, "t_return": attempt.t_return}
        with self._lock:
            row["client"] = self._threads.setdefault(threading.get_ident(), len(self._threads))
            row["op_seq"] = len(self._records) + 1
            self._records.append(row)

    def _header(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        keys = sorted({record["key"] for record in records}) or ["-"]
        promises = profile.load("generic") if self._profile is None else dict(self._profile)
        return {
            "format": 1,
            "run": f"{self._run:012x}",
            "seed": 1,
            "plan": {"name": "observed", "groups": [], "require": {"*": {"acked_writes": 1, "reads": 1}}},
            "profile": promises,
            "endpoints": [self.client.endpoint_url],
            "buckets": [{"role": "main", "name": self.bucket}],
            "spaces": [{"name": "", "bucket": 0, "kind": "fixed", "keys": keys}],
            "groups": [{"name": "test", "phase": "main", "clients": max(1, len(self._threads)), "first_client": 0}],
        }


def _condition(asked: Mapping[str, Any]) -> tuple[str, str]:
    """The condition of a call as histories name it, and its ETag.

    >>> _condition({"IfNoneMatch": "*"}), _condition({})
    (('if_none_match_any', '*'), ('', ''))
    """
    for parameter, name in (("IfMatch", "if_match"), ("IfNoneMatch", "if_none_match")):
        if parameter in asked:
            return (f"{name}_any" if asked[parameter] == "*" else name), str(asked[parameter])
    return "", ""


def _held(verdict: Verdict) -> Verdict:
    if verdict.consistency == "inconclusive":
        raise InconclusiveError("consistency: inconclusive: " + "; ".join(verdict.because))
    if verdict.consistency == "violated":
        raise AssertionError("\n".join(f"{witness.rule}: {witness.sentence}" for witness in verdict.witnesses))
    return verdict
