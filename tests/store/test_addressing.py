"""Buckets in the path and in the host, and the region of the signature."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from storelib import Answer, Store, error_of

Start = Callable[..., Store]


def hosted(
    store: Store, method: str, host: str, target: str, body: bytes = b"", region: str = "us-east-1", signed: str = ""
) -> Answer:
    """A request with a Host header of one's own; signed are host (another one: `signed`) and path as they are sent."""
    address = store.endpoint.removeprefix("http://")
    port = address.rpartition(":")[2]
    request = AWSRequest(method, f"http://{signed or host}:{port}{target}", data=body)
    S3SigV4Auth(store.credentials, "s3", region).add_auth(request)
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in (dict(request.headers) | {"Host": f"{host}:{port}", "Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


@pytest.fixture
def dotted(store: Store, bucket: str) -> str:
    """A bucket with dots in its name."""
    name = f"my.{bucket}.with-dots"
    assert store.signed("PUT", "/" + name).status == 200
    return name


def test_a_bucket_in_the_host(store: Store, dotted: str) -> None:
    host = dotted + ".localhost"
    assert hosted(store, "PUT", host, "/a%2Fb%20c//d/../e", b"body").status == 200
    assert hosted(store, "GET", host, "/a%2Fb%20c//d/../e").body == b"body"
    assert store.signed("GET", f"/{dotted}/a/b%20c//d/../e").body == b"body"
    assert hosted(store, "PUT", host, "//leading", b"x").status == 200
    assert hosted(store, "PUT", host, f"/{dotted}/k", b"y").status == 200
    listing = hosted(store, "GET", host, "/?list-type=2&prefix=").body
    for key in ("/leading", "a/b c//d/../e", f"{dotted}/k"):
        assert f"<Key>{key}</Key>".encode() in listing
    assert hosted(store, "HEAD", host, "/").status == 200


def test_hosts_without_a_bucket(store: Store, bucket: str) -> None:
    """Path style: the plain names, other domains, addresses."""
    for host in ("localhost", "127.0.0.1", "localhost.example", "notlocalhost"):
        answer = hosted(store, "GET", host, f"/{bucket}/")
        assert (answer.status, answer.body.count(b"<ListBucketResult")) == (200, 1), host


def test_errors_of_hosts(store: Store, dotted: str) -> None:
    host = dotted + ".localhost"
    table = [
        (host, "/" + "k" * 1025, (400, "KeyTooLongError")),
        (host, "/" + "k" * 1024, (404, "NoSuchKey")),
        ("never-made.localhost", "/k", (404, "NoSuchBucket")),
        ("ab.localhost", "/k", (400, "InvalidBucketName")),
        (host, "/%zz", (400, "InvalidURI")),
        (host, "/%FF", (400, "InvalidURI")),
        (host, "/?policy", (501, "NotImplemented")),
    ]
    for name, target, expected in table:
        answer = hosted(store, "GET", name, target)
        assert (answer.status, answer.code) == expected, (name, target)


def test_the_host_is_signed(store: Store, dotted: str) -> None:
    """A signature for one bucket does not open another."""
    answer = hosted(store, "GET", dotted + ".localhost", "/k", signed="other.localhost")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("style", ["virtual", "path"])
def test_boto3(store: Store, bucket: str, monkeypatch: Any, style: str) -> None:
    known, asked = socket.getaddrinfo, set()

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        asked.add(host)
        return known("127.0.0.1" if str(host).endswith("localhost") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    s3 = boto3.client(
        "s3",
        endpoint_url=store.endpoint.replace("127.0.0.1", "localhost"),
        aws_access_key_id=store.credentials.access_key,
        aws_secret_access_key=store.credentials.secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": style}, retries={"total_max_attempts": 1}),
    )
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"x" * 20_000)
    assert s3.get_object(Bucket=bucket, Key="a b/ü")["Body"].read() == b"x" * 20_000
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="mp")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="mp", UploadId=upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="mp",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a b/ü", "copy", "mp"]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "mp"})
    assert (f"//{bucket}.localhost" in url) == (style == "virtual")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ("a b/ü", "copy", "mp")]})
    assert (f"{bucket}.localhost" in asked) == (style == "virtual")


def test_the_region_of_the_signature(start: Start, store: Store, bucket: str) -> None:
    answer = hosted(store, "GET", "127.0.0.1", f"/{bucket}", region="eu-1")
    assert (answer.status, answer.code) == (400, "AuthorizationHeaderMalformed")
    assert b"<Region>us-east-1</Region>" in answer.body
    presigned = store.presign("GET", f"/{bucket}/k").replace("us-east-1", "us-west-1")
    answer = store.send("GET", presigned)
    assert (answer.status, answer.code) == (400, "AuthorizationQueryParametersError")
    assert b"<Region>us-east-1</Region>" in answer.body
    other = start("--region", "eu-1")
    assert hosted(other, "PUT", "127.0.0.1", "/bkt", region="eu-1").status == 200
    assert error_of(lambda: other.client().head_bucket(Bucket="bkt"))[0] == 400
