"""What every call of the client goes through: boto3 without retries, conditions, headers, the record of each attempt."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from s3prod.client.attempts import Attempt, Recorder
from s3prod.client.raw import Answer, RawSender

if TYPE_CHECKING:
    from s3prod.target import Target

Response = dict[str, Any]

ATTEMPTS_KEPT = 10_000
CONNECTIONS = 256  # one for each thread that may use the client at once
CONDITIONS = {
    "IfMatch": "If-Match",
    "IfNoneMatch": "If-None-Match",
    "IfModifiedSince": "If-Modified-Since",
    "IfUnmodifiedSince": "If-Unmodified-Since",
}
# Listings: which field of a page is which parameter of the next one.
PAGES = {
    "list_objects_v2": {"ContinuationToken": "NextContinuationToken"},
    "list_object_versions": {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"},
    "list_multipart_uploads": {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"},
    "list_parts": {"PartNumberMarker": "NextPartNumberMarker"},
}


def status_of(error: ClientError) -> int:
    """The HTTP status of an error.

    >>> status_of(ClientError({"ResponseMetadata": {"HTTPStatusCode": 412}}, "PutObject"))
    412
    """
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """The S3 code of an error.

    >>> code_of(ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"))
    'NoSuchKey'
    """
    return str(error.response.get("Error", {}).get("Code", ""))


class Base:
    """The connection of a client to one endpoint. `client` is the boto3 client behind it.

    `attempts` holds the last 10,000 requests, oldest first; `on_attempt` is called with each as it ends, on the thread that
    sent it.
    """

    def __init__(
        self,
        target: Target,
        endpoint: int = 0,
        *,
        capabilities: Mapping[str, Any] | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self.endpoint_url = target.endpoints[endpoint]
        self.region = target.region
        self.attempts: deque[Attempt] = deque(maxlen=ATTEMPTS_KEPT)
        self._on_attempt = on_attempt
        self._capabilities = capabilities
        self._extra = threading.local()
        verify: bool | str = (target.ca_file or True) if target.verify_tls else False
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
            aws_session_token=target.session_token,
            region_name=target.region,
            verify=verify,
            config=Config(
                signature_version="s3v4",
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=CONNECTIONS,
                connect_timeout=target.connect_timeout_ms / 1000,
                proxies={"http": target.proxy, "https": target.proxy} if target.proxy else None,
                s3={"addressing_style": target.addressing},
                request_checksum_calculation="when_required",
            ),
        )
        self.client.meta.events.register_first("before-call.s3", self._add_headers)
        Recorder(self._tell).watch(self.client)
        self._raw = RawSender(target, self.endpoint_url, verify, self._tell)

    @cached_property
    def capabilities(self) -> Mapping[str, Any]:
        """What the SDK behind this client, boto3, does by itself (`s3prod.capabilities`); probed when first asked for."""
        from s3prod.capabilities import profile_of

        return profile_of("boto3") if self._capabilities is None else self._capabilities

    def get_capability(self, key: str, default: Any = None) -> Any:
        """The value of a capability; `default` when there is none of that name."""
        return self.capabilities.get(key, default)

    def has_capability(self, key: str) -> bool:
        """Whether a capability is there and true."""
        return bool(self.capabilities.get(key, False))

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """A request of one's own, signed: `path` is `/bucket/key`, not encoded. Any status is an answer, not an error.

        An `x-amz-content-sha256` among the headers is sent and signed as it is, else the body's.
        """
        return self._raw.send(method, path, query or {}, headers or {}, body)

    def call(self, operation: str, **parameters: Any) -> Response:
        """An operation of boto3 by its name, with `headers` and conditions as every call has them."""
        headers = dict(parameters.pop("headers", None) or {})
        model = self.client.meta.service_model.operation_model(self.client.meta.method_to_api_mapping[operation])
        for name, header in CONDITIONS.items():
            if name in parameters and name not in model.input_shape.members:
                value = parameters.pop(name)
                headers[header] = format_datetime(value, usegmt=True) if isinstance(value, datetime) else str(value)
        self._extra.headers = headers
        try:
            return dict(getattr(self.client, operation)(**parameters))
        finally:
            self._extra.headers = {}

    def pages(self, operation: str, **parameters: Any) -> Iterator[Response]:
        """The pages of a listing (`list_objects_v2`, `list_object_versions`, `list_multipart_uploads`, `list_parts`), as
        long as the store says that there are more. A page that leads back to itself is a RuntimeError.
        """
        while True:
            page = self.call(operation, **parameters)
            yield page
            if not page.get("IsTruncated"):
                return
            following = {name: page[field] for name, field in PAGES[operation].items() if page.get(field) is not None}
            if not following or following.items() <= parameters.items():
                raise RuntimeError(f"{operation}: IsTruncated, but it leads to {following or 'nothing'} again")
            parameters |= following

    def _tell(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if self._on_attempt is not None:
            self._on_attempt(attempt)

    def _add_headers(self, params: Any, **_: Any) -> None:
        params["headers"].update(getattr(self._extra, "headers", {}))

    def _exists(self, operation: str, **parameters: str) -> bool:
        """Only a 404 means no; everything else is raised."""
        try:
            self.call(operation, **parameters)
        except ClientError as error:
            if status_of(error) == 404:
                return False
            raise
        return True

    def _or_absent(self, code: str, operation: str, **parameters: str) -> Response:
        """The answer; empty when the error has this code, which says that nothing is set."""
        try:
            return self.call(operation, **parameters)
        except ClientError as error:
            if code_of(error) == code:
                return {}
            raise
