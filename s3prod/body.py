"""Self-describing bodies: an implementation of `csrc/s3/body.h` apart from the C one, held to it by golden vectors.

A body is a sequence of 64-byte cells; each names the write that it belongs to, its offset and its checksum, so that any
byte can be regenerated from the value id, the length and the key.
"""

from __future__ import annotations

import functools
import re
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from s3prod.ids import NO_ID

CELL = 64
COUNTER_BODY_MAX = 112
_BLOCK = 4096  # cells at a time: what they need stays in the cache
_WRITES_APART = 16  # so many writes in one body are told apart quickly
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_COUNTER_START = b'{"id":"'
_COUNTER = re.compile(rb'\{"id":"([0-9a-fA-F]{32})","counter":(-?[0-9]+)')
_COUNTER_MIN = 73

Bytes = npt.NDArray[np.uint8]


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


def _cells(value_id: bytes, first: int, count: int, length: int, hashed: int) -> Bytes:
    """The cells `first` to `first + count` (numbers, not offsets) as rows of 64 bytes."""
    high, low = struct.unpack(">QQ", value_id)
    offsets = (np.arange(count, dtype=np.uint64) + np.uint64(first)) * np.uint64(CELL)
    seed = _mix(np.uint64(high) ^ _mix(np.uint64(low) ^ offsets))
    words = _mix(seed[:, None] + np.array([(j + 1) * _GOLDEN & _MASK for j in range(5)], dtype=np.uint64))
    if first == 0 and count:
        words[0, 0], words[0, 1] = length, hashed
    out = np.empty((count, CELL), dtype=np.uint8)
    out[:, :16] = np.frombuffer(value_id, dtype=np.uint8)
    out[:, 16:24] = offsets.astype("<u8").view(np.uint8).reshape(count, 8)
    out[:, 28:] = words.astype("<u8").view(np.uint8).reshape(count, 40)[:, :36]
    run = np.concatenate((out[:, 16:24], out[:, 28:]), axis=1).view("<u2").astype(np.uint32)
    two = _crc_tables()[1]
    crc = np.full(count, crc32c(value_id) ^ 0xFFFFFFFF, dtype=np.uint32)
    for i in range(run.shape[1]):
        crc = two[(crc ^ run[:, i]) & np.uint32(0xFFFF)] ^ (crc >> np.uint32(16))
    out[:, 24:28] = (crc ^ np.uint32(0xFFFFFFFF)).astype("<u4").view(np.uint8).reshape(count, 4)
    return out


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
        _cells(value_id, at, min(_BLOCK, last + 1 - at), length, hashed).tobytes()
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


@dataclass
class Found:
    """What a body turned out to be; `verdict` is one of csrc/s3/body.h, in lower case."""

    verdict: str = "opaque"
    id: bytes = NO_ID
    id2: bytes = NO_ID
    bad_offset: int = 0
    counter: int | None = None
    write_len: int | None = None

    def find(self, verdict: str, offset: int = 0) -> None:
        """Keeps the gravest verdict, and where it was found first."""
        if _GRAVITY.index(verdict) > _GRAVITY.index(self.verdict):
            self.verdict = verdict
            if verdict in ("torn", "corrupt"):
                self.bad_offset = offset

    def find_id(self, value_id: bytes, offset: int) -> None:
        """One more part that is of a write: the second id makes a torn body."""
        if self.id == NO_ID:
            self.id = value_id
        if self.id == value_id:
            self.find("clean", offset)
            return
        if self.id2 == NO_ID:
            self.id2 = value_id
        self.find("torn", offset)


_GRAVITY = ("opaque", "clean", "short", "long", "foreign", "torn", "corrupt")


@dataclass(frozen=True)
class _Answer:
    """One answer's body and what was known before it was read."""

    data: bytes
    hashed: int
    whole: bool
    start: int
    told: int | None
    meta_id: bytes

    def part(self, cell: int) -> tuple[int, bytes]:
        """What the answer holds of the cell at this offset: the first byte's place in the cell, and the bytes."""
        low, high = max(cell, self.start), min(cell + CELL, self.start + len(self.data))
        return low - cell, self.data[low - self.start : high - self.start]


def _is_of(answer: _Answer, cell: int, place: int, part: bytes, value_id: bytes, length: int, hashed: int) -> bool:
    if place == 0 and part[:24] != (value_id + cell.to_bytes(8, "little"))[: len(part)]:
        return False  # it says itself that it is another's
    return _cells(value_id, cell // CELL, 1, length, hashed)[0, place : place + len(part)].tobytes() == part


def _judge_part(answer: _Answer, found: Found, cell: int) -> None:
    """One cell, or what the answer holds of it."""
    place, part = answer.part(cell)
    if len(part) == CELL and cell and found.write_len is not None and cell + CELL > found.write_len:
        own = part[:16]  # behind the end of the write: another write's cell is a torn body, anything else only length
        if _is_of(answer, cell, 0, part, own, 0, 0):
            found.find_id(own, cell)
            return
    if found.write_len is not None:
        part = part[: max(0, found.write_len - cell - place)]
    if not part:
        return
    end, length, hashed = place + len(part), answer.told, answer.hashed
    if cell == 0:
        length = struct.unpack_from("<Q", part, 28)[0] if place == 0 and end >= 36 else length
        hashed = struct.unpack_from("<Q", part, 36)[0] if place == 0 and end >= 44 else hashed
        if place < 36 and end > 24 and length is None:
            return
    value_id = answer.meta_id if found.id == NO_ID else found.id
    if place == 0 and end >= 16:
        names_write = end >= 24 and struct.unpack_from("<Q", part, 16)[0] == cell
        if names_write or found.id == NO_ID:
            value_id = part[:16]
    if value_id == NO_ID:
        return
    if not _is_of(answer, cell, place, part, value_id, length or 0, hashed):
        meta_id = answer.meta_id
        if meta_id == NO_ID or not _is_of(answer, cell, place, part, meta_id, length or 0, hashed):
            found.find("corrupt", cell)
            return
        value_id = meta_id
    found.find_id(value_id, cell)
    if cell == 0 and place == 0 and end >= 36:
        found.write_len = length
    if cell == 0 and hashed != answer.hashed:
        found.find("foreign")


def _differing(answer: _Answer, found: Found, first: int, last: int) -> list[int]:
    """Of the whole cells from `first` to before `last` those that the write found so far does not generate in full."""
    limit = last if found.write_len is None else found.write_len
    out: list[int] = []
    for at in range(first, last, _BLOCK * CELL):
        count = min(_BLOCK, (last - at) // CELL)
        got = np.frombuffer(answer.data, np.uint8, count * CELL, at - answer.start).reshape(count, CELL)
        same = (got == _cells(found.id, at // CELL, count, 0, 0)).all(axis=1)
        inside = np.arange(1, count + 1) * CELL <= limit - at
        out += [at + int(i) * CELL for i in np.flatnonzero(~(same & inside))]
    return out


def _judge_differing(answer: _Answer, found: Found, cells: list[int]) -> None:
    """What is not of the write found first. Only the first cell of each further write can change what is said of the body,
    so the other cells of that write are left out at once; in a body of garbage so are those behind the first thousands."""
    for _ in range(_WRITES_APART):
        if not cells:
            return
        _judge_part(answer, found, cells[0])
        claimed, rows = answer.part(cells[0])[1][:16], np.asarray(cells[1:], dtype=np.int64)
        mine = [
            _cells(claimed, int(at) // CELL, _BLOCK, 0, 0)[
                (rows[(rows >= at) & (rows < at + _BLOCK * CELL)] - at) // CELL
            ]
            for at in np.unique(rows // (_BLOCK * CELL)) * (_BLOCK * CELL)
        ]
        got = np.frombuffer(answer.data, np.uint8)[(rows - answer.start)[:, None] + np.arange(CELL)]
        same = (got == np.concatenate(mine)).all(axis=1) if mine else np.zeros(0, dtype=bool)
        inside = rows + CELL <= (found.write_len if found.write_len is not None else 2**62)
        cells = [int(cell) for cell in rows[~(same & inside)]]
    for cell in cells[:_BLOCK]:
        _judge_part(answer, found, cell)


def _judge_cells(answer: _Answer, found: Found) -> None:
    """Whole cells in order, then the cut one at the end, then the one at the start."""
    end = answer.start + len(answer.data)
    first, last = -(-answer.start // CELL) * CELL, end // CELL * CELL
    at = first
    while at < last and (found.id == NO_ID or at == 0):  # until a write is named
        _judge_part(answer, found, at)
        at += CELL
    _judge_differing(answer, found, _differing(answer, found, at, last))
    if end % CELL:
        _judge_part(answer, found, last)
    if answer.start % CELL and last >= answer.start:
        _judge_part(answer, found, answer.start // CELL * CELL)


def _judge_counter(answer: _Answer, found: Found) -> None:
    text = answer.data[:COUNTER_BODY_MAX]
    partial = not answer.whole and (answer.told is None or len(answer.data) < answer.told)
    if len(text) < _COUNTER_MIN:
        found.find("opaque" if partial else "short")
        return
    read = _COUNTER.match(text)
    counter = int(read[2]) if read else 0
    right = counter_body(bytes.fromhex(read[1].decode()), counter) if read else b""
    if not read or not -(2**63) <= counter < 2**63 or right[: len(text)] != text[: len(right)]:
        found.find("corrupt")
    elif len(text) < len(right):
        found.find("opaque" if partial else "short")
    else:
        found.counter, found.write_len = counter, len(right)
        found.find_id(bytes.fromhex(read[1].decode()), 0)


def _judge_lengths(answer: _Answer, found: Found, expect: int | None, total: int | None) -> None:
    got = len(answer.data)
    seen = got if answer.whole else total
    if expect is not None and got != expect:
        found.find("short" if got < expect else "long")
    if found.write_len is None:
        return
    if answer.start + got > found.write_len or (seen is not None and seen > found.write_len):
        found.find("long")
    elif seen is not None and seen < found.write_len:
        found.find("short")


def verify(
    data: bytes,
    *,
    key_hash: int,
    whole: bool = True,
    range_start: int = 0,
    expect_len: int | None = None,
    total_len: int | None = None,
    meta_id: bytes = NO_ID,
) -> Found:
    """Judges the body of one answer: `expect_len` is its Content-Length, `total_len` the object's when it is known.

    >>> verify(fill(bytes(15) + b"\\1", 100, 5), key_hash=5).verdict
    'clean'
    """
    told = total_len
    if told is None and whole:
        told = len(data) if expect_len is None else expect_len
    answer, found = _Answer(data, key_hash, whole, range_start, told, meta_id), Found()
    if range_start == 0 and data.startswith(_COUNTER_START):
        _judge_counter(answer, found)
    elif not data:
        if whole and meta_id != NO_ID:
            found.find_id(meta_id, 0)
    else:
        _judge_cells(answer, found)
        printable = all(0x20 <= byte <= 0x7E for byte in data[:COUNTER_BODY_MAX])
        if found.verdict == "corrupt" and not whole and range_start + len(data) <= COUNTER_BODY_MAX and printable:
            found.verdict, found.bad_offset = "opaque", 0  # it may be a piece of a JSON body
    _judge_lengths(answer, found, expect_len, total_len)
    return found
