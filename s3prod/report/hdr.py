"""Reads the compressed histograms (HdrHistogram V2, base64) that metrics carry, as far as a plot needs."""

from __future__ import annotations

import base64
import struct
import zlib

_COMPRESSED, _PLAIN = 0x1C849304, 0x1C849303


def decode(text: str) -> list[tuple[int, int]]:
    """The (value, count) pairs of a histogram, by value; `ValueError` when the text is none.

    >>> decode("AAAA")
    Traceback (most recent call last):
    ValueError: not a compressed histogram
    """
    try:
        packed = base64.b64decode(text, validate=True)
        cookie, _ = struct.unpack_from(">II", packed)
        plain = zlib.decompress(packed[8:])
        plain_cookie, length, _, digits, lowest, _, _ = struct.unpack_from(">IIIIQQd", plain)
    except (ValueError, struct.error, zlib.error):
        raise ValueError("not a compressed histogram") from None
    if cookie & ~0xF0 != _COMPRESSED & ~0xF0 or plain_cookie & ~0xF0 != _PLAIN & ~0xF0:
        raise ValueError("not a compressed histogram")
    unit = max(lowest, 1).bit_length() - 1
    half_bits = (2 * 10**digits - 1).bit_length() - 1
    pairs, index = [], 0
    for number in _zigzags(plain[40 : 40 + length]):
        if number < 0:
            index -= number
            continue
        if number:
            pairs.append((_value(index, half_bits, unit), number))
        index += 1
    return pairs


def _zigzags(payload: bytes) -> list[int]:
    """LEB128 of up to 9 bytes (the ninth has 8 bits), zigzag."""
    out, at = [], 0
    while at < len(payload):
        value = 0
        for i in range(9):
            if at >= len(payload):
                raise ValueError("not a compressed histogram")
            byte = payload[at]
            at += 1
            value |= (byte if i == 8 else byte & 0x7F) << (7 * i)
            if i == 8 or byte < 0x80:
                break
        out.append((value >> 1) ^ -(value & 1))
    return out


def _value(index: int, half_bits: int, unit: int) -> int:
    """The lowest value of a counter; `half_bits` is the width of half a bucket."""
    bucket, sub = (index >> half_bits) - 1, (index & ((1 << half_bits) - 1)) + (1 << half_bits)
    if bucket < 0:
        bucket, sub = 0, sub - (1 << half_bits)
    return sub << (bucket + unit)


def percentiles(pairs: list[tuple[int, int]]) -> list[tuple[float, int]]:
    """The (share of the values, value) curve.

    >>> percentiles([(1, 1), (5, 3)])
    [(0.25, 1), (1.0, 5)]
    """
    total, seen, out = sum(number for _, number in pairs), 0, []
    for value, number in pairs:
        seen += number
        out.append((seen / total, value))
    return out
