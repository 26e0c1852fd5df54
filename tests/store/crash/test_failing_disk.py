"""A disk that fails: every answer that rests on a failed commit is an error, and nothing of it is visible."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s3prod.crash.client import XMLNS, Client, text_of
from s3prod.crash.harness import loss_command
from s3prod.store import EmbeddedStore

WORKERS = 12
LARGE = b"large" * 20_000


class Disk:
    """A store whose disk fails on demand."""

    def __init__(self, folder: Path) -> None:
        self.fail = folder / "fail"
        self.root, self.image = folder / "root", folder / "image"
        self.root.mkdir()

    @contextmanager
    def store(self) -> Iterator[EmbeddedStore]:
        argv = loss_command(self.root, self.image, {"S3P_LOSS_FAIL": str(self.fail)})
        with EmbeddedStore(
            argv=argv, data=self.root / "data", durable=True, options=("--min-part-bytes", "1")
        ) as store:
            yield store

    @contextmanager
    def failing(self, kind: str, number: int) -> Iterator[None]:
        self.fail.write_text(f"{kind} {number}")
        yield
        self.fail.unlink()

    def files(self) -> int:
        return sum(1 for path in self.root.joinpath("data", "bodies").rglob("*") if path.is_file())


def state(client: Client) -> dict[str, object]:
    """Everything that the bucket shows."""
    answer = client.send("GET", "bkt", query={"list-type": "2"})
    assert answer.status == 200
    page = answer.xml()
    keys = [text_of(entry, "Key") for entry in page.iter(XMLNS + "Contents")]
    uploads = client.send("GET", "bkt", query={"uploads": ""}).xml()
    return {key: client.send("GET", "bkt", key).body for key in keys} | {
        "uploads": [text_of(entry, "UploadId") for entry in uploads.iter(XMLNS + "Upload")]
    }


def fill(client: Client) -> str:
    """One object a worker, and an upload of one part."""
    assert client.send("PUT", "bkt").status == 200
    for number in range(WORKERS):
        assert client.send("PUT", "bkt", f"old/{number}", body=b"old").status == 200
    upload = text_of(client.send("POST", "bkt", "upload", {"uploads": ""}).xml(), "UploadId")
    assert client.send("PUT", "bkt", "upload", {"partNumber": "1", "uploadId": upload}, LARGE).status == 200
    return upload


def write_at_once(store: EmbeddedStore, upload: str, only_large: bool) -> list[int]:
    """The statuses of writes of every kind, sent by all workers at the same time."""
    gate, statuses = threading.Barrier(WORKERS), []
    tagging = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    part = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>"

    def work(number: int) -> None:
        client = Client(store)
        etag = client.send("GET", "bkt", "upload", {"uploadId": upload}).xml().find(f"{XMLNS}Part/{XMLNS}ETag")
        assert etag is not None and etag.text
        calls = [
            ("PUT", f"new/{number}", {}, LARGE),
            ("PUT", "upload", {"partNumber": "2", "uploadId": upload}, LARGE),
            ("PUT", f"old/{number}", {}, LARGE),
            ("PUT", f"small/{number}", {}, b"small"),
            ("DELETE", f"old/{number}", {}, b""),
            ("PUT", f"old/{number}", {"tagging": ""}, tagging),
            ("POST", "upload", {"uploadId": upload}, part % etag.text.encode()),
            ("DELETE", "upload", {"uploadId": upload}, b""),
        ]
        gate.wait()
        for method, key, query, body in calls[:3] if only_large else calls:
            statuses.append(client.send(method, "bkt", key, query, body).status)
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("db-sync", errno.EIO, {500}),
        ("db-write", errno.ENOSPC, {503}),
        ("db-write", errno.EIO, {500}),
        ("body-write", errno.ENOSPC, {503}),
        ("body-sync", errno.EIO, {500}),
        ("body-sync", errno.ENOSPC, {503}),
        ("dir-sync", errno.EIO, {500}),
    ],
)
def test_a_failure_that_passes(kind: str, number: int, expected: set[int], tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with disk.store() as store:
        client = Client(store)
        upload = fill(client)
        before = state(client), disk.files()
        with disk.failing(kind, number):
            statuses = write_at_once(store, upload, only_large=not kind.startswith("db"))
            assert set(statuses) == expected and len(statuses) >= 3 * WORKERS
            assert (state(client), disk.files()) == before, "nothing of it is visible, and no file stays"
        assert client.send("PUT", "bkt", "after", body=LARGE).status == 200
        assert client.send("GET", "bkt", "after").body == LARGE
        store.kill()
    disk.image = tmp_path / "image-2"
    with disk.store() as store:
        again = state(Client(store))
        assert again.pop("after") == LARGE and again == before[0]


def test_a_commit_whose_last_page_fails(tmp_path: Path) -> None:
    """LMDB refuses everything until it is opened again; then what was committed is there, and nothing else."""
    disk = Disk(tmp_path)
    with disk.store() as store:
        client = Client(store)
        upload = fill(client)
        before = state(client)
        with disk.failing("db-meta", errno.EIO):
            assert set(write_at_once(store, upload, only_large=False)) == {500}
        assert client.send("PUT", "bkt", "after", body=b"x").status == 500
        assert client.send("GET", "bkt", "old/0").status == 500
        assert client.send("GET", "bkt", query={"list-type": "2"}).status == 500
        store.kill()
    disk.image = tmp_path / "image-2"
    with disk.store() as store:
        client = Client(store)
        assert state(client) == before
        assert client.send("PUT", "bkt", "after", body=b"x").status == 200
