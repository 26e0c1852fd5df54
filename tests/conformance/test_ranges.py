"""A read of a range is judged by the bytes that were asked for, whatever the answer calls them."""

from __future__ import annotations

import http.server
import threading

import pytest

from s3prod import Group, Plan, Target, body, ids, run_plan
from s3prod.plan import get

from .test_programs import RUNNERS, records_of

WRITTEN = ids.make(1, 1, 1)
BYTES = body.fill(WRITTEN, 200, body.key_hash("main", "a"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every read with the second cell, and says so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(206)
        for name, value in (
            ("Content-Range", "bytes 64-127/200"),
            ("Content-Length", "64"),
            ("ETag", '"0123456789abcdef0123456789abcdef"'),
            ("x-amz-meta-s3p-id", WRITTEN.hex()),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(BYTES[64:128])

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("runner", RUNNERS)
def test_bytes_that_were_not_asked_for(runner, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        program = [get("a", range=(64, 127)), get("a", range=(0, 63))]
        target = Target((f"http://127.0.0.1:{server.server_port}",), "key", "secret")
        run = run_plan(Plan("ranges", [Group("g", program)]), target, runner=runner, out=tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert [record["body_verdict"] for record in records_of(run)] == ["clean", "parts"]
