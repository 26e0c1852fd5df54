"""Value ids (128 bits: run 48 · client 32 · counter 48) and ETags as a history keeps them.

The Python twin of `csrc/s3/id.h` and `csrc/s3/etag.h`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

META_ID_HEADER = "x-amz-meta-s3p-id"
NO_ID = bytes(16)
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_COUNT = re.compile(r"[2-9]|10")
_FILLER = re.compile(r"s3p-[1-8]")
_FILLING = re.compile(r"[0-9a-f]{16}")
_MASK = (1 << 64) - 1


def make(run: int, client: int, counter: int) -> bytes:
    """The 16 bytes of a value id.

    >>> make(1, 2, 3).hex()
    '00000000000100000002000000000003'
    """
    return run.to_bytes(6, "big") + client.to_bytes(4, "big") + counter.to_bytes(6, "big")


def run_of(value_id: bytes) -> int:
    """The run that drew the id.

    >>> run_of(make(7, 1, 1))
    7
    """
    return int.from_bytes(value_id[:6], "big")


def client_of(value_id: bytes) -> int:
    """The client that drew the id.

    >>> client_of(make(7, 5, 1))
    5
    """
    return int.from_bytes(value_id[6:10], "big")


def counter_of(value_id: bytes) -> int:
    """The client's own number of the id, from 1.

    >>> counter_of(make(7, 5, 9))
    9
    """
    return int.from_bytes(value_id[10:], "big")


def parse(text: str) -> bytes | None:
    """The id of exactly 32 hexadecimal digits, else None.

    >>> parse("00000000000100000002000000000003") == make(1, 2, 3)
    True
    """
    return bytes.fromhex(text) if _DIGEST.fullmatch(text) else None


def mix64(z: int) -> int:
    """The finalizer of SplitMix64.

    >>> hex(mix64(1))
    '0x5692161d100b05e5'
    """
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _halves(value_id: bytes) -> tuple[int, int]:
    return int.from_bytes(value_id[:8], "big"), int.from_bytes(value_id[8:], "big")


def composite(parts: Sequence[bytes]) -> bytes:
    """The id of an object that was made of parts, from their ids in order; none when that of a part is not known.

    >>> composite([make(1, 2, 3)]) == make(1, 2, 3)
    True
    >>> composite([make(1, 2, 3), make(1, 2, 4)]) == composite([make(1, 2, 4), make(1, 2, 3)])
    False
    """
    if len(parts) < 2 or NO_ID in parts:
        return parts[0] if len(parts) == 1 else NO_ID
    a = b = 0
    for high, low in map(_halves, parts):
        a = mix64(a ^ high)
        b = mix64((b + low + a) & _MASK)
    return parts[0][:6] + (a >> 32).to_bytes(4, "big") + (b >> 16).to_bytes(6, "big")


def tag_set(value_id: bytes, count: int) -> dict[str, str]:
    """The self-describing set of so many tags: 0, or at least 2.

    >>> tag_set(make(1, 2, 3), 2)
    {'s3p-id': '00000000000100000002000000000003', 's3p-n': '2'}
    """
    if count == 0:
        return {}
    high, low = _halves(value_id)
    fillers = {f"s3p-{i}": f"{mix64(high ^ mix64(low ^ i)):016x}" for i in range(1, count - 1)}
    return {"s3p-id": value_id.hex(), "s3p-n": str(count)} | fillers


def tags_found(tags: Mapping[str, str]) -> tuple[str, bytes]:
    """The verdict of a set that was read, and the id that it names: `clean`, `torn` (fillers of another id, another count) or
    `corrupt`; an empty set is clean and names none.

    >>> tags_found(tag_set(make(1, 2, 3), 5))[0]
    'clean'
    """
    if not tags:
        return "clean", NO_ID
    value_id, count = parse(tags.get("s3p-id", "")), tags.get("s3p-n", "")
    if value_id is None or not _COUNT.fullmatch(count):
        return "corrupt", NO_ID
    if dict(tags) == tag_set(value_id, int(count)):
        return "clean", value_id
    fillers = {name: value for name, value in tags.items() if name not in ("s3p-id", "s3p-n")}
    whole = all(_FILLER.fullmatch(name) and _FILLING.fullmatch(value) for name, value in fillers.items())
    return ("torn", value_id) if whole else ("corrupt", NO_ID)


def etag_parse(text: str) -> tuple[str, bytes]:
    """The form (`none`, `digest`, `hashed`) and the 16 bytes of an ETag.

    >>> etag_parse('"00000000000000000000000000000001"')
    ('digest', b'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01')
    """
    bare = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not bare:
        return "none", NO_ID
    if _DIGEST.fullmatch(bare):
        return "digest", bytes.fromhex(bare)
    return "hashed", hashlib.sha256(bare.encode("utf-8", "surrogateescape")).digest()[:16]
