"""What is implemented twice, in C and in Python (and again in drivers), must agree on more than the golden vectors."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from s3prod import _native, body, checksums, ids, outcomes
from s3prod.body_verify import verify
from s3prod.runners.driver import DRIVERS

HASH = 5
IDS = [ids.make(1, client, number) for client in (1, 2) for number in (1, 2)]


def test_bodies_are_the_same():
    rng = random.Random(1)
    for _ in range(50):
        value_id, length = rng.randbytes(16), rng.choice([0, 1, 63, 64, 65, 1000, 4096, 65537])
        hashed = rng.getrandbits(64)
        assert _native.body(value_id.hex(), length, hashed) == body.fill(value_id, length, hashed)


def test_key_hashes_are_the_same():
    rng = random.Random(2)
    for _ in range(100):
        key = "".join(chr(rng.randrange(1, 0x2000)) for _ in range(rng.randrange(1, 40)))
        assert _native.key_hash("main", key) == body.key_hash("main", key)


def test_outcomes_are_the_same():
    rng = random.Random(3)
    table = outcomes.document()
    ops = sorted({op for names in table["classes"].values() for op in names})
    known = {code for row in table["rows"] if "code" in row for code in outcomes._values(row["code"])}
    codes = ["", "Nonsense", *sorted(known)]
    conds = ["", "if_match", "if_none_match", "if_none_match_any", "if_match_any", "if_modified_since"]
    for _ in range(5000):
        end = outcomes.End(
            op=rng.choice(ops),
            cond=rng.choice(conds),
            phase=rng.choice(["not_sent", "partly_sent", "sent", "answered", "answered", "answered"]),
            status=rng.choice(
                [0, 200, 204, 206, 301, 304, 307, 400, 403, 404, 405, 408, 409, 412, 416, 429, 499, 500, 503]
            ),
            code=rng.choice(codes),
            error_document=rng.random() < 0.2,
            has_etag=rng.random() < 0.7,
            body_complete=rng.random() < 0.8,
        )
        fields = {name: getattr(end, name) for name in end.__dataclass_fields__ if name != "op"}
        assert _native.outcome(end.op, **fields) == outcomes.outcome_of(end), end


def test_ids_are_the_engines():
    value_id = ids.make(1, 2, 3)
    assert body.fill(value_id, 64, 0)[:16] == value_id


def a_piece(rng):
    """A body, the middle of one, or a counter's; now and then of another key."""
    value_id, hashed, kind = rng.choice(IDS), rng.choice([HASH, HASH, HASH, 77]), rng.random()
    length = rng.choice([64, 128, 192, 256, 100, 300, rng.randrange(1, 400)])
    if kind < 0.1:
        return body.counter_body(value_id, rng.randrange(-5, 5))
    skip = rng.randrange(6) * 64 if kind < 0.3 else 0
    return body.fill(value_id, skip + length, hashed, skip, length)


def damaged(data, rng):
    """The same with a bit or a cell of something else in it, or with something behind it."""
    data, kind, cell = bytearray(data), rng.random(), rng.randrange(len(data) // 64 + 1) * 64
    if kind < 0.15 and data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind < 0.25:
        data[cell : cell + 64] = body.fill(rng.choice(IDS), 1000, HASH, cell, 64)
    elif kind < 0.3:
        data += rng.choice([b"x", bytes(64), bytes(70), rng.randbytes(100)])
    elif kind < 0.33:
        data[cell : cell + 64] = bytes(64)
    return bytes(data)


def an_answer(rng):
    """Pieces one after the other, whole or a range of them, with what the answer may say of itself."""
    data = damaged(b"".join(a_piece(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4]))), rng)
    total, whole, start = len(data), rng.random() < 0.5, 0
    if not whole:
        start = min(len(data), rng.choice([0, 64, 128, rng.randrange(len(data) + 1)]))
        data = data[start : start + rng.choice([64, 128, rng.randrange(300), 10_000])]
    expect = rng.choice([len(data), len(data), len(data), -1, len(data) + 1, max(0, len(data) - 1)])
    cut = data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data
    meta_id = rng.choice([ids.NO_ID, IDS[0], rng.choice(IDS)])
    return cut, whole, start, expect, rng.choice([total, total, total, -1, total + 64]), meta_id


def test_verdicts_on_bodies_are_the_same():
    rng, seen = random.Random(4), set()
    for _ in range(1000):
        data, whole, start, expect, total, meta_id = an_answer(rng)
        found = verify(
            data,
            key_hash=HASH,
            whole=whole,
            range_start=start,
            expect_len=None if expect < 0 else expect,
            total_len=None if total < 0 else total,
            meta_id=meta_id,
        )
        counter = -(2**63) if found.counter is None else found.counter
        told = (found.verdict, found.id.hex(), found.id2.hex(), found.bad_offset, counter)
        native = _native.verify(data, HASH, whole, start, expect, total, meta_id.hex())
        assert native == told, (whole, start, expect, total, meta_id.hex(), data.hex())
        seen.add(found.verdict)
    assert seen == {"opaque", "clean", "parts", "short", "long", "foreign", "torn", "corrupt"}


@pytest.mark.parametrize("name", DRIVERS)
def test_verdicts_of_drivers_on_bodies_are_the_same(name):
    rng, asked, told, hashed = random.Random(5), [], [], HASH
    for _ in range(5000):
        data, whole, start, expect, total, meta_id = an_answer(rng)
        told.append(list(_native.verify(data, hashed, whole, start, expect, total, meta_id.hex())))
        question = {
            "data": data.hex(),
            "hash": hashed,
            "whole": whole,
            "start": start,
            "expect": expect,
            "total": total,
        }
        asked.append(question | {"meta_id": meta_id.hex(), "chunk": rng.choice([1, 7, 64, 100, 10_000])})
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run([DRIVERS[name].program(), "verify"], input=lines, capture_output=True, text=True, check=True)
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(got) == len(told)
    assert [(a, b, c) for a, b, c in zip(got, told, asked, strict=True) if a != b] == []


def test_checksums_are_the_published_ones():
    """Check values of the CRC catalogue and of FIPS 180."""
    told = {name: algorithm(b"123456789").hex() for name, algorithm in checksums.ALGORITHMS.items()}
    assert told == {
        "crc32": "cbf43926",
        "crc32c": "e3069283",
        "crc64nvme": "ae8b14860a799888",
        "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
        "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    }
    assert _native.crc32c(b"6789", _native.crc32c(b"12345")) == 0xE3069283
