"""Where a probe works: buckets of its own, and requests whose answers are the evidence."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from s3prod.client import Answer, S3Client
from s3prod.profile import Value

REFUSED = (400, 405, 501)  # how a store says that it does not have something
PROBE_S = 30.0  # no request of a probe begins later: slow answers, too, come to an end
CLEAN_S = 60.0  # no bucket is emptied later
_AGAIN_S = (0.05, 0.1, 0.2, 0.4, 0.8)  # after a 503
_QUIET = ("content-md5",)  # headers that say nothing
_TEXT_LIMIT = 60


class Untold(Exception):
    """A key that was not probed, and why; `failed`: not because of what it is, but because the probe went wrong."""

    def __init__(self, why: str, *, failed: bool = False) -> None:
        super().__init__(why)
        self.why, self.failed = why, failed


@dataclass(frozen=True)
class Finding:
    """What a probe says of a key, and the requests and answers that say so."""

    value: Value
    evidence: tuple[str, ...] = ()
    not_probed: str = ""  # why; then the value is the default
    failed: bool = False  # the probe of it went wrong


def is_ok(answer: Answer) -> bool:
    """Whether it was done: a 2xx without an error in its body."""
    return 200 <= answer.status < 300 and b"<Error>" not in answer.body


def texts(answer: Answer, element: str) -> list[str]:
    """What the elements of that name hold, in their order.

    >>> texts(Answer(200, {}, b"<R><Key>a&amp;b</Key><Key>c</Key></R>"), "Key")
    ['a&b', 'c']
    """
    body = answer.body.decode("utf-8", "replace")
    return [html.unescape(text) for text in re.findall(rf"<{element}>(.*?)</{element}>", body, re.DOTALL)]


def text(answer: Answer, element: str) -> str:
    """The first of `texts`; empty when there is none."""
    return next(iter(texts(answer, element)), "")


class Site:
    """The client of a probe, the buckets that it made, and what was said since `begin`."""

    def __init__(self, client: S3Client, prefix: str) -> None:
        self.client = client
        self.plain = f"{prefix}-plain"
        self.versioned = f"{prefix}-versions"
        self.named = {f"{prefix}-{role}": role for role in ("plain", "versions", "lifecycle", "replica", "lock")}
        self.made: list[str] = []
        self.said: list[str] = []
        self.began_s = self.probe_began_s = time.monotonic()
        self.keeps_versions = False
        self.expiring_s = 0.0  # when an object was written that a lifecycle rule of one day names; 0: none
        self.first_modified = ("", 0.0)  # LastModified of the first object, and when it was written

    def bucket(self, role: str) -> str:
        """The name of the bucket of that role."""
        return next(name for name, of in self.named.items() if of == role)

    def begin(self) -> None:
        """Forgets what was said: another key is next, and has its own time."""
        self.said, self.probe_began_s = [], time.monotonic()

    def note(self, line: str) -> None:
        """A line of evidence that is no request."""
        self.said.append(line)

    def ask(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        quiet: bool = False,
    ) -> Answer:
        """One request and its answer, as evidence unless `quiet`. A 503 is asked again; another 5xx tells nothing, and no more
        does a probe that takes too long.
        """
        if time.monotonic() - self.probe_began_s > PROBE_S:
            raise Untold(f"not done in {PROBE_S:g} s", failed=True)
        given = dict(headers or {})
        if body:
            given.setdefault("Content-MD5", base64.b64encode(hashlib.md5(body).digest()).decode())
        path = f"/{bucket}" + (f"/{key}" if key else "")
        answer = self.client.request(method, path, query, given, body or b"")
        for pause_s in _AGAIN_S:
            if answer.status != 503:
                break
            time.sleep(pause_s)
            answer = self.client.request(method, path, query, given, body or b"")
        line = self._line(method, bucket, key, query or {}, given, answer)
        if answer.status >= 500 and answer.status != 501:
            raise Untold(line, failed=True)
        if not quiet:
            self.note(line)
        return answer

    def _line(
        self, method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], answer: Answer
    ) -> str:
        asked = "&".join(f"{name}={value}"[:_TEXT_LIMIT] if value else name for name, value in query.items())
        path = f"/{self.named.get(bucket, bucket)}" + (f"/{key}" if key else "") + (f"?{asked}" if asked else "")
        shown = [f"{name}: {value}"[:_TEXT_LIMIT] for name, value in headers.items() if name.lower() not in _QUIET]
        for name, role in self.named.items():
            shown = [line.replace(name, role) for line in shown]
        code = text(answer, "Code") if b"<Error>" in answer.body else ""
        return " ".join([method, path, *shown, "→", str(answer.status), *([code] if code else [])])

    def put(self, bucket: str, key: str, body: bytes = b"a probe", *, quiet: bool = True, **headers: str) -> Answer:
        """A PUT that has to succeed; `headers` have _ for -."""
        answer = self.ask("PUT", bucket, key, headers=_headers(headers), body=body, quiet=quiet)
        if not is_ok(answer):
            raise Untold(f"a plain PUT was answered {answer.status} {answer.code}", failed=True)
        return answer

    def holds(self, bucket: str, key: str, body: bytes) -> bool:
        """Whether a GET answers with these bytes."""
        answer = self.ask("GET", bucket, key, quiet=True)
        return is_ok(answer) and answer.body == body

    def make(self, role: str, **headers: str) -> Answer:
        """Makes the bucket of a role."""
        region = self.client.region
        body = b"" if region == "us-east-1" else (
            f"<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ).encode()  # fmt: skip
        answer = self.ask("PUT", self.bucket(role), headers=_headers(headers), body=body)
        if is_ok(answer):
            self.made.append(self.bucket(role))
        return answer

    def clean(self) -> list[str]:
        """Removes what was made; names what is left behind, and why."""
        left, began_s = [], time.monotonic()
        for bucket in reversed(self.made):
            if time.monotonic() - began_s > CLEAN_S:
                left.append(f"bucket {bucket}: not emptied, {CLEAN_S:g} s had gone by")
                continue
            try:
                self.client.empty_bucket(bucket)
                self.client.delete_bucket(bucket)
            except Exception as error:  # whatever it is: it is listed, and the other buckets go
                left.append(f"bucket {bucket}: {' '.join(str(error).split())[:200]}")
        return left


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}
