"""Plans as Python data: constructors, the way to JSON and back, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3prod import plan_steps
from s3prod.errors import PlanError
from s3prod.plan import (
    Group,
    Load,
    Plan,
    Require,
    Space,
    Stop,
    at_percentile,
    at_rate,
    barrier,
    cas,
    check_schema,
    choose,
    closed,
    counter,
    delete,
    get,
    head,
    jitter,
    list_page,
    make_bucket,
    open_loop,
    put,
    remove_bucket,
    repeat,
    until_others,
    when,
    when_equal,
    when_less,
    when_odd,
)

PLANS = Path(__file__).resolve().parents[1] / "plans"

FULL = Plan(
    "everything",
    seed=7,
    scale="smoke",
    buckets=["main", "other"],
    spaces={
        "fixed": Space.fixed("a", "b"),
        "seq": Space.sequence("s/", 10, bucket="other"),
        "uni": Space.uniform("u/", 10),
        "zipf": Space.zipf("z/", 10, theta=0.9),
        "own": Space.own("o/", 3),
        "pool": Space.lifecycle("l/", 100),
    },
    workers=2,
    deadline_ms=5000,
    payload="signed",
    memory_mb=256,
    stop=Stop(seconds=1, attempts=1000),
    groups=[
        make_bucket("main", "other"),
        Group("w", [repeat(3, barrier("wave"), put("hot", [1, 2]), get("hot", range=(0, None)))], clients=5),
        Group("r", [get("hot", as_="x"), head("hot", if_none_match="x.etag")], clients=2, arrival=until_others()),
        Group("o", [choose("uni", "k"), put("k.key", 100)], clients=3, arrival=open_loop(50, process="uniform", queue=9)),
        Group("c", [put("cfg", counter(0), if_none_match="*"), cas("cfg")], arrival=closed(2)),
        Group("l", [list_page("main", max_keys=5, as_="p"), list_page("main", token="p.token", as_="p")]),
        Group("d", [choose("pool", "d", take="fresh"), put("d.key"), when("failed", delete("d.key"), otherwise=[head("d.key")])]),
        Group("e", [get("a", as_="a"), get("b", as_="b"), when_equal("a.size", "b.size", jitter(1, 10))]),
        Group("n", [get("a", as_="a"), when_less("a.counter", 7, when_odd("a.counter + 1", jitter(1, 10)), otherwise=[head("a")])]),
        remove_bucket("main", "other"),
    ],
    require={"*": Require(acked_writes=1), "uni": Require(reads=0, overlap=0.5)},
    load=Load(rate=at_rate("o", 50, within=0.5), p99_ms=at_percentile("put", 500)),
)  # fmt: skip


def test_everything_goes_to_json_and_back():
    again = Plan.from_json(FULL.to_json())
    assert again.to_dict() == FULL.to_dict()
    assert again == FULL


def test_everything_is_valid():
    assert FULL.validate() is FULL


def test_defaults_are_left_out():
    assert set(Plan("p", groups=[Group("g", [head("a")])]).to_dict()) == {"name", "seed", "buckets", "groups"}


def test_with_seed():
    assert FULL.with_seed(9).to_dict()["seed"] == 9
    assert FULL.with_seed(None) is FULL


def test_options_that_are_not_given_are_not_written():
    assert put("a") == {"put": "a"}
    assert plan_steps.list_page("main", version=1, start_after="m") == {"list_v1": "main", "start_after": "m"}
    assert when(412, head("a")) == {"when": [412], "do": [{"head": "a"}]}


@pytest.mark.parametrize("path", sorted((PLANS / "good").glob("*.json")), ids=lambda path: path.stem)
def test_good_files(path):
    plan = Plan.from_file(path).validate()
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("path", sorted((PLANS / "bad").glob("*.json")), ids=lambda path: path.stem)
def test_bad_files(path):
    with pytest.raises(PlanError) as caught:
        Plan.from_file(path)
    assert "\n" not in str(caught.value)
    assert path.with_suffix(".expect").read_text("utf-8").strip() in str(caught.value)


def test_the_schema_refuses_all_but_what_needs_the_meaning_of_names():
    accepted = []
    for path in sorted((PLANS / "bad").glob("*.json")):
        try:
            check_schema(json.loads(path.read_text("utf-8")))
            accepted.append(path.stem)
        except (PlanError, ValueError):
            pass
    assert {"step-unknown-option", "seed-text", "body-negative", "unknown-field"}.isdisjoint(accepted)
    assert len(accepted) < len(list((PLANS / "bad").glob("*.json"))) / 2, accepted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Bad Name"}, ["name", "Bad Name"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"groups": []}, ["groups"]),
        ({"wokers": 2}, ["wokers"]),
        ({"payload": "maybe"}, ["payload", "maybe"]),
        ({"groups": [{"group": "g", "program": [{"put": "k.key", "body": {"bytes": -1}}]}]}, ["-1"]),
        ({"groups": [{"group": "g", "clients": 0, "program": [{"head": "a"}]}]}, ["clients", "0"]),
        ({"groups": [{"group": "g", "program": [{"copy": "a"}]}]}, ["program"]),
        ({"groups": [{"group": "g", "program": [{"put": "a", "if_match": "x.etag"}]}]}, ["if_match", "x.etag"]),
        (
            {"groups": [{"group": "g", "program": [{"get": "a", "as": "x"}, {"put": "b", "body": {"counter": "x.keys"}}]}]},
            ["x.keys"],
        ),
        ({"groups": [{"group": "g", "program": [{"choose": "nowhere", "as": "k"}]}]}, ["choose", "nowhere"]),
    ],
)  # fmt: skip
def test_bad_plans_say_what_is_wrong_in_one_line(change, words):
    document = {"name": "p", "groups": [{"group": "g", "program": [{"head": "a"}]}]} | change
    with pytest.raises(PlanError) as caught:
        Plan.from_dict(document).validate()
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '"plan"'])
def test_no_plan_at_all(text):
    with pytest.raises(PlanError):
        Plan.from_json(text)


def test_a_missing_file(tmp_path):
    with pytest.raises(PlanError, match=r"none\.json"):
        Plan.from_file(tmp_path / "none.json")


def test_steps_walks_into_everything():
    verbs = [next(iter(step)) for step in Plan("p", groups=[Group("g", [cas("a")])]).steps()]
    assert verbs == ["repeat", "get", "put", "when", "sleep"]


def test_json_is_json():
    assert json.loads(FULL.to_json(indent=1)) == FULL.to_dict()
