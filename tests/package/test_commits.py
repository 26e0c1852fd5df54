"""What a history of commits amounts to, on histories by hand."""

from __future__ import annotations

import pytest

from s3prod.commits import Chain, progress, tenures, tokens_gone_back

KEY = "config.json"


def put(number, on, *, client=0, outcome="ok", status=200, phase="main", counter=None):
    """The write of value `number` over value `on`, one time unit long."""
    record = {"op": "put", "key": KEY, "run_phase": phase, "body_id": f"id{number}", "client": client, "status": status}
    record |= {"t_call": 10 * number, "t_return": 10 * number + 5, "outcome": outcome, "expect_etag": f"etag{on}"}
    record["counter"] = number if counter is None else counter
    return record | ({"etag": f"etag{number}"} if outcome == "ok" else {})


def get(number, phase="main"):
    return {"op": "get", "key": KEY, "run_phase": phase, "outcome": "ok", "body_id": f"id{number}",
            "etag": f"etag{number}", "counter": number, "t_call": 0}  # fmt: skip


SEED = put(0, "none", phase="setup")
THREE = [SEED, put(1, 0, client=1), put(2, 1, client=2), put(3, 2, client=1), get(3, "teardown")]


def test_a_chain():
    chain = Chain.of(THREE, KEY)
    assert (len(chain.links), chain.acked, chain.reconciled, chain.final) == (3, 3, 0, 3)
    assert not chain.lost and not chain.broken and not chain.refused_inside
    assert chain.by_client() == {1: 2, 2: 1}


def test_an_unknown_commit_that_was_built_on_is_reconciled():
    chain = Chain.of([SEED, put(1, 0, outcome="unknown", status=503), get(1), put(2, 1), get(2, "teardown")], KEY)
    assert (len(chain.links), chain.acked, chain.reconciled) == (2, 1, 1) and not chain.lost


def test_a_lost_commit_shows():
    chain = Chain.of([*THREE, put(4, 2, client=9)], KEY)
    assert [r["client"] for r in chain.lost] == [9]


def test_a_refused_attempt_inside_shows():
    records = [SEED, put(1, 0, outcome="failed", status=412), get(1), put(2, 1), get(2, "teardown")]
    assert [r["status"] for r in Chain.of(records, KEY).refused_inside] == [412]


def test_a_counter_that_jumps_shows():
    assert [
        r["counter"] for r in Chain.of([SEED, put(1, 0), put(2, 1, counter=7), get(2, "teardown")], KEY).broken
    ] == [7]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([SEED, put(1, 0)], "was not read at rest"),
        ([SEED, put(1, 5), get(1, "teardown")], "an ETag that nobody wrote"),
        ([SEED, get(8, "teardown")], "ends at id8"),
    ],
)
def test_a_chain_that_cannot_be_followed(records, said):
    with pytest.raises(AssertionError, match=said):
        Chain.of(records, KEY)


def test_a_circle_ends():
    with pytest.raises(AssertionError, match="not at its seed"):
        Chain.of([put(1, 2), put(2, 1), get(2, "teardown")], KEY)


def test_progress():
    shown = progress([*THREE[1:4], put(4, 1, outcome="failed", status=412)], THREE[1:4], 3)
    assert shown["attempts_per_commit"] == 1.33 and shown["refused_412"] == 1 and shown["refused_409"] == 0
    assert shown["jain"] == pytest.approx(0.6, abs=0.1), "the third client has nothing"
    assert shown["longest_starvation_ms"] == 0  # 20 ns
    assert progress([], [], 3) == {"commits": 0.0}


def test_tokens_that_go_back():
    new, old = put(1, 0, counter=5), put(2, 1, counter=3)
    assert [(a["counter"], b["counter"]) for a, b in tokens_gone_back([new, old])] == [(5, 3)]
    overlapping = old | {"t_call": new["t_return"] - 1}
    assert not tokens_gone_back([new, overlapping]), "at the same time either order is right"
    assert not tokens_gone_back([new, old | {"outcome": "failed"}])


def test_two_holders_of_a_token():
    assert tenures([put(1, 0, client=1), put(2, 1, client=2, counter=1), put(3, 2, client=3, counter=2)]) == {1: {1, 2}}
