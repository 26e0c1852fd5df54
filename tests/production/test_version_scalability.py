"""Production test 3: version scalability. See docs/production/version_scalability.md.

Pattern: a chatty writer on a bucket that keeps versions; a restore or an audit then needs the whole history, in order.

What it tests: one key gets 10,000 versions, half of them one after the other, half from 16 racing clients, with delete
markers among them. ListObjectVersions is walked by 1,000, by 100, by ones and from marker pairs in the middle, at rest and
while a writer appends. Every entry must say what its write said (id, ETag, size, marker), what came one after the other must
be listed in exactly that order reversed, what raced in an order that real time allows; a walk has no gap and no double,
whatever its page size; exactly one entry is the latest, and is what plain HEAD shows. Sampled versions, the first and the
last are read. Deleting the current version or marker shows the one before it. At last everything is deleted by version id,
and nothing is left. The client takes less than 300 MB.

Why it matters: a restore from a history with a gap or in another order brings back the wrong data, and says nothing.
"""

import json
from bisect import bisect
from collections import defaultdict
from itertools import chain

import pytest

from s3prod.plans.version_explosion import PAIRS, PARTS, ordered_of, version_explosion


def every(groups):
    return list(chain.from_iterable(groups.values()))


def ids_of(pages):
    return [entry["version_id"] for page in pages for entry in page.get("entries", ())]


def first_walk(pages):
    """The pages of the first walk that came to its end."""
    ends = (n for n, page in enumerate(pages, 1) if "truncated" not in page.get("flags", ()))
    return pages[: next(ends, 0)] or pytest.fail(f"a walk of {len(pages)} pages did not come to an end")


def check_entries(pages, writes, unknown):
    """Every entry of every page says what its write said."""
    for page in pages:
        strangers = [e for e in page.get("entries", ()) if e["version_id"] not in writes]
        assert len(strangers) <= unknown, f"request {page['request_id']} lists what nobody wrote: {strangers[0]}"
        for entry in page.get("entries", ()):
            write = writes.get(entry["version_id"], entry)
            said = (write.get("etag"), write.get("size", 0), write.get("op") == "delete")
            if write is not entry:
                shown = (entry.get("etag"), entry.get("size", 0), "marker" in entry.get("flags", ()))
                assert shown == said, f"{entry} is not what its write said: {write}"


def check_order(walk, writes, ordered):
    """What came one after the other is listed newest first, and nothing above what began after its end."""
    placed = set(ordered)
    assert [v for v in walk if v in placed] == ordered[::-1], "the single writer's versions are not in its order"
    earliest_end = float("inf")
    for write in (writes[v] for v in walk if v in writes):
        assert write["t_call"] <= earliest_end, f"listed below a version that had ended before it began: {write}"
        earliest_end = min(write["t_return"], earliest_end)


def pages_per_s(pages, ends):
    """By the number of versions and the size of the page: what the single writer's own pages took."""
    seconds = defaultdict(list)
    for page in pages:
        size = page["list_args"].partition("max-keys=")[2].partition("&")[0]
        seconds[bisect(ends, page["t_call"]), size].append((page["t_return"] - page["t_call"]) / 1e9)
    return {f"{versions} versions, by {size}": round(len(s) / sum(s)) for (versions, size), s in seconds.items()}


def test_production_version_scalability(run_plan, config, supports, record_property):
    parts = [key for key in PARTS if supports(key)]
    run = run_plan(version_explosion(config["scale"], config["seed"], parts))
    changes, pages = run.by_group("put", "delete", phase="main"), run.by_group("list_versions", phase="main")
    refused = [r for r in every(changes) + every(pages) if r["outcome"] == "failed"]
    assert not refused, f"{len(refused)} requests were refused, as {refused[0]}"
    made = [r for r in every(changes) if "version_asked" not in r]
    unknown = sum(r["outcome"] == "unknown" for r in made)
    nameless = [r for r in made if r["outcome"] == "ok" and not r.get("version_id")]
    assert not nameless, f"{len(nameless)} writes were acknowledged without a version id, as {nameless[0]}"
    writes = {r["version_id"]: r for r in made if r["outcome"] == "ok"}
    assert len(writes) + unknown == len(made), f"{len(made)} writes got {len(writes)} version ids, {unknown} unknown"

    check_entries(every(pages), writes, unknown)
    racing = min(r["t_call"] for r in changes["racers"])
    ordered = [r for r in changes["owner"] if r["outcome"] == "ok" and r["t_return"] < racing]
    assert len(ordered) + unknown >= ordered_of(config["scale"]), f"only {len(ordered)} versions one after the other"
    thousands = first_walk(pages["list-thousands"])
    walk, since = ids_of(thousands), thousands[0]["t_call"]
    check_order(walk, writes, [r["version_id"] for r in ordered])

    removed = {r["version_asked"] for r in every(changes) if "version_asked" in r and r["t_call"] < since}
    there = {v for v, write in writes.items() if write["t_return"] < since} - removed
    assert there <= set(walk), f"{len(there - set(walk))} versions are not listed"
    assert len(walk) == len(set(walk)) <= len(there) + unknown, f"{len(walk)} entries for {len(there)} versions"
    assert ids_of(first_walk(pages["list-hundreds"])) == walk, "by hundreds another history is listed than by thousands"
    ones = ids_of(pages["list-ones"])
    ones = ones[: len(ones) // 2]  # the other half came while a writer appended
    assert ones == walk[: len(ones)], "one by one another history is listed than by thousands"
    for n, size in enumerate(PAIRS):  # behind the end a walk begins anew
        part = ids_of(pages["list-pairs"][3 * n : 3 * n + 3])
        assert part == (3 * walk)[: len(part)] != [], f"pages of {size}, 100 and {size} do not join"
    latest = [e["version_id"] for page in thousands for e in page["entries"] if "latest" in e.get("flags", ())]
    heads = [r for r in run.by_group("head")["owner"] if r["t_call"] > racing]
    assert latest == walk[:1] == [heads[0].get("version_id")], (
        f"latest {latest}, first {walk[:1]}, HEAD shows {heads[0]}"
    )

    assert "entries" not in pages["owner"][-1], "versions are left after all were deleted"
    reads = run.by_group("get")["owner"]
    assert reads[-1]["status"] == 404, f"the key is still there: {reads[-1]}"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"
    cost = pages_per_s([p for p in pages["owner"] if p["t_call"] < racing], [r["t_return"] for r in ordered])
    record_property("pages_per_s", json.dumps(cost))
    print(f"pages a second: {cost}")
