"""The capability document: flags that are seen on the wire, and a file that is never about another SDK."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

import s3prod
from s3prod.capabilities import FLAGS, Settings, capabilities_of, document, profile_of
from s3prod.capabilities.probes import PROBES, redirecting
from s3prod.capabilities.table import TABLE
from s3prod.capabilities.wire import Seen, WireServer, plain
from s3prod.errors import UsageError
from s3prod.target import Target

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "caps.json")


@pytest.fixture
def quick(monkeypatch):
    """The engine's probes say at once what they say (`test_the_engine_is_probed`)."""
    monkeypatch.setitem(PROBES, "native", lambda: dict.fromkeys(FLAGS, False) | {"retry_mode": "none"})


def test_boto3_is_probed_and_the_file_is_used_again(settings, monkeypatch):
    found = capabilities_of("boto3", settings=settings)
    assert found["sdk"] == "boto3" and found["version"] == boto3.__version__ and found["sources"] == ["probes"]
    assert list(found["profile"]) == list(FLAGS) and json.loads(settings.path.read_text()) == found
    # What boto3 does in this version, as it was seen; another version may differ.
    assert found["profile"]["unsigned_payload_allowed"] and found["profile"]["follows_301_region_redirect"]
    assert not found["profile"]["sigv4_chunked"] and not found["profile"]["crc32c_default"]
    monkeypatch.setitem(PROBES, "boto3", lambda: pytest.fail("probed again"))
    assert capabilities_of("boto3", settings=settings) == found


def test_the_engine_is_probed():
    profile = profile_of("native")
    assert profile["retry_mode"] == "none" and profile["unsigned_payload_allowed"]
    assert not any(profile[name] for name in ("list_objects_v1", "follows_301_region_redirect", "follows_307_on_put"))


def test_an_sdk_that_is_not_probed_has_a_dated_row(settings):
    found = capabilities_of("aws-sdk-go-v2", settings=settings)
    assert found["sources"] == ["mapping"] and found["version"] == TABLE["aws-sdk-go-v2"].version
    assert all(row.profile.keys() == FLAGS.keys() and row.found for row in TABLE.values())


@pytest.mark.parametrize("sdk", list(TABLE))
def test_a_row_is_about_the_version_that_the_driver_is_built_with(sdk):
    """When this fails, look at the flags again: what they were seen on is no longer what runs."""
    module = (ROOT / "drivers" / sdk / "go.mod").read_text()
    assert f"service/s3 v{TABLE[sdk].version}\n" in module


GOOD = {name: False for name in FLAGS} | {"retry_mode": "legacy"}
STALE = [
    {"sdk": "boto3", "version": "1.0", "profile": GOOD, "sources": ["probes"]},
    {"sdk": "native", "version": "0.0", "profile": GOOD, "sources": ["probes"]},
    {"sdk": "native", "version": s3prod.__version__, "profile": GOOD, "sources": ["mapping", "override"]},
    {"sdk": "native", "version": s3prod.__version__, "profile": {"retry_mode": "none"}, "sources": ["probes"]},
    {"sdk": "native", "version": s3prod.__version__, "profile": {"other": 1}, "sources": ["probes"]},
    ["not", "a", "document"],
]


@pytest.mark.parametrize("kept", STALE)
def test_a_file_that_does_not_fit_is_made_anew(quick, settings, kept):
    settings.path.write_text(json.dumps(kept))
    found = capabilities_of("native", settings=settings)
    assert found["profile"]["retry_mode"] == "none" and found["sources"] == ["probes"]
    assert json.loads(settings.path.read_text()) == found


def test_a_file_that_fits_is_not(settings):
    kept = {"sdk": "native", "version": s3prod.__version__, "profile": GOOD, "sources": ["probes"]}
    settings.path.write_text(json.dumps(kept))
    assert capabilities_of("native", settings=settings) == kept


def test_ones_own_flags_count_when_they_override(quick, settings, tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"sigv4_chunked": True}))
    with pytest.warns(UserWarning, match="sigv4_chunked is True, but native .* shows False"):
        told = capabilities_of("native", settings=Settings(settings.path, own))
    assert told["profile"]["sigv4_chunked"] is False and told["sources"] == ["probes"]
    overridden = capabilities_of("native", settings=Settings(settings.path, own, True))
    assert overridden["profile"]["sigv4_chunked"] is True and overridden["sources"] == ["probes", "override"]
    assert capabilities_of("native", settings=settings)["profile"]["sigv4_chunked"] is False


def test_settings_come_from_the_environment(tmp_path):
    environ = {"S3_CAP_PROFILE_JSON": "own.json", "S3_CAP_PROFILE_OVERRIDE": "1"}
    assert Settings.of({}).path.name == ".sdk_capabilities.json"
    assert Settings.of(environ).override is True and Settings.of(environ).profile.name == "own.json"
    with pytest.raises(UsageError, match="S3_CAP_PROFILE_OVERRIDE: 1, expected S3_CAP_PROFILE_JSON"):
        Settings.of({"S3_CAP_PROFILE_OVERRIDE": "1"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "S3_CAP_PROFILE_JSON: .*, expected a readable file"),
        ("{", "expected JSON"),
        ("[]", "expected a mapping of flags"),
        ('{"chunks": true}', "chunks: unknown flag, expected one of sigv4_chunked"),
        ('{"crc32c_default": 1}', "crc32c_default: 1, expected true or false"),
    ],
)
def test_a_bad_file_is_one_line(quick, settings, tmp_path, text, says):
    own = tmp_path / "own.json"
    if text is not None:
        own.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        capabilities_of("native", settings=Settings(settings.path, own, True))
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"S3_CAPS_JSON_PATH: .*, expected a file that can be written"):
        capabilities_of("aws-sdk-go-v2", settings=Settings(tmp_path / "no" / "caps.json"))


def test_an_unknown_sdk_needs_flags_of_ones_own(settings, tmp_path):
    with pytest.raises(UsageError, match="sdk: perl, expected one whose capabilities are known"):
        capabilities_of("perl", settings=settings)
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"profile": GOOD}))
    found = capabilities_of("perl", "5", Settings(settings.path, own, True))
    assert found["profile"] == GOOD and found["sources"] == ["override"]


# --- the probes see: a client that does the contrary of what ours do --------------------------------------------------


def test_each_flag_can_be_seen():
    """The engine with other options: the flags follow what goes out, not who sends it."""
    from s3prod.capabilities import probes
    from s3prod.plan import list_page, put

    with WireServer() as wire:
        probes._native_run(wire, put("k", chunked="signed"), put("k", checksum="crc32c"), list_page("main", version=1))
        chunked, checked, listed = wire.seen
    assert probes._of_put(chunked) == {"sigv4_chunked": True, "crc32c_default": False}
    assert probes._of_put(checked) == {"sigv4_chunked": False, "crc32c_default": True}
    assert probes._v1(listed) and not probes._unsigned(chunked)


def test_a_redirect_that_is_followed_is_seen():
    from s3prod.capabilities import probes

    first, again = Seen("PUT", "/a/k", {}, b"1"), Seen("PUT", "/elsewhere/key", {}, b"1")
    wire = WireServer.__new__(WireServer)
    for more, followed in (([], False), ([again], True), ([Seen("PUT", "/elsewhere/key", {}, b"")], False)):
        wire.seen = [first, *more]
        assert probes._followed(wire, "/elsewhere/key") is followed
    reply = redirecting(307, {"location": "/elsewhere/key"})
    assert [reply(seen)[0] for seen in (first, again, first)] == [307, 200, 200]
    assert plain(Seen("GET", "/a", {}, b""))[0] == 200


def test_the_client_tells_the_capabilities_of_what_it_is(monkeypatch):
    from s3prod.client import S3Client

    monkeypatch.setattr("s3prod.capabilities.profile_of", lambda sdk: {"asked": sdk})
    client = S3Client(Target(("http://127.0.0.1:1",), "k", "s"))
    assert client.capabilities == {"asked": "boto3"} and document.FILE == ".sdk_capabilities.json"
