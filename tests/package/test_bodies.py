"""Bodies, ids, ETags and outcomes: the Python implementations against the golden vectors that C is held to."""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from s3prod import body, ids, outcomes
from s3prod.body_verify import verify

VECTORS = Path(__file__).resolve().parents[2] / "csrc/tests/vectors"
ID = ids.make(0xA1B2C3D4E5F6, 7, 9)
OTHER = ids.make(0xA1B2C3D4E5F6, 8, 1)
HASH = body.key_hash("main", "hot/object")


def end_of(vector):
    fields = ("op", "cond", "phase", "status", "code", "error_document", "has_etag", "body_complete")
    return outcomes.End(**{name: vector[name] for name in fields})


def test_outcome_vectors():
    wrong = [
        v for v in outcomes.document()["vectors"] if outcomes.outcome_of(end_of(v)) != (v["outcome"], v["evidence"])
    ]
    assert wrong == []
    assert len(outcomes.document()["vectors"]) > 100


def test_every_outcome_row_is_reached():
    rows = outcomes.document()["rows"]
    reached = {id(outcomes._first(end_of(vector))) for vector in outcomes.document()["vectors"]}
    assert [row for row in rows if id(row) not in reached] == []


def test_last_row_errs_towards_unknown():
    assert outcomes.outcome_of(outcomes.End("put", status=799)) == ("unknown", "none")


@pytest.mark.parametrize("length", [0, 1, 15, 16, 63, 64, 65, 127, 128, 1000, 65537])
def test_a_body_is_clean_and_any_piece_of_it_is_the_same(length):
    whole = body.fill(ID, length, HASH)
    rng = random.Random(length)
    for _ in range(20):
        offset = rng.randint(0, length)
        size = rng.randint(0, length - offset)
        assert body.fill(ID, length, HASH, offset, size) == whole[offset : offset + size]
    found = verify(whole, key_hash=HASH, expect_len=length, meta_id=ID)
    assert (found.verdict, found.id) == ("clean", ID)


@pytest.mark.parametrize("blocks", [4095, 4096, 4097])
def test_blocks_join_without_a_seam(blocks):
    length = blocks * body.CELL + 5
    data = body.fill(ID, length, HASH)
    assert verify(data, key_hash=HASH).verdict == "clean"
    assert data[-69:] == body.fill(ID, length, HASH, length - 69)


def test_torn_foreign_corrupt_short_long():
    a, b = body.fill(ID, 1024, HASH), body.fill(OTHER, 1024, HASH)
    torn = verify(a[:512] + b[512:], key_hash=HASH)
    assert (torn.verdict, torn.id, torn.id2, torn.bad_offset) == ("torn", ID, OTHER, 512)
    assert verify(a, key_hash=HASH + 1).verdict == "foreign"
    flipped = bytearray(a)
    flipped[700] ^= 1
    corrupt = verify(bytes(flipped), key_hash=HASH)
    assert (corrupt.verdict, corrupt.bad_offset) == ("corrupt", 640)
    assert verify(a[:1000], key_hash=HASH, expect_len=1024).verdict == "short"
    assert verify(a[:1000], key_hash=HASH, expect_len=1000).verdict == "short"
    assert verify(a + b"x", key_hash=HASH).verdict == "long"
    assert verify(a + bytes(64), key_hash=HASH).verdict == "long"


def test_large_broken_bodies_are_judged_quickly():
    length = 4 << 20
    writes = [body.fill(ids.make(1, client, 1), length, HASH) for client in range(3)]
    pieces = [writes[i % 3][at : at + 65536] for i, at in enumerate(range(0, length, 65536))]
    start = time.monotonic()
    torn = verify(b"".join(pieces), key_hash=HASH)
    assert (torn.verdict, torn.id, torn.id2, torn.bad_offset) == ("torn", ids.make(1, 0, 1), ids.make(1, 1, 1), 65536)
    half = writes[0][: length // 2]
    assert verify(half + bytes(length // 2), key_hash=HASH).bad_offset == length // 2
    late = bytearray(b"".join(pieces))
    late[3_000_000] ^= 1
    corrupt = verify(bytes(late), key_hash=HASH)
    assert (corrupt.verdict, corrupt.bad_offset) == ("corrupt", 3_000_000 // 64 * 64)
    assert verify(random.Random(1).randbytes(length), key_hash=HASH).verdict == "corrupt"
    assert time.monotonic() - start < 20


def test_a_tail_of_another_longer_write_is_torn():
    a, b = body.fill(ID, 512, HASH), body.fill(OTHER, 1024, HASH)
    found = verify(a + b[512:], key_hash=HASH)
    assert (found.verdict, found.id2, found.bad_offset) == ("torn", OTHER, 512)


def test_ranges():
    data = body.fill(ID, 4096, HASH)
    inside = {"key_hash": HASH, "whole": False, "total_len": 4096}
    assert verify(data[100:300], range_start=100, expect_len=200, **inside).verdict == "clean"
    assert verify(data[100:110], range_start=100, expect_len=10, **inside).verdict == "opaque"
    assert verify(data[100:110], range_start=100, expect_len=10, meta_id=ID, **inside).verdict == "clean"
    assert verify(data[100:110], range_start=101, expect_len=10, meta_id=ID, **inside).verdict == "corrupt"


def test_counter_bodies():
    text = body.counter_body(ID, -5)
    assert json.loads(text) == {"id": ID.hex(), "counter": -5, "crc32c": json.loads(text)["crc32c"]}
    found = verify(text, key_hash=HASH)
    assert (found.verdict, found.id, found.counter) == ("clean", ID, -5)
    assert verify(text.replace(b"-5", b"-6"), key_hash=HASH).verdict == "corrupt"
    assert verify(text[:-3], key_hash=HASH, expect_len=len(text)).verdict == "short"
    assert verify(text[:50], key_hash=HASH, whole=False, total_len=len(text), expect_len=50).verdict == "opaque"


def test_fill_is_not_its_own_judge():
    """One cell by hand, from the text of csrc/s3/body.h."""

    def mix(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    offset, high, low = 128, int.from_bytes(ID[:8], "big"), int.from_bytes(ID[8:], "big")
    seed = mix(high ^ mix(low ^ offset))
    filler = b"".join(mix((seed + (j + 1) * 0x9E3779B97F4A7C15) % 2**64).to_bytes(8, "little") for j in range(5))[:36]
    start = ID + offset.to_bytes(8, "little")
    cell = start + body.crc32c(start + filler).to_bytes(4, "little") + filler
    assert body.fill(ID, 1024, HASH, offset, 64) == cell


def test_ids_and_etags():
    assert (ids.run_of(ID), ids.client_of(ID), ids.counter_of(ID)) == (0xA1B2C3D4E5F6, 7, 9)
    assert ids.parse(ID.hex()) == ID
    assert ids.parse(ID.hex()[1:]) is None
    assert ids.etag_parse("") == ids.etag_parse('""') == ("none", bytes(16))
    assert ids.etag_parse('"d41d8cd98f00b204e9800998ecf8427e"') == ids.etag_parse("d41d8cd98f00b204e9800998ecf8427e")
    assert ids.etag_parse('"abc-2"') == ("hashed", hashlib.sha256(b"abc-2").digest()[:16])


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def test_key_hash_vectors():
    for vector in load("body")["key_hashes"]:
        assert body.key_hash(vector["role"], vector["key"]) == int(vector["hash"], 16), vector


@pytest.mark.parametrize("vector", load("body")["bodies"], ids=lambda vector: f"{vector['id'][:4]}-{vector['len']}")
def test_body_vectors(vector):
    value_id, hashed = ids.parse(vector["id"]), body.key_hash(vector["role"], vector["key"])
    whole = body.fill(value_id, vector["len"], hashed)
    assert hashlib.md5(whole).hexdigest() == vector["md5"]
    for piece in vector["ranges"]:
        got = body.fill(value_id, vector["len"], hashed, piece["first"], piece["len"])
        assert piece.get("hex", got.hex()) == got.hex()
        assert piece.get("sha256", hashlib.sha256(got).hexdigest()) == hashlib.sha256(got).hexdigest()


def test_counter_vectors():
    for vector in load("body")["counters"]:
        assert body.counter_body(ids.parse(vector["id"]), vector["counter"]) == vector["text"].encode()


def test_id_vectors():
    for vector in load("id")["ids"]:
        assert ids.make(vector["run"], vector["client"], vector["counter"]).hex() == vector["text"]
    assert [text for text in load("id")["bad"] if ids.parse(text) is not None] == []


def test_etag_vectors():
    forms = ("none", "digest", "hashed")
    for vector in load("etag")["etags"]:
        assert ids.etag_parse(vector["text"]) == (forms[vector["form"]], bytes.fromhex(vector["bytes"])), vector


def test_composite_vectors():
    for vector in load("parts")["composites"]:
        assert ids.composite([bytes.fromhex(one) for one in vector["ids"]]).hex() == vector["id"]
    assert ids.composite([]) == ids.composite([ID, ids.NO_ID]) == ids.NO_ID


@pytest.mark.parametrize("vector", load("parts")["bodies"], ids=lambda vector: vector["id"][:16])
def test_parts_vectors(vector):
    hashed = body.key_hash(vector["role"], vector["key"])
    data = b"".join(body.fill(bytes.fromhex(part["id"]), part["len"], hashed) for part in vector["parts"])
    assert hashlib.sha256(data).hexdigest() == vector["sha256"]
    found = verify(data, key_hash=hashed, expect_len=len(data))
    assert (found.verdict, found.id.hex()) == ("parts", vector["id"])


def test_tags_vectors():
    for vector in load("tags")["sets"]:
        assert ids.tag_set(bytes.fromhex(vector["id"]), vector["n"]) == vector["tags"]
    for vector in load("tags")["read"]:
        assert ids.tags_found(vector["tags"]) == (vector["verdict"], bytes.fromhex(vector["id"] or "00" * 16)), vector
