"""What a client sent: one record for each HTTP request, as botocore's events show them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """One HTTP request. Without an answer `status` is 0 and `error` names the reason; times are CLOCK_MONOTONIC, and the
    body of a GET is read after `end_ns`.

    >>> Attempt("PutObject", "PUT", "http://h/b/k", 200, "", "7F", 10, 25).duration_ns
    15
    """

    operation: str
    method: str
    url: str
    status: int
    code: str
    request_id: str
    start_ns: int
    end_ns: int
    error: str = ""

    @property
    def duration_ns(self) -> int:
        """From before the first byte was offered until the head of the answer was read."""
        return self.end_ns - self.start_ns


class Recorder:
    """Makes an `Attempt` of each request of a boto3 client and gives it to `tell`, on the thread that sent it."""

    def __init__(self, tell: Callable[[Attempt], None]) -> None:
        self.tell = tell
        self._open = threading.local()

    def watch(self, client: Any) -> None:
        """Hears of every request of this client from now on."""
        client.meta.events.register_first("before-send.s3", self._before_send)
        client.meta.events.register_first("response-received.s3", self._received)

    def _before_send(self, request: Any, **_: Any) -> None:
        self._open.request, self._open.start_ns = request, time.monotonic_ns()

    def _received(
        self, response_dict: Any, parsed_response: Any, exception: Exception | None, event_name: str, **_: Any
    ) -> None:
        status = response_dict["status_code"] if response_dict else 0
        headers = response_dict["headers"] if response_dict else {}
        code = str((parsed_response or {}).get("Error", {}).get("Code", ""))
        request, operation = self._open.request, event_name.rpartition(".")[2]
        self.tell(
            Attempt(
                operation,
                request.method,
                request.url,
                status,
                "" if code == str(status) else code,  # of a HEAD, which has no document to say one
                headers.get("x-amz-request-id", ""),
                self._open.start_ns,
                time.monotonic_ns(),
                "" if exception is None else type(exception).__name__,
            )
        )
