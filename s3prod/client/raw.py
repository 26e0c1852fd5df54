"""Requests as they are written down: any method, path, query and headers, signed by the project's own signer."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.httpsession import URLLib3Session

from s3prod import _native
from s3prod.client.attempts import Attempt
from s3prod.target import Target


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body of an answer, whatever the status is.

    >>> Answer(404, {}, b"<Error><Code>NoSuchKey</Code></Error>").code
    'NoSuchKey'
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The S3 error code of the document; empty when there is none."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode("utf-8", "replace")

    @property
    def request_id(self) -> str:
        """`x-amz-request-id`."""
        return self.headers.get("x-amz-request-id", "")


class RawSender:
    """Sends raw requests to one endpoint, over connections like those of boto3."""

    def __init__(self, target: Target, endpoint: str, verify: bool | str, tell: Callable[[Attempt], None]) -> None:
        self.target, self.endpoint, self.tell = target, endpoint, tell
        proxies = {"http": str(target.proxy), "https": str(target.proxy)} if target.proxy else None
        # without the option a body waits 40 ms for the acknowledgement of its head
        at_once = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        self._session = URLLib3Session(verify=verify, proxies=proxies, socket_options=at_once)

    def send(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        """One request. `path` and `query` are not encoded yet; a payload hash among the headers is signed as it is."""
        url = self.endpoint + quote(path, safe="/-_.~")
        if query:
            url += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
        given = {name.lower(): value for name, value in headers.items()}
        payload = given.pop("x-amz-content-sha256", None) or hashlib.sha256(body).hexdigest()
        target = self.target
        signed = _native.sign(
            method,
            url,
            given,
            access_key=str(target.access_key),
            secret_key=str.__str__(target.secret_key),
            region=target.region,
            session_token=None if target.session_token is None else str.__str__(target.session_token),
            payload_hash=payload,
        )
        request = AWSPreparedRequest(method, url, HeadersDict(given | signed), body, False)
        return self._carry_out(request)

    def _carry_out(self, request: Any) -> Answer:
        start_ns, status, answer, error = time.monotonic_ns(), 0, Answer(0, {}, b""), ""
        try:
            response = self._session.send(request)
            status = response.status_code
            answer = Answer(status, {n.lower(): v for n, v in response.headers.items()}, response.content)
        except Exception as failed:
            error = type(failed).__name__
            raise
        finally:
            end_ns = time.monotonic_ns()
            self.tell(
                Attempt(
                    "raw", request.method, request.url, status, answer.code, answer.request_id, start_ns, end_ns, error
                )
            )
        return answer
