"""Uploads, copies, versions, tags, checksums and framed bodies through the C engine, on the embedded store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from s3prod import _native
from s3prod.store import EmbeddedStore

Program = list[dict[str, Any]]
EMPTY: Program = [
    {
        "repeat": {"until": "ok", "at_most": 100},
        "do": [
            {"list_uploads": "main", "as": "left"},
            {"abort_upload": "left.uploads"},
            {"list_versions": "main", "as": "page"},
            {"delete_objects": "page.versions", "quiet": True},
            {"delete_bucket": "main"},
        ],
    }
]


@pytest.fixture(scope="module")
def target() -> Iterator[dict[str, Any]]:
    with EmbeddedStore(options=["--min-part-bytes", "64"]) as store:
        yield store.target().to_dict()


def play(
    target: dict[str, Any], path: str, program: Program, **plan: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records of the main phase, and the verdict."""
    groups = [
        {"group": "make", "phase": "setup", "clients": 1, "program": [{"create_bucket": "main"}]},
        {"group": "work", "clients": 1, "program": program},
        {"group": "remove", "phase": "teardown", "clients": 1, "program": EMPTY},
    ]
    metrics = _native.run({"name": "steps", "buckets": ["main"], "groups": groups} | plan, target, history=path)
    assert metrics["left_behind"] == []
    history = _native.History(path)
    assert history.complete
    verdict = _native.check(path)
    assert verdict["violations"] == 0, verdict["witnesses"]
    return [record for record in history if record["run_phase"] == "main"], verdict


def outcomes(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(record["op"], record["outcome"]) for record in records]


def skipped(verdict: dict[str, Any]) -> dict[str, int]:
    return {entry["reason"]: entry["keys"] for entry in verdict["not_checked"] if entry["keys"]}


def part(number: int, size: int, **options: Any) -> dict[str, Any]:
    return {"upload_part": "up.upload", "part": number, "body": {"bytes": size}} | options


def test_upload(target, path):
    records, verdict = play(
        target,
        path,
        [
            {"create_upload": "big", "as": "up", "tags": 2},
            part(2, 1000),
            part(1, 640),
            part(1, 6400),
            {"list_parts": "up.upload", "max_keys": 1, "as": "page"},
            {"list_parts": "up.upload", "token": "page.token"},
            {"complete_upload": "up.parts", "if_none_match": "*", "as": "done"},
            {"get": "big", "if_match": "done.etag"},
            {"get": "big", "range": [6400, 6463]},
            {"get": "big", "range": [64, 127]},
            {"get": "big", "part": 2},
            {"head": "big", "part": 1},
            {"get_attributes": "big"},
            {"get_tags": "big"},
            {"complete_upload": "up.parts"},
            {"put": "big"},
        ],
    )
    assert {outcome for _, outcome in outcomes(records)} == {"ok"}
    create, second, old, first, page, rest, complete, whole, range_2, range_1, part_2, head, attributes, tags = records[
        :14
    ]
    assert create["upload_id"] and {r["upload_id"] for r in (second, old, first, page, rest, complete)} == {
        create["upload_id"]
    }
    assert [second["part_number"], old["part_number"], first["part_number"]] == [2, 1, 1]
    assert first["body_id"] != old["body_id"] and "meta_id" not in first
    assert [e["key_index"] for e in complete["entries"]] == [1, 2] and [e["size"] for e in complete["entries"]] == [
        6400,
        1000,
    ]
    assert [e["key_index"] for e in page["entries"] + rest["entries"]] == [1, 2]
    assert page["entries"][0]["etag"] == first["etag"] and "truncated" in page["flags"]
    assert page["list_args"] == "max-parts=1" and rest["list_args"] == "part-number-marker=1"
    assert complete["meta_id"] == whole["meta_id"] == create["meta_id"]
    assert whole["body_verdict"] == "parts" and whole["body_id"] == complete["body_id"] != first["body_id"]
    assert whole["size"] == complete["size"] == 7400
    assert (range_2["body_verdict"], range_2["body_id"]) == ("parts", second["body_id"])
    assert (range_1["body_verdict"], range_1["body_id"]) == ("clean", first["body_id"])
    assert (part_2["body_verdict"], part_2["body_id"], part_2["status"]) == ("clean", second["body_id"], 206)
    assert head["part_number"] == 1 and attributes["size"] == 7400 and attributes["etag"] == complete["etag"]
    assert (tags["body_verdict"], tags["body_id"], tags["size"]) == ("clean", create["meta_id"], 2)
    assert skipped(verdict) == {}


def test_upload_ends_badly(target, path):
    records, _ = play(
        target,
        path,
        [
            {"create_upload": "big", "as": "up"},
            part(1, 6400),
            {"complete_upload": "up.parts", "parts": [1, 3]},
            {"complete_upload": "up.parts", "if_match": "*"},
            {"abort_upload": "up.upload"},
            {"complete_upload": "up.parts"},
            {"list_parts": "up.upload"},
            part(1, 6400),
            {"get": "big"},
            {"create_upload": "big", "as": "up"},
            {"complete_upload": "up.parts"},
        ],
    )
    codes = [record.get("code_text") for record in records]
    assert codes[2] == "InvalidPart" and "body_id" not in records[2]
    assert records[3]["status"] in (404, 412) and records[4]["status"] == 204
    assert codes[5] == codes[6] == codes[7] == "NoSuchUpload"
    assert records[8]["status"] == 404 and codes[10] in ("MalformedXML", "InvalidRequest")
    assert {record["outcome"] for record in records if record["status"] >= 400} == {"failed"}


def test_a_reference_to_no_upload_ends_the_run(target, path):
    program: Program = [{"when": ["ok"], "do": [{"create_upload": "a", "as": "up"}]}, part(1, 64), {"get": "x"}]
    assert play(target, path, program)[0] == []


def test_copies(target, path):
    records, verdict = play(
        target,
        path,
        [
            {"put": "a", "body": {"bytes": 1000}, "tags": 3, "as": "a"},
            {"copy": "b", "source": "a", "if_source_match": "a.etag", "as": "b"},
            {"copy": "c", "source": "a", "metadata": "replace", "tags": 4, "if_none_match": "*"},
            {"copy": "c", "source": "a", "metadata": "replace", "if_none_match": "*"},
            {"copy": "d", "source": "a", "if_source_none_match": "a.etag"},
            {"copy": "d", "source": "none"},
            {"get": "b", "if_match": "b.etag"},
            {"get": "c"},
            {"get": "c", "range": [70, 80]},
            {"get_tags": "b"},
            {"get_tags": "c"},
            {"create_upload": "e", "as": "up"},
            {"upload_part_copy": "up.upload", "part": 1, "source": "a", "range": [128, 255]},
            {"upload_part_copy": "up.upload", "part": 2, "source": "a"},
            {"complete_upload": "up.parts"},
            {"get": "e"},
            {"get": "a"},
        ],
    )
    put, kept, replaced, refused, unchanged, missing, get_b, get_c, _, tags_b, tags_c = records[:11]
    assert kept["source_key"] == "main/a" and "meta_id" not in kept and kept["etag"] == put["etag"]
    assert [r["outcome"] for r in (refused, unchanged, missing)] == ["failed"] * 3
    assert refused["evidence"] == "present" and refused["status"] == unchanged["status"] == 412
    assert missing.get("evidence") is None and missing["code_text"] == "NoSuchKey"
    assert get_b["body_verdict"] == "foreign" and get_b["meta_id"] == put["body_id"]
    assert get_c["body_id"] == put["body_id"] and get_c["meta_id"] == replaced["meta_id"]
    assert tags_b["body_id"] == put["body_id"] and tags_b["size"] == 3
    assert tags_c["size"] == 4 and tags_c["body_verdict"] == "clean"
    part_1, part_2, complete, get_e = records[12:16]
    assert part_1["source_key"] == "main/a" and (part_1["range_first"], part_1["range_len"]) == (128, 128)
    assert part_2["outcome"] == complete["outcome"] == "ok" and "body_id" not in complete
    assert get_e["body_verdict"] in ("parts", "foreign") and get_e["size"] == 1128
    assert skipped(verdict) == {"copy": 1, "tags": 1} and verdict["keys_checked"] >= 1


def test_versions(target, path):
    records, verdict = play(
        target,
        path,
        [
            {"get_versioning": "main"},
            {"put_versioning": "main", "status": "Enabled"},
            {"get_versioning": "main"},
            {"put": "a", "as": "one"},
            {"put": "a", "as": "two"},
            {"get": "a"},
            {"get": "a", "version": "one.version"},
            {"head": "a", "version": "one.version"},
            {"get_tags": "a", "version": "one.version"},
            {"put_tags": "a", "tags": 5, "version": "one.version"},
            {"delete": "b", "as": "marker"},
            {"get": "b", "version": "marker.version"},
            {"list_versions": "main", "max_keys": 1, "as": "page"},
            {"list_versions": "main", "token": "page.token"},
            {"copy": "c", "source": "a", "source_version": "one.version"},
            {"get": "a", "version": "none"},
            {"put": "d"},
            {"get": "d"},
        ],
    )
    one, two, current, old, head, tags, put_tags, delete, marker, page, rest, copy = records[3:15]
    assert current["body_id"] == two["body_id"] and current["version_id"] == two["version_id"]
    assert old["body_id"] == one["body_id"] and old["version_asked"] == one["version_id"] == head["version_asked"]
    assert "size" not in tags and tags["body_verdict"] == "clean" and "body_id" not in tags
    assert put_tags["body_kind"] == "tags" and put_tags["size"] == 5 and put_tags["outcome"] == "ok"
    assert "delete_marker" in delete["flags"] and delete["version_id"] and marker["status"] == 405
    entries = page["entries"] + rest["entries"]
    assert [e["version_id"] for e in entries] == [two["version_id"], one["version_id"], delete["version_id"]]
    assert [e.get("flags") for e in entries] == [["latest"], None, ["latest", "marker"]]
    assert rest["list_args"].startswith("key-marker=a&version-id-marker=")
    assert copy["source_key"] == f"main/a?versionId={one['version_id']}"
    assert records[15]["outcome"] == "failed"
    assert verdict["keys_checked"] == 3 and skipped(verdict) == {"copy": 1}
    assert {"reason": "versions", "keys": 0, "attempts": 4} in verdict["not_checked"]


def test_deletes_of_versions_in_between_are_not_checked(target, path):
    records, verdict = play(
        target,
        path,
        [
            {"put_versioning": "main", "status": "Enabled"},
            {"put": "a"},
            {"put": "a", "as": "two"},
            {"delete": "a", "version": "two.version"},
            {"get": "a"},
        ],
    )
    assert records[4]["body_id"] == records[1]["body_id"]
    assert skipped(verdict) == {"versions": 1}


def test_tags(target, path):
    records, verdict = play(
        target,
        path,
        [
            {"put": "a", "tags": 10},
            {"get_tags": "a"},
            {"put_tags": "a", "tags": 2},
            {"get_tags": "a"},
            {"put_tags": "a", "tags": 0},
            {"get_tags": "a"},
            {"delete_tags": "a"},
            {"get_tags": "none"},
            {"get": "a"},
        ],
    )
    assert records[1]["body_id"] == records[0]["body_id"] and records[1]["size"] == 10
    assert records[3]["body_id"] == records[2]["body_id"] and records[3]["size"] == 2
    assert "body_id" not in records[5] and "size" not in records[5]
    assert records[6]["outcome"] == "ok" and records[7]["evidence"] == "absent"
    assert verdict["keys_checked"] == 2  # and none, which was said to be absent


@pytest.mark.parametrize("payload", ["unsigned", "signed"])
@pytest.mark.parametrize("chunked", [None, "signed", "signed_trailer", "unsigned_trailer"])
def test_checksums_and_frames(target, path, chunked, payload):
    program: Program = []
    for kind in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256"):
        options: dict[str, Any] = {"checksum": kind} | ({"chunked": chunked} if chunked else {})
        for size in (0, 1000, 65536, 200_000):
            program += [
                {"put": kind, "body": {"bytes": size}} | options,
                {"get": kind, "checksum_mode": True},
                {"head": kind, "checksum_mode": True},
            ]
        program += [
            {"create_upload": f"up-{kind}", "checksum": kind, "as": "up"},
            {"upload_part": "up.upload", "part": 1, "body": {"bytes": 70_016}} | options,
            {"upload_part": "up.upload", "part": 2, "body": {"bytes": 100}} | options,
            {"complete_upload": "up.parts"},
            {"get": f"up-{kind}", "checksum_mode": True},
        ]
    records, verdict = play(target, path, program, payload=payload)
    assert [record for record in records if record["outcome"] != "ok"] == []
    reads = [record for record in records if record["op"] == "get"]
    assert {record["body_verdict"] for record in reads} == {"clean", "parts"}
    assert all(record["checksum"].split("=")[0] in record_key(record) for record in reads)
    assert verdict["keys_checked"] == 10


def record_key(record: dict[str, Any]) -> str:
    return str(record["key"])


def test_batches(target, path):
    records, _ = play(
        target,
        path,
        [
            {"put": "a"},
            {"put": "b"},
            {"put": "c"},
            {"delete_objects": ["a", "none"]},
            {"delete_objects": ["b"], "quiet": True},
            {"list": "main", "as": "page"},
            {"delete_objects": "page.keys"},
            {"list_uploads": "main", "as": "uploads"},
            {"abort_upload": "uploads.uploads"},
            {"list": "main", "as": "page"},
            {"delete_objects": "page.keys"},
        ],
    )
    children = [(r["key"], r["outcome"]) for r in records if r["op"] == "delete_child"]
    assert children == [("a", "ok"), ("none", "ok"), ("b", "ok"), ("c", "ok")]
    assert [r["op"] for r in records[-3:]] == ["delete_child", "list_uploads", "list"]


def test_uploads_are_aborted_page_by_page(target, path):
    create: Program = [{"create_upload": key, "as": "up"} for key in ("x", "x", "y/1", "y/2")]
    records, _ = play(
        target,
        path,
        [
            *create,
            {"list_uploads": "main", "delimiter": "/"},
            {"list_uploads": "main", "max_keys": 1, "as": "one"},
            {"list_uploads": "main", "token": "one.token", "as": "rest"},
            {"abort_upload": "rest.uploads"},
            {"abort_upload": "rest.uploads"},
            {"when": [404], "do": [{"list_uploads": "main", "as": "last"}]},
        ],
    )
    ids = [record["upload_id"] for record in records[:4]]
    assert [e.get("version_id") for e in records[4]["entries"]] == [*ids[:2], None]
    assert [e["version_id"] for e in records[5]["entries"] + records[6]["entries"]] == ids
    assert [record["status"] for record in records[7:13]] == [204, 204, 204, 404, 404, 404]
    assert [record["upload_id"] for record in records[7:10]] == ids[1:]
    assert [e["version_id"] for e in records[13]["entries"]] == ids[:1]


def test_an_upload_tells_by_the_stores_clock_when_it_began(target, path):
    old_goes = {"when": {"less": ["one.initiated_ms", "two.initiated_ms"]}, "do": [{"abort_upload": "one.uploads"}]}
    new_stays = {"when": {"less": ["two.initiated_ms", "one.initiated_ms"]}, "do": [{"abort_upload": "two.uploads"}]}
    nothing = {"when": {"equal": ["none.initiated_ms", 0]}, "do": [{"head": "was-empty"}]}
    records, _ = play(
        target,
        path,
        [
            {"create_upload": "old"},
            {"sleep": 20},
            {"create_upload": "new"},
            {"list_uploads": "main", "prefix": "old", "as": "one"},
            {"list_uploads": "main", "prefix": "new", "as": "two"},
            old_goes,
            new_stays,
            {"list_uploads": "main", "prefix": "none", "as": "none"},
            nothing,
            {"list_uploads": "main"},
        ],
    )
    assert [(r["op"], r["key"]) for r in records if "key" in r and r["op"] in ("abort_upload", "head")] == [
        ("abort_upload", "old"),
        ("head", "was-empty"),
    ]
    assert [e["key"] for e in records[-1]["entries"]] == ["new"]
