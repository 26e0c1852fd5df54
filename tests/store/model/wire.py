"""A client for many small requests: one connection that is kept, signed by s3prod._native."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree

from model.protocol import Answer, Document, Request, Text
from s3prod._native import sign

_HEADERS = {"etag", "content-type", "content-range", "cache-control", "allow", "accept-ranges"}
_NEVER = {"x-amz-request-id", "x-amz-id-2", "x-amz-bucket-region"}
# Told by the clock, the store's name or its taste: compared is that they are there.
_THERE = {"LastModified", "Initiated", "Owner", "Initiator", "Location", "Message"}
_ENCODED = {"Key", "Prefix", "Delimiter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker", "StartAfter"}


class Connection:
    """Bytes out, responses in, in their order."""

    def __init__(self, endpoint: str) -> None:
        self.authority = endpoint.partition("://")[2]
        host, _, port = self.authority.rpartition(":")
        self._address = (host, int(port))
        self._socket = self._open()
        self._held = b""

    def _open(self) -> socket.socket:
        made = socket.create_connection(self._address, timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, method: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of the next response."""
        head, _, self._held = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0][9:12])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = 0 if method == "HEAD" or status in (204, 304) else int(headers["content-length"])
        while len(self._held) < length:
            self._held += self._more()
        body, self._held = self._held[:length], self._held[length:]
        if headers.get("connection", "").lower() == "close":
            self._socket.close()
            self._socket, self._held = self._open(), b""
        return status, headers, body

    def _until(self, end: bytes) -> bytes:
        while end not in self._held:
            self._held += self._more()
        return self._held

    def _more(self) -> bytes:
        got = self._socket.recv(1 << 18)
        if not got:
            raise ConnectionError("the store closed the connection")
        return got


def target_of(request: Request) -> str:
    """Path and query, encoded."""
    path = f"/{request.bucket}" + (f"/{quote(request.key, safe='/~')}" if request.key else "")
    query = "&".join(f"{name}={quote(str(value), safe='~')}" for name, value in request.query.items())
    return f"{path}?{query}" if query else path


class Client:
    """Sends requests of the model's kind and gives back answers of its kind; reads by the last endpoint."""

    def __init__(self, endpoints: Sequence[str], access_key: str, secret_key: str) -> None:
        self._writes, self._reads = Connection(endpoints[0]), Connection(endpoints[-1])
        self._keys = {"access_key": access_key, "secret_key": secret_key}

    def close(self) -> None:
        for connection in (self._writes, self._reads):
            connection.close()

    def ask(self, request: Request) -> Answer:
        connection = self._reads if request.method in ("GET", "HEAD") else self._writes
        connection.send(self.bytes_of(request, connection.authority))
        return _answer(request, *connection.receive(request.method))

    def remove(self, bucket: str) -> None:
        """Deletes a bucket with all that is in it, if it is there, by what the store itself says."""
        listed = self.ask(Request("GET", bucket, query={"versions": "", "encoding-type": "url"}))
        for _, entry in (listed.document or {}).get("", []):
            self.ask(Request("DELETE", bucket, entry["Key"], query={"versionId": entry["VersionId"]}))
        self.ask(Request("DELETE", bucket))

    def bytes_of(self, request: Request, authority: str) -> bytes:
        """The signed request as it is sent."""
        target = target_of(request)
        given = {name: str(value) for name, value in request.headers.items()}
        if request.body or request.method in ("PUT", "POST"):
            given["content-length"] = str(len(request.body))
        headers = sign(request.method, f"http://{authority}{target}", given, **self._keys)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body


def _answer(request: Request, status: int, headers: dict[str, str], body: bytes) -> Answer:
    kept: dict[str, Text] = {
        name: value
        for name, value in headers.items()
        if (name in _HEADERS or name.startswith("x-amz-")) and name not in _NEVER
    }
    if request.method == "HEAD" and request.key and status < 300:
        kept["content-length"] = headers["content-length"]
    if kept.get("content-type") == "application/xml":
        del kept["content-type"]
        document = tree(ElementTree.fromstring(body), "encoding-type" in request.query) if body else None
        if status >= 300:
            return Answer(status, (document or {}).get("Code", ""), kept)
        return Answer(status, "", kept, b"", document)
    return Answer(status, "", kept, body)


def tree(element: ElementTree.Element, encoded: bool) -> Document:
    """An element with children as a dictionary; CommonPrefixes stand apart, other children in one order."""
    made: Document = {}
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag in _THERE:
            made[tag] = "there"
        elif len(child):
            inner = tree(child, encoded)
            made.setdefault("CommonPrefixes" if tag == "CommonPrefixes" else "", []).append((tag, inner))
        else:
            text = child.text or ""
            made[tag] = unquote_plus(text) if encoded and tag in _ENCODED else text
    return made
