"""Where the target's settings come from, what is refused, and that secrets stay inside."""

from __future__ import annotations

import json
import pprint
from importlib import resources

import pytest

from s3prod import profile
from s3prod.errors import TargetError
from s3prod.target import Target, resolve

SECRET = "very-secret-value"
GIVEN = {"endpoints": ["http://127.0.0.1:9000"], "access_key": "key", "secret_key": SECRET}


def config_file(tmp_path, text):
    path = tmp_path / "s3_config.yaml"
    path.write_text(text)
    return path


def test_nothing_given_is_no_target():
    assert resolve({}, environ={}) is None
    assert resolve({}, environ={"S3_ACCESS_KEY": "k", "S3_ENDPOINT": ""}) is None


def test_option_wins_over_environment_over_file(tmp_path):
    path = config_file(
        tmp_path, "s3_endpoint: http://file\ns3_access_key: filekey\ns3_secret_key: fs\ns3_region: file-1\n"
    )
    environ = {"S3_ACCESS_KEY": "envkey", "S3_REGION": "env-1"}
    target = resolve({"region": "option-1"}, environ=environ, config=path)
    assert (target.endpoints, target.access_key, target.region) == (("http://file",), "envkey", "option-1")


@pytest.mark.parametrize("key", ["s3_endpoint", "s3_endpoint_url"])
def test_both_spellings_of_the_endpoint(tmp_path, key):
    path = config_file(tmp_path, f"{key}: http://h:1/\ns3_access_key: a\ns3_secret_key: b\ns3_sdk: boto3\n")
    assert resolve({}, environ={}, config=path).endpoints == ("http://h:1",)


def test_several_endpoints():
    environ = {"S3_ENDPOINT": "http://a:1,http://b:2 http://c:3", "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s"}
    assert resolve({}, environ=environ).endpoints == ("http://a:1", "http://b:2", "http://c:3")


@pytest.mark.parametrize(("text", "flag"), [("false", False), ("0", False), ("True", True), ("yes", True)])
def test_verify_ssl(text, flag):
    environ = {"S3_ENDPOINT": "https://h", "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s", "S3_VERIFY_SSL": text}
    assert resolve({}, environ=environ).verify_tls is flag


@pytest.mark.parametrize(
    ("change", "field", "shown"),
    [
        ({"endpoints": ["ftp://h"]}, "endpoint", "ftp://h"),
        ({"endpoints": ["http://"]}, "endpoint", "http://"),
        ({"endpoints": ["http://h:99999"]}, "endpoint", "99999"),
        ({"endpoints": ["http://h/path"]}, "endpoint", "/path"),
        ({"endpoints": ["nonsense"]}, "endpoint", "nonsense"),
        ({"addressing": "sideways"}, "addressing", "sideways"),
        ({"bucket_prefix": "UPPER"}, "bucket_prefix", "UPPER"),
        ({"bucket_prefix": "x" * 40}, "bucket_prefix", "xxxx"),
        ({"connect_timeout_ms": "soon"}, "connect_timeout_ms", "soon"),
        ({"connect_timeout_ms": "0"}, "connect_timeout_ms", "0"),
        ({"region": "no such region!"}, "region", "no such region!"),
        ({"proxy": f"ftp://u:{SECRET}@h:1"}, "proxy", "ftp://…@h:1"),
        ({"proxy": f"u:{SECRET}@h:1"}, "proxy", "…@h:1"),
        ({"proxy": f"http://u:a@{SECRET}@h:1"}, "proxy", "http://…@h:1"),
        ({"proxy": f"http://u:a/{SECRET}@h:1"}, "proxy", "http://…@h:1"),
        ({"endpoints": [f"u:{SECRET}@h:1"]}, "endpoint", "…@h:1"),
        ({"ca_file": "/nonexistent/ca.pem"}, "ca_file", "/nonexistent/ca.pem"),
        ({"profile": "minio"}, "profile", "minio"),
    ],
)
def test_bad_values_name_field_value_and_what_was_expected(change, field, shown):
    with pytest.raises(TargetError) as caught:
        resolve(GIVEN | change, environ={})
    text = str(caught.value)
    assert text.startswith(field) and shown in text and "expected" in text and "\n" not in text
    assert SECRET not in text


@pytest.mark.parametrize("name", ["access_key", "secret_key"])
def test_a_missing_credential_says_where_it_may_be_given(name):
    given = {key: value for key, value in GIVEN.items() if key != name}
    with pytest.raises(TargetError, match=f"{name}: not given, expected --{name.replace('_', '-')}, S3_"):
        resolve(given, environ={})


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("s3_endpont: http://h\n", "s3_endpont"),
        ("s3_endpoint: 5\ns3_access_key: a\ns3_secret_key: b\n", "s3_endpoint"),
        ("s3_endpoint: http://h\ns3_access_key: a\ns3_secret_key: 12345678\n", "s3_secret_key"),
        ("s3_endpoint: http://h\ns3_access_key: a\ns3_secret_key: b\nverify_ssl: maybe\n", "verify_ssl"),
        ("- a\n- b\n", "config"),
        ("a: [\n", "config"),
        ("s3_secret_key: 12345678: b\n", "line 1"),
        ('s3_secret_key: "12345678\n', "config"),
    ],
)
def test_bad_configuration_files(tmp_path, text, field):
    with pytest.raises(TargetError) as caught:
        resolve({}, environ={}, config=config_file(tmp_path, text))
    assert field in str(caught.value) and "\n" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_missing_named_configuration_file_is_an_error(tmp_path):
    with pytest.raises(TargetError, match=r"config: .*none\.yaml"):
        resolve({}, environ={}, config=tmp_path / "none.yaml")


def test_secrets_are_only_in_what_the_engine_gets():
    target = Target(
        ("http://h",), "key", SECRET, session_token="token-" + SECRET, proxy=f"http://user:{SECRET}@proxy:3128"
    )
    assert SECRET not in repr(target) + str(target) + json.dumps(target.public())
    engine = json.loads(target.to_json())
    assert (engine["secret_key"], engine["session_token"]) == (SECRET, "token-" + SECRET)
    assert SECRET in engine["proxy"]


def test_what_pytest_prints_of_a_value_shows_no_secret():
    target = Target(("http://h",), "key", SECRET, session_token="t-" + SECRET, proxy=f"http://u:{SECRET}@p")
    given = target.to_dict()
    assert SECRET not in repr(given) + pprint.pformat(given) + repr(vars(target))
    assert given["secret_key"] == SECRET and f"{given['secret_key']}" == SECRET


def test_a_password_in_an_endpoint_is_refused_and_not_shown():
    with pytest.raises(TargetError) as caught:
        Target((f"http://user:{SECRET}@h",), "key", "s")
    assert SECRET not in str(caught.value)


def test_the_engines_fields():
    fields = set(json.loads(Target(("http://h",), "k", "s").to_json()))
    assert fields == {
        "endpoints", "access_key", "secret_key", "region", "addressing", "verify_tls", "connect_timeout_ms",
        "bucket_prefix", "profile",
    }  # fmt: skip


@pytest.mark.parametrize("name", profile.names())
def test_built_in_profiles_have_every_key(name):
    text = (resources.files("s3prod") / "profiles" / f"{name}.toml").read_text("utf-8")
    assert list(profile.read(text)) == list(profile.KEYS)
    assert profile.load(name)["name"] == name


def test_the_generic_profile_is_the_defaults():
    assert profile.load("generic") == {key: row.default for key, row in profile.KEYS.items()}
    assert [key for key, row in profile.KEYS.items() if not row.fits(row.default)] == []


@pytest.mark.parametrize(
    ("text", "field"),
    [("lst = 'strong'", "profile.lst"), ("list = 'weak'", "profile.list"), ("etag_is_md5 = 1", "profile.etag_is_md5"),
     ("max_clock_skew_ms = -1", "profile.max_clock_skew_ms"), ("if_match_absent = 405", "profile.if_match_absent"),
     ("list = ", "profile")],
)  # fmt: skip
def test_bad_profiles(tmp_path, text, field):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(TargetError) as caught:
        profile.load(str(path))
    assert str(caught.value).startswith(field) and "expected" in str(caught.value)


def test_an_own_profile(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("name = 'mine'\nif_match_absent = 412\n")
    assert profile.load(str(path)) == profile.load("generic") | {"name": "mine", "if_match_absent": 412}
