"""Write the golden vectors of csrc/s3: an implementation of its own, sharing no code with the C one.

Usage: make_vectors.py [--sign] [DIRECTORY]

Without --sign: body.json, id.json, etag.json, parts.json, tags.json (standard library only). With it: sign.json, whose
signatures are botocore's; it must be importable. The directory is csrc/tests/vectors by default.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import struct
from pathlib import Path
from typing import Any

MASK = (1 << 64) - 1
CELL = 64
GOLDEN = 0x9E3779B97F4A7C15
LENGTHS = (0, 1, 15, 16, 17, 24, 28, 36, 44, 63, 64, 65, 127, 128, 1023, 1024, 65535, 65537)


def crc32c(data: bytes) -> int:
    """Castagnoli CRC, a bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


CRC_TABLE = []
for _n in range(256):
    _c = _n
    for _ in range(8):
        _c = (_c >> 1) ^ (0x82F63B78 if _c & 1 else 0)
    CRC_TABLE.append(_c)


def crc32c_fast(data: bytes) -> int:
    """The same, a byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def mix64(z: int) -> int:
    """The SplitMix64 finaliser."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fnv1a(data: bytes) -> int:
    """FNV-1a, 64 bits."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def key_hash(role: str, key: str) -> int:
    """The key hash of cell 0."""
    return fnv1a(role.encode() + b"/" + key.encode())


def make_id(run: int, client: int, counter: int) -> bytes:
    """Value id: 48, 32 and 48 bits, big-endian."""
    return run.to_bytes(6, "big") + client.to_bytes(4, "big") + counter.to_bytes(6, "big")


def cell(value_id: bytes, offset: int, length: int, hash_of_key: int) -> bytes:
    """The whole cell at an offset."""
    hi, lo = struct.unpack(">QQ", value_id)
    s = mix64(hi ^ mix64(lo ^ offset))
    words = [mix64((s + (j + 1) * GOLDEN) & MASK) for j in range(5)]
    if offset == 0:
        words[0], words[1] = length, hash_of_key
    filler = struct.pack("<5Q", *words)[:36]
    front = value_id + struct.pack("<Q", offset)
    return front + struct.pack("<I", crc32c_fast(front + filler)) + filler


def body(value_id: bytes, length: int, hash_of_key: int) -> bytes:
    """The whole body."""
    cells = (cell(value_id, o, length, hash_of_key) for o in range(0, max(length, 1), CELL))
    return b"".join(cells)[:length]


def counter_body(value_id: bytes, counter: int) -> str:
    """The JSON body of a counter register."""
    front = f'{{"id":"{value_id.hex()}","counter":{counter}'
    return f'{front},"crc32c":"{crc32c(front.encode()):08x}"}}'


def some_ranges(rng: random.Random, length: int) -> list[tuple[int, int]]:
    """(first, length) pairs: edges of cells, and random ones."""
    edges = [(0, min(length, 64)), (1, 63), (63, 2), (64, 64), (60, 200), (max(length - 70, 0), 70)]
    drawn = [(rng.randrange(length + 1), rng.randrange(1, 150)) for _ in range(4)]
    fitting = {(first, min(n, length - first)) for first, n in edges + drawn if first <= length}
    return sorted(fitting | {(0, length)})


def body_vectors() -> dict[str, Any]:
    """Bodies, ranges of them, counter bodies, key hashes."""
    rng = random.Random(20)
    keys = [("main", "hot/object"), ("main", ""), ("other", "a/b//c"), ("main", "é/ü+ %")]
    ids = [
        make_id(0xA1B2C3D4E5F6, 7, 1),
        make_id(1, 0, 1),
        make_id((1 << 48) - 1, (1 << 32) - 1, (1 << 48) - 1),
    ]
    bodies = []
    for i, length in enumerate(LENGTHS):
        value_id, (role, key) = ids[i % len(ids)], keys[i % len(keys)]
        whole = body(value_id, length, key_hash(role, key))
        ranges = []
        for first, n in some_ranges(rng, length):
            part = whole[first : first + n]
            entry: dict[str, Any] = {"first": first, "len": n}
            if n <= 160:
                entry["hex"] = part.hex()
            else:
                entry["sha256"] = hashlib.sha256(part).hexdigest()
            ranges.append(entry)
        bodies.append(
            {
                "id": value_id.hex(),
                "role": role,
                "key": key,
                "len": length,
                "md5": hashlib.md5(whole).hexdigest(),
                "ranges": ranges,
            }
        )
    counters = [0, 1, -1, 42, 10**9, (1 << 63) - 1, -(1 << 63)]
    return {
        "key_hashes": [{"role": r, "key": k, "hash": f"{key_hash(r, k):016x}"} for r, k in keys],
        "bodies": bodies,
        "counters": [{"id": ids[0].hex(), "counter": c, "text": counter_body(ids[0], c)} for c in counters],
    }


def id_vectors() -> dict[str, Any]:
    """Value ids and their texts."""
    parts = [(0, 0, 0), (1, 2, 3), (0xA1B2C3D4E5F6, 0xDEADBEEF, 0x010203040506)]
    parts.append(((1 << 48) - 1, (1 << 32) - 1, (1 << 48) - 1))
    good = [{"run": r, "client": c, "counter": n, "text": make_id(r, c, n).hex()} for r, c, n in parts]
    bad = ["", "0" * 31, "0" * 33, "g" + "0" * 31, " " + "0" * 31, "0x" + "0" * 30]
    return {"ids": good, "bad": bad}


def etag_vectors() -> dict[str, Any]:
    """ETag texts and what they are."""
    md5 = hashlib.md5(b"x").hexdigest()
    texts = [f'"{md5}"', md5, md5.upper(), f'"{md5}-3"', f"{md5}-3", f'W/"{md5}"', '"', '""', ""]
    texts += ["abc", '"abc"', md5[:31], md5 + "0", f'"{md5[:31]}g"', "é"]
    out = []
    for text in texts:
        bare = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
        if not bare:
            form, value = 0, "00" * 16
        elif len(bare) == 32 and all(c in "0123456789abcdefABCDEF" for c in bare):
            form, value = 1, bare.lower()
        else:
            form, value = 2, hashlib.sha256(bare.encode()).hexdigest()[:32]
        out.append({"text": text, "form": form, "bytes": value})
    return {"etags": out}


def composite(ids: list[bytes]) -> bytes:
    """The id of an object made of parts."""
    if len(ids) == 1:
        return ids[0]
    a = b = 0
    for one in ids:
        hi, lo = struct.unpack(">QQ", one)
        a = mix64(a ^ hi)
        b = mix64((b + lo + a) & MASK)
    return ids[0][:6] + (a >> 32).to_bytes(4, "big") + (b >> 16).to_bytes(6, "big")


def parts_vectors() -> dict[str, Any]:
    """Composite ids; bodies of parts (an id and a length each) under one key, and ranges of them."""
    rng = random.Random(21)
    x, y, z = make_id(0xA1B2C3D4E5F6, 7, 1), make_id(0xA1B2C3D4E5F6, 7, 2), make_id(1, 0, 1)
    lists = [[x], [x, y], [y, x], [x, x], [x, y, z], [z] * 5]
    lists.append([make_id(rng.getrandbits(48), rng.getrandbits(32), rng.getrandbits(48)) for _ in range(100)])
    bodies = []
    for pieces in ([(x, 64), (y, 100)], [(x, 192), (y, 128), (x, 64)], [(z, 128), (x, 65)]):
        whole = b"".join(body(i, n, key_hash("main", "big")) for i, n in pieces)
        bodies.append(
            {
                "parts": [{"id": i.hex(), "len": n} for i, n in pieces],
                "role": "main",
                "key": "big",
                "sha256": hashlib.sha256(whole).hexdigest(),
                "id": composite([i for i, _ in pieces]).hex(),
            }
        )
    composites = [{"ids": [i.hex() for i in ids], "id": composite(ids).hex()} for ids in lists]
    return {"composites": composites, "bodies": bodies}


def tag_set(value_id: bytes, count: int) -> dict[str, str]:
    """The self-describing set of so many tags."""
    hi, lo = struct.unpack(">QQ", value_id)
    fillers = {f"s3p-{i}": f"{mix64(hi ^ mix64(lo ^ i)):016x}" for i in range(1, count - 1)}
    return {"s3p-id": value_id.hex(), "s3p-n": str(count)} | fillers if count else {}


def tags_vectors() -> dict[str, Any]:
    """Tag sets; and sets that were read, with what they are."""
    x, y = make_id(0xA1B2C3D4E5F6, 7, 1), make_id(1, 0, 1)
    sets = [{"id": i.hex(), "n": n, "tags": tag_set(i, n)} for i in (x, y) for n in (0, *range(2, 11))]
    five = tag_set(x, 5)
    without = {k: v for k, v in five.items() if k != "s3p-2"}
    read: list[tuple[dict[str, str], str, str]] = [
        ({}, "clean", ""),
        (five, "clean", x.hex()),
        (dict(reversed(five.items())), "clean", x.hex()),
        (without, "torn", x.hex()),
        (five | {"s3p-n": "6"}, "torn", x.hex()),
        (five | {"s3p-2": tag_set(y, 5)["s3p-2"]}, "torn", x.hex()),
        (five | {"s3p-id": y.hex()}, "torn", y.hex()),
        (five | {"s3p-4": "0" * 16}, "torn", x.hex()),
        (five | {"s3p-2": "x"}, "corrupt", ""),
        (five | {"s3p-2": five["s3p-2"].upper()}, "corrupt", ""),
        (five | {"s3p-9": "0" * 16}, "corrupt", ""),
        (five | {"color": "red"}, "corrupt", ""),
        (five | {"s3p-n": "1"}, "corrupt", ""),
        (five | {"s3p-n": "05"}, "corrupt", ""),
        (five | {"s3p-n": "11"}, "corrupt", ""),
        (five | {"s3p-n": ""}, "corrupt", ""),
        (five | {"s3p-id": "1"}, "corrupt", ""),
        ({"s3p-n": "2"}, "corrupt", ""),
        ({"color": "red"}, "corrupt", ""),
    ]
    return {"sets": sets, "read": [{"tags": t, "verdict": v, "id": i} for t, v, i in read]}


def write(directory: Path, name: str, vectors: dict[str, Any]) -> None:
    """One file, one vector a line."""
    lines = []
    for key, values in vectors.items():
        items = ",\n".join("    " + json.dumps(v, ensure_ascii=False) for v in values)
        lines.append(f'  "{key}": [\n{items}\n  ]')
    (directory / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sign", action="store_true", help="write sign.json (needs botocore)")
    default = here.parent / "csrc" / "tests" / "vectors"
    parser.add_argument("directory", nargs="?", type=Path, default=default)
    args = parser.parse_args()
    assert crc32c(b"123456789") == crc32c_fast(b"123456789") == 0xE3069283
    if args.sign:
        from sign_vectors import sign_vectors

        write(args.directory, "sign.json", sign_vectors())
        return
    write(args.directory, "body.json", body_vectors())
    write(args.directory, "id.json", id_vectors())
    write(args.directory, "etag.json", etag_vectors())
    write(args.directory, "parts.json", parts_vectors())
    write(args.directory, "tags.json", tags_vectors())


if __name__ == "__main__":
    main()
