"""What a data directory holds: of a store that runs, of one that does not, over the admin port."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bulk import Connection, multipart, request_of
from storelib import Store, command

Start = Callable[..., Store]
NOTHING = dict.fromkeys(
    ["objects", "noncurrent", "markers", "uploads", "parts", "current_bytes", "noncurrent_bytes", "upload_bytes",
     "stored_bytes"], 0)  # fmt: skip


def probe(path: Path) -> Any:
    done = subprocess.run([*command(), "--usage", "--data", str(path)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_every_count(start: Start, tmp_path: Path) -> None:
    store = start("--data", str(tmp_path), "--min-part-bytes", "1", "--admin")
    s3 = store.client()
    for name in ("empty", "plain", "versions"):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket="plain", Key="small", Body=b"12345")
    s3.put_object(Bucket="plain", Key="file", Body=bytes(50_000))
    s3.put_object(Bucket="plain", Key="x" * 900, Body=b"long")
    multipart(store, "plain", "mp", [b"a" * 10, b"b" * 20])
    for size in (1, 2):
        upload = s3.create_multipart_upload(Bucket="plain", Key="open")["UploadId"]
        for number in range(1, size + 1):
            s3.upload_part(Bucket="plain", Key="open", UploadId=upload, PartNumber=number, Body=b"p" * 100)
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for size in (3, 30_000, 5):
        s3.put_object(Bucket="versions", Key="k", Body=bytes(size))
    s3.put_object(Bucket="versions", Key="gone", Body=b"7777777")
    s3.delete_object(Bucket="versions", Key="gone")
    s3.delete_object(Bucket="versions", Key="never")
    (tmp_path / "bodies" / "07" / "00000000000fff07").write_bytes(b"orphan")
    plain = NOTHING | {"objects": 4, "uploads": 2, "parts": 3, "current_bytes": 5 + 50_000 + 4 + 30,
                       "upload_bytes": 300, "stored_bytes": 50_339}  # fmt: skip
    versions = NOTHING | {"objects": 1, "noncurrent": 3, "markers": 2, "current_bytes": 5,
                          "noncurrent_bytes": 30_010, "stored_bytes": 30_015}  # fmt: skip
    expected = {"empty": NOTHING, "plain": plain, "versions": versions}
    for document in (probe(tmp_path), store.admin("/usage")):
        assert document["buckets"] == expected
        assert document["total"] == {name: plain[name] + versions[name] for name in NOTHING}
        files = document["files"]
        assert files.pop("disk_bytes") >= 80_000 and document["records_bytes"] >= 4096
        assert files == {"bodies": 8, "bytes": 50_000 + 30 + 300 + 30_000 + 6, "orphans": 1, "orphan_bytes": 6}
    before = probe(tmp_path)
    assert store.close() == 0
    assert probe(tmp_path)["buckets"] == before["buckets"], "of a store that has ended"


def test_readers_hold_what_goes(start: Start, tmp_path: Path) -> None:
    """Files that only a reader still has count as orphans; the probe neither waits nor disturbs."""
    store = start("--data", str(tmp_path), "--min-part-bytes", "1")
    store.signed("PUT", "/bkt")
    multipart(store, "bkt", "k", [bytes(1_000_000)] * 20)
    reader = Connection(store)
    reader.socket.sendall(request_of(store, "GET", "/bkt/k"))
    reader.rest = reader.socket.recv(100)
    store.signed("DELETE", "/bkt/k")
    document = probe(tmp_path)
    assert document["buckets"] == {"bkt": NOTHING}
    assert (document["files"]["orphans"], document["files"]["orphan_bytes"]) == (20, 20_000_000)
    assert reader.reply().body == bytes(20_000_000)


@pytest.mark.parametrize("name", ["none", "."])
def test_no_data(tmp_path: Path, name: str) -> None:
    """Nothing is made where nothing is."""
    done = subprocess.run([*command(), "--usage", "--data", str(tmp_path / name)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and "expected" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_needs_a_directory() -> None:
    done = subprocess.run([*command(), "--usage"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "--data" in done.stderr
