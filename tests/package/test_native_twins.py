"""What is implemented twice, in C and in Python, must agree on more than the golden vectors."""

from __future__ import annotations

import random

from s3prod import _native, body, ids, outcomes


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
