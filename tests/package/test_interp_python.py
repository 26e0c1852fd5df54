"""The boto3 runner's interpreter and key spaces, against a sender that answers what the test says."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from s3prod.runners import boto3_answers
from s3prod.runners.boto3_interp import Ended, Interpreter
from s3prod.runners.boto3_keys import Hold, Key, KeySpaces
from s3prod.runners.boto3_phase import Barrier
from s3prod.runners.boto3_record import Attempt
from s3prod.runners.boto3_request import Named, Request, Result
from s3prod.runners.boto3_steps import literals

PLAN = {
    "buckets": ["main", "other"],
    "spaces": {
        "fixed": {"kind": "fixed", "keys": ["a", "b"]},
        "seq": {"kind": "sequence", "prefix": "s/", "count": 3},
        "uni": {"kind": "uniform", "prefix": "u/", "count": 10, "bucket": "other"},
        "zipf": {"kind": "zipf", "prefix": "z/", "count": 1000},
        "own": {"kind": "own", "prefix": "o/", "count": 2},
        "pool": {"kind": "lifecycle", "prefix": "l/", "count": 4},
    },
}


class Script:
    """Answers the steps in turn: (outcome, status, fields)."""

    def __init__(self, *answers):
        self.answers, self.sent, self.slept = list(answers), [], []

    def send(self, request):
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else ("ok", 200, {})
        outcome, status, fields = (*answer, {})[:3]
        code = "PreconditionFailed" if status == 412 else ""
        return Result(request.op, outcome, status, code, {"key": request.key} | fields, (len(self.sent), 0))

    def check(self):
        if len(self.sent) > 200:
            raise Ended

    admit = check

    def sleep(self, seconds):
        self.slept.append(seconds)

    def barrier(self, name):
        pass


def interpret(program, *answers, plan=PLAN):
    script = Script(*answers)
    interpreter = Interpreter(program, plan["buckets"], KeySpaces(plan), script, script, 7, 1)
    interpreter.run()
    return script, interpreter


FAIL, LOST, OK = ("failed", 412), ("unknown", 0), ("ok", 200)


def until(*steps, at_most=5):
    return {"repeat": {"until": "ok", "at_most": at_most}, "do": list(steps)}


PUT, GET, HEAD = {"put": "a"}, {"get": "a"}, {"head": "a"}


@pytest.mark.parametrize(
    ("program", "answers", "ops", "counts"),
    [
        ([until(PUT)], [FAIL, FAIL, OK], "put put put", {"retries": 2}),
        ([until(PUT, at_most=2), HEAD], [FAIL, FAIL, OK], "put put head", {"exhausted": 1, "retries": 1}),
        ([until(PUT), HEAD], [FAIL, LOST], "put put head", {"unknown": 1, "retries": 1}),
        ([until(GET), HEAD], [LOST, OK], "get get head", {"retries": 1}),
        ([until(PUT, HEAD)], [LOST], "put", {"unknown": 1}),
        ([until(PUT, {"when": ["unknown"], "do": [GET]}), HEAD], [LOST, OK], "put get head", {}),
        ([until(PUT, {"when": ["unknown"], "do": [GET]}), HEAD], [LOST, FAIL, OK], "put get put head", {"retries": 1}),
        ([until(PUT, {"when": ["unknown"], "do": [{"sleep": 1}]}), HEAD], [LOST], "put head", {"unknown": 1}),
        ([until({"repeat": 3, "do": [PUT]}), HEAD], [OK, LOST], "put put head", {"unknown": 1}),
        ([until(until(PUT), HEAD)], [LOST, OK], "put head", {"unknown": 1}),
        ([PUT, HEAD], [LOST], "put head", {}),
        ([PUT, {"when": [409, 412], "do": [GET], "else": [HEAD]}], [FAIL], "put get", {}),
        ([PUT, {"when": ["PreconditionFailed"], "do": [GET]}], [FAIL], "put get", {}),
        ([PUT, {"when": ["ok"], "do": [GET], "else": [HEAD]}], [FAIL], "put head", {}),
        ([PUT, {"when": ["failed"], "do": [GET]}], [FAIL], "put get", {}),
        ([{"when": ["ok"], "do": [GET], "else": [HEAD]}], [], "head", {}),
        ([{"repeat": 3, "do": [PUT]}], [], "put put put", {}),
    ],
)  # fmt: skip
def test_control_steps(program, answers, ops, counts):
    script, interpreter = interpret(program, *answers)
    assert " ".join(request.op for request in script.sent) == ops
    del interpreter.counts["runs_ok"]
    assert +interpreter.counts == Counter(counts | {"runs": 1})


def test_references_keep_the_last_good_value():
    program = [
        {"get": "a", "as": "x"}, {"get": "a", "as": "x"},
        {"put": "x.key", "if_match": "x.etag", "body": {"counter": "x.counter - 3"}},
    ]  # fmt: skip
    script, _ = interpret(program, ("ok", 200, {"etag": '"e"', "counter": 10}), ("failed", 404, {"etag": ""}))
    put = script.sent[2]
    assert (put.key.text, put.cond, put.cond_value, put.counter) == ("a", "if_match", '"e"', 7)


def test_a_reference_without_a_value():
    program = [{"get": "a", "as": "x"}, {"put": "a", "if_match": "x.etag", "body": {"counter": "x.counter + 1"}}]
    script, _ = interpret(program, ("failed", 404))
    assert (script.sent[1].cond_value, script.sent[1].counter) == ('"none"', 1)
    script, interpreter = interpret([{"get": "a", "as": "x"}, {"put": "x.key"}], ("failed", 404))
    assert (len(script.sent), interpreter.counts["no_key"]) == (1, 1)


def test_an_unknown_mutation_that_is_handled_stays_the_same_operation():
    program = [until(PUT, {"when": ["unknown"], "do": [GET]}), PUT]
    script, _ = interpret(program, LOST, FAIL, FAIL, LOST, FAIL, OK)
    assert [(r.op, r.again) for r in script.sent] == [
        ("put", None), ("get", None), ("put", (1, 0)), ("put", None), ("get", None), ("put", (4, 0)), ("put", None),
    ]  # fmt: skip


def test_equal():
    program = [
        {"head": "a", "as": "x"}, {"head": "b", "as": "y"},
        {"when": {"equal": ["x.size", "y.size + 1"]}, "do": [GET], "else": [HEAD]},
        {"when": {"equal": ["x.etag", "y.etag"]}, "do": [GET], "else": [HEAD]},
    ]  # fmt: skip
    script, _ = interpret(program, ("ok", 200, {"size": 5, "etag": "e"}), ("ok", 200, {"size": 4, "etag": "f"}))
    assert [request.op for request in script.sent] == ["head", "head", "get", "head"]


def test_conditions():
    script, _ = interpret(
        [{"put": "a", "if_none_match": "*"}, {"get": "a", "if_none_match": '"q"'}, {"delete": "a", "if_match": "*"}]
    )
    assert [(r.cond, r.cond_value) for r in script.sent] == [
        ("if_none_match_any", "*"), ("if_none_match", '"q"'), ("if_match_any", "*"),
    ]  # fmt: skip


def test_ranges():
    script, _ = interpret(
        [
            HEAD,
            {"get": "a", "range": {"random": 10}},
            {"get": "b", "range": {"random": 10}},
            {"get": "a", "range": [5, None]},
        ],
        ("ok", 200, {"size": 12}),
    )
    known, unknown, rest = script.sent[1:]
    assert 0 <= known.range_first <= 2 and known.range_last == known.range_first + 9
    assert (unknown.range_first, unknown.range_last) == (0, 9)
    assert (rest.range_first, rest.range_last) == (5, None)


def test_an_empty_page_deletes_nothing():
    program = [{"list": "main", "as": "p"}, {"delete_objects": "p.keys"}, {"when": ["ok"], "do": [HEAD]}]
    script, _ = interpret(program, ("ok", 200, {"keys": [], "token": "", "bucket": "main"}))
    assert [request.op for request in script.sent] == ["list", "head"]
    script, _ = interpret(program, ("ok", 200, {"keys": [Named("a", etag="e"), Named("b")], "bucket": "main"}))
    assert script.sent[1].objects == [Named("a"), Named("b")]


def test_tokens_walk_a_listing():
    program = [{"repeat": 2, "do": [{"list": "main", "token": "p.token", "as": "p"}]}]
    script, _ = interpret(program, ("ok", 200, {"keys": [], "token": ("t",), "bucket": "main"}))
    assert [dict(request.list_args) for request in script.sent] == [{}, {"token": ("t",)}]


def test_a_used_up_sequence_ends_the_run():
    program = [{"repeat": 9, "do": [{"choose": "seq", "as": "k"}, {"put": "k.key"}]}, HEAD]
    script, interpreter = interpret(program)
    assert [request.key.text for request in script.sent] == ["s/00000000", "s/00000001", "s/00000002"]
    assert interpreter.counts["no_key"] == 1


def test_own_keys_are_the_clients():
    program = [{"repeat": 3, "do": [{"choose": "own", "as": "k"}, {"put": "k.key"}]}]
    script, _ = interpret(program)
    assert [request.key.text for request in script.sent] == ["o/00007/00000000", "o/00007/00000001", "o/00007/00000000"]
    assert script.sent[0].key.index == 14


def test_jitter_grows_with_the_rounds_of_its_loop_and_is_capped():
    jitter = {"sleep": {"full_jitter_ms": [1, 512]}}
    script, _ = interpret([{"repeat": 16, "do": [until(PUT, jitter, at_most=12)]}], *[FAIL] * 192)
    by_round = [1000 * max(script.slept[k::12]) for k in range(12)]
    assert all(slept <= min(2**k, 512) for k, slept in enumerate(by_round))
    assert all(slept > min(2**k, 512) / 3 for k, slept in enumerate(by_round))


@pytest.mark.parametrize(
    ("steps", "answers", "left"),
    [
        ([{"put": "k.key"}], [OK], "acked"), ([{"put": "k.key"}], [FAIL], "fresh"), ([{"put": "k.key"}], [LOST], "retired"),
        ([{"put": "k.key"}, {"delete": "k.key"}], [OK, OK], "retired"), ([{"get": "k.key"}], [OK], "fresh"),
        ([{"put": "k.key"}, {"delete": "k.key"}], [OK, FAIL], "acked"),
    ],
)  # fmt: skip
def test_lifecycle(steps, answers, left):
    plan = PLAN | {"spaces": {"pool": {"kind": "lifecycle", "prefix": "l/", "count": 1}}}
    script = Script(*answers)
    keys = KeySpaces(plan)
    Interpreter(
        [{"choose": "pool", "take": "fresh", "as": "k"}, *steps], plan["buckets"], keys, script, script, 0, 1
    ).run()
    rng = random.Random(1)
    acked, fresh = keys.take("pool", "acked", rng), keys.take("pool", "fresh", rng)
    assert (isinstance(acked, Hold), isinstance(fresh, Hold)) == (left == "acked", left == "fresh")


def test_a_taken_key_is_taken_once():
    keys, rng = KeySpaces(PLAN), random.Random(1)
    holds = [keys.take("pool", "fresh", rng) for _ in range(4)]
    assert keys.take("pool", "fresh", rng) is None
    holds[0].written = True
    keys.release(holds[0])
    assert keys.take("pool", "any", rng) == keys.take("pool", "any", rng) == holds[0].key
    assert keys.take("pool", "acked", rng).key == holds[0].key
    assert keys.take("pool", "any", rng) is None


def test_draws_cover_their_space():
    keys, rng = KeySpaces(PLAN), random.Random(1)
    assert {keys.choose("uni", 0, {}, rng).index for _ in range(500)} == set(range(10))
    drawn = Counter(keys.choose("zipf", 0, {}, rng).index for _ in range(5000))
    assert drawn[0] > drawn[1] > drawn[10] and min(drawn) >= 0 and max(drawn) < 1000
    assert 0.08 < drawn[0] / 5000 < 0.2


def test_literals_join_the_space_that_has_them():
    keys = KeySpaces(PLAN)
    assert keys.literal("main", "s/00000001").space == 1
    assert keys.literal("main", "s/1").space == keys.literal("main", "x").space == 6
    assert keys.literal("other", "x").space == 7
    assert keys.literal("main", "x").index == 1
    header = keys.header(["main", "other"])
    assert header[6] == {"name": "", "bucket": 0, "kind": "fixed", "count": 2, "keys": ["s/1", "x"]}
    assert header[2] == {"name": "uni", "bucket": 1, "kind": "uniform", "prefix": "u/", "count": 10}
    assert literals([{"get": "a.key", "as": "b"}, {"put": "b.key", "bucket": "other"}], "main") == [("main", "a.key")]


def test_barriers_open_when_the_last_comes_or_leaves():
    barrier, order = Barrier(3), []

    def come(turns):
        for turn in range(turns):
            barrier.wait(lambda: None)
            order.append(turn)
        barrier.leave()

    threads = [threading.Thread(target=come, args=(turns,)) for turns in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == [0, 0, 0, 1, 1, 2]


def test_a_head_that_was_cut_is_no_error_of_the_runner():
    request = Request("head", "main", key=Key.foreign("main", "a"))
    fields = {}
    boto3_answers._object(None, request, Attempt(1, status=200, headers={"content-length": ""}), {}, fields)
    assert fields["size"] == 0
