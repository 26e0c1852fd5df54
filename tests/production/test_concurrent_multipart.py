"""Production test 7: concurrent multipart. See docs/production/concurrent_multipart.md.

Pattern: two attempts of one job (speculative execution) write the same output by multipart uploads.

What it tests: 10 clients upload one object, each with parts of other numbers and sizes, begun in one order and completed in
another, and all call CompleteMultipartUpload at once, in waves, while others read. Every upload succeeds, and the object is
always byte for byte, and by its composite ETag, exactly one upload; which one may win, the profile says (`mpu_order`). Then
Complete races PUT, Abort of the same upload, another Complete with the same and with another list of parts, and a part that
is sent again. In a bucket that keeps versions every Complete makes a version of its own, readable by its id. Of ten
Completes with `If-None-Match: *` exactly one succeeds. At the end no upload is listed, and nobody knows the parts.

Why it matters: a job's output that mixes two attempts is silently wrong.
"""

from collections import Counter, defaultdict

from s3prod.plans.concurrent_multipart import (
    concurrent_multipart,
    conditional_multipart,
    size_of,
    versioned_multipart,
)


def actors(records):
    return [r for group, rs in records.items() if group.startswith("actor-") for r in rs]


def check_all_succeed(completes):
    refused = [r for r in completes if r["outcome"] != "ok"]
    assert not refused, f"{len(refused)} of {len(completes)} Completes were not acknowledged: {refused[0]}"


def check_nothing_left(run):
    """At rest no upload is listed; of a completed upload nobody knows the parts; the buckets are gone."""
    records = run.by_group("list_uploads", "list_parts", "complete_upload")
    listed = [r for r in records["at-rest"] if r.get("entries")]
    assert not listed, f"uploads are listed although all have ended: {listed[0]}"
    never = float("inf")
    ended = {r["upload_id"]: r["t_return"] for r in actors(records) if r["outcome"] == "ok" and r["op"] != "list_parts"}
    late = [r for r in actors(records) if r["op"] == "list_parts" and r["t_call"] > ended.get(r["upload_id"], never)]
    known = [r for r in late if r["status"] != 404]
    assert not known, f"the parts of a completed upload are still known: {known[0]}"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"


def raced(run, race):
    """Of a race of two clients: by its id what the one and the other asked of an upload."""
    records = run.by_group("complete_upload", "abort_upload")
    by_upload = defaultdict(list)
    for r in [r for r in records[race] if r["op"] == "complete_upload"] + records[f"{race}-other"]:
        by_upload[r["upload_id"]].append(r)
    return by_upload


def check_race(race, upload, requests):
    """One wins, and the other one says so."""
    ends = [r["outcome"] for r in requests]
    what = f"{race}, upload {upload}: {[(r['op'], r['status'], r['request_id']) for r in requests]}"
    if race == "resend":  # the Complete may name a part that has just been replaced
        assert ends != ["failed"] or requests[0]["status"] == 400, f"refused, and not because of the part: {what}"
    elif race == "lists":
        assert ends.count("ok") == 1 or "unknown" in ends, f"of two lists of parts not exactly one succeeded: {what}"
    elif race == "abort" and ends.count("ok") == 2:  # an Abort of what is completed may be answered like a repeated one
        complete, abort = requests
        assert abort["t_call"] > complete["t_return"], f"both Complete and Abort succeeded: {what}"
    else:  # a repeated Complete says the same, or (profile `mpu_complete_twice`) that there is no upload
        assert "ok" in ends or "unknown" in ends, f"nobody succeeded: {what}"


def test_production_concurrent_multipart(run_plan, config):
    scale, seed, least_part = config["scale"], config["seed"], config["profile"]["min_part_bytes"]
    size = size_of(scale, least_part)
    run = run_plan(concurrent_multipart(scale, seed, least_part))

    completes = actors(run.by_group("complete_upload"))
    assert len(completes) == size.actors * (size.waves + size.crossed), f"{len(completes)} Completes of the actors"
    check_all_succeed(completes)
    check_nothing_left(run)
    for race in ("abort", "twice", "lists", "resend"):
        uploads = raced(run, race)
        assert len(uploads) == size.pairs * size.rounds, f"{race}: {len(uploads)} uploads"
        for upload, requests in uploads.items():
            check_race(race, upload, requests)


def test_production_concurrent_multipart_versions(run_plan, config):
    scale, seed, least_part = config["scale"], config["seed"], config["profile"]["min_part_bytes"]
    size = size_of(scale, least_part)
    run = run_plan(versioned_multipart(scale, seed, least_part))

    completes = actors(run.by_group("complete_upload"))
    check_all_succeed(completes)
    check_nothing_left(run)
    made = {r["version_id"]: r for r in completes}
    assert len(made) == len(completes) == size.actors * (size.waves + size.crossed), f"{len(made)} versions"
    reads = {r["version_asked"]: r for r in actors(run.by_group("get")) if "version_asked" in r}
    for version, complete in made.items():
        read = reads[version]
        assert (read["status"], read["body_id"]) == (200, complete["body_id"]), f"{version}: {complete} read as {read}"
        assert "etag" in complete, f"{version}: its Complete was answered without an ETag: {complete}"
        assert read["etag_text"] == complete["etag_text"], f"{version}: another ETag than its Complete had: {read}"

    begun = {r["upload_id"]: r for r in actors(run.by_group("create_upload"))}
    for page in run.by_group("list_versions")["at-rest"]:
        listed = [entry["version_id"] for entry in page["entries"]]
        assert sorted(listed) == sorted(made), f"the list has {len(listed)} versions, {len(made)} were made"
        latest = [entry["version_id"] for entry in page["entries"] if "latest" in entry.get("flags", ())]
        assert latest == listed[:1], f"latest are {latest}, the first one is {listed[0]}"
        uploads = [(begun[made[v]["upload_id"]], made[v]) for v in listed]
        order = config["profile"]["mpu_order"]
        assert allowed(uploads, order), f"an order that mpu_order = {order} excludes"
    heads = {r["version_id"] for r in run.by_group("head", "get")["at-rest"]}
    assert heads == set(listed[:1]), f"plain reads at rest show {heads}, the list {listed[:1]}"


def allowed(uploads, order):
    """Whether the list, newest first, may be in the order of Completes; where another order may count, only what began after
    another upload had ended must stand above it.
    """
    earliest_end = float("inf")
    for create, complete in uploads:
        if (complete if order == "completed" else create)["t_call"] > earliest_end:
            return False
        earliest_end = min(earliest_end, complete["t_return"])
    return True


def test_production_concurrent_multipart_creates(run_plan, config):
    scale, seed, least_part = config["scale"], config["seed"], config["profile"]["min_part_bytes"]
    size = size_of(scale, least_part)
    run = run_plan(conditional_multipart(scale, seed, least_part))

    by_key = defaultdict(Counter)
    for group in run.by_group("complete_upload").values():
        for record in group:
            by_key[record["key"]][record["status"]] += 1
    assert len(by_key) == size.waves, f"{len(by_key)} keys were raced for, expected {size.waves}"
    for key, statuses in by_key.items():
        assert statuses[200] == 1, f"{key}: {statuses[200]} of the Completes succeeded: {dict(statuses)}"
        assert set(statuses) <= {200, 409, 412}, f"{key}: a loser must see 412 or 409: {dict(statuses)}"
    check_nothing_left(run)
