"""`s3prod probe`: the correct store is what its profile says, and each probe notices a store that is not."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import sys
import time
import tomllib
from pathlib import Path

import pytest

from s3prod import probe as probes
from s3prod import profile as profiles
from s3prod.cli import main
from s3prod.client import Answer, S3Client
from s3prod.plan import ANY, Group, Plan, make_bucket, put, remove_bucket
from s3prod.probe import NOT_PROBED, PROBES, before, probe
from s3prod.probe import site as sites
from s3prod.probe.site import Site, Untold
from s3prod.report import html, text
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore
from s3prod.summary import summary

ROOT = Path(__file__).resolve().parents[2]
RUNS = {key: row.run for row in PROBES for key in row.keys}
EMBEDDED = profiles.load("embedded")


def given(target):
    """The target as options of a command."""
    secret = str.__str__(target.secret_key)
    return ["--endpoint", target.endpoints[0], "--access-key", target.access_key, "--secret-key", secret]


def site_of(target):
    site = Site(S3Client(target), "probe-of-tests")
    site.make("plain")
    return site


def found(site, key, versions=False):
    """What the probe of a key says of a store, with its evidence."""
    if versions:
        RUNS["versioning"](site)
    site.begin()
    try:
        return RUNS[key](site)[key]
    except Untold as untold:
        return untold


@pytest.fixture(scope="module")
def plain():
    """The store as it is without options."""
    with EmbeddedStore() as store:
        yield store


@pytest.fixture(scope="module")
def report(plain):
    return probe(plain.target())


def test_every_key_has_one_probe_or_a_reason():
    keys = [key for row in PROBES for key in row.keys] + list(NOT_PROBED)
    assert sorted(keys) == sorted(profiles.KEYS)


def test_the_embedded_store_is_what_its_profile_says(report, plain):
    """Every value that can be probed, and nothing is left behind."""
    probed = {key: each.value for key, each in report.findings.items() if not each.not_probed and key != "name"}
    assert probed == {key: EMBEDDED[key] for key in probed}
    assert set(profiles.KEYS) - set(probed) == {"name", "list_interval", "cond_409_possible", "max_clock_skew_ms", "usage_probe",
                                                "usage_lag_ms", "replication_lag_ms"}  # fmt: skip
    assert (report.failed, report.left_behind, report.contradictions(EMBEDDED)) == ({}, [], {})
    assert report.seconds < probes.BUDGET_S
    assert S3Client(plain.target()).list_buckets() == []


def test_the_file_is_a_profile_with_its_evidence(report):
    text = report.toml()
    assert profiles.read(text) == report.profile == tomllib.loads(text)
    for line in (
        "\n# PUT /plain/inm If-None-Match: * → 412 PreconditionFailed\ncond_put_none_match = ",
        '\n# not probed: it shows in races only\nlist_interval = "page"\n',
        "# CompleteMultipartUpload, first part of 5242879 bytes → 400 EntityTooSmall\nmin_part_bytes = 5242880\n",
        "sequential only",
    ):
        assert line in text, text


@pytest.mark.parametrize(("key", "value", "broken"), [
    ("list", "eventual", "list-lag:p=1,delay_ms=60"),
    ("key_order", "other", "list-order-wrong:p=1"),
    ("etag_is_md5", False, "ok-etag-not-md5"),
    ("cond_put_none_match", "ignored", "cond-ignored:p=1"),
    ("cond_put_none_match", "unsupported", "cond-rejected:p=1"),
    ("cond_put_none_match", "broken", "cond-always-412:p=1"),
    ("cond_put_match", "ignored", "cond-ignored:p=1"),
    ("cond_put_match", "unsupported", "cond-rejected:p=1"),
    ("cond_put_match", "broken", "cond-always-412:p=1"),
    ("cond_put_match", "broken", "cond-failed-but-applied:p=1"),
    ("cond_complete", "ignored", "cond-ignored:p=1"),
    ("cond_copy_dst", "ignored", "cond-ignored:p=1"),
    ("cond_delete", "ignored", "cond-delete-ignored:p=1"),
    ("if_match_absent", 412, "ok-412-for-if-match-absent"),
    ("multi_delete", "unsupported", "bulk-unsupported:p=1"),
    ("multi_delete", "ignored", "bulk-silent-failure:p=1"),
    ("multi_delete", "broken", "bulk-missing-from-answer:p=1"),
    ("mpu_order", "initiated", "ok-mpu-initiated-order"),
    ("mpu_complete_twice", 404, "ok-complete-twice-404"),
    ("mpu_listing", "settles", "ok-upload-listing-settles:p=1,delay_ms=60"),
    ("min_part_bytes", 1, "mpu-small-part-accepted:p=1"),
    ("versioning", "broken", "versions-truncated:p=1"),
    ("tagging", "broken", "tags-merge:p=1"),
    ("tagging", "ignored", "tag-write-fails-silently:p=1"),
    ("bucket_ready_s", 0.2, "ok-bucket-ready-delay:delay_ms=100"),
])  # fmt: skip
def test_each_probe_notices(key, value, broken):
    """A mutant, or a mode that is legal."""
    how = {"modes" if broken.startswith("ok-") else "mutants": [broken]}
    with EmbeddedStore(**how) as store:
        site = site_of(store.target())
        said = found(site, key)
    if key == "bucket_ready_s":
        assert 0.1 <= said < 0.5 and value
    else:
        assert said == value, site.said


@pytest.mark.parametrize(("key", "options", "value"), [
    ("min_part_bytes", ["--min-part-bytes", "1024"], 1024),
    ("replication", ["--replication-lag", "10ms"], "required"),
    ("lifecycle_day_ms", ["--lifecycle-day", "100ms"], 100),
])  # fmt: skip
def test_options_of_the_store_are_noticed(key, options, value):
    with EmbeddedStore(options=options) as store:
        said = found(site_of(store.target()), key, versions=True)
        if key == "lifecycle_day_ms":
            assert value <= said < 3000
        else:
            assert said == value
        assert store.profile()[key] == value


class Altered:
    """A client whose answers are altered: what no mutant does."""

    def __init__(self, client, alter):
        self.client, self.alter, self.region, self.endpoint_url = client, alter, client.region, client.endpoint_url

    def request(self, method, path, query, headers, body):
        def send(body=body):
            named = {name: value for name, value in headers.items() if name != "Content-MD5"}
            if body:
                named["Content-MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
            return self.client.request(method, path, query, named, body)

        return self.alter(method, query or {}, body, send)


def _strip(answer, *names):
    return Answer(answer.status, {n: v for n, v in answer.headers.items() if n not in names}, answer.body)


@pytest.mark.parametrize(("key", "value", "alter"), [
    ("list", "eventual", lambda method, query, body, send: Answer(204, {}, b"") if method == "DELETE" else send()),
    ("cond_multi_delete", "ignored", lambda method, query, body, send: send(re.sub(rb"<ETag>.*?</ETag>", b"", body))),
    ("cond_multi_delete", "unsupported",
     lambda method, query, body, send: Answer(400, {}, b"") if b"<ETag>" in body else send()),
    ("last_modified_resolution_s", "the same in 1.",
     lambda method, query, body, send: Answer(200, {}, b"<LastModified>always</LastModified>")),
    ("delete_absent_creates_marker", False,
     lambda method, query, body, send: Answer(204, {}, b"") if method == "DELETE" else send()),
    ("marker_version_on_404", False, lambda method, query, body, send: _strip(send(), "x-amz-delete-marker")),
    ("versioning", "unsupported", lambda method, query, body, send: Answer(501, {}, b"") if "versioning" in query else send()),
    ("versioning", "ignored", lambda method, query, body, send: Answer(200, {}, b"") if "versioning" in query else send()),
    ("lifecycle_day_ms", "none", lambda method, query, body, send: Answer(400, {}, b"") if "lifecycle" in query else send()),
    ("tagging", "unsupported", lambda method, query, body, send: Answer(501, {}, b"") if "tagging" in query else send()),
    ("object_lock", "ignored", lambda method, query, body, send: Answer(200, {}, b"")),
    ("object_lock", "unsupported",
     lambda method, query, body, send: Answer(501 if "legal-hold" in query else 200, {}, b"")),
])  # fmt: skip
def test_what_no_mutant_does_is_noticed(key, value, alter, plain):
    site = site_of(plain.target())
    try:
        if key in ("delete_absent_creates_marker", "marker_version_on_404"):
            RUNS["versioning"](site)
        site.client = Altered(site.client, alter)
        if key == "last_modified_resolution_s":
            RUNS["bucket_ready_s"](site)
            assert found(site, key).why.startswith(value)
            return
        assert found(site, key) == value, site.said
    finally:
        site.client = S3Client(plain.target())
        site.clean()


def test_an_error_of_the_store_is_a_failure_of_the_probe(plain):
    """No value is made up of an endless 500."""
    site = site_of(plain.target())
    site.client = Altered(site.client, lambda method, query, body, send: Answer(500, {}, b""))
    untold = found(site, "tagging")
    assert isinstance(untold, Untold) and untold.failed and untold.why == "PUT /plain/tagged → 500"
    site.client = S3Client(plain.target())
    assert site.clean() == []


def test_throttling_changes_nothing():
    with EmbeddedStore(modes=["ok-503-throttle:p=0.1"]) as store:
        site = site_of(store.target())
        keys = ("bucket_ready_s", "cond_put_none_match", "cond_put_match", "list", "versioning", "tagging")
        assert {key: found(site, key) for key in keys} == {key: EMBEDDED[key] for key in keys}


def test_time_is_bounded_and_that_is_said(plain):
    report = probe(plain.target(), budget_s=0.0)
    assert set(report.failed.values()) == {"0 s had gone by"} and len(report.failed) == len(RUNS)
    assert report.left_behind == []


def test_slow_answers_come_to_an_end_and_that_is_said(plain, monkeypatch):
    """However many requests a probe has: it is not done in its time, and the next one has its own; buckets that there is no time
    to empty are named.
    """
    own = site_of(plain.target())
    monkeypatch.setattr(sites, "PROBE_S", 0.05)

    def slowly(method, query, body, send):
        time.sleep(0.02)
        return send()

    quick, own.client = own.client, Altered(own.client, slowly)
    for _ in range(2):
        untold = found(own, "list")
        assert isinstance(untold, Untold) and untold.failed and untold.why == "not done in 0.05 s"
        assert 0.05 < time.monotonic() - own.probe_began_s < 5
    own.client = quick
    monkeypatch.setattr(sites, "CLEAN_S", -1)
    assert own.clean() == [f"bucket {own.plain}: not emptied, -1 s had gone by"]
    monkeypatch.undo()
    assert own.clean() == []


def test_a_command_compares(plain, capsys, tmp_path):
    """A file that the store contradicts: what was said, what was found, and how; status 1. The printed profile is the store's."""
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'name = "mine"\nreplication = "required"\nif_match_absent = 412\nusage_probe = "true"\nlifecycle_day_ms = "none"\n'
    )
    assert main(["probe", "--profile", str(mine), *given(plain.target())]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        f"s3prod: profile {mine}: if_match_absent = 412, but the store: 404 (PUT /plain/im-absent If-Match: "
        '"0123456789abcdef0123456789abcdef" → 404 NoSuchKey)',
        f's3prod: profile {mine}: replication = "required", but the store: "unsupported" (PUT /replica → 200; '
        "PUT /replica?versioning → 200; PUT /versions?replication → 501 NotImplemented)",
    ]
    printed = profiles.read(out)
    assert (printed["name"], printed["replication"], printed["usage_probe"]) == ("mine", "unsupported", "true")


def test_a_command_finds_what_is_ignored(capsys):
    """Ignored is told apart from what is there; the embedded store is started when there is no endpoint."""
    assert main(["probe", "--json", "--profile", "generic", "--mutant", "cond-ignored:p=1"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["profile"]["cond_put_match"] == "ignored" and document["profile"]["object_lock"] == "required"
    assert set(document["contradictions"]) >= {
        "cond_put_none_match",
        "cond_put_match",
        "cond_complete",
        "min_part_bytes",
    }
    assert document["not_probed"]["max_clock_skew_ms"] and document["left_behind"] == []
    assert document["evidence"]["cond_put_none_match"][1] == "PUT /plain/inm If-None-Match: * → 200"


# --- before load -------------------------------------------------------------------------------------------------------

CREATES = Plan("creates", groups=[make_bucket(), Group("g", [put("a", if_none_match=ANY)]), remove_bucket()])


def given_to_a_run(store):
    """The store as one that somebody gives."""
    return dataclasses.replace(store.target(), embedded=False, mutants=())


def test_a_run_says_what_contradicts_the_profile(tmp_path, monkeypatch):
    """The conditions that its plan needs are tried once a process; its profile stays, and its buckets are gone."""
    asked = []
    monkeypatch.setattr(before, "probe", lambda *words, keys: asked.append(set(keys)) or probe(*words, keys=keys))
    with EmbeddedStore(mutants=["cond-ignored:p=1"]) as store:
        target = given_to_a_run(store)
        runs = [run_plan(CREATES, target, out=tmp_path / name) for name in ("one", "two")]
        assert S3Client(target).list_buckets() == []
    assert asked == [{"cond_put_none_match"}]
    for run in runs:
        [line] = run.metrics["contradictions"]
        assert line.startswith(
            'cond_put_none_match = "required", but the store: "ignored" (PUT /plain/inm If-None-Match: * → 200'
        )
        assert f"profile embedded: {line}" in text.summary_text(
            run
        ) and f"profile embedded: {line}" in text.failure_text(run)
        assert summary(run)["contradictions"] == [line] and line.partition(" (")[0].replace(
            '"', "&quot;"
        ) in html.render(run)
        assert run.target["profile"]["cond_put_none_match"] == "required"


def test_a_run_asks_nothing_of_the_embedded_store_and_nothing_that_its_plan_does_not_need(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(before, "probe", None)
    without = dataclasses.replace(CREATES, groups=[make_bucket(), Group("g", [put("a")]), remove_bucket()])
    for number, (plan, target) in enumerate([(CREATES, plain.target()), (without, given_to_a_run(plain))]):
        assert run_plan(plan, target, out=tmp_path / str(number)).metrics["contradictions"] == []


def test_a_run_of_a_store_that_agrees_or_is_not_there_says_nothing(plain):
    assert before.contradictions(CREATES, given_to_a_run(plain)) == ([], [])
    nobody = dataclasses.replace(given_to_a_run(plain), endpoints=("http://127.0.0.1:1",))
    assert before.contradictions(CREATES, nobody) == ([], [])


@pytest.mark.parametrize(("settings", "says"), [
    ({"endpoints": ["http://127.0.0.1:1"]}, "expected a store that answers (EndpointConnectionError"),
    ({"secret_key": "wrong"}, "expected credentials that may make a bucket (CreateBucket was answered 403 SignatureDoesNotMatch)"),
    ({"access_key": "wrong"}, "expected credentials that may make a bucket (CreateBucket was answered 403 InvalidAccessKeyId)"),
])  # fmt: skip
def test_what_cannot_be_probed_at_all_is_one_line(settings, says, plain, capsys):
    target = plain.target()
    words = {"endpoints": target.endpoints, "access_key": target.access_key, "secret_key": target.secret_key} | settings
    options = ["--endpoint", words["endpoints"][0], "--access-key", words["access_key"], "--secret-key"]
    assert main(["probe", *options, str.__str__(words["secret_key"])]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and says in err, err
    assert "wrong" not in err


def test_what_is_left_behind_is_listed(plain, monkeypatch, capsys):
    monkeypatch.setattr(
        S3Client, "delete_bucket", lambda self, bucket: self.client.delete_bucket(Bucket="no-such-bucket")
    )
    monkeypatch.setattr(probes, "PROBES", ())
    assert main(["probe", *given(plain.target())]) == 1
    err = capsys.readouterr().err
    assert err.startswith("s3prod: left behind: bucket s3prod-probe-") and "NoSuchBucket" in err
    monkeypatch.undo()
    client = S3Client(plain.target())
    for bucket in client.list_buckets():
        client.delete_bucket(bucket["Name"])


def test_the_page_is_not_stale(capsys):
    sys.path.append(str(ROOT / "tools"))
    import gen_profile_doc as tool

    assert tool.main(["--check"]) == 0, capsys.readouterr().err
