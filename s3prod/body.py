"""Self-describing bodies: an implementation of `csrc/s3/body.h` apart from the C one, held to it by golden vectors.

A body is a sequence of 64-byte cells; each names the write that it belongs to, its offset and its checksum, so that any
byte can be regenerated from the value id, the length and the key.
"""

from __future__ import annotations

import functools
import struct

import numpy as np
import numpy.typing as npt

CELL = 64
COUNTER_BODY_MAX = 112
_BLOCK = 4096  # cells at a time: what they need stays in the cache
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


def key_hash(bucket_role: str, key: str | bytes) -> int:
    """FNV-1a 64 over the bucket's role, "/" and the key.

    >>> hex(key_hash("main", "a"))
    '0xaa502f73e99d166c'
    """
    value = 0xCBF29CE484222325
    for byte in bucket_role.encode() + b"/" + (key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key):
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


@functools.cache
def _crc_tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """CRC32C (reflected 0x1EDC6F41) of one byte, and of two."""
    one = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        one = np.where(one & 1, (one >> 1) ^ np.uint32(0x82F63B78), one >> 1)
    two = np.arange(65536, dtype=np.uint32)
    for _ in range(2):
        two = one[two & 0xFF] ^ (two >> 8)
    return one, two


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC32C of a few bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    one = _crc_tables()[0]
    state = crc ^ 0xFFFFFFFF
    for byte in data:
        state = int(one[(state ^ byte) & 0xFF]) ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _fill(out: Bytes, high: Words, low: Words, length: Words, hashed: Words) -> None:
    """Checksum and filler of cells whose ids and offsets are in `out` already; the last two are those of the first cells."""
    offsets = np.ascontiguousarray(out[:, 16:24]).view("<u8")[:, 0].astype(np.uint64)
    seed = _mix(high ^ _mix(low ^ offsets))
    words = _mix(seed[:, None] + np.array([(j + 1) * _GOLDEN & _MASK for j in range(5)], dtype=np.uint64))
    start = offsets == 0
    words[:, 0], words[:, 1] = np.where(start, length, words[:, 0]), np.where(start, hashed, words[:, 1])
    out[:, 28:] = words.astype("<u8").view(np.uint8).reshape(len(out), 40)[:, :36]
    run = np.concatenate((out[:, :24], out[:, 28:]), axis=1).view("<u2").astype(np.uint32)
    two = _crc_tables()[1]
    crc = np.full(len(out), 0xFFFFFFFF, dtype=np.uint32)
    for i in range(run.shape[1]):
        crc = two[(crc ^ run[:, i]) & np.uint32(0xFFFF)] ^ (crc >> np.uint32(16))
    out[:, 24:28] = (crc ^ np.uint32(0xFFFFFFFF)).astype("<u4").view(np.uint8).reshape(len(out), 4)


def cells(value_id: bytes, first: int, count: int, length: int, hashed: int) -> Bytes:
    """The cells `first` to `first + count` (numbers, not offsets) as rows of 64 bytes.

    >>> cells(bytes(16), 0, 2, 128, 0).shape
    (2, 64)
    """
    high, low = struct.unpack(">QQ", value_id)
    offsets = (np.arange(count, dtype=np.uint64) + np.uint64(first)) * np.uint64(CELL)
    out = np.empty((count, CELL), dtype=np.uint8)
    out[:, :16] = np.frombuffer(value_id, dtype=np.uint8)
    out[:, 16:24] = offsets.astype("<u8").view(np.uint8).reshape(count, 8)
    _fill(out, *np.array([[high], [low], [length], [hashed]], dtype=np.uint64))
    return out


def are_right(rows: Bytes) -> npt.NDArray[np.bool_]:
    """Which of the cells are what their own id and offset generate (and, of first cells, length and key).

    >>> are_right(cells(bytes(16), 0, 2, 128, 5)).tolist()
    [True, True]
    """
    ids = np.ascontiguousarray(rows[:, :16]).view(">u8").astype(np.uint64)
    told = np.ascontiguousarray(rows[:, 28:44]).view("<u8").astype(np.uint64)
    out = rows.copy()
    _fill(out, ids[:, 0], ids[:, 1], told[:, 0], told[:, 1])
    right: npt.NDArray[np.bool_] = (out == rows).all(axis=1) & (rows[:, 16] % CELL == 0)
    return right


def fill(value_id: bytes, length: int, hashed: int, offset: int = 0, size: int | None = None) -> bytes:
    """Bytes [offset, offset + size) of the body of a write; the whole body by default.

    >>> len(fill(bytes(15) + b"\\1", 1000, key_hash("main", "a")))
    1000
    """
    size = length - offset if size is None else size
    if size <= 0:
        return b""
    first, last = offset // CELL, (offset + size - 1) // CELL
    parts = [
        cells(value_id, at, min(_BLOCK, last + 1 - at), length, hashed).tobytes()
        for at in range(first, last + 1, _BLOCK)
    ]
    skip = offset - first * CELL
    return (parts[0] if len(parts) == 1 else b"".join(parts))[skip : skip + size]


def counter_body(value_id: bytes, counter: int) -> bytes:
    """The JSON body of a counter register.

    >>> counter_body(bytes(16), 7)
    b'{"id":"00000000000000000000000000000000","counter":7,"crc32c":"960946d1"}'
    """
    start = f'{{"id":"{value_id.hex()}","counter":{counter}'.encode()
    return start + b',"crc32c":"%08x"}' % crc32c(start)
