"""Very many requests in little time: signed by the native signer, over raw connections that are kept."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from storelib import Store

from s3prod import _native

CONNECTIONS = 32  # so many writes share one commit
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb'\r\netag: *("[^"]*")', re.IGNORECASE)


class Reply(NamedTuple):
    """What of a response the tests of this folder look at."""

    status: int
    etag: str
    head: bytes
    body: bytes


def request_of(store: Store, method: str, target: str, body: bytes = b"") -> bytes:
    """Head and body of a signed request, as bytes for the wire."""
    key, secret = store.credentials.access_key, store.credentials.secret_key
    headers = _native.sign(method, store.endpoint + target, access_key=key, secret_key=secret)
    headers.setdefault("host", store.endpoint.partition("://")[2])
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One raw connection that is kept."""

    def __init__(self, store: Store) -> None:
        host, _, port = store.endpoint.partition("://")[2].rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def reply(self) -> Reply:
        """The next response, which must have a length."""
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found.group(1)) if found else 0
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        etag = _ETAG.search(head)
        return Reply(int(head[9:12]), etag.group(1).decode() if etag else "", head, body)

    def _more(self) -> None:
        got = self.socket.recv(1 << 18)
        assert got, "the store closed the connection"
        self.rest += got


def send_all(store: Store, requests: Iterable[tuple[str, str, bytes]]) -> Iterator[Reply]:
    """The replies to (method, target, body), in order; CONNECTIONS of them are on their way at once."""
    connections = [Connection(store) for _ in range(CONNECTIONS)]
    waiting: list[Connection] = []
    for number, (method, target, body) in enumerate(requests):
        connection = connections[number % CONNECTIONS]
        connection.socket.sendall(request_of(store, method, target, body))
        waiting.append(connection)
        if len(waiting) == CONNECTIONS:
            yield from [one.reply() for one in waiting]
            waiting.clear()
    yield from [one.reply() for one in waiting]
    for connection in connections:
        connection.socket.close()


def multipart(store: Store, bucket: str, key: str, bodies: list[bytes]) -> str:
    """Makes an object of these parts; its ETag."""
    s3 = store.client()
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    base = f"/{bucket}/{key}?uploadId={upload}"
    parts = send_all(store, (("PUT", f"{base}&partNumber={n}", body) for n, body in enumerate(bodies, 1)))
    named = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{reply.etag}</ETag></Part>"
        for number, reply in enumerate(parts, 1)
    )
    document = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
    answer = store.signed("POST", base, document)
    assert answer.status == 200, answer.body
    return answer.body.partition(b"<ETag>")[2].partition(b"</ETag>")[0].decode().replace("&quot;", '"')
