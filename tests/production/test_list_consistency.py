"""Production test 4: LIST under churn. See docs/production/list_consistency.md.

Pattern: temporary files, job output, queue-like prefixes; data lakes that commit by listing.

What it tests: at full scale 100 objects a second are created and 100 deleted, on a schedule, for 60 s, while five listers walk
the bucket: full pages, pages of seven by tokens, markers (V1), folders by a delimiter, and 1,000 keys that never change, by
the hundred. Every page of every walk is judged: a key that was there all the time of the page is in it, one that was gone is
not, in order, once, with an ETag and a size that were true. Keys that are listed, and keys that are not, are read as well.
At rest the listing is exactly what was acknowledged, and is so within five seconds.

Why it matters: a page that misses a key, or shows one that is gone, is a job that reads too little or too much.
"""

from s3prod.listings import walks
from s3prod.plans.list_consistency import SIZES, list_consistency
from s3prod.testing import InconclusiveError

REACHED = 0.9  # of the scheduled rate; below it the run proves too little
CONVERGES_S = 5


def expected(run):
    """The keys that must be there at rest, and those of which nobody knows."""
    deleted = {r["key"]: r["outcome"] for r in run.records("delete", phase="main")}
    there, unknown = set(), set()
    for r in [*run.records("put", phase="setup"), *run.records("put", phase="main")]:
        outcomes = {r["outcome"], deleted.get(r["key"], "failed")}
        if "unknown" in outcomes:
            unknown.add(r["key"])
        elif outcomes == {"ok", "failed"}:
            there.add(r["key"])
    return there, unknown


def check_rate(name, group, per_s):
    """Whoever was too slow: with less churn nothing is proven."""
    if group["rate_per_s"] < REACHED * per_s:
        late_ms = group.get("lateness", {}).get("p99_us", 0) / 1000
        raise InconclusiveError(
            f"{name}: {group['rate_per_s']:.1f} a second, asked are {per_s}; {group['unsent']} were not sent, "
            f"the others up to {late_ms:.0f} ms (p99) late"
        )


def test_production_list_consistency(run_plan, config, report):
    size = SIZES[config["scale"]]
    run = run_plan(list_consistency(config["scale"], config["seed"], config["profile"], config["duration"]))

    for name in ("create", "delete"):
        check_rate(name, run.metrics["groups"][name], size.per_s)
    for name in ("whole", "sevens", "folders", "static", "markers"):
        op = "list_v1" if name == "markers" else "list"
        if not any(run.records(op, phase="main", group=f"list-{name}")):
            raise InconclusiveError(f"nobody listed {name}")

    there, unknown = expected(run)
    at_rest = walks(run.records("list", phase="teardown", group="at-rest"))
    whole = [walk for walk in at_rest if walk.complete and walk.asked == ""]
    if not whole:
        raise InconclusiveError("no walk of everything came to its end at rest")
    # a key whose outcome nobody knows was asked for by a HEAD at once, and the checker holds the listing to its answer
    differing = [(set(walk.keys) ^ there) - unknown for walk in whole]
    assert not differing[-1], f"the final listing differs from what was acknowledged: {sorted(differing[-1])[:10]}"
    right = whole[differing.index(set())]
    last = max(r["t_return"] for op in ("put", "delete") for r in run.records(op, phase="main") if r["outcome"] == "ok")
    converged_s = (right.pages[-1]["t_return"] - last) / 1e9
    allowed_s = max(CONVERGES_S, config["profile"].get("list_lag_ms", 0) / 1000)
    assert converged_s < allowed_s, f"the listing was right {converged_s:.2f} s after the last change"

    static = [walk for walk in at_rest if walk.asked.startswith("max-keys=") and "prefix=static" in walk.asked]
    assert static and static[-1].complete, f"the walk of the static keys did not end: {static[-1:]}"
    keys = [f"static/{number:08}" for number in range(size.static)]
    assert static[-1].keys == keys, "the static keys are not listed exactly, in order"
    lengths = [len(page["entries"]) for page in static[-1].pages]
    short = [
        length for length in lengths[:-1] if length < size.page
    ]  # which S3 may give, and then there are more pages
    assert short or len(lengths) == size.static // size.page, f"{len(lengths)} pages of {size.page}: {lengths}"

    lists = run.verdict.document["lists"]
    report("pages judged", f"{lists['pages']}, {lists['entries']} entries")
    report("right at rest", f"{converged_s:.3f} s after the last change (less than {allowed_s} s asked)")
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"
