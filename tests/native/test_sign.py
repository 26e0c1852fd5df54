"""sign and presign against botocore, and against the published example."""

from __future__ import annotations

import datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3prod._native import presign, sign

KEYS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
DATE = "20130524T000000Z"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_published_example():
    """GET Object of the SigV4 documentation of S3."""
    headers = sign(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {"Range": "bytes=0-9"},
        **KEYS,
        payload_hash=EMPTY,
        date=DATE,
    )
    assert headers["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    assert headers["range"] == "bytes=0-9" and headers["host"] == "examplebucket.s3.amazonaws.com"


def test_published_presigned_example():
    url = presign("GET", "https://examplebucket.s3.amazonaws.com/test.txt", **KEYS, expires=86400, date=DATE)
    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


URLS = (
    "http://127.0.0.1:9000/bucket/key",
    "http://127.0.0.1:9000/bucket/a%20b/%C3%A9~.x",
    "https://store.example:443/",
    "http://store.example:80/b?list-type=2&prefix=a%2Fb&max-keys=10&delimiter=%2F",
    "http://store.example/b?uploads",
    "http://store.example/b?a=2&a=1&a10=x&a=",
)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("token", [None, "session/token=="])
def test_same_as_botocore(url, token, monkeypatch):
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.datetime(2013, 5, 24), raising=False)
    request = AWSRequest("PUT", url, headers={"x-amz-meta-a": "one two", "content-type": "text/plain"})
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    request.context["payload_signing_enabled"] = False
    auth = S3SigV4Auth(Credentials(KEYS["access_key"], KEYS["secret_key"], token), "s3", "eu-west-1")
    request.context["timestamp"] = DATE
    monkeypatch.setattr(auth, "payload", lambda _: "UNSIGNED-PAYLOAD")
    canonical = auth.canonical_request
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Date"] = DATE
    text = auth.string_to_sign(request, canonical(request))
    ours = sign(
        "PUT",
        url,
        {"X-Amz-Meta-A": "one two", "Content-Type": "text/plain"},
        **KEYS,
        region="eu-west-1",
        session_token=token,
        date=DATE,
    )
    assert ours["authorization"].rpartition("Signature=")[2] == auth.signature(text, request)
    assert ours.get("x-amz-security-token") == token


def test_presigned_keeps_the_query():
    url = presign("GET", "http://h:9000/b/k?versionId=x%2By&response-content-type=text%2Fplain", **KEYS, date=DATE)
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["versionId"] == "x+y" and query["response-content-type"] == "text/plain"
    assert query["X-Amz-Expires"] == "3600" and len(query["X-Amz-Signature"]) == 64
    assert S3SigV4QueryAuth is not None


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"url": "ftp://x/"}, "url"),
        ({"url": "http:///x"}, "url"),
        ({"url": "http://user@h/x"}, "url"),
        ({"url": "http://h/a b"}, "url"),
        ({"url": "http://h/a#b"}, "url"),
        ({"url": "http://h/a?x=%zz"}, "url"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"headers": {"a": "c\r\nd: e"}}, "a: a control byte"),
        ({"headers": {"A": "c", "a": "d"}}, "twice"),
        ({"headers": {"Host": "other"}}, "host is there twice"),
        ({"headers": {"Authorization": "x"}}, "authorization"),
        ({"date": "2013-05-24"}, "date"),
    ],
)
def test_refused(arguments, names):
    with pytest.raises(ValueError, match=names):
        sign("GET", arguments.pop("url", "http://h/"), **(KEYS | arguments))


def test_arguments():
    with pytest.raises(TypeError):
        sign("GET", "http://h/")
    with pytest.raises(TypeError):
        sign("GET", "http://h/", {"a": 5}, **KEYS)
    with pytest.raises(ValueError, match="expires"):
        presign("GET", "http://h/", **KEYS, expires=0)
