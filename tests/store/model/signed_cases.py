"""Requests that are hard to sign, drawn from a seed, and what botocore makes of them."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import random
import string
from dataclasses import dataclass, field
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256(b"").hexdigest()
_WORDS = ["a", "Z9", "~", "-._", "'", "*", "%", "%41", "+", " ", "=", "&", "?", "#", "/", "//", ".", "..", "/../", ":", ";",
          "@", "!$(),", '"<>', "[]\\^`{|}", "\t", "\x01", "\x7f", "é", "ü", "\uffee", "😀", "\u200b"]  # fmt: skip
_NAMES = ["a", "a-", "a10", "A", "b c", "é", "x~y", "q&", "p=", "z+", "%", "/", "max", "'"]


@dataclass
class Case:
    """A request to be signed: `path` and `query` as they are sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    payload: str = UNSIGNED  # x-amz-content-sha256

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Draw:
    """A seeded source of the parts of requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self, most: int = 8) -> str:
        return "".join(self.random.choices(_WORDS, k=self.random.randint(1, most)))

    def encoded(self, text: str, safe: str) -> str:
        """Percent-encoded as clients do it, or now and then every byte."""
        if self.random.random() < 0.1:
            return "".join(one if one in safe else f"%{byte:02X}" for one in text for byte in one.encode())
        return quote(text, safe=safe)

    def key(self) -> str:
        """The path of a key; 1 in 20 is long."""
        return self.encoded("k" + self.text(60 if self.random.random() < 0.05 else 8), "/~")

    def query(self, names: list[str], repeated: bool) -> str:
        """Encoded pairs; values may be empty, and a name without a value may lack its `=`."""
        chosen = self.random.choices(names, k=self.random.randint(0, 4))
        pairs = []
        for name in chosen if repeated else dict.fromkeys(chosen):
            value = self.text(5) if self.random.random() < 0.7 else ""
            bare = not value and repeated and self.random.random() < 0.5
            pairs.append(quote(name, safe="~") + ("" if bare else "=" + quote(value, safe="~")))
        return "&".join(pairs)

    def headers(self) -> dict[str, str]:
        """Metadata with blanks inside, odd case, long values; and some headers that clients sign."""
        made: dict[str, str] = {}
        for number in range(self.random.randint(0, 3)):
            words = ["".join(self.random.choices(string.ascii_letters + "!#$%&'*+,;=?@~", k=4)) for _ in range(3)]
            value = (" " * self.random.randint(1, 4)).join(words)
            long = "v" * (500 if self.random.random() < 0.05 else 0)
            made[self.random.choice(("x-amz-meta-%d", "X-Amz-Meta-%d", "X-AMZ-META-x%d")) % number] = value + long
        if self.random.random() < 0.2:
            made["Range"] = "bytes=0-9"
        if self.random.random() < 0.2:
            made["Cache-Control"] = "no-cache,   no-store"
        return made

    def case(self, root: str, names: list[str], repeated: bool = True) -> Case:
        payload = self.random.choice((UNSIGNED, EMPTY))
        method = self.random.choice(("GET", "GET", "HEAD"))
        return Case(method, root + self.key(), self.query(names, repeated), self.headers(), b"", payload)

    def any_case(self, repeated: bool = True) -> Case:
        """One that no store has to understand."""
        return self.case("/bucket/", _NAMES, repeated)


class HeaderAuth(S3SigV4Auth):  # type: ignore[misc]
    """botocore's signer of headers, with a payload hash that the case chooses."""

    def __init__(self, credentials: Credentials, region: str, payload: str) -> None:
        super().__init__(credentials, "s3", region)
        self._payload = payload

    def payload(self, request: AWSRequest) -> str:
        return self._payload


def by_headers(case: Case, origin: str, auth: HeaderAuth, date: str) -> tuple[str, AWSRequest]:
    """botocore's signature, and the request with its headers."""
    request = AWSRequest(case.method, origin + case.target, headers=dict(case.headers), data=case.body)
    return _signed(auth, request, date), request


def by_query(case: Case, origin: str, auth: S3SigV4QueryAuth, date: str) -> tuple[str, AWSRequest]:
    """botocore's signature, and the request with its URL."""
    request = AWSRequest(case.method, origin + case.target)
    return _signed(auth, request, date), request


def _signed(auth: S3SigV4Auth, request: AWSRequest, date: str) -> str:
    """The steps of add_auth with a time of the test's own."""
    request.context["timestamp"] = date
    auth._modify_request_before_signing(request)
    signature: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    auth._inject_signature_to_request(request, signature)
    return signature


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")


class ChunkSigner:
    """The signatures of an aws-chunked body: each signs the one before it, the first one the request's."""

    def __init__(self, credentials: Credentials, region: str, date: str, seed: str) -> None:
        key = b"AWS4" + credentials.secret_key.encode()
        for text in (date[:8], region, "s3", "aws4_request"):
            key = hmac.new(key, text.encode(), hashlib.sha256).digest()
        self._key, self._last = key, seed
        self._scope = f"{date}\n{date[:8]}/{region}/s3/aws4_request"

    def _next(self, kind: str, *hashes: str) -> str:
        text = "\n".join((f"AWS4-HMAC-SHA256-{kind}", self._scope, self._last, *hashes))
        self._last = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        return self._last

    def chunk(self, data: bytes) -> bytes:
        """With its header; the last one is empty, and lacks the line end that a trailer stands before."""
        signature = self._next("PAYLOAD", EMPTY, hashlib.sha256(data).hexdigest())
        head = f"{len(data):x};chunk-signature={signature}\r\n".encode()
        return head + data + b"\r\n" if data else head

    def trailer(self, name: str, value: str) -> bytes:
        signature = self._next("TRAILER", hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest())
        return f"{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n".encode()
