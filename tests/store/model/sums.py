"""The five checksums of S3 by their definitions, one byte at a time, and what an upload makes of those of its parts."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import cache


def _reflected(polynomial: int) -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ polynomial * (byte & 1)
        table.append(byte)
    return table


def _crc(polynomial: int, width: int) -> Callable[[bytes], bytes]:
    table, ones = _reflected(polynomial), (1 << width) - 1

    def crc(data: bytes) -> bytes:
        value = ones
        for byte in data:
            value = value >> 8 ^ table[(value ^ byte) & 255]
        return (value ^ ones).to_bytes(width // 8, "big")

    return crc


_DIGEST: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": _crc(0x82F63B78, 32),
    "CRC64NVME": _crc(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
ALGORITHMS = tuple(_DIGEST)


@cache
def checksum(algorithm: str, data: bytes) -> str:
    """The value as headers carry it."""
    return base64.b64encode(_DIGEST[algorithm](data)).decode()


def composite(algorithm: str, parts: Sequence[bytes]) -> str:
    """The checksum of the checksums of the parts, with their number."""
    inner = b"".join(_DIGEST[algorithm](part) for part in parts)
    return f"{base64.b64encode(_DIGEST[algorithm](inner)).decode()}-{len(parts)}"


@cache
def etag(data: bytes) -> str:
    """Of an object that came in one piece, quoted."""
    return f'"{hashlib.md5(data).hexdigest()}"'


def etag_of_parts(parts: Sequence[bytes]) -> str:
    """Of an object that came in parts, quoted."""
    inner = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(inner).hexdigest()}-{len(parts)}"'


def md5(data: bytes) -> str:
    """What Content-MD5 carries."""
    return base64.b64encode(hashlib.md5(data).digest()).decode()
