"""Production test 6: enumeration of many objects. See docs/production/large_scale_enumeration.md.

Pattern: data-lake scans (Spark, Presto), which find their input by listing.

What it tests: at full scale 100,000 objects in ten partitions, and keys that listings must encode, are walked by one lister,
then by ten at once, then, a day of them, while others write there: with and without a delimiter at every level, in pages of
one, seven and a thousand, from before, at, between and behind keys, in both versions, interrupted and taken up again by a
saved token. Every walk has every key with its size and ETag, once, in the order of bytes; common prefixes are exact and never
come twice; counts and flags agree, the last page has no token. The listing client stays small.

Why it matters: a key that is missed is a query that is wrong, and says nothing.
"""

import os

from s3prod.listings import walks
from s3prod.plans.prefix_enumeration import FILES, LISTERS, PARTITIONS, odd_keys, prefix_enumeration
from s3prod.testing import InconclusiveError

POPULATED_S = 10


def expected(files):
    """What is there before others write, in the order of bytes."""
    data = [f"data/{partition}/file-{number:08}" for partition in PARTITIONS for number in range(files)]
    return sorted([*data, *odd_keys()], key=str.encode)


def busy():
    """Whether other processes want so much of the machine that times say nothing of the store."""
    return os.getloadavg()[0] > 2 * (os.cpu_count() or 1)


def test_production_large_scale_enumeration(run_plan, config, report):
    files = FILES[config["scale"]]
    run = run_plan(prefix_enumeration(config["scale"], config["seed"]))
    keys = expected(files)

    alone = walks(run.records("list", phase="main", group="solo"))
    assert [walk.complete for walk in alone] == [True], (
        f"the walk of one lister did not end: {len(alone[0].pages)} pages"
    )
    if config["profile"].get("key_order", "utf8") == "utf8":
        assert alone[0].keys == keys, "one lister's walk is not exactly what was written, in the order of bytes"
    else:
        assert sorted(alone[0].keys, key=str.encode) == keys, "one lister's walk is not exactly what was written"

    # Ten get the same: the checker holds each of their pages to what is there, and each walk to its end. Here: they walked.
    spans = [run.span("list_v1", "at-once-v1"), run.span("list", "at-once-v2")]
    pages = sum(count for count, _ in spans)
    assert pages == LISTERS * len(alone[0].pages), f"{pages} pages of {LISTERS} listers, one had {len(alone[0].pages)}"
    for op, group in (("list_v1", "writing-v1"), ("list", "writing-v2")):
        if run.span(op, group)[0] < LISTERS // 2:
            raise InconclusiveError(f"{group} did not list while others wrote")

    populated_s = next(phase["seconds"] for phase in run.metrics["phases"] if phase["phase"] == "setup")
    ten_s = max(seconds for _, seconds in spans)
    report("populated", f"{len(keys)} objects in {populated_s:.1f} s")
    report("one lister", f"{len(keys) / alone[0].seconds:.0f} keys/s")
    report("ten listers", f"{LISTERS * len(keys) / ten_s:.0f} keys/s, {len(keys) / ten_s:.0f} each")
    report("memory", f"{run.metrics['memory_mb']} MB")
    if config["scale"] == "full" and config["s3_sdk"] == "native" and not busy():  # another SDK is slower itself
        assert populated_s < POPULATED_S, f"{len(keys)} objects took {populated_s:.1f} s to write"
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"
