"""Judges the body of an answer: an implementation of the verifier of `csrc/s3/body.h` apart from the C one.

The whole cells are walked in order. A *piece* is a run of right cells of one write; most cells are compared with what the
piece at hand generates, many at a time, and only those that differ are looked at.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import numpy as np

from s3prod import ids
from s3prod.body import CELL, COUNTER_BODY_MAX, Bytes, are_right, cells, counter_body
from s3prod.ids import NO_ID

_GRAVITY = ("opaque", "clean", "parts", "short", "long", "foreign", "torn", "corrupt")
_FIRST_BLOCK, _BLOCK = 16, 4096  # cells compared at a time: few behind the start of a piece, then more
_NAMES_WRITE = 24  # so many bytes from the start of a cell hold id and offset
_COUNTER_START = b'{"id":"'
_COUNTER = re.compile(rb'\{"id":"([0-9a-fA-F]{32})","counter":(-?[0-9]+)')
_COUNTER_MIN = 73


@dataclass
class Found:
    """What a body turned out to be; `verdict` is one of csrc/s3/body.h, in lower case."""

    verdict: str = "opaque"
    id: bytes = NO_ID
    id2: bytes = NO_ID
    bad_offset: int = 0
    counter: int | None = None


@dataclass
class _Piece:
    """A run of right cells of one write: where the write would begin in the object, and its length once that was seen."""

    id: bytes = NO_ID
    base: int = 0
    length: int | None = None


@dataclass
class _Judge:
    """One answer's body, what was known before it was read, and what was found."""

    data: bytes
    hashed: int
    whole: bool
    start: int
    expect: int | None
    total: int | None
    meta_id: bytes
    found: Found = field(default_factory=Found)
    pieces: list[_Piece] = field(default_factory=list)
    beyond: int | None = None  # first cell behind the end of a write that is none

    @property
    def piece(self) -> _Piece:
        """The piece at hand; before the first one a nameless one."""
        return self.pieces[-1] if self.pieces else _Piece()

    def find(self, verdict: str, offset: int = 0) -> None:
        """Keeps the gravest verdict, and where it was found first."""
        if _GRAVITY.index(verdict) > _GRAVITY.index(self.found.verdict):
            self.found.verdict = verdict
            if verdict in ("torn", "corrupt"):
                self.found.bad_offset = offset

    def find_id(self, piece: _Piece, value_id: bytes, offset: int) -> None:
        """One more part that is of a write: the second id in one piece makes a torn body."""
        if not self.pieces:
            self.pieces.append(piece)
            piece.id = value_id
        if piece.id == value_id:
            self.find("clean", offset)
            return
        if self.found.id2 == NO_ID:
            self.found.id2 = value_id
        self.find("torn", offset)

    # --- cells -----------------------------------------------------------------------------------------------------

    def cells(self) -> None:
        """Whole cells in order, then the cut one at the end, then the one at the start."""
        end = self.start + len(self.data)
        first, last = -(-self.start // CELL) * CELL, end // CELL * CELL
        if first < last:
            self.whole_cells(
                first,
                np.frombuffer(self.data, np.uint8, last - first, first - self.start).reshape(-1, CELL),
            )
        if end % CELL:
            self.part(self.piece, last, max(last, self.start), end)
        if self.start % CELL and last >= self.start:
            self.head(first - CELL)

    def whole_cells(self, first: int, rows: Bytes) -> None:
        at, block = 0, _FIRST_BLOCK
        while at < len(rows):
            piece, pieces = self.piece, len(self.pieces)
            some = rows[at : at + block]
            differ = self.differing(piece, first + at * CELL, some)
            right = are_right(some[differ]) if len(differ) else ()
            block = min(2 * block, _BLOCK)
            step = len(some)
            for i, is_right in zip(differ, right, strict=True):
                self.cell(first + (at + int(i)) * CELL, some[i].tobytes(), bool(is_right))
                if len(self.pieces) != pieces:
                    step, block = int(i) + 1, _FIRST_BLOCK
                    break
            at += step

    @staticmethod
    def differing(piece: _Piece, at: int, rows: Bytes) -> list[int]:
        """Of the cells from `at` those that the piece does not generate in full."""
        if piece.id == NO_ID:
            return list(range(len(rows)))
        place = at - piece.base
        same = (rows == cells(piece.id, place // CELL, len(rows), 0, 0)).all(axis=1)
        places = np.arange(len(rows)) * CELL + place
        inside = (places != 0) & (places + CELL <= (2**62 if piece.length is None else piece.length))
        return [int(i) for i in np.flatnonzero(~(same & inside))]

    def cell(self, at: int, data: bytes, right: bool) -> None:
        """A whole cell that is not the next one of the piece at hand."""
        piece, own = self.piece, data[:16]
        named = struct.unpack_from("<Q", data, 16)[0]
        place = at - piece.base
        if right and named != place and own != NO_ID:
            self.begin(at, data)
        elif piece.length is not None and place and place + CELL > piece.length and right:
            self.find_id(piece, own, at)
        elif piece.length is not None and place >= piece.length:
            self.beyond = at if self.beyond is None else self.beyond
        elif right and place and own != NO_ID:
            self.find_id(piece, own, at)
        elif not right and place and (piece.length is None or place + CELL <= piece.length):
            self.find("corrupt", at)
        else:
            self.part(piece, at, at, at + CELL)

    def begin(self, at: int, data: bytes) -> None:
        """A right cell that stands where no cell of the piece at hand would: another piece begins."""
        place, length, hashed = struct.unpack_from("<Q", data, 16)[0], *struct.unpack_from("<QQ", data, 28)
        self.pieces.append(_Piece(data[:16], at - place, length if place == 0 else None))
        self.find("parts", at)
        if place == 0 and hashed != self.hashed:
            self.find("foreign")

    def part(self, piece: _Piece, at: int, first: int, last: int) -> None:
        """Bytes `first` to before `last` of the cell at `at`, as a piece of `piece`."""
        place, low = (at - piece.base) % 2**64, first - at
        if piece.length is not None:
            last = min(last, at + max(0, piece.length - place))  # what lies behind the end is `long`, not corrupt
        data = self.data[first - self.start : max(first, last) - self.start]
        high = low + len(data)
        if not data:
            return
        length, hashed = self.told() if piece.base == 0 else None, self.hashed
        if place == 0:
            length = struct.unpack_from("<Q", data, 28)[0] if low == 0 and high >= 36 else length
            hashed = struct.unpack_from("<Q", data, 36)[0] if low == 0 and high >= 44 else hashed
            if low < 36 and high > 24 and length is None:
                return
        claimed = self.claimed(piece, place, low, data)
        if claimed == NO_ID:
            if low == 0 and high >= 16:
                self.find("corrupt", at)
            return
        for value_id in (claimed, self.found.id2, self.meta_id):
            if value_id != NO_ID and _generated(value_id, place, length or 0, hashed, low, high) == data:
                break
        else:
            self.find("corrupt", at)
            return
        self.find_id(piece, value_id, at)
        if place == 0 and low == 0 and high >= 36:
            piece.length = length
        if place == 0 and hashed != self.hashed:
            self.find("foreign")

    def claimed(self, piece: _Piece, place: int, low: int, data: bytes) -> bytes:
        """Whose cell the part claims to be, or must be."""
        if low == 0 and len(data) >= 16:
            names_write = len(data) >= _NAMES_WRITE and struct.unpack_from("<Q", data, 16)[0] == place
            if names_write or piece.id == NO_ID:
                return data[:16]
        return self.meta_id if piece.id == NO_ID else piece.id

    def head(self, at: int) -> None:
        """The cell that the range begins inside belongs to the first piece, or to one before it that nothing else shows."""
        first = self.pieces[0] if self.pieces else _Piece()
        if first.base != at + CELL:
            self.part(first, at, self.start, at + CELL)

    # --- the whole -------------------------------------------------------------------------------------------------

    def told(self) -> int | None:
        """The object's length as the answer tells it."""
        if self.total is not None or not self.whole:
            return self.total
        return len(self.data) if self.expect is None else self.expect

    def json(self) -> None:
        """A JSON body is right when it is what its id and counter generate."""
        text = self.data[:COUNTER_BODY_MAX]
        partial = not self.whole and (self.total is None or len(self.data) < self.total)
        if len(text) < _COUNTER_MIN:
            self.find("opaque" if partial else "short")
            return
        read = _COUNTER.match(text)
        counter = int(read[2]) if read else 0
        right = counter_body(bytes.fromhex(read[1].decode()), counter) if read else b""
        if not read or not -(2**63) <= counter < 2**63 or right[: len(text)] != text[: len(right)]:
            self.find("corrupt")
        elif len(text) < len(right):
            self.find("opaque" if partial else "short")
        else:
            self.found.counter = counter
            self.find_id(_Piece(length=len(right)), bytes.fromhex(read[1].decode()), 0)

    def lengths(self) -> None:
        """What is shorter or longer than announced, or than its write."""
        got, end = len(self.data), self.start + len(self.data)
        seen = got if self.whole else self.total
        if self.expect is not None and got != self.expect:
            self.find("short" if got < self.expect else "long")
        length = self.piece.length
        if length is None or len(self.pieces) > 1 or self.piece.base:
            return
        if not self.whole and end <= length and seen is not None and seen > length:
            self.find("parts")  # of something longer
        elif end > length or (seen is not None and seen > length):
            self.find("long")
        elif seen is not None and seen < length:
            self.find("short")

    def end(self) -> Found:
        """The verdict on everything."""
        if self.start == 0 and self.data.startswith(_COUNTER_START):
            self.json()
        elif not self.data:
            if self.whole and self.meta_id != NO_ID:
                self.find_id(_Piece(), self.meta_id, 0)
        else:
            self.cells()
            printable = all(0x20 <= byte <= 0x7E for byte in self.data[:COUNTER_BODY_MAX])
            small = not self.whole and self.start + len(self.data) <= COUNTER_BODY_MAX
            if self.found.verdict == "corrupt" and small and printable:
                self.found.verdict, self.found.bad_offset = "opaque", 0  # it may be a piece of a JSON body
        if len(self.pieces) > 1 and self.beyond is not None:
            self.find("corrupt", self.beyond)
        self.lengths()
        if self.pieces:
            of_parts = self.found.verdict in ("parts", "foreign")
            self.found.id = ids.composite([piece.id for piece in self.pieces]) if of_parts else self.pieces[0].id
        return self.found


def _generated(value_id: bytes, place: int, length: int, hashed: int, low: int, high: int) -> bytes:
    return cells(value_id, place // CELL, 1, length, hashed)[0, low:high].tobytes()


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

    >>> from s3prod.body import fill
    >>> verify(fill(bytes(15) + b"\\1", 100, 5), key_hash=5).verdict
    'clean'
    """
    return _Judge(data, key_hash, whole, range_start, expect_len, total_len, meta_id).end()
