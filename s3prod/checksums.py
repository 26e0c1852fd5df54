"""Checksums of S3: the algorithms of a plan's `checksum`, as the headers `x-amz-checksum-…` have them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable

from s3prod import _native


def _crc(function: Callable[[bytes], int], size: int) -> Callable[[bytes], bytes]:
    return lambda data: function(data).to_bytes(size, "big")


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": _crc(zlib.crc32, 4),
    "crc32c": _crc(_native.crc32c, 4),
    "crc64nvme": _crc(_native.crc64nvme, 8),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}
HEADER = "x-amz-checksum-"


def text(algorithm: str, data: bytes) -> str:
    """The checksum as S3 writes it.

    >>> text("crc32c", b"123456789")
    '4waSgw=='
    """
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def agrees(answered: str, data: bytes) -> bool:
    """Whether `name=value` of an answer is the checksum of the whole; so are one of another algorithm and a composite one,
    which cannot be told from the bytes alone.

    >>> agrees("crc32c=4waSgw==", b"123456789"), agrees("crc32c=4waSgw==", b"12345678")
    (True, False)
    """
    name, _, value = answered.partition("=")
    return name not in ALGORITHMS or "-" in value or text(name, data) == value
