"""Conformance of what takes more than one client: barriers, endpoints, `until others`, bodies, rates, refusals."""

from __future__ import annotations

import dataclasses

import pytest

from s3prod import Group, Load, Plan, Require, Space, Stop, _native, run_plan
from s3prod.plan import (
    at_percentile,
    at_rate,
    barrier,
    cas,
    choose,
    counter,
    get,
    list_page,
    make_bucket,
    open_loop,
    put,
    remove_bucket,
    repeat,
    sleep,
    until_ok,
    until_others,
    when,
)
from s3prod.profile import promises
from s3prod.runners.recording import profile_hash

from .test_programs import RUNNERS, records_of

pytestmark = pytest.mark.parametrize("runner", RUNNERS)


@pytest.fixture
def carry_out(runner, embedded_target, tmp_path):
    def run(name, *groups, **settings):
        plan = Plan(name, groups=[make_bucket(), *groups, remove_bucket()], **settings)
        return run_plan(plan, embedded_target, runner=runner, out=tmp_path)

    return run


def main_records(run, **fields):
    return [r for r in records_of(run) if r["run_phase"] == "main" and all(r.get(k) == v for k, v in fields.items())]


def test_a_barrier_holds_everyone_back(carry_out):
    wave = [repeat(5, barrier("wave"), put("a", 100))]
    run = carry_out("waves", Group("x", wave, clients=3), Group("y", wave, clients=2))
    waves = {}
    for record in main_records(run, op="put"):
        waves.setdefault(record["op_seq"], []).append(record)
    assert [len(waves[n]) for n in sorted(waves)] == [5] * 5
    for n in range(1, 5):  # t_call may be a little early
        assert max(r["t_return"] for r in waves[n]) <= min(r["t_sent"] for r in waves[n + 1])


def test_what_is_tried_again_is_the_same_operation(carry_out):
    """Whatever the program does before that to find out what became of it."""
    program = [until_ok(2, put("a", 100), when("unknown", get("b")))]
    run = carry_out("again", Group("g", program), faults=["status-after-commit:op=put,status=500"])
    told = [(r["op"], r["op_seq"], r.get("attempt", 0), r.get("flags", [])) for r in main_records(run)]
    assert told == [("put", 1, 0, []), ("get", 2, 0, []), ("put", 1, 1, ["retry_ambiguous"]), ("get", 3, 0, [])]


def test_who_ends_leaves_the_barrier(carry_out):
    run = carry_out(
        "leavers",
        Group("short", [barrier("b"), put("a")]),
        Group("long", [repeat(3, barrier("b"), put("b"))], clients=2),
    )
    assert run.metrics["ops"]["put"]["ok"] == 7


def test_clients_are_dealt_over_the_endpoints(carry_out, embedded_target):
    run = carry_out("dealt", Group("g", [put("a")], clients=5))
    used = {record["client"]: record.get("endpoint", 0) for record in main_records(run)}
    assert used == {client: client % len(embedded_target.endpoints) for client in range(1, 6)}


def test_until_others_ends_with_the_others_and_runs_at_least_once(carry_out):
    run = carry_out(
        "others",
        Group("writers", [repeat(20, sleep(2), put("a", 100))]),
        Group("readers", [get("a")], clients=2, arrival=until_others()),
    )
    reads = main_records(run, op="get")
    last_write = max(record["t_return"] for record in main_records(run, op="put"))
    assert len(reads) >= 4
    assert max(record["t_call"] for record in reads) - last_write < 10e9


def test_value_ids_are_never_drawn_twice(carry_out):
    run = carry_out("ids", Group("g", [repeat(20, put("a", 100))], clients=4))
    ids = [record["meta_id"] for record in main_records(run, op="put")]
    assert len(set(ids)) == len(ids) == 80
    assert {int(i[12:20], 16) for i in ids} == {1, 2, 3, 4}
    assert {int(i[20:], 16) for i in ids} == set(range(1, 21))
    assert {i[:12] for i in ids} == {run.metrics["run"]}


def test_a_refused_connection_is_failed_and_nothing_was_sent(runner, embedded_target, tmp_path):
    plan = Plan("refused", groups=[make_bucket(), Group("g", [put("a"), get("a")]), remove_bucket()])
    endpoints = (embedded_target.endpoints[0], "http://127.0.0.1:1")
    target = dataclasses.replace(embedded_target, endpoints=endpoints)
    run = run_plan(plan, target, runner=runner, out=tmp_path)
    ends = [(r["op"], r["outcome"], r.get("phase", "not_sent"), r["wire"]) for r in main_records(run)]
    assert ends == [("put", "failed", "not_sent", "connect"), ("get", "failed", "not_sent", "connect")]
    assert run.metrics["left_behind"] == []


def test_times_are_in_order(carry_out):
    run = carry_out("times", Group("g", [repeat(10, put("a", 100), get("a"))], clients=2))
    for record in main_records(run):
        assert 0 < record["t_call"] <= record["t_sent"] <= record["t_first"] <= record["t_return"]


def test_poisson_arrivals_are_about_as_many_as_asked(carry_out):
    run = carry_out(
        "poisson",
        Group("g", [put("a", 100)], clients=8, arrival=open_loop(100)),
        stop=Stop(seconds=1),
        load=Load(rate=at_rate("g", 100, within=0.5), p99_ms=at_percentile("put", 5000)),
    )
    group = run.metrics["groups"]["g"]
    assert 60 <= group["runs"] + group["unsent"] <= 140
    assert run.load == "reached"
    assert all(record["t_sched"] <= record["t_call"] for record in main_records(run))
    assert {"p50_us", "max_us"} <= set(group["lateness"])


def test_a_missed_latency_is_said(carry_out):
    run = carry_out("slow", Group("g", [put("a", 100)]), load=Load(p50_ms=at_percentile("put", 0.000001)))
    assert run.load in ("missed", "generator-limited")
    assert run.exit_status() in (1, 3)


def test_evidence_floors_make_a_run_inconclusive(carry_out):
    run = carry_out("thin", Group("g", [put("a")]), require={"*": Require(acked_writes=1000)})
    assert run.verdict.consistency == "inconclusive"
    assert run.exit_status() == 3


def test_commits_are_counted_by_client(carry_out):
    program = [put("cfg", counter(0), if_none_match="*"), barrier("b"), repeat(4, cas("cfg"))]
    run = carry_out("commits", Group("g", program, clients=3))
    assert sum(run.metrics["groups"]["g"]["commits_by_client"]) == 13


def test_a_listing_names_what_is_there(carry_out):
    run = carry_out(
        "listing",
        Group(
            "g",
            [
                repeat(12, choose("s", "k"), put("k.key", 50)),
                list_page("main", as_="p"),
                list_page("main", delimiter="/"),
            ],
        ),
        spaces={"s": Space.sequence("a+b %/", 12)},
    )
    full, grouped = main_records(run, op="list")
    assert [entry["key"] for entry in full["entries"]] == [f"a+b %/{i:08d}" for i in range(12)]
    assert all(entry["size"] == 50 and len(entry["etag"]) == 32 for entry in full["entries"])
    assert [(entry["key"], entry["flags"]) for entry in grouped["entries"]] == [("a+b %/", ["prefix"])]


def test_the_header_says_what_was_run_and_no_secret(carry_out, runner, embedded_target):
    run = carry_out(
        "header", Group("g", [put("a"), put("b", bucket="main")], clients=2), spaces={"s": Space.own("o/", 3)}
    )
    header = _native.History(str(run.history)).header
    assert header["runner"] == runner and header["plan"] == run.plan.to_dict()
    assert header["profile"] == promises(embedded_target.profile)
    assert header["profile_hash"] == profile_hash(embedded_target)
    assert header["groups"][1] == {"name": "g", "phase": "main", "clients": 2, "first_client": 1}
    assert header["spaces"] == [
        {"name": "s", "bucket": 0, "kind": "own", "count": 3, "prefix": "o/"},
        {"name": "", "bucket": 0, "kind": "fixed", "count": 2, "keys": ["a", "b"]},
    ]
    assert header["buckets"] == [{"role": "main", "name": run.metrics["buckets"]["main"]}]
    everything = run.history.read_bytes() + (run.out / "run.json").read_bytes()
    assert embedded_target.secret_key.encode() not in everything


def test_metrics_have_the_same_shape(carry_out, runner):
    run = carry_out(
        "shape",
        Group("g", [put("a"), get("a")], clients=2, arrival=open_loop(20)),
        stop=Stop(seconds=0.3),
        load=Load(rate=at_rate("g", 20, within=0.1), p99_ms=at_percentile("put", 5000)),
    )
    metrics = run.metrics
    assert {
        "run", "seed", "interrupted", "seconds", "main_seconds", "phases", "ops", "groups", "bytes_out", "bytes_in", "cpu_s",
        "cpu_us_per_attempt", "max_in_flight", "history_stall_s", "buckets", "left_behind", "load",
    } <= set(metrics)  # fmt: skip
    latency = {"p50_us", "p99_us", "p999_us", "max_us", "mean_us"}
    assert {"attempts", "ok", "failed", "unknown", "by_status"} | latency <= set(metrics["ops"]["put"])
    assert latency.isdisjoint(metrics["ops"]["create_bucket"])
    assert {
        "runs",
        "unsent",
        "no_key",
        "exhausted",
        "unknown",
        "rate_per_s",
        "attempts",
        "ok",
        "failed",
        "lateness",
    } <= set(metrics["groups"]["g"])
    assert [phase["phase"] for phase in metrics["phases"]] == ["setup", "main", "teardown"]
    assert [set(asked) for asked in metrics["load"]["asked"]] == [{"what", "asked", "got", "met"}] * 2
    assert {asked["what"] for asked in metrics["load"]["asked"]} == {"rate_per_s", "p99_ms put"}
