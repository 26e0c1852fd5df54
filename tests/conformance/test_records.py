"""Every runner writes down what the engine does: records of one program differ in times, ids and names of the run only."""

from __future__ import annotations

import json

import pytest

from s3prod import run_plan

from .test_programs import PROGRAMS, RUNNERS, plan_of, records_of

NAMES = (
    "pages", "batches-forms", "checksums", "checksums-parts", "copies", "copies-across", "delimiters", "part-copies",
    "parts-pages", "rules", "tags", "uploads", "uploads-conditions", "uploads-pages", "uploads-parts", "versions", "versions-pages",
)  # fmt: skip
# What is the same in two runs, and of what only that it is there.
SAME = (
    "op", "outcome", "evidence", "status", "cond", "phase", "wire", "op_seq", "attempt", "run_phase", "space", "key_index",
    "part_number", "range_first", "range_len", "body_kind", "body_verdict", "size", "flags", "bad_offset", "etag_form",
    "expect_form", "parent",
)  # fmt: skip
THERE = (
    "request_id", "version_id", "version_asked", "upload_id", "etag", "expect_etag", "body_id", "meta_id", "body_id2", "checksum",
    "last_modified", "code_text",
)  # fmt: skip
UNNAMED = (
    "upload-id-marker",
    "version-id-marker",
    "continuation-token",
    "if-match",
    "if-none-match",
)  # their values are the run's


def told_of(record):
    """A record without what differs from run to run."""
    told = {name: record[name] for name in SAME if name in record} | {name: name in record for name in THERE}
    if record["op"] == "delete_objects":
        told.pop("size", None)  # of the document, which boto3 makes
    told["checksum"] = record.get("checksum", "").partition("=")[0]
    told["source"] = record.get("source_key", "").partition("?")[::2][0]
    arguments = dict(pair.split("=", 1) for pair in record.get("list_args", "").split("&") if pair)
    told["list_args"] = {name: "" if name in UNNAMED else value for name, value in arguments.items()}
    told["entries"] = [
        {name: entry.get(name) for name in ("key", "key_index", "size", "flags")} | {"id": "version_id" in entry}
        for entry in record.get("entries", ())
    ]
    return told


@pytest.mark.parametrize("name", NAMES)
def test_records_agree(name, embedded_target, tmp_path):
    program = json.loads(next(path for path in PROGRAMS if path.stem == name).read_text("utf-8"))
    told = {}
    for runner in RUNNERS:
        run = run_plan(plan_of(program, name), embedded_target, runner=runner, out=tmp_path / runner)
        told[runner] = [told_of(record) for record in records_of(run)]
    differ = [
        f"{runner}: {one['op']} {key}: {one.get(key)} / {other.get(key)}"
        for runner in RUNNERS[1:]
        for one, other in zip(told[RUNNERS[0]], told[runner], strict=True)
        for key in sorted(one | other)
        if one.get(key) != other.get(key)
    ]
    assert differ == []
