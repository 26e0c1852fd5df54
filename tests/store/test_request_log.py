"""The request log: a line a request, with what it did and how many bytes it moved."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bulk import Connection, request_of, send_all
from storelib import Store, command, eventually

Start = Callable[..., Store]
FIELDS = ["time_ns", "id", "endpoint", "method", "bucket", "key", "operation", "status", "error", "bytes_in",
          "bytes_out", "source", "duration_ns"]  # fmt: skip


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_line_for_each_request(start: Start, tmp_path: Path) -> None:
    path, before = tmp_path / "log", time.time_ns()
    store = start("--request-log", str(path), "--endpoints", "2", "--min-part-bytes", "1")
    s3, body = store.client(1), b"x" * 70_000
    key = 'käse/"\\\n\x7f'
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key=key, Body=body)
    got = s3.get_object(Bucket="bkt", Key=key, Range="bytes=10-19")
    got["Body"].read()
    s3.head_object(Bucket="bkt", Key=key)
    s3.copy_object(Bucket="bkt", Key="copy", CopySource={"Bucket": "bkt", "Key": key})
    upload = s3.create_multipart_upload(Bucket="bkt", Key="mp")["UploadId"]
    s3.upload_part_copy(
        Bucket="bkt", Key="mp", UploadId=upload, PartNumber=1, CopySource="bkt/copy", CopySourceRange="bytes=5-1004"
    )
    missing = store.signed("GET", "/bkt/none")
    refused = store.send("GET", "/bkt/none")
    store.signed("PUT", "/bkt/raw", b"abc")
    assert store.close() == 0
    log = lines(path)
    assert all(list(line) == FIELDS for line in log)
    rows = [(one["operation"], one["status"], one["error"], one["bytes_in"], one["bytes_out"]) for one in log]
    copy_xml, upload_xml, part_xml = (row[4] for row in rows[4:7])
    assert rows == [
        ("CreateBucket", 200, None, 0, 0),
        ("PutObject", 200, None, 70_000, 0),
        ("GetObject", 206, None, 0, 10),
        ("HeadObject", 200, None, 0, 0),
        ("CopyObject", 200, None, 0, copy_xml),
        ("CreateMultipartUpload", 200, None, 0, upload_xml),
        ("UploadPartCopy", 200, None, 0, part_xml),
        ("GetObject", 404, "NoSuchKey", 0, len(missing.body)),
        ("GetObject", 403, "AccessDenied", 0, len(refused.body)),
        ("PutObject", 200, None, 3, 0),
    ]
    assert min(copy_xml, upload_xml, part_xml) > 100
    assert log[1]["key"] == key and log[1]["bucket"] == "bkt" and log[1]["endpoint"] == 1
    assert log[2]["id"] == got["ResponseMetadata"]["RequestId"] and log[7]["id"] == missing.headers["x-amz-request-id"]
    assert log[4]["source"] == {"bucket": "bkt", "key": key, "first": 0, "bytes": 70_000}
    assert log[6]["source"] == {"bucket": "bkt", "key": "copy", "first": 5, "bytes": 1000}
    assert all(one["source"] is None for number, one in enumerate(log) if number not in (4, 6))
    assert [one["time_ns"] for one in log] == sorted(one["time_ns"] for one in log)
    assert all(before < one["time_ns"] < time.time_ns() and 0 < one["duration_ns"] < 10**10 for one in log)


def test_written_within_a_second(start: Start, tmp_path: Path) -> None:
    """While the store runs and does nothing else."""
    path = tmp_path / "log"
    path.write_text('{"kept": true}\n')
    store = start("--request-log", str(path))
    best = 60.0
    for number in range(5):  # a busy machine may need more than one
        store.signed("PUT", "/bkt")
        begun = time.monotonic()
        eventually(lambda number=number: len(lines(path)) == 2 + number)
        best = min(best, time.monotonic() - begun)
        if best < 1.2:
            break
    assert best < 1.2
    assert lines(path)[0] == {"kept": True} and lines(path)[1]["operation"] == "CreateBucket"


def test_wire_bytes_of_chunked_uploads(start: Start, tmp_path: Path) -> None:
    """What came over the wire, with the frames of the chunks."""
    path = tmp_path / "log"
    store = start("--request-log", str(path))
    store.signed("PUT", "/bkt")
    body = b"5\r\nhello\r\n0\r\n\r\n"
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "5"}
    assert store.signed("PUT", "/bkt/k", body, headers).status == 200
    assert store.close() == 0
    assert lines(path)[1]["bytes_in"] == len(body)


def test_answers_that_were_cut(start: Start, tmp_path: Path) -> None:
    """Nobody knows how much of an answer went when the client hung up; a line that says so is written."""
    path = tmp_path / "log"
    store = start("--request-log", str(path))
    store.signed("PUT", "/bkt")
    store.client().put_object(Bucket="bkt", Key="k", Body=bytes(20_000_000))
    connection = Connection(store)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.socket.sendall(request_of(store, "GET", "/bkt/k"))
    connection.socket.recv(1000)
    connection.socket.close()
    assert store.close() == 0
    assert [(one["operation"], one["status"], one["bytes_out"]) for one in lines(path)][2:] == [
        ("GetObject", 200, None)
    ]


def test_many_threads(start: Start, tmp_path: Path) -> None:
    """Lines of several loops do not mix."""
    path = tmp_path / "log"
    store = start("--request-log", str(path), "--threads", "3")
    store.signed("PUT", "/bkt")
    replies = list(send_all(store, (("PUT", f"/bkt/{'k' * 200}{number}", b"x") for number in range(3000))))
    assert {reply.status for reply in replies} == {200}
    assert store.close() == 0
    assert {one["key"] for one in lines(path) if one["operation"] == "PutObject"} == {
        "k" * 200 + str(number) for number in range(3000)
    }


def test_a_bad_path_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [*command(), "--request-log", str(tmp_path / "no" / "log")], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2 and "--request-log" in done.stderr and "expected" in done.stderr
