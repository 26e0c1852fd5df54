"""Conformance: one set of programs that every runner must carry out in the same way.

Each file of `programs/` is a plan (its setup and teardown are added here), the faults of a proxy in front of the store, and
the facts that must come out, whoever sends the requests: the attempts of a group's only client in order, counts by
operation and by group, and what was written last.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from s3prod import Plan, _native, run_plan
from s3prod.errors import UsageError
from s3prod.plan import make_bucket, remove_bucket

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.json"))
RUNNERS = ("native", "boto3", "aws-sdk-go-v2")
PAGES = ("list", "list_v1", "list_versions", "list_uploads", "list_parts")


def records_of(run):
    history = _native.History(str(run.history))
    return [history.record(i) for i in range(len(history))]


def step_line(record):
    """`op outcome status`, with what else a program's author cares about."""
    words = [record["op"], record["outcome"], str(record.get("status", 0))]
    counted = () if record["op"] in PAGES else ("counter",)  # of a page: its KeyCount
    shown = ("evidence", "body_verdict", *counted, "wire")
    usual = {"evidence": ("none", "value"), "body_verdict": ("none", "clean"), "counter": (None,), "wire": ("none",)}
    words += [str(record[name]) for name in shown if name in record and record[name] not in usual[name]]
    if "retry_ambiguous" in record.get("flags", ()):
        words.append(f"again-{record['attempt']}")
    return " ".join(words)


def steps_of(run, records, group):
    number = next(i for i, given in enumerate(run.plan.groups) if given.group == group)
    mine = [
        r for r in records if r.get("group", 0) == number and r["run_phase"] == "main" and r["op"] != "delete_child"
    ]
    assert len({record["client"] for record in mine}) <= 1, "the order is exact for one client only"
    return [step_line(record) for record in sorted(mine, key=lambda record: record["t_call"])]


def main_of(records, *ops):
    """Those of the main phase, in the order in which they were called."""
    mine = [r for r in records if r["run_phase"] == "main" and (not ops or r["op"] in ops)]
    return sorted(mine, key=lambda record: record["t_call"])


def writers_of(records):
    """Which step drew or made an id: the n-th one of its operation."""
    counts, body, meta = Counter(), {}, {}
    for record in sorted(records, key=lambda record: record["t_call"]):
        counts[record["op"]] += 1
        if record["op"] in ("get", "head", "get_tags"):
            continue
        name = f"{record['op']} {counts[record['op']]}"
        for column, ids in (("body_id", body), ("meta_id", meta)):
            if column in record:
                ids.setdefault(record[column], name)
    return body, meta


def seen_of(records):
    """Of each read the step whose value it saw, and in whose name where that is another."""
    body, meta = writers_of(records)
    out = []
    for record in main_of(records, "get", "head", "get_tags"):
        if record["outcome"] != "ok":
            continue
        value = body.get(record["body_id"], meta.get(record["body_id"], "?")) if "body_id" in record else "-"
        name = meta.get(record["meta_id"], "?") if "meta_id" in record else "-"
        size = f"{record.get('size', 0)} " if record["op"] == "get_tags" else ""
        out.append(f"{size}{value}" if name in (value, "-") else f"{value} by {name}")
    return out


def entry_line(page, entry):
    name = entry["key_index"] if page["op"] in ("list_parts", "complete_upload") else entry["key"]
    return " ".join([str(name), *entry.get("flags", ())])


def pages_of(records):
    """What the pages named, and the parts that were completed; `…` for more to come."""
    out = []
    for page in main_of(records, *PAGES, "complete_upload"):
        if page["outcome"] == "ok":
            lines = [entry_line(page, entry) for entry in page.get("entries", ())]
            more = ["…"] * ("truncated" in page.get("flags", ()))
            out.append(f"{page['op']}: {', '.join(lines + more)}")
    return out


def codes_of(records):
    """The codes of the answers that refuse."""
    refused = [r for r in main_of(records) if r.get("status", 0) and "code_text" in r and r["outcome"] != "ok"]
    return [f"{record['op']} {record['code_text']}" for record in refused]


def children_of(records):
    return [f"{record['key']} {record['outcome']}" for record in main_of(records, "delete_child")]


FACTS = {"seen": seen_of, "pages": pages_of, "codes": codes_of, "children": children_of}


def check_facts(expect, run, records):
    for group, steps in expect.get("steps", {}).items():
        assert steps_of(run, records, group) == steps
    for op, counts in expect.get("ops", {}).items():
        got = run.metrics["ops"][op]
        assert {name: got[name] for name in counts} == counts, op
    for group, counts in expect.get("groups", {}).items():
        got = run.metrics["groups"][group]
        assert {name: got[name] for name in counts} == counts, group
    for op, keys in expect.get("keys", {}).items():
        used = Counter(r["key"] for r in records if r["op"] == op and r["run_phase"] == "main")
        assert used == keys, op
    for key, counter in expect.get("counters", {}).items():
        written = [r["counter"] for r in records if r.get("key") == key and r["op"] == "put" and r["outcome"] == "ok"]
        assert max(written) == counter
    for group, arrivals in expect.get("arrivals", {}).items():
        got = run.metrics["groups"][group]
        assert got["runs"] + got["unsent"] == arrivals
    cleared = Counter(r["op"] for r in records if r["run_phase"] == "teardown" and r["outcome"] == "ok")
    for op, count in expect.get("teardown", {}).items():
        assert cleared[op] == count, op
    for name, fact_of in FACTS.items():
        assert name not in expect or fact_of(records) == expect[name], name
    if "attempts" in expect:
        assert sum(r["run_phase"] == "main" and r["op"] != "delete_child" for r in records) == expect["attempts"]
    assert run.metrics["left_behind"] == expect.get("left_behind", [])
    assert run.verdict.consistency == expect.get("consistency", "held"), run.verdict.to_dict()


def plan_of(program, name):
    document = {"name": name, "deadline_ms": 10_000, "faults": program.get("faults", [])} | program["plan"]
    buckets = document.get("buckets", ["main"])
    document["groups"] = [make_bucket(*buckets).to_dict(), *document["groups"], remove_bucket(*buckets).to_dict()]
    return Plan.from_dict(document)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program(path, runner, embedded_target, tmp_path):
    program = json.loads(path.read_text("utf-8"))
    if runner not in program.get("runners", RUNNERS):
        with pytest.raises(UsageError, match="unsupported"):
            run_plan(plan_of(program, path.stem), embedded_target, runner=runner, out=tmp_path)
        return
    run = run_plan(plan_of(program, path.stem), embedded_target, runner=runner, out=tmp_path)
    check_facts(program["expect"], run, records_of(run))
    assert run.silent_faults == []
