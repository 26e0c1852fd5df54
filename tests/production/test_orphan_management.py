"""Production test 2: orphan management. See docs/production/orphan_management.md.

Pattern: abandoned multipart uploads hold storage that is paid for; a cleaner ends them while others go on.

What it tests: 100 uploads, 40 completed, 30 aborted, 30 abandoned in three states (without a part, with some, with all),
several of one key. They are listed by one, by seven, whole, by prefix and delimiter, and behind markers: exactly the uploads
that are there, once, by key and then by age; parts are listed with the sizes and ETags that were sent. Then a cleaner, which
knows ages from the store's own `Initiated` only, aborts what is older than its own mark, while 10 younger uploads go on. These
complete and are read byte for byte; completed objects still are what they were, also after a while. What was aborted is gone:
ListParts answers 404, parts and Completes are refused, nothing can be read, and the bucket can be deleted. Where the profile
has a command that says what a bucket takes (`usage_probe`), an abort gives back the bytes that the parts held.

Why it matters: storage that nobody sees costs money; a cleaner that takes a live upload, or a finished object's data, loses it.
"""

import os

from s3prod.plans.orphaned_multipart import MARK, orphaned_multipart, settle_of
from s3prod.testing import given_back, random_string

CLEANUP_S = 5  # for an orphan, where neither the client nor its machine was the limit


def walk_of(pages):
    """The entries of the first walk, to its end."""
    entries = []
    for page in pages:
        entries += page.get("entries", [])
        if "truncated" not in page.get("flags", ()):
            break
    return entries


def check_listings(run, uploads, ended, settles):
    """Before the cleaner: exactly the unfinished uploads under every page size, by key and then by age."""
    pages = run.by_group("list_uploads", phase="main")
    for group in ("list-ones", "list-sevens", "list-whole"):
        since = pages[group][0]["t_call"]
        begun = {(u["key"], i) for i, u in uploads.items() if u["t_return"] < since and i not in ended}
        there = begun | {(uploads[i]["key"], i) for i, end in ended.items() if end["t_call"] > since}
        entries = walk_of(pages[group])
        names = [(e["key"], e["version_id"]) for e in entries]
        assert len(names) == len(set(names)), f"{group}: {len(names)} entries, {len(set(names))} uploads"
        assert set(names) == there or settles, f"{group}: listed and not there, or not listed: {set(names) ^ there}"
        places = [(e["key"].encode(), e["last_modified_ns"]) for e in entries]
        assert places == sorted(places), f"{group}: not by key and then by age: {places}"


def check_parts(run):
    """ListParts of what was abandoned has the parts that were sent, with their sizes and ETags."""
    sent, shown = {}, {}
    for r in run.by_group("upload_part", "list_parts", "abort_upload")["abandoned"]:
        if r["op"] == "upload_part" and r["outcome"] == "ok":
            sent.setdefault(r["upload_id"], {})[r["part_number"]] = (r["size"], r["etag"])
        elif r["op"] == "list_parts" and r.get("status") == 200 and "list_args" not in r:
            shown[r["upload_id"]] = {e["key_index"]: (e.get("size", 0), e["etag"]) for e in r.get("entries", ())}
    assert shown, "no parts were listed"
    for upload, parts in shown.items():
        assert parts == sent.get(upload, {}), f"{upload}: parts {parts} are listed, {sent.get(upload)} were sent"
    return sum(size for upload in shown for size, _ in sent.get(upload, {}).values())


def check_gone(run, aborted):
    """After its abort an upload takes nothing, and nobody knows its parts."""
    asked = 0
    for group in run.by_group("list_parts", "upload_part", "complete_upload", "abort_upload").values():
        for r in group:
            end = aborted.get(r.get("upload_id"))
            if end is None or r["t_call"] < end["t_return"]:
                continue
            asked += 1
            allowed = {"list_parts": (404,), "abort_upload": (204, 404)}.get(r["op"], (400, 404, 409))
            assert r.get("status") in allowed, f"after its abort (request {end['request_id']}): {r}"
    others = len(aborted) - 1  # the cleaner's own one was asked nothing
    assert asked >= 4 * others, f"{asked} requests to {others} aborted uploads"
    kept = [r for r in run.by_group("get", "head")["aborted"] if r.get("status") != 404]
    assert not kept, f"an aborted upload can be read: {kept[0]}"


def check_survivors(run, group, parts):
    """Every object of the group is the one that its Complete made, at every look."""
    records = run.by_group("get", "complete_upload")[group]
    made = {r["key"]: r["body_id"] for r in records if r["op"] == "complete_upload" and r["outcome"] == "ok"}
    assert len(made) == parts, f"{group}: {len(made)} uploads completed, expected {parts}"
    for r in (r for r in records if r["op"] == "get"):
        assert (r.get("status"), r.get("body_id")) == (200, made[r["key"]]), f"{group}: another object: {r}"


def check_freed(s3, config):
    """In a bucket of its own: a cleaner's aborts give back what the parts held; the object beside them stays."""
    bucket, body = f"{config['s3_bucket_prefix']}-freed-{random_string()}", b"p" * 100_000

    def clean():
        for each in [upload for page in s3.upload_pages(bucket) for upload in page["Uploads"]]:
            s3.abort_multipart_upload(bucket, each["Key"], each["UploadId"])

    s3.create_bucket(bucket)
    try:
        s3.put_object(bucket, "left/0", body)
        uploads = [(key, s3.create_multipart_upload(bucket, key)) for key in ("left/0", "left/0", "left/1", "left/2")]
        for key, upload in uploads:
            for part in (1, 2):
                s3.upload_part(bucket, key, upload, part, body)
        held = 2 * len(uploads) * len(body)
        freed = given_back(config["profile"], bucket, len(body), held, clean)
        assert freed >= held, f"{len(uploads)} aborted uploads held {held} bytes, and {freed} were given back"
        assert s3.get_object(bucket, "left/0")["Body"].read() == body, "the object beside the uploads has changed"
        return f"{freed} bytes of {held}"
    finally:
        s3.empty_bucket(bucket)
        s3.delete_bucket(bucket)


def test_production_orphan_management(run_plan, config, supports, report, s3_client):
    profile, scale = config["profile"], config["scale"]
    age_ms, skew_ms = int(1000 * profile["last_modified_resolution_s"]) + 50, int(profile["max_clock_skew_ms"])
    settle_ms = settle_of(scale, profile["usage_lag_ms"])
    run = run_plan(orphaned_multipart(scale, config["seed"], profile["min_part_bytes"], age_ms, skew_ms, settle_ms))

    clients = {group.group: group.clients for group in run.plan.groups}
    records = run.by_group("create_upload", "complete_upload", "abort_upload", phase="main")
    every = [r for group in records.values() for r in group]
    uploads = {r["upload_id"]: r for r in every if r["op"] == "create_upload" and r["outcome"] == "ok"}
    aborted = {}
    for r in sorted(every, key=lambda r: r["t_return"]):
        if r["op"] == "abort_upload" and r["outcome"] == "ok":
            aborted.setdefault(r["upload_id"], r)
    ended = {r["upload_id"]: r for r in every if r["op"] == "complete_upload" and r["outcome"] == "ok"} | aborted
    check_listings(run, uploads, ended, profile["mpu_listing"] != "strong")
    abandoned_bytes = check_parts(run)

    abandoned = {r["upload_id"] for r in records["abandoned"] if r["op"] == "create_upload"}
    abandoned -= {r["upload_id"] for r in records["abandoned"] if r["op"] == "complete_upload" and r["outcome"] == "ok"}
    assert len(abandoned) == 3 * clients["abandoned"], f"{len(abandoned)} uploads were abandoned"
    cleaned = {r["upload_id"]: r for r in records["cleaner"] if r["op"] == "abort_upload" and r["key"] != MARK}
    assert set(cleaned) == abandoned, f"the cleaner took {len(cleaned)} uploads, {len(abandoned)} were abandoned"
    assert all(r["outcome"] == "ok" for r in cleaned.values()), f"an abort was refused: {list(cleaned.values())}"
    check_gone(run, aborted)
    for group in ("completed", "live", "abandoned"):
        check_survivors(run, group, clients[group])
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"

    took_s = (max(r["t_return"] for r in cleaned.values()) - min(r["t_call"] for r in cleaned.values())) / 1e9
    report("orphans", f"{len(cleaned)} of {abandoned_bytes} bytes aborted in {took_s:.2f} s")
    report("storage freed", check_freed(s3_client, config) if supports("usage_probe") else "not observable")
    if scale == "full" and os.getloadavg()[0] <= (os.cpu_count() or 1):
        each_s = took_s / len(cleaned)
        assert each_s < CLEANUP_S, f"{each_s:.1f} s an orphan, at most {CLEANUP_S} expected"
