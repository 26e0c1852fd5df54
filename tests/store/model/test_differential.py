"""Signatures of s3prod against botocore's: what s3prod signs, and what botocore signs and the store checks."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.credentials import Credentials
from storelib import command

from model import sums
from model.signed_cases import UNSIGNED, Case, ChunkSigner, Draw, HeaderAuth, by_headers, by_query, now
from model.wire import Connection
from s3prod._native import chunked, presign, sign
from s3prod.store import EmbeddedStore

CASES = 20_000
REGIONS = ("us-east-1", "eu-central-1", "x")
KNOWN = ["response-content-type", "response-cache-control", "response-content-language", "x-id"]  # and need no more
LISTED = ["prefix", "delimiter", "start-after"]


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> Draw:
    return Draw(request.config.getoption("--seed"))


# --- s3prod signs ---------------------------------------------------------------------------------------------------------
def test_headers_are_signed_as_botocore_does(draw: Draw) -> None:
    for number in range(CASES):
        case, keys, origin, date = draw.any_case(), _keys(draw), _origin(draw), _date(draw)
        credentials = Credentials(keys["access_key"], keys["secret_key"], keys.get("session_token"))
        want, _ = by_headers(case, origin, HeaderAuth(credentials, keys["region"], case.payload), date)
        got = sign(case.method, origin + case.target, case.headers, **keys, payload_hash=case.payload, date=date)
        assert got["authorization"].rpartition("Signature=")[2] == want, (number, case)


def test_queries_are_signed_as_botocore_does(draw: Draw) -> None:
    for number in range(CASES):
        case, keys, origin, date = draw.any_case(repeated=False), _keys(draw), _origin(draw), _date(draw)
        credentials = Credentials(keys["access_key"], keys["secret_key"], keys.get("session_token"))
        expires = draw.random.randint(1, 604_800)
        want, _ = by_query(case, origin, S3SigV4QueryAuth(credentials, "s3", keys["region"], expires), date)
        got = presign(case.method, origin + case.target, **keys, expires=expires, date=date)
        assert got.rpartition("X-Amz-Signature=")[2] == want, (number, case)


FRAME = 65_536
SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME)  # where frames begin and end


def test_chunks_are_signed_as_the_documentation_says(draw: Draw) -> None:
    """Each frame, the last one and the trailer; botocore has no such chain, so it is written out in `ChunkSigner`."""
    for number in range(CASES):
        size = SIZES[number] if number < len(SIZES) else draw.random.randint(0, 300)
        data, keys, date = draw.random.randbytes(size), _keys(draw), _date(draw)
        keys.pop("session_token", None)
        seed, checksum = f"{draw.random.getrandbits(256):064x}", draw.random.choice(("", *sums.ALGORITHMS))
        mode = "signed_trailer" if checksum else "signed"
        chain = ChunkSigner(Credentials(keys["access_key"], keys["secret_key"]), keys["region"], date, seed)
        want = b"".join(chain.chunk(data[at : at + FRAME]) for at in range(0, size, FRAME)) + chain.chunk(b"")
        if checksum:
            want += chain.trailer(f"x-amz-checksum-{checksum.lower()}", sums.checksum(checksum, data))
        got = chunked(data, mode=mode, checksum=checksum.lower(), **keys, seed=seed, date=date)
        assert got == want + b"\r\n", (number, size, mode, checksum)


def _keys(draw: Draw) -> dict[str, str]:
    letters = string.ascii_letters + string.digits
    made = {"access_key": "".join(draw.random.choices(letters, k=20)), "region": draw.random.choice(REGIONS)}
    made["secret_key"] = "".join(draw.random.choices(letters + "/+=", k=40))
    if draw.random.random() < 0.3:
        made["session_token"] = "".join(draw.random.choices(letters + "/+=", k=300))
    return made


def _origin(draw: Draw) -> str:
    return "http" + draw.random.choice(("://127.0.0.1:9000", "://store.example", "s://store.example:443", "://h:80"))


def _date(draw: Draw) -> str:
    return f"2024{draw.random.randint(1, 12):02}{draw.random.randint(1, 28):02}T{draw.random.randint(0, 23):02}0000Z"


# --- botocore signs, the store checks -------------------------------------------------------------------------------------
class Sent(NamedTuple):
    """A request, and what may be answered."""

    method: str
    target: str
    headers: dict[str, str]
    allowed: list[tuple[int, str]]


class Checked:
    """A store, and one connection to it."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.origin = store.endpoint
        self.credentials = Credentials(store.access_key, store.secret_key)
        self._connection = Connection(store.endpoint)

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
        """Status and code."""
        self._connection.send(self._bytes(method, target, headers, body))
        return self._receive(method)

    def judge(self, sent: Iterable[Sent]) -> int:
        """Sends all, some ahead of their answers, and compares each; their number."""
        rest, count = iter(sent), 0
        while batch := list(itertools.islice(rest, 50)):
            self._connection.send(b"".join(self._bytes(one.method, one.target, one.headers) for one in batch))
            for one in batch:
                assert self._receive(one.method) in one.allowed, one
            count += len(batch)
        return count

    def _bytes(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body:
            lines += f"Content-Length: {len(body)}\r\n"
        return f"{method} {target} HTTP/1.1\r\nHost: {self._connection.authority}\r\n{lines}\r\n".encode() + body

    def _receive(self, method: str) -> tuple[int, str]:
        status, _, document = self._connection.receive(method)
        return status, document.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def checked() -> Iterator[Checked]:
    with EmbeddedStore(options=["--fast", "--region", "any"], argv=command()) as store:
        made = Checked(store)
        auth = HeaderAuth(made.credentials, "us-east-1", UNSIGNED)
        _, request = by_headers(Case("PUT", "/bucket", ""), made.origin, auth, now())
        assert made.send("PUT", "/bucket", dict(request.headers)) == (200, "")
        yield made
        made.close()


def _readable(draw: Draw) -> tuple[Case, list[tuple[int, str]]]:
    """A request that a store understands, and what it answers when it lets it in."""
    if draw.random.random() < 0.3:
        case = draw.case("/bucket", LISTED, repeated=False)
        case.method, case.path, case.query = "GET", "/bucket", "&".join(filter(None, ("list-type=2", case.query)))
        return case, [(200, "")]
    case = draw.case("/bucket/", KNOWN, repeated=False)
    if case.method == "HEAD":
        return case, [(404, ""), (400, "")]
    control = any(byte in case.query for byte in ("%01", "%09", "%7F"))  # cannot stand in a header
    return case, [(404, "NoSuchKey")] + ([(400, "InvalidArgument")] if control else [])


def _other(draw: Draw, text: str, start: int = 0) -> str:
    """The text with one letter or digit changed, from `start` on."""
    places = [at for at in range(start, len(text)) if text[at].isalnum() and not _escaped(text, at)]
    if not places:
        return text + "x"
    at = draw.random.choice(places)
    return text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1 :]


def _escaped(text: str, at: int) -> bool:
    return "%" in text[max(at - 2, 0) : at]


def _refused(method: str) -> list[tuple[int, str]]:
    return [(403, "" if method == "HEAD" else "SignatureDoesNotMatch")]


def _signed_by_headers(checked: Checked, draw: Draw) -> Iterator[Sent]:
    """As it is, and with one thing changed."""
    for _ in range(CASES // 2):
        case, allowed = _readable(draw)
        auth = HeaderAuth(checked.credentials, draw.random.choice(REGIONS), case.payload)
        _, request = by_headers(case, checked.origin, auth, now())
        headers, target = dict(request.headers), case.target
        yield Sent(case.method, target, dict(headers), allowed)
        match draw.random.choice(("signature", "scope", "header", "path", "query")):
            case "scope":
                headers["Authorization"] = headers["Authorization"].replace("/s3/aws4", "a/s3/aws4")
            case "header" if case.headers:
                name = draw.random.choice(list(case.headers))
                headers[name] = _other(draw, headers[name])
            case "path" if case.path != "/bucket":
                target = _other(draw, case.path, len("/bucket/")) + case.target[len(case.path) :]
            case "query" if case.query:
                target += "a" if "=" in target.rpartition("&")[2] else "=a"
            case _:
                text, mark, signature = headers["Authorization"].rpartition("Signature=")
                headers["Authorization"] = text + mark + _other(draw, signature)
        yield Sent(case.method, target, headers, _refused(case.method))


def _signed_by_queries(checked: Checked, draw: Draw) -> Iterator[Sent]:
    """As it is, and with one thing changed."""
    for _ in range(CASES // 2):
        case, allowed = _readable(draw)
        case.headers, expires = {}, draw.random.randint(60, 604_800)
        auth = S3SigV4QueryAuth(checked.credentials, "s3", draw.random.choice(REGIONS), expires)
        _, request = by_query(case, checked.origin, auth, now())
        target = str(request.url).removeprefix(checked.origin)
        yield Sent(case.method, target, {}, allowed)
        text, mark, signature = target.rpartition("X-Amz-Signature=")
        match draw.random.choice(("signature", "expires", "path", "query")):
            case "expires":
                target = target.replace("X-Amz-Expires=", "X-Amz-Expires=1" if expires < 100_000 else "X-Amz-Expires=0")
            case "path" if case.path != "/bucket":
                target = _other(draw, case.path, len("/bucket/")) + target[len(case.path) :]
            case "query":
                target = f"{text}x-id=a&{mark}{signature}"
            case _:
                target = text + mark + _other(draw, signature)
        yield Sent(case.method, target, {}, _refused(case.method))


@pytest.mark.parametrize("signed", [_signed_by_headers, _signed_by_queries])
def test_the_store_checks_what_botocore_signed(
    checked: Checked, draw: Draw, signed: Callable[[Checked, Draw], Iterator[Sent]]
) -> None:
    assert checked.judge(signed(checked, draw)) == CASES


# --- aws-chunked ------------------------------------------------------------------------------------------------------------
def _chunked(checked: Checked, draw: Draw, mode: str) -> tuple[str, dict[str, str], list[bytes]]:
    """Target, headers, and the pieces of the body."""
    case = Case("PUT", "/bucket/" + draw.key(), "", draw.headers(), payload=mode)
    case.headers.pop("Range", None)
    sizes = draw.random.choices((1, 2, 15, 16, 17, 1000, 8192, 20_000), k=draw.random.randint(0, 4))
    pieces = [draw.random.randbytes(size) for size in sizes]
    said = b"".join(pieces)
    case.headers |= {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(said))}
    if mode.endswith("TRAILER"):
        case.headers["x-amz-trailer"] = "x-amz-checksum-crc32"
    region, date = draw.random.choice(REGIONS), now()
    seed, request = by_headers(case, checked.origin, HeaderAuth(checked.credentials, region, mode), date)
    signer = ChunkSigner(checked.credentials, region, date, seed)
    if mode.startswith("STREAMING-UNSIGNED"):
        sent = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces] + [b"0\r\n"]
        sent.append(f"x-amz-checksum-crc32:{sums.checksum('CRC32', said)}\r\n".encode())
    else:
        sent = [signer.chunk(piece) for piece in (*pieces, b"")]
        if mode.endswith("TRAILER"):
            sent.append(signer.trailer("x-amz-checksum-crc32", sums.checksum("CRC32", said)))
    return case.path, dict(request.headers), [*sent, b"\r\n"]


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


@pytest.mark.parametrize("mode", [SIGNED, SIGNED + "-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_the_store_checks_chunks(checked: Checked, draw: Draw, mode: str) -> None:
    for number in range(CASES // 40):
        target, headers, sent = _chunked(checked, draw, mode)
        assert checked.send("PUT", target, headers, b"".join(sent)) == (200, ""), (number, target, headers)
        if mode.startswith(SIGNED):
            at = draw.random.randrange(len(sent) - 1)
            sent[at] = _altered(draw, sent[at])
            assert checked.send("PUT", target, headers, b"".join(sent)) == (403, "SignatureDoesNotMatch"), (
                number,
                sent,
            )


def _altered(draw: Draw, piece: bytes) -> bytes:
    """A chunk with one byte of its data or one digit of its signature changed; a trailer with one of its value."""
    head, line, data = piece.partition(b"\r\n")
    if b"chunk-signature" in head and len(data) > 2 and draw.random.random() < 0.5:
        at = draw.random.randrange(len(data) - 2)
        return head + line + data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    text = head.decode()
    at = text.rfind("=") + 1 if "chunk-signature" in text else text.find(":") + 1
    return _other(draw, text, at).encode() + line + data
