"""One S3 step on boto3: the call, its attempts as botocore's events show them, and the record of each.

The events of one call come on the thread that made it: `before-send` begins an attempt, `before-parse` and
`response-received` say how it was answered. With retries off there is one attempt a call; whatever botocore sends again by
itself (a redirect to another region) is recorded as a further attempt.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import exceptions as wire_errors
from botocore import handlers
from botocore.parsers import ResponseParserError

from s3prod import ids
from s3prod.errors import RunError, one_line
from s3prod.outcomes import End, outcome_of
from s3prod.runners import boto3_answers as answers
from s3prod.runners import boto3_calls as calls
from s3prod.runners.book import Book
from s3prod.runners.boto3_company import Company
from s3prod.runners.boto3_request import Request, Result

# What the exceptions of botocore say about how far the attempt got, first fit: (class, phase, wire error).
_WIRE: tuple[tuple[type[Exception], str, str], ...] = (
    (wire_errors.ConnectTimeoutError, "not_sent", "connect"),
    (wire_errors.ProxyConnectionError, "not_sent", "connect"),
    (wire_errors.EndpointConnectionError, "not_sent", "connect"),
    (wire_errors.SSLError, "partly_sent", "tls"),
    (wire_errors.ReadTimeoutError, "sent", "timeout"),
    (wire_errors.ConnectionClosedError, "partly_sent", "eof"),
    (wire_errors.ResponseStreamingError, "sent", "eof"),
    (wire_errors.IncompleteReadError, "sent", "eof"),
    (wire_errors.HTTPClientError, "partly_sent", "recv"),
)
_CHUNK_BYTES = 1 << 20
_UNREACHED_PAUSE_S = 0.05
PATIENCE_DEADLINES = 2
# For its retries botocore turns a 200 that holds an <Error> into a 500; the record says what came.
_MAKES_500_OF_200 = getattr(handlers, "_handle_200_error", None)
_ERROR_DOCUMENT = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<Error\b")
_ERROR_CODE = re.compile(rb"<Code>([^<]*)</Code>")
_HANDSHAKE = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "HANDSHAKE_FAILURE", "Hostname mismatch")


class Cancelled(Exception):
    """Ctrl-C: nothing more is sent."""


class Gone(Exception):
    """The store has not answered for two deadlines: the client leaves the phase."""


@dataclass
class Attempt:
    """One HTTP request as far as botocore shows it."""

    t_call: int
    t_first: int = 0
    t_return: int = 0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    parsed: Mapping[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    document_code: str | None = None  # of a 2xx that holds an error document
    unreadable: bool = False  # an answer whose XML says nothing
    document: bytes = b""
    data: bytes = b""
    value_id: bytes = ids.NO_ID

    @property
    def code(self) -> str:
        """The S3 error code; empty when the answer had no body to hold one."""
        if self.document_code is not None:
            return self.document_code
        code = str(self.parsed.get("Error", {}).get("Code", ""))
        return "" if code == str(self.status) else code

    def phase_and_wire(self) -> tuple[str, str]:
        """How far it got, and why there is no complete answer."""
        if self.error is None:
            return "answered", "none"
        if isinstance(self.error, Cancelled):
            return "partly_sent", "cancelled"
        if isinstance(self.error, wire_errors.SSLError) and any(word in str(self.error) for word in _HANDSHAKE):
            return "not_sent", "tls"
        for kind, phase, wire in _WIRE:
            if isinstance(self.error, kind):
                resolve = wire == "connect" and "resolve" in str(self.error).lower()
                return phase, "resolve" if resolve else wire
        return "sent", "protocol"


class Sender:
    """One client of the plan: it owns a boto3 client and sends one step at a time."""

    def __init__(
        self, book: Book, company: Company, api: Any, client: int, group: int, endpoint: int, region: str
    ) -> None:
        self.book, self.company, self.api, self.region = book, company, api, region
        self.place = {"client": client, "group": group, "endpoint": endpoint}
        self.client = client
        self.sched = 0  # the intended start, for the first attempt of an open arrival
        self.patience_s = float("inf")  # without an answer; of groups that no stop rule ends
        self._silent_s: float | None = None  # since when no attempt was answered
        self._draws = self._ops = self._op_seq = self._earlier = 0
        self._attempts: list[Attempt] = []
        self._request: Request | None = None
        self._set_out: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._abandoned = False
        events = api.meta.events
        events.register_first("before-send.s3", self._before_send)
        events.register_first("before-parse.s3", self._before_parse)
        if _MAKES_500_OF_200 is not None:
            events.unregister("before-parse.s3.*", _MAKES_500_OF_200)
        events.register_first("response-received.s3", self._response_received)

    # --- botocore's events -----------------------------------------------------------------------------------------

    def _before_send(self, **_: Any) -> None:
        self._set_out()
        if self.book.cancelled:
            raise Cancelled
        value_id = ids.NO_ID if self._request is None else self._request.value_id
        self._attempts.append(Attempt(time.monotonic_ns(), value_id=value_id))

    def _before_parse(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        attempt = self._attempts[-1]
        attempt.t_first = attempt.t_return = time.monotonic_ns()
        attempt.status, attempt.headers = response_dict["status_code"], response_dict["headers"]
        body = response_dict.get("body")
        attempt.document = body if isinstance(body, bytes) else b""
        if attempt.status < 300 and _ERROR_DOCUMENT.match(attempt.document):
            code = _ERROR_CODE.search(attempt.document)
            attempt.document_code = code[1].decode("utf-8", "replace") if code else ""

    def _response_received(
        self, response_dict: Any, parsed_response: Any, exception: Exception | None, **_: Any
    ) -> None:
        if self._attempts:
            self._attempts[-1].parsed, self._attempts[-1].error = parsed_response or {}, exception

    # --- one step --------------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Result:
        """Carries the step out and records each of its attempts."""
        with self._lock:
            self._attempts, self._request = [], request
        if request.again is None:
            self._ops += 1
            self._op_seq, self._earlier = self._ops, 0
        else:
            self._op_seq, self._earlier = request.again[0], request.again[1] + 1
        calls.prepare(request, self._draw)
        if request.body_kind == "constant" and request.key is not None:
            self.book.constant.add(request.key)
        call = calls.build(self.api, self.book.buckets, request, self.region)
        with self.company.building() as self._set_out, self.book.flight():
            self._call(call, request)
        with self._lock:
            attempts, self._request = self._attempts, None
            if self._abandoned:
                raise Cancelled
        if not attempts:
            raise Cancelled
        results = [self._record(request, attempt, i, attempts) for i, attempt in enumerate(attempts)]
        self.sched = 0
        self._watch_silence(attempts[-1])
        return results[-1]

    def _watch_silence(self, attempt: Attempt) -> None:
        """As the engine does (`attempt.c`): a store that is gone must not hold a program that only ends by itself."""
        phase, _ = attempt.phase_and_wire()
        if phase == "answered" or self.patience_s == float("inf"):
            self._silent_s = None
            return
        now = time.monotonic()
        self._silent_s = now if self._silent_s is None else self._silent_s
        if now - self._silent_s >= self.patience_s:
            raise Gone
        if phase == "not_sent":
            time.sleep(_UNREACHED_PAUSE_S)

    def _draw(self) -> bytes:
        self._draws += 1
        return ids.make(self.book.run, self.client, self._draws)

    def _call(self, call: Callable[[], Mapping[str, Any]], request: Request) -> None:
        """Makes the call; what it comes to is in the last attempt."""
        error: Exception | None = None
        data = bytearray()
        try:
            response = call()
            if request.op == "get":
                for chunk in response["Body"].iter_chunks(_CHUNK_BYTES):
                    data += chunk
        except wire_errors.ClientError:
            pass  # an answer: response_received has it
        except ResponseParserError:
            self._attempts[-1].unreadable = True
        except Cancelled as cancelled:
            error = cancelled
        except Exception as failed:
            if not self._attempts and self.book.cancelled:
                raise Cancelled from None
            if not self._attempts:
                raise RunError(f"boto3: {request.op}: {type(failed).__name__}: {one_line(str(failed), 200)}") from None
            error = failed
        if self._attempts:
            last = self._attempts[-1]
            last.data = bytes(data)
            last.error = last.error or error
            if request.op == "get" and last.status in (200, 206):
                last.t_return = time.monotonic_ns()

    def cancel(self) -> None:
        """Records what is in flight as unknown, from another thread; the call's own end is dropped."""
        with self._lock:
            if self._request is None or self._abandoned:
                return
            self._abandoned = True
            request, attempts = self._request, list(self._attempts)
        for i, attempt in enumerate(attempts):
            if attempt is attempts[-1]:
                attempt = Attempt(attempt.t_call, error=Cancelled(), value_id=attempt.value_id)
            self._record(request, attempt, i, attempts)

    def _record(self, request: Request, attempt: Attempt, number: int, attempts: list[Attempt]) -> Result:
        phase, wire = attempt.phase_and_wire()
        end = End(
            op=request.op,
            cond="" if request.source_cond else request.cond,  # of two nobody knows which one did not hold
            phase=phase,
            status=attempt.status,
            code=attempt.code,
            error_document=attempt.document_code is not None,
            has_etag=bool(answers.etag_of(request.op, attempt)),
            body_complete=phase == "answered" and not attempt.unreadable,
        )
        outcome, evidence = outcome_of(end)
        ambiguous = request.again is not None or any(
            outcome_is_unknown(request, earlier) for earlier in attempts[:number]
        )
        if ambiguous and outcome == "failed":
            outcome, evidence = "unknown", "none"
        record: dict[str, Any] = {
            "op": request.op,
            "outcome": outcome,
            "evidence": evidence,
            "run_phase": self.book.phase,
            "phase": phase,
            "wire": wire,
            "bucket": request.bucket,
            "op_seq": self._op_seq,
            "attempt": self._earlier + number,
            "t_call": attempt.t_call,
            **self.place,
        }
        if request.key is not None:
            record |= request.key.place()
        if request.cond:
            record["cond"] = request.cond
            if not request.cond.endswith("_any"):
                record["expect_etag"] = request.cond_value
        if self.sched and number == 0:
            record["t_sched"] = self.sched
        if attempt.t_first:
            record |= {"t_sent": attempt.t_first, "t_first": attempt.t_first, "status": attempt.status}
        if phase == "answered":
            record["t_return"] = attempt.t_return
        if ambiguous:
            record["flags"] = ["retry_ambiguous"]
        text = attempt.code or ("unreadable answer" if attempt.unreadable else "")
        text = text or ("" if attempt.error is None else one_line(str(attempt.error), 200))
        if text:
            record["code_text"] = text
        headers = attempt.headers
        for name, header in (("request_id", "x-amz-request-id"), ("version_id", "x-amz-version-id")):
            if headers.get(header):
                record[name] = headers[header]
        if etag := answers.etag_of(request.op, attempt):
            record["etag"] = etag
        fields, children = answers.read(self.book, request, attempt, record)
        self.book.write([record, *children], len(request.data), len(attempt.data))
        worst = _worst([outcome, *(child["outcome"] for child in children)])
        place = (self._op_seq, self._earlier + number)
        return Result(request.op, worst, attempt.status, attempt.code, fields, place)


def _worst(outcomes: list[str]) -> str:
    """A batch is as good as the worst of its keys: unknown is worse than failed, failed worse than ok."""
    return next(outcome for outcome in ("unknown", "failed", "ok") if outcome in outcomes)


def outcome_is_unknown(request: Request, attempt: Attempt) -> bool:
    """Whether an earlier attempt of the same operation may have taken effect."""
    phase, _ = attempt.phase_and_wire()
    has_etag = bool(answers.etag_of(request.op, attempt))
    end = End(request.op, request.cond, phase, attempt.status, attempt.code, has_etag=has_etag)
    return outcome_of(end)[0] == "unknown"
