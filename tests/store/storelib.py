"""A store of one's own for each test that asks: started, spoken to with boto3 or raw requests, ended."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]


def command() -> list[str]:
    """The store under test: the binary that S3PROD_STORE names, the release build, or the Python command."""
    named = os.environ.get("S3PROD_STORE")
    built = ROOT / "build" / "c" / "release" / "s3p_serve"
    if named:
        return [named]
    return [str(built)] if built.exists() else [sys.executable, "-m", "s3prod", "serve"]


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


class Signer(S3SigV4Auth):
    """botocore's, but with the x-amz-content-sha256 that the test gives, if it gives one."""

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        given = request.headers.get("X-Amz-Content-SHA256")
        super()._modify_request_before_signing(request)
        if given is not None:
            request.headers.replace_header("X-Amz-Content-SHA256", given)


class Store:
    """A running store."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen([*command(), "--with-parent", *options], stdout=subprocess.PIPE, cwd=ROOT)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the store ended with status {self.process.wait()}")
        self.first_line: dict[str, Any] = json.loads(line)
        self.endpoint: str = self.first_line["endpoint"]
        self.credentials = Credentials(self.first_line["access_key"], self.first_line["secret_key"])

    def close(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(30)

    def client(self, endpoint: int = 0, **config: Any) -> Any:
        """A boto3 client without retries."""
        settings: dict[str, Any] = {
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": 64,
            "s3": {"addressing_style": "path"},
        }
        return boto3.client(
            "s3",
            endpoint_url=self.first_line["endpoints"][endpoint],
            aws_access_key_id=self.credentials.access_key,
            aws_secret_access_key=self.credentials.secret_key,
            region_name="us-east-1",
            config=Config(**(settings | config)),
        )

    def sign(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Headers of a request for a target that is already encoded, with a Signature Version 4."""
        request = AWSRequest(method, self.endpoint + target, data=body, headers=dict(headers or {}))
        Signer(self.credentials, "s3", "us-east-1").add_auth(request)
        return dict(request.headers)

    def presign(self, method: str, target: str, expires: int = 60) -> str:
        """The target with a signature in its query."""
        request = AWSRequest(method, self.endpoint + target)
        S3SigV4QueryAuth(self.credentials, "s3", "us-east-1", expires=expires).add_auth(request)
        assert request.url is not None
        return str(request.url).removeprefix(self.endpoint)

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Sends exactly this, on a connection of its own."""
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=30)
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
        host = self.endpoint.removeprefix("http://")
        fields = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Host": host}.items())
        with socket.create_connection(tuple(host.split(":")), timeout=5) as raw:
            raw.sendall(f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode())
            return raw.recv(4096)

    def signed(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Signs and sends."""
        return self.send(method, target, body, self.sign(method, target, body, headers))

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
    """Status and code of a boto3 call that fails; status and no code when it does not."""
    try:
        answer = call()
    except ClientError as error:
        return code_of(error)
    return answer["ResponseMetadata"]["HTTPStatusCode"], ""


def race(threads: int, act: Callable[[int], Any]) -> list[Any]:
    """Runs act(0…threads-1) as simultaneously as threads go."""
    gate = threading.Barrier(threads)

    def one(number: int) -> Any:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))
