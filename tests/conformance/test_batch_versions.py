"""A batch of versions, answered by a store that does not say which version a result is of."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from s3prod import Group, Plan, Target, run_plan
from s3prod.plan import delete_objects, list_versions

from .test_programs import RUNNERS, records_of

NAMES = [("a", "v1"), ("a", "v2"), ("a", "v3"), ("b", "v4")]
VERSIONS = "".join(
    f"<Version><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>false</IsLatest>"
    '<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Size>0</Size></Version>'
    for key, version in NAMES
)
PAGE = f"<ListVersionsResult><IsTruncated>false</IsTruncated>{VERSIONS}</ListVersionsResult>"
DELETED = "<Deleted><Key>{}</Key></Deleted>"
DENIED = "<Error><Key>{}</Key><Code>AccessDenied</Code></Error>"
UNKNOWN = DENIED.replace("Access", "Access" * 20)  # a code, and longer than a history keeps


@contextmanager
def answering(results: str) -> Iterator[Target]:
    """A store that knows one page of versions, and this answer to a batch."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            text = {"GET": PAGE, "POST": f"<DeleteResult>{results}</DeleteResult>"}[self.command].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Target((f"http://127.0.0.1:{server.server_port}",), "key", "secret")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("results", "ends", "surplus"), [
    ([*[DELETED.format("a")] * 3, DENIED.format("b")], ["ok", "ok", "ok", "failed"], 0),
    ([DENIED.format("b"), *[DELETED.format("a")] * 2], ["unknown", "unknown", "unknown", "failed"], 2),  # whose is missing?
    ([*[DELETED.format("a")] * 2, DENIED.format("a"), DELETED.format("b")], ["unknown"] * 3 + ["ok"], 3),  # whose failed?
    ([*[DELETED.format("a")] * 3, UNKNOWN.format("b")], ["ok", "ok", "ok", "unknown"], 0),
])  # fmt: skip
@pytest.mark.parametrize("runner", RUNNERS)
def test_versions_that_the_answer_leaves_out(runner, results, ends, surplus, tmp_path):
    program = [list_versions("main", as_="page"), delete_objects("page.versions", bucket="main")]
    with answering("".join(results)) as target:
        run = run_plan(Plan("batch", [Group("batch", program)]), target, runner=runner, out=tmp_path)
    records = records_of(run)
    children = [record for record in records if record["op"] == "delete_child"]
    assert [child["version_asked"] for child in children] == [version for _, version in NAMES]
    assert [child["outcome"] for child in children] == ends
    (batch,) = [record for record in records if record["op"] == "delete_objects"]
    assert len(batch.get("entries", ())) == surplus


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_key_that_is_named_twice(runner, tmp_path):
    """Each name has a result of its own, in whatever order they come; one that has none is unknown."""
    marked = "<Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{}</DeleteMarkerVersionId></Deleted>"
    results = DELETED.format("b") + marked.format("m1") + marked.format("m2")
    program = [delete_objects(["a", "a", "b", "a"], bucket="main")]
    with answering(results) as target:
        run = run_plan(Plan("batch", [Group("batch", program)]), target, runner=runner, out=tmp_path)
    children = [record for record in records_of(run) if record["op"] == "delete_child"]
    assert [child["outcome"] for child in children] == ["ok", "ok", "ok", "unknown"]
    assert [child.get("version_id") for child in children if child["key"] == "a"] == ["m1", "m2", None]
