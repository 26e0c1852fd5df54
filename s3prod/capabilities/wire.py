"""A small server that writes down what clients send and answers just enough for them to go on; also as an HTTP proxy."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DEADLINE_S = 30.0
_PAGE = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>probe</Name><Prefix></Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
    b"<IsTruncated>false</IsTruncated><Contents><Key>a+b</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
    b"<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>0</Size><StorageClass>STANDARD</StorageClass>"
    b"</Contents></ListBucketResult>"
)


@dataclass(frozen=True)
class Seen:
    """A request as it came: names of headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, without a host."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query, decoded."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


Reply = tuple[int, Mapping[str, str], bytes]


def plain(seen: Seen) -> Reply:
    """A PUT is stored, a GET is a listing of one key, `a+b`.

    >>> plain(Seen("PUT", "/probe/key", {}, b""))[0]
    200
    """
    if seen.method == "GET":
        return 200, {"content-type": "application/xml"}, _PAGE
    return 200, {"etag": f'"{hashlib.md5(seen.body, usedforsecurity=False).hexdigest()}"'}, b""


class WireServer:
    """Listens on the loopback and calls `reply` for each request; `seen` is what came. Use it as a context manager.

    `certificate` (a PEM file and that of its key) makes it speak TLS.
    """

    def __init__(self, reply: Callable[[Seen], Reply] = plain, certificate: tuple[Path, Path] | None = None) -> None:
        self.seen: list[Seen] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = DEADLINE_S

            def handle_one(self) -> None:
                length = self.headers.get("content-length")
                chunked = self.headers.get("transfer-encoding", "") == "chunked"
                body = self._chunks() if chunked else self.rfile.read(int(length or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, body)
                server.seen.append(seen)
                status, answer, data = reply(seen)
                self.send_response(status)
                for name, value in ({"x-amz-request-id": f"{len(server.seen):016X}"} | dict(answer)).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else data)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

            def _chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test's output is the test's."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.endpoint = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE_S)

    def __enter__(self) -> WireServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
