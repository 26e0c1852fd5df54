"""Verdicts, exit statuses, run.json, and the reports."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from s3prod.errors import RunError
from s3prod.plan import Group, Plan, head
from s3prod.progress import progress_of
from s3prod.pytest_plugin import junit_property
from s3prod.report import hdr, html, numbers, text
from s3prod.report import json as json_report
from s3prod.results import Run
from s3prod.suite import formats
from s3prod.suite.record import Report, Result
from s3prod.verdict import Verdict, combine

WITNESS = {
    "rule": "stale-read", "level": "K1", "bucket": "main", "key": "hot/<object>", "guess": "stale-read-replica",
    "sentence": "client 2 read a value that was replaced before the read began",
    "attempts": [
        {"t_call": 1_000_000, "t_return": 2_000_000, "client": 1, "op": "put", "status": 200, "outcome": "ok", "etag": "aa"},
        {"t_call": 3_000_000, "client": 2, "op": "get", "outcome": "unknown", "request_id": "R2"},
    ],
}  # fmt: skip
VIOLATED = {
    "consistency": "violated", "because": ["1 violation"], "attempts": 100, "keys": 2, "keys_checked": 1,
    "not_checked": [{"reason": "delete", "keys": 1, "attempts": 5}], "violations": 1, "by_rule": {"stale-read": 1},
    "witnesses": [WITNESS], "evidence": {"*": {"acked_writes": 10, "reads": 5, "overlap": 0.5}},
    "require": [{"space": "*", "what": "reads", "asked": 9, "got": 5, "met": False}], "checker": {"seconds": 0.1},
}  # fmt: skip
METRICS = {
    "interrupted": False, "seconds": 2.0, "main_seconds": 1.0,
    "ops": {"put": {"attempts": 10, "ok": 8, "failed": 1, "unknown": 1, "by_status": {"200": 8, "412": 1, "0": 1},
                    "p50_us": 1000, "p99_us": 9000, "p999_us": 9500, "max_us": 2_000_000, "mean_us": 1500}},
    "groups": {"w": {"runs": 5, "unsent": 2, "exhausted": 1}}, "left_behind": [],
    "load": {"verdict": "missed", "because": ["slow"], "asked": [{"what": "rate", "asked": 100, "got": 50.5, "met": False}]},
}  # fmt: skip


def run_of(tmp_path, verdict=VIOLATED, **changes):
    plan = Plan("herd", groups=[Group("w", [head("a")])], seed=7)
    target = {"endpoints": ["http://127.0.0.1:1"], "embedded": False}
    judged = None if verdict is None else Verdict.from_dict(verdict)
    return Run(plan, target, "native", METRICS | changes, tmp_path, judged, "2026-01-01T00:00:00Z", {"s3prod": "0"})


def load(verdict):
    return {"load": {"verdict": verdict, "because": [], "asked": []}}


@pytest.mark.parametrize(
    ("statuses", "status"),
    [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 2], 2), ([3, 2, 1], 1), ([1, 0], 1), ([2, 1], 1)],
)
def test_one_wins_over_two_over_three(statuses, status):
    assert combine(statuses) == status


@pytest.mark.parametrize(
    ("consistency", "asked", "status"),
    [
        ("held", "reached", 0), ("held", "not-asked", 0), ("held", "missed", 1), ("held", "generator-limited", 3),
        ("violated", "generator-limited", 1), ("inconclusive", "reached", 3), ("inconclusive", "missed", 1),
        (None, "reached", 0),
    ],
)  # fmt: skip
def test_the_status_of_a_run(tmp_path, consistency, asked, status):
    verdict = None if consistency is None else {"consistency": consistency}
    assert run_of(tmp_path, verdict, **load(asked)).exit_status() == status


def test_an_interrupted_run_is_never_a_pass(tmp_path):
    assert run_of(tmp_path, {"consistency": "held"}, interrupted=True, **load("not-asked")).exit_status() == 3


def test_a_verdict_must_be_one():
    with pytest.raises(ValueError, match="consistency"):
        Verdict.from_dict({"consistency": "fine"})


def test_run_json_goes_there_and_back(tmp_path):
    run = run_of(tmp_path)
    path = run.write()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]
    again = Run.read(path)
    assert again.to_dict() == run.to_dict() == json.loads(path.read_text()) == json.loads(json_report.render(run))
    assert Run.read(tmp_path).exit_status() == 1


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"verdict": 5, "plan": {}}'])
def test_no_run_json(tmp_path, content):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run: .*run\.json"):
        Run.read(tmp_path / "run.json")


def test_the_text_report_says_everything(tmp_path):
    shown = text.render(run_of(tmp_path))
    for words in (
        "seed 7", "put", "9 ms", "2 s", "200 8", "none 1", "unsent 2", "LOAD", "MISSED", "50.5", "VIOLATED", "overlap 0.5",
        "NOT MET", "not checked: delete (1 keys, 5 attempts)", "stale-read [K1] main/hot/<object>", "looks like stale-read-replica",
        "request=R2", "replay: s3prod run ",
    ):  # fmt: skip
        assert words.lower() in shown.lower(), words
    assert text.witness_paragraph(Verdict.from_dict(VIOLATED).witnesses[0]) not in text.summary_text(run_of(tmp_path))
    assert "replay: " in text.failure_text(run_of(tmp_path))


def test_what_is_left_behind_is_named_whole(tmp_path):
    """However much else there is to say, and in the table of a suite as well."""
    because = {
        "because": [f"too little evidence, for the {n}th reason of many" for n in range(30)],
        "consistency": "inconclusive",
    }
    run = run_of(
        tmp_path, because, **load("not-asked"), left_behind=["s3prod-main-0123456789ab", "s3prod-kept-0123456789ab"]
    )
    line = text.headline(run)
    assert line.startswith("inconclusive: too little evidence") and len(line) <= 400
    assert line.endswith("…; left behind: s3prod-main-0123456789ab, s3prod-kept-0123456789ab")
    assert line in formats.as_text(Report([Result("tests/a/test_b.py::test_c", "ERROR", 1.0, line)]))


def test_the_replay_line_names_the_target_unless_it_is_embedded(tmp_path):
    run = run_of(tmp_path)
    assert run.replay.endswith("--endpoint http://127.0.0.1:1")
    run.target["embedded"] = True
    assert "--endpoint" not in run.replay


class Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path") and not self.rawdata[: self.rawdata.find(">")].endswith("/"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_report_says_what_else_happened(tmp_path):
    """The same words on the terminal and in the page: what was left or cleaned up, what groups did not do, what the proxy did."""
    faults = {"drop-ack:every=7": 3, "reset:p=0": 0}
    more = {"left_behind": ["main-<1>"], "cleaned_up": ["kept-2"], "proxy": {"faults": faults}}
    run = run_of(tmp_path, **more)
    said = ["answers: none 1, 200 8, 412 1", "group w: 5 runs, unsent 2, exhausted 1", "cleaned up: kept-2",
            "left behind: main-<1>", "proxy: drop-ack:every=7 fired 3", "proxy: reset:p=0 fired 0",
            "inconclusive: the fault reset:p=0 never fired"]  # fmt: skip
    assert text.happened(run) == said
    assert set(said) <= set(text.summary_text(run).splitlines())
    page = html.render(run)
    assert [line for line in said if escape(line) not in page] == []


def test_the_html_report_is_whole_and_escapes(tmp_path):
    page = html.render(run_of(tmp_path))
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "hot/&lt;object&gt;" in page and "hot/<object>" not in page
    assert "Witnesses over time" in page and 'class="offending"' in page
    assert "<svg" in page and "http-equiv" not in page and "src=" not in page


@pytest.mark.parametrize("mode", ["fast", "durable"])
def test_every_report_names_the_mode_of_the_embedded_store(tmp_path, mode):
    run = run_of(tmp_path)
    reports = (text.render, text.summary_text, html.render)
    assert not any("embedded store" in report(run) for report in reports)
    assert "store" not in junit_property(run)
    run.target.update(embedded=True, durability=mode)
    assert all(f"embedded store ({mode})" in report(run) for report in reports)
    assert json.loads(json_report.render(run))["target"]["durability"] == mode
    assert junit_property(run)["store"] == f"embedded store ({mode})"


def test_a_report_of_nothing(tmp_path):
    run = run_of(tmp_path, None, ops={}, groups={}, **load("not-asked"))
    assert "answers: none" in text.render(run)
    assert "<svg" not in html.render(run)


def encode(counts):
    """A V2 histogram of 3 digits in the published form, to read back."""
    payload, zeros = b"", 0

    def leb(number):
        number = (number << 1) ^ (number >> 63)
        out = b""
        while number >= 0x80:
            out += bytes([number & 0x7F | 0x80])
            number >>= 7
        return out + bytes([number])

    for count in counts:
        if count == 0:
            zeros += 1
            continue
        payload += (leb(-zeros) if zeros else b"") + leb(count)
        zeros = 0
    plain = struct.pack(">IIIIQQd", 0x1C849303 | 0x10, len(payload), 0, 3, 1, 3_600_000_000_000, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", 0x1C849304 | 0x10, len(packed)) + packed).decode()


def test_histograms_are_read():
    counts = [0] * 4096
    counts[5], counts[2047], counts[2048], counts[3072] = 1, 2, 3, 4
    assert hdr.decode(encode(counts)) == [(5, 1), (2047, 2), (2048, 3), (4096, 4)]
    assert hdr.percentiles([(5, 1), (9, 3)])[-1] == (1.0, 9)


@pytest.mark.parametrize("bad", ["", "!", "AAAA", "SElTVEZBQUE="])
def test_what_is_no_histogram(bad):
    with pytest.raises(ValueError, match="not a compressed histogram"):
        hdr.decode(bad)


def test_numbers():
    assert numbers.latency(1e6) == "1 s"
    assert numbers.count(99.5) == "99.5"


def test_plain_progress_is_rare_lines():
    stream = io.StringIO()
    with progress_of("herd", stream) as progress:
        for _ in range(100):
            progress({"phase": 1, "attempts": 3})
    assert stream.getvalue().count("\n") <= 1


def hist_cases():
    path = Path(__file__).resolve().parents[2] / "csrc/tests/vectors/hist.json"
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("case", hist_cases()["cases"], ids=lambda case: case["name"])
def test_histograms_of_the_reference_package_are_read(case):
    pairs = hdr.decode(case["text"])
    assert sum(count for _, count in pairs) == case["count"]
    for percent, value in case["percentiles"]:  # the highest value of its slot; ours is the lowest
        low = next(low for share, low in hdr.percentiles(pairs) if share >= percent / 100 - 1e-12)
        assert low <= value <= low * 1.001 + 1
