"""A proxy in front of the embedded store that loses or replaces chosen answers: what a program does with them is then exact.

A fault is `{"method", "key", "nth", "do"}`: of the requests with this method and key (empty: to the bucket) the nth is
treated so: `drop-before` closes the connection and forwards nothing, `drop-after` forwards and then closes, `hang` forwards
and then says nothing, `cut` forwards and answers half of the body, `answer` with a `status` (and `code`, or `body`) answers
by itself, `answer-after` forwards first.
"""

from __future__ import annotations

import http.client
import socketserver
import threading
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlsplit

ERROR = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>on purpose</Message></Error>"


class FaultProxy(socketserver.ThreadingTCPServer):
    """Serves in a thread of its own until it is closed."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

    def __init__(self, store: str, faults: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = urlsplit(store).netloc
        self.faults, self.seen, self.lock = faults, Counter[tuple[str, str]](), threading.Lock()
        self.fired = 0
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def fault_of(self, method: str, path: str) -> dict[str, Any]:
        """What is to be done with this request: the fault that it hits, or nothing."""
        with self.lock:
            key = path.lstrip("/").partition("/")[2]
            self.seen[method, key] += 1
            for fault in self.faults:
                if (method, key, self.seen[method, key]) == (fault["method"], fault["key"], fault["nth"]):
                    self.fired += 1
                    return fault
        return {"do": ""}

    def close(self) -> None:
        """Stops serving."""
        self.shutdown()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    server: FaultProxy

    def handle(self) -> None:
        while self.one():
            pass

    def one(self) -> bool:
        """One request; False when the connection is to be closed."""
        line = self.rfile.readline()
        if not line.strip():
            return False
        method, target, _ = line.decode("latin-1").split()
        headers = []
        while (raw := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            headers.append((name.strip(), value.strip()))
        given = {name.lower(): value for name, value in headers}
        if given.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(given.get("content-length", 0)))
        fault = self.server.fault_of(method, unquote(target.partition("?")[0]))
        if fault["do"] == "drop-before":
            return False
        if fault["do"] == "answer":
            return self.answer(method, fault)
        status, answered, data = self.forward(method, target, headers, body)
        if fault["do"] == "drop-after":
            return False
        if fault["do"] == "hang":
            self.rfile.read(1)  # until the client has given up
            return False
        if fault["do"] == "answer-after":
            return self.answer(method, fault)
        head = f"HTTP/1.1 {status} Answered\r\n" + "".join(f"{name}: {value}\r\n" for name, value in answered)
        cut = len(data) // 2 if fault["do"] == "cut" else len(data)
        self.wfile.write(head.encode("latin-1") + b"\r\n" + (b"" if method == "HEAD" else data[:cut]))
        return fault["do"] != "cut"

    def forward(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        store = http.client.HTTPConnection(self.server.store, timeout=30)
        store.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in ("expect", "connection"):
                store.putheader(name, value)
        store.endheaders(body)
        answer = store.getresponse()
        data = answer.read()
        store.close()
        kept = [
            (name, value) for name, value in answer.getheaders() if name.lower() not in ("connection", "keep-alive")
        ]
        if not any(name.lower() == "content-length" for name, _ in kept) and answer.status != 204:
            kept = [(name, value) for name, value in kept if name.lower() != "transfer-encoding"]
            kept.append(("Content-Length", str(len(data))))
        return answer.status, kept, data

    def answer(self, method: str, fault: dict[str, Any]) -> bool:
        data = (
            b""
            if method == "HEAD"
            else fault.get("body", ERROR.format(code=fault.get("code", "InternalError"))).encode()
        )
        head = f"HTTP/1.1 {fault['status']} On-Purpose\r\nContent-Type: application/xml\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)
        return True
