"""Each fault of the proxy in front of the correct store: what a client makes of it, and that the store is never blamed.

A row is a fault, a program of one client, and how its steps must end (`op outcome`), by the table of `docs/internals/proxy.md`.
"""

from __future__ import annotations

import http.client

import pytest
from turns import todays

from s3prod import Group, Plan, Space, Target, _native, run_plan
from s3prod.errors import PlanError, S3ProdError, UsageError
from s3prod.plan import (
    barrier,
    cas,
    choose,
    copy,
    counter,
    delete_objects,
    get,
    list_page,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    sleep,
    until_ok,
)
from s3prod.proxy import FaultProxy
from s3prod.runners.driver import DRIVERS
from s3prod.store import EmbeddedStore

from .test_programs import RUNNERS, records_of, steps_of

PUT_GET = [put("a", 5000), get("a")]
PUT_IDLE_GET = [put("a", 5000), sleep(1000), get("a")]  # whatever becomes of an idle connection has happened by then
# fault, program, how the steps end
ROWS = [
    ("drop-ack-after-commit:op=put", PUT_GET, ["put unknown", "get ok"]),
    ("drop-ack-after-commit:op=put,how=hang", PUT_GET, ["put unknown", "get ok"]),
    ("drop-before-commit:op=put", PUT_GET, ["put unknown", "get failed"]),
    ("drop-before-commit:op=put,how=hang", PUT_GET, ["put unknown", "get failed"]),
    *[
        (f"status-{when}-commit:op=put,status={status}{more}", PUT_GET, ["put unknown", seen])
        for when, seen in (("before", "get failed"), ("after", "get ok"))
        for status, more in ((429, ",retry_after=1"), (499, ""), (500, ""), (502, ""), (503, ""), (504, ""))
    ],
    ("status-before-commit:op=get,status=503", PUT_GET, ["put ok", "get failed"]),
    ("conflict-mix:op=put", PUT_GET, ["put failed", "get failed"]),
    ("error-in-200-body", [put("a", 100), copy("b", source="a"), get("b")], ["put ok", "copy unknown", "get ok"]),
    ("whitespace-then-result:delay_ms=5", [put("a", 100), copy("b", source="a"), get("b")], ["put ok", "copy ok", "get ok"]),
    ("reset-request-at:bytes=100,op=put", PUT_GET, ["put unknown", "get failed"]),
    ("reset-response-at:bytes=100,op=get", PUT_GET, ["put ok", "get unknown"]),
    ("truncate-clean:bytes=100,op=get", PUT_GET, ["put ok", "get unknown"]),
    ("truncate-clean:op=get", PUT_GET, ["put ok", "get unknown"]),
    ("slow-body:rate=100000,op=get", PUT_GET, ["put ok", "get ok"]),
    ("slow-body:rate=100000,op=put,side=request", PUT_GET, ["put ok", "get ok"]),
    ("stall-then-close:bytes=100,delay_ms=50,op=get", PUT_GET, ["put ok", "get unknown"]),
    ("stall-then-close:bytes=100,delay_ms=60000,op=get", PUT_GET, ["put ok", "get unknown"]),
    ("half-open:op=put", PUT_GET, ["put unknown", "get failed"]),
    ("duplicate-delivery:op=put", PUT_GET, ["put ok", "get ok"]),
    ("duplicate-delivery:op=put,how=second", [put("a", 100, if_none_match="*"), get("a")], ["put failed", "get ok"]),
    ("late-delivery:op=put,delay_ms=1500", [*PUT_GET, sleep(3500), get("a")], ["put unknown", "get failed", "get ok"]),
    ("corrupt-byte:side=request,op=put", PUT_GET, None),
    ("corrupt-byte:op=get", PUT_GET, None),
    ("stale-connection:op=put", PUT_IDLE_GET, ["put ok", "get ok"]),
    ("stale-connection:how=surplus,op=put", PUT_IDLE_GET, ["put ok", "get ok"]),
    ("clock-skew:op=put", PUT_GET, ["put failed", "get failed"]),
    ("dns-multi:op=put", PUT_GET, ["put ok", "get ok"]),
    ("endpoint-partition:op=put,endpoint=1", PUT_GET, ["put unknown", "get failed"]),
    ("throttle-prefix:rate=1,op=put", [put("p/a", 100), put("p/b", 100), put("q/c", 100)],
     ["put ok", "put unknown", "put ok"]),
]  # fmt: skip
# Most rows wait for a deadline. A driver is held to a quarter of them a day, and to all by `make driver-test`.
SURPLUS = "how=surplus"  # drivers refuse it
HELD_TO = [(runner, *row) for runner in RUNNERS for row in (todays(ROWS, 4) if runner in DRIVERS else ROWS)
           if runner not in DRIVERS or SURPLUS not in row[0]]  # fmt: skip
UNJUDGED = {"duplicate-delivery", "corrupt-byte"}  # they mark the only key that there is


def plan_of(program, *faults, **settings):
    groups = [make_bucket(), Group("g", program), remove_bucket()]
    return Plan("faulty", groups=groups, faults=faults, **({"deadline_ms": 2000} | settings))


@pytest.mark.parametrize("runner, fault, program, ends", HELD_TO, ids=[f"{row[1]}-{row[0]}" for row in HELD_TO])
def test_what_the_client_makes_of_it(runner, fault, program, ends, embedded_target, tmp_path):
    run = run_plan(plan_of(program, fault), embedded_target, runner=runner, out=tmp_path)
    records = records_of(run)
    if ends is not None:
        assert [" ".join(step.split()[:2]) for step in steps_of(run, records, "g")] == ends
    expected = "inconclusive" if fault.partition(":")[0] in UNJUDGED else "held"
    assert run.verdict.consistency == expected, run.verdict.to_dict()
    assert run.metrics["proxy"]["faults"][fault] > 0
    assert run.metrics["left_behind"] == []


def test_a_body_that_is_too_slow_meets_the_deadline(embedded_target, tmp_path):
    plan = plan_of(PUT_GET, "slow-body:rate=100,op=get")
    run = run_plan(plan, embedded_target, out=tmp_path)
    assert [step.split()[1] for step in steps_of(run, records_of(run), "g")] == ["ok", "unknown"]


MIX = [
    "drop-ack-after-commit:p=0.03", "drop-before-commit:p=0.03", "status-before-commit:p=0.03,op=put,status=500",
    "status-after-commit:p=0.03,op=put,status=503", "conflict-mix:p=0.03", "late-delivery:p=0.03,delay_ms=20",
    "reset-request-at:p=0.03,op=put", "reset-response-at:p=0.03,op=get", "truncate-clean:p=0.03,op=get",
    "stall-then-close:p=0.03,op=get,delay_ms=5", "stale-connection:p=0.03,how=surplus", "stale-connection:p=0.03,op=get",
    "dns-multi:p=0.05", "slow-body:p=0.03,op=get",
]  # fmt: skip


def busy_plan(*faults, seed=1, keys=8):
    """Compare-and-swap on one key, registers under several writers and readers."""
    groups = [
        make_bucket(),
        Group("counters", [until_ok(50, put("cfg", counter(0), if_none_match="*")), repeat(20, cas("cfg"))], clients=4),
        Group("writers", [repeat(40, choose("k", "x"), put("x.key", 3000), get("x.key"))], clients=4),
        remove_bucket(),
    ]
    return Plan(
        "busy", groups=groups, seed=seed, deadline_ms=2000, spaces={"k": Space.uniform("k/", keys)}, faults=faults
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_store_is_not_blamed_for_the_wire(seed, runner, embedded_target, tmp_path):
    faults = [fault for fault in MIX if runner not in DRIVERS or SURPLUS not in fault]
    run = run_plan(busy_plan(*faults, seed=seed, keys=80), embedded_target, runner=runner, out=tmp_path)
    assert run.verdict.violations == 0, run.verdict.to_dict()
    fired = run.metrics["proxy"]["faults"]
    assert sum(count > 0 for count in fired.values()) >= 10, fired
    assert sum(run.metrics["ops"]["put"][name] for name in ("failed", "unknown")) > 10
    assert run.verdict.document["keys_checked"] > 0


@pytest.mark.parametrize("runner", DRIVERS)
def test_a_driver_refuses_the_fault_behind_which_it_cannot_judge(runner, embedded_target, tmp_path):
    plan = plan_of(PUT_GET, "stale-connection:p=0.5,how=surplus")
    with pytest.raises(UsageError, match=r"^fault: stale-connection:p=0.5,how=surplus, .* unsupported by .*net/http"):
        run_plan(plan, embedded_target, runner=runner, out=tmp_path)


def test_a_rolling_restart_costs_availability_and_nothing_else(embedded_target, tmp_path):
    run = run_plan(busy_plan("rolling-restart:delay_ms=20,key=k/*"), embedded_target, out=tmp_path)
    assert run.verdict.violations == 0, run.verdict.to_dict()
    assert run.metrics["proxy"]["faults"]["rolling-restart:delay_ms=20,key=k/*"] > 0


@pytest.mark.parametrize("fault", ["duplicate-delivery:p=0.8,key=k/*", "duplicate-delivery:p=0.8,key=k/*,how=second"])
def test_what_is_delivered_twice_is_not_checked(fault, embedded_target, tmp_path):
    run = run_plan(busy_plan(fault), embedded_target, out=tmp_path)
    reasons = {entry["reason"]: entry["keys"] for entry in run.verdict.not_checked}
    assert run.verdict.violations == 0 and reasons["multi-delivery"] == 8, run.verdict.to_dict()
    assert run.metrics["proxy"]["marked_keys"] == 8
    flagged = {record["key"] for record in records_of(run) if "multi_delivery" in record.get("flags", ())}
    assert flagged == {f"k/{i:08d}" for i in range(8)}
    assert len((tmp_path / "proxy.jsonl").read_text().splitlines()) == run.metrics["proxy"]["faults"][fault]


def test_a_condition_holds_for_the_second_delivery_too(embedded_target, tmp_path):
    program = [put("a", counter(0)), repeat(10, cas("a"))]
    plan = plan_of(program, "duplicate-delivery:op=put")
    run = run_plan(plan, embedded_target, out=tmp_path)
    puts = [record for record in records_of(run) if record["op"] == "put"]
    assert [record["outcome"] for record in puts] == ["ok"] * 11
    assert max(record["counter"] for record in puts) == 10


def test_the_marks_keep_a_late_duplicate_from_being_blamed_on_the_store(embedded_target, tmp_path, monkeypatch):
    # the second delivery puts the older value back
    over = [barrier("written"), put("a", 100), sleep(3000), get("a")]
    groups = [
        make_bucket(),
        Group("first", [put("a", 100), barrier("written")]),
        Group("second", over),
        remove_bucket(),
    ]
    plan = Plan("late", groups=groups, faults=["duplicate-delivery:op=put,nth=1,delay_ms=1500"], deadline_ms=5000)
    run = run_plan(plan, embedded_target, out=tmp_path / "marked")
    assert run.verdict.violations == 0
    assert {entry["reason"] for entry in run.verdict.not_checked} >= {"multi-delivery"}
    monkeypatch.setattr(_native, "mark", lambda *_: 0)
    assert run_plan(plan, embedded_target, out=tmp_path / "blamed").verdict.violations > 0


def test_surplus_bytes_of_the_proxy_are_told_from_the_stores(embedded_target, tmp_path, monkeypatch):
    """By the answer, whatever the request was: with a key, with several, with none."""
    program = [put("a", 100), put("b", 100), list_page("main"), delete_objects(["a", "b"]), get("a")]
    plan = plan_of(program, "stale-connection:how=surplus")
    run = run_plan(plan, embedded_target, out=tmp_path / "marked")
    assert run.verdict.consistency == "held", run.verdict.to_dict()
    assert run.metrics["proxy"]["marked_keys"] == 0
    monkeypatch.setattr(_native, "mark", lambda *_: 0)
    blamed = run_plan(plan, embedded_target, out=tmp_path / "blamed").verdict
    assert blamed.document["by_rule"]["surplus-bytes"] >= len(program), blamed.to_dict()


def test_a_redirect_is_a_failure_without_information(embedded_target, tmp_path):
    """The engine follows none; boto3 does, with the same bytes."""
    run = run_plan(plan_of(PUT_GET, "redirect-307:op=get"), embedded_target, out=tmp_path)
    assert steps_of(run, records_of(run), "g") == ["put ok 200", "get failed 307"]


def test_flipped_bits_are_noticed_and_are_not_the_stores(embedded_target, tmp_path):
    run = run_plan(busy_plan("corrupt-byte:p=0.2,op=get"), embedded_target, out=tmp_path)
    records = records_of(run)
    assert any(record.get("body_verdict") == "corrupt" for record in records)
    assert run.verdict.violations == 0, run.verdict.to_dict()
    assert any(entry["reason"] == "altered-on-the-way" for entry in run.verdict.not_checked)


def test_a_fault_that_never_fired_proves_nothing(embedded_target, tmp_path):
    run = run_plan(plan_of(PUT_GET, "clock-skew:key=nowhere"), embedded_target, out=tmp_path)
    assert run.exit_status() == 3 and run.silent_faults == ["clock-skew:key=nowhere"]


def test_a_seed_fires_at_the_same_requests(embedded_target, tmp_path):
    def fired(seed, name):
        program = [repeat(60, choose("k", "x"), put("x.key", 100))]
        plan = plan_of(program, "status-before-commit:op=put,p=0.2", seed=seed, spaces={"k": Space.sequence("k/", 60)})
        run = run_plan(plan, embedded_target, out=tmp_path / name)
        return [record["key"] for record in records_of(run) if record["op"] == "put" and record["outcome"] == "unknown"]

    first = fired(7, "a")
    assert len(first) >= 3 and first == fired(7, "b") != fired(8, "c")


def test_faults_are_switched_at_run_time(embedded_target):
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    with FaultProxy(embedded_target.endpoints) as proxy:
        target = proxy.target(embedded_target)
        client = boto3.client(
            "s3", endpoint_url=target.endpoints[0], aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key, region_name="us-east-1",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )  # fmt: skip
        client.list_buckets()
        proxy.switch(["clock-skew"])
        with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
            client.list_buckets()
        proxy.switch([])
        client.list_buckets()
        assert [(entry["fault"], entry["on"], entry["fired"]) for entry in proxy.counters()["faults"]] == [
            ("clock-skew", False, 1)
        ]
        event = proxy.events()[0]
        assert (event["method"], event["target"], event["done"]) == ("GET", "/", "answered by the proxy")
        with pytest.raises(UsageError, match="more of them"):
            proxy.switch(["dns-multi:endpoint=9"])


def test_expect_100_is_passed_on_and_withheld(embedded_target):
    import boto3
    from botocore.config import Config

    with FaultProxy(embedded_target.endpoints, ["stall-100:nth=2"]) as proxy:
        client = boto3.client(
            "s3", endpoint_url=proxy.endpoint, aws_access_key_id=embedded_target.access_key,
            aws_secret_access_key=embedded_target.secret_key, region_name="us-east-1",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )  # fmt: skip
        client.create_bucket(Bucket="stall-100")
        for name in "ab":
            client.put_object(Bucket="stall-100", Key=name, Body=b"x" * 200_000)
            assert client.get_object(Bucket="stall-100", Key=name)["Body"].read() == b"x" * 200_000
            client.delete_object(Bucket="stall-100", Key=name)
        client.delete_bucket(Bucket="stall-100")
        assert proxy.counters()["faults"][0]["fired"] == 1


@pytest.mark.parametrize(
    "spec, message",
    [("nonsense", "nonsense"), ("drop-before-commit:p=7", "fault p"), ("conflict-mix:op=get", "fault op")],
)
def test_a_bad_fault_is_refused_with_its_name(spec, message):
    with pytest.raises(PlanError, match=message):
        plan_of(PUT_GET, spec).validate()


@pytest.mark.parametrize(
    "fault", ["reset-response-at:op=get,p=0.3", "reset-request-at:op=put,p=0.3", "dns-multi:p=0.5"]
)
def test_a_store_under_tls(fault, tmp_path):
    with EmbeddedStore(tls=tmp_path / "tls", endpoints=2) as store:
        run = run_plan(busy_plan(fault), store.target(), out=tmp_path / "run")
        assert run.verdict.violations == 0 and run.metrics["ops"]["get"]["ok"] > 100, run.verdict.to_dict()
        assert run.silent_faults == []
        big = [put("a", 5_000_000), get("a")]
        plan = plan_of(big, "slow-body:rate=50000000", deadline_ms=30_000)
        run = run_plan(plan, store.target(), out=tmp_path / "big")
        assert [step.split()[1] for step in steps_of(run, records_of(run), "g")] == ["ok", "ok"]


@pytest.mark.parametrize("given, status", [({}, 0), ({"verify_tls": False}, 403), ({"ca_file": "ca.pem"}, 403)])
def test_a_store_must_be_trusted(given, status, tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with EmbeddedStore(tls=tmp_path) as store:
        if "ca_file" in given:
            given = {"ca_file": store.ca_file}
        with FaultProxy(store.endpoints, **given) as proxy:
            client = http.client.HTTPConnection(proxy.endpoint.partition("//")[2], timeout=60)
            client.request("GET", "/bucket")
            if status:
                assert client.getresponse().status == status
            else:
                with pytest.raises(http.client.RemoteDisconnected):
                    client.getresponse()
            client.close()


def test_what_no_proxy_can_stand_in_front_of_is_refused(embedded_target, tmp_path):
    with FaultProxy(embedded_target.endpoints) as proxy, pytest.raises(UsageError, match="no proxy in front"):
        run_plan(plan_of(PUT_GET, "clock-skew"), proxy.target(embedded_target), out=tmp_path)
    with pytest.raises(S3ProdError, match="endpoint"):
        run_plan(
            plan_of(PUT_GET, "dns-multi"),
            Target(embedded_target.endpoints[:1], embedded_target.access_key, embedded_target.secret_key),
            out=tmp_path / "one",
        )
