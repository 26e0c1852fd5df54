"""Any store, spoken to with boto3 or raw requests; and the embedded one, started and ended for a test that asks."""

from __future__ import annotations

import copy
import hashlib
import http.client
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from s3prod import Target, _native
from s3prod.testing import random_string

ROOT = Path(__file__).resolve().parents[2]
NEVER = "never-made-" + random_string()  # a bucket that is not there


def command() -> list[str]:
    """The store under test: the command that S3PROD_STORE names, the release build, or the Python command."""
    named = os.environ.get("S3PROD_STORE")
    built = ROOT / "build" / "c" / "release" / "s3p_serve"
    if named:
        return shlex.split(named)
    return [str(built)] if built.exists() else [sys.executable, "-m", "s3prod", "serve"]


def eventually(hold: Callable[[], Any], bound_s: float = 60.0) -> Any:
    """What the condition gives when it holds at last."""
    until = time.monotonic() + bound_s
    while not (value := hold()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)
    return value


class Answer:
    """Status, headers (lower case) and body of a raw response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def code(self) -> str:
        """The S3 error code of the document."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


class AnyStore:
    """A store at some endpoints, spoken to with boto3 or with raw requests that s3prod's own signer signs."""

    def __init__(self, target: Target) -> None:
        self.endpoints = target.endpoints
        self.endpoint = target.endpoints[0]
        self.credentials = Credentials(str.__str__(target.access_key), str.__str__(target.secret_key))
        self.region = target.region
        self.ca_file = target.ca_file
        self.verify: bool | str | None = (target.ca_file or None) if target.verify_tls else False

    @property
    def address(self) -> str:
        """host:port, as the Host header has it."""
        return urlsplit(self.endpoint).netloc

    def client(self, endpoint: int = 0, **config: Any) -> Any:
        """A boto3 client without retries, of that endpoint or of the only one."""
        settings: dict[str, Any] = {
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": 64,
            "s3": {"addressing_style": "path"},
            "signature_version": "s3v4",
        }
        return boto3.client(
            "s3",
            endpoint_url=self.endpoints[endpoint % len(self.endpoints)],
            aws_access_key_id=self.credentials.access_key,
            aws_secret_access_key=self.credentials.secret_key,
            region_name=self.region,
            verify=self.verify,
            config=Config(**(settings | config)),
        )

    def with_secret(self, secret: str) -> AnyStore:
        """The same store for somebody with another secret key."""
        other = copy.copy(self)
        other.credentials = Credentials(self.credentials.access_key, secret)
        return other

    def _keys(self) -> dict[str, str]:
        given = self.credentials
        return {"access_key": given.access_key, "secret_key": given.secret_key, "region": self.region}

    def sign(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        date: str | None = None,
    ) -> dict[str, str]:
        """Headers of a request for a target that is already encoded, with a Signature Version 4 over all of them."""
        given = dict(headers or {})
        named = [name for name in given if name.lower() == "x-amz-content-sha256"]
        payload = given.pop(named[0]) if named else hashlib.sha256(body).hexdigest()
        signed = _native.sign(method, self.endpoint + target, given, payload_hash=payload, date=date, **self._keys())
        return given | {name: signed[name.lower()] for name in ("X-Amz-Content-SHA256", "X-Amz-Date", "Authorization")}

    def presign(self, method: str, target: str, expires: int = 60) -> str:
        """The target with a signature in its query."""
        url = _native.presign(method, self.endpoint + target, expires=expires, **self._keys())
        return url.removeprefix(self.endpoint)

    def connection(self, timeout: float = 30) -> http.client.HTTPConnection:
        """A connection of one's own."""
        if not self.endpoint.startswith("https://"):
            return http.client.HTTPConnection(self.address, timeout=timeout)
        return http.client.HTTPSConnection(self.address, timeout=timeout, context=self._tls)

    def socket(self, timeout: float = 30) -> socket.socket:
        """A connection without any HTTP yet."""
        parts = urlsplit(self.endpoint)
        secure = parts.scheme == "https"
        raw = socket.create_connection((parts.hostname, parts.port or (443 if secure else 80)), timeout=timeout)
        return self._tls.wrap_socket(raw, server_hostname=parts.hostname) if secure else raw

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        if self.verify is False:
            return ssl._create_unverified_context()
        return ssl.create_default_context(cafile=self.ca_file)

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Sends exactly this, on a connection of its own."""
        connection = self.connection()
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            given = {name.lower() for name in headers or {}}
            if (body or method in ("PUT", "POST")) and not given & {"content-length", "transfer-encoding"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def first_bytes(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        """Sends a head and no body: what the store says to that."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Host": self.address}.items())
        with self.socket() as raw:
            raw.sendall(f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode())
            return raw.recv(4096)

    def signed(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Signs and sends."""
        return self.send(method, target, body, self.sign(method, target, body, headers))


class Store(AnyStore):
    """The embedded store, started with options and ended with its test."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen([*command(), "--with-parent", *options], stdout=subprocess.PIPE, cwd=ROOT)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the store ended with status {self.process.wait()}")
        self.first_line: dict[str, Any] = json.loads(line)
        ca_file = self.first_line.get("ca") or os.environ.get("AWS_CA_BUNDLE")
        keys = self.first_line["access_key"], self.first_line["secret_key"]
        super().__init__(Target(tuple(self.first_line["endpoints"]), *keys, ca_file=ca_file))

    def close(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(30)

    def admin(self, path: str, body: bytes | None = None) -> Any:
        """A page of the admin port."""
        url = self.first_line["admin"] + path
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as response:
            return json.load(response)


def code_of(error: ClientError) -> tuple[int, str]:
    """Status and code of a boto3 error."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def path_of(bucket: str, key: str) -> str:
    """The encoded target of an object."""
    return "/" + bucket + "/" + quote(key, safe="/~")


def error_of(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of a boto3 call that fails; status and no code when it does not, 200 if it gives no response."""
    try:
        answer = call()
    except ClientError as error:
        return code_of(error)
    return (answer["ResponseMetadata"]["HTTPStatusCode"] if isinstance(answer, dict) else 200), ""


def remove_bucket(s3: Any, bucket: str) -> None:
    """Removes a bucket, if it is there, with all versions, markers and uploads in it."""
    if error_of(lambda: s3.head_bucket(Bucket=bucket))[0] == 404:
        return
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for one in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def race(threads: int, act: Callable[[int], Any]) -> list[Any]:
    """Runs act(0…threads-1) as simultaneously as threads go."""
    gate = threading.Barrier(threads)

    def one(number: int) -> Any:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))
