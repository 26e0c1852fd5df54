"""Value ids (128 bits: run 48 · client 32 · counter 48) and ETags as a history keeps them.

The Python twin of `csrc/s3/id.h` and `csrc/s3/etag.h`.
"""

from __future__ import annotations

import hashlib
import re

META_ID_HEADER = "x-amz-meta-s3p-id"
NO_ID = bytes(16)
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")


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
