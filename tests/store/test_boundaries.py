"""The bounds of the store, one test each: lengths, counts, and no room left."""

from __future__ import annotations

import contextlib
import resource
import shlex
import socket
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bulk import Connection, request_of, send_all
from storelib import Store, code_of, command, error_of, path_of

Start = Callable[..., Store]
MIB = 1 << 20
XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
LENGTHS = (1, 479, 480, 481, 482, 511, 512, 1024)


@pytest.fixture(scope="module")
def large() -> Iterator[Store]:
    """A store for what is large, with a bucket."""
    running = Store("--min-part-bytes", "1")
    running.client().create_bucket(Bucket="bkt")
    yield running
    assert running.close() == 0


def pages(store: Store, target: str, element: str, marker: Callable[[ET.Element], str]) -> Iterator[list[str]]:
    """The texts of an element, page by page; `marker` makes the rest of the next target."""
    more = ""
    while True:
        answer = store.signed("GET", target + more)
        assert answer.status == 200, answer.body
        root = ET.fromstring(answer.body)
        yield [str(one.text) for one in root.iterfind(element.replace("/", "/" + XMLNS).join((XMLNS, "")))]
        if root.findtext(XMLNS + "IsTruncated") != "true":
            return
        more = marker(root)


def by_token(root: ET.Element) -> str:
    return "&continuation-token=" + urllib.parse.quote(str(root.findtext(XMLNS + "NextContinuationToken")), safe="")


def test_key_lengths(s3: Any, bucket: str) -> None:
    """Keys around the lengths at which their place in the store changes, which differ in the last byte only."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = [("k" * (length - 1)) + last for length in LENGTHS for last in "bz~a"]
    versions: dict[str, list[str]] = {}
    for number in range(2):
        for key in keys:
            done = s3.put_object(Bucket=bucket, Key=key, Body=f"{number}{len(key)}{key[-1]}".encode())
            versions.setdefault(key, []).insert(0, done["VersionId"])
    ordered = sorted(keys)
    for size in (1, 3, 1000):
        paginator = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [one["Key"] for page in paginator for one in page["Contents"]] == ordered
    paginator = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    listed = [(one["Key"], one["VersionId"]) for page in paginator for one in page["Versions"]]
    assert listed == [(key, version) for key in ordered for version in versions[key]]
    for key in keys:
        for number, version in enumerate(reversed(versions[key])):
            body = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            assert body == f"{number}{len(key)}{key[-1]}".encode()
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()[:1] == b"1"
    gone = keys[::2]
    for key in gone:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=versions[key][0])
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()[:1] == b"0"
        s3.delete_object(Bucket=bucket, Key=key, VersionId=versions[key][1])
        assert error_of(lambda key=key: s3.get_object(Bucket=bucket, Key=key)) == (404, "NoSuchKey")
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert left == sorted(set(keys) - set(gone))


@pytest.mark.parametrize("key", ["k" * 1025, "ü" * 513])
def test_a_key_that_is_too_long(store: Store, bucket: str, key: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = store.signed(method, path_of(bucket, key), b"")
        assert (answer.status, answer.code) == (400, "KeyTooLongError")
    assert store.signed("PUT", path_of(bucket, "ü" * 512), b"").status == 200


def timed(act: Callable[[], Any], enough: float = 0.0) -> float:
    """The best of a few times, in seconds; of many, when the machine is too busy for `enough`."""
    best, times = 9e9, 0
    while times < 7 or (0 < enough <= best and times < 200):
        begin = time.perf_counter()
        act()
        best, times = min(best, time.perf_counter() - begin), times + 1
    return best


def test_ten_thousand_versions_of_a_key(large: Store) -> None:
    """A listing of what is current does not walk them, and pages of versions are exact."""
    s3 = large.client()
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "z"):
        s3.put_object(Bucket="versions", Key=key, Body=b"x")
    few = timed(lambda: large.signed("GET", "/versions?list-type=2"))
    puts = (("PUT", "/versions/many", b"%d" % number) for number in range(10_000))
    written = [reply.head.lower().partition(b"x-amz-version-id: ")[2][:64] for reply in send_all(large, puts)]
    assert len(set(written)) == 10_000
    enough = 3 * few + 0.003
    many = timed(lambda: large.signed("GET", "/versions?list-type=2"), enough)
    assert many < enough, (few, many)

    def after(root: ET.Element) -> str:
        key, version = root.findtext(XMLNS + "NextKeyMarker"), root.findtext(XMLNS + "NextVersionIdMarker")
        return f"&key-marker={key}&version-id-marker={version}"

    target = "/versions?versions&prefix=many"
    got = list(pages(large, target, "Version/VersionId", after))
    assert [len(page) for page in got] == [1000] * 10
    assert len({one for page in got for one in page}) == 10_000
    newest = [one for page in pages(large, target, "Version/IsLatest", after) for one in page]
    assert newest == ["true"] + ["false"] * 9999
    oldest = s3.get_object(Bucket="versions", Key="many", VersionId=got[-1][-1])["Body"].read()
    assert len(oldest) == 1 and s3.get_object(Bucket="versions", Key="a")["Body"].read() == b"x"


def test_a_hundred_thousand_keys_under_a_prefix(large: Store) -> None:
    """Pages are exact; a delimiter steps over all of them at once."""
    keys = [f"p/{number:06}" for number in range(100_000)]
    puts = (("PUT", f"/bkt/{key}", b"") for key in ["a", *keys, "z"])
    assert {reply.status for reply in send_all(large, puts)} == {200}
    listed = list(pages(large, "/bkt?list-type=2&prefix=p%2F", "Contents/Key", by_token))
    assert [len(page) for page in listed] == [1000] * 100
    assert [key for page in listed for key in page] == keys
    answer = large.signed("GET", "/bkt?list-type=2&delimiter=%2F")
    root = ET.fromstring(answer.body)
    assert [one.text for one in root.iterfind(f"{XMLNS}Contents/{XMLNS}Key")] == ["a", "z"]
    assert [one.text for one in root.iterfind(f"{XMLNS}CommonPrefixes/{XMLNS}Prefix")] == ["p/"]
    one_page = timed(lambda: large.signed("GET", "/bkt?list-type=2&prefix=p%2F"))
    skip = timed(lambda: large.signed("GET", "/bkt?list-type=2&delimiter=%2F"), one_page)
    assert skip < one_page, "fewer than a thousand keys were looked at"


def test_ten_thousand_parts(large: Store) -> None:
    """Twice read as a whole, by range and by part; ListParts in pages; few descriptors."""
    s3 = large.client()
    upload = s3.create_multipart_upload(Bucket="bkt", Key="mp")["UploadId"]
    bodies = [b"%05d;" % number for number in range(1, 10_001)]
    base = f"/bkt/mp?uploadId={upload}"
    puts = (("PUT", f"{base}&partNumber={number}", body) for number, body in enumerate(bodies, 1))
    etags = [reply.etag for reply in send_all(large, puts)]
    numbers = list(
        pages(
            large,
            base,
            "Part/PartNumber",
            lambda r: f"&part-number-marker={r.findtext(XMLNS + 'NextPartNumberMarker')}",
        )
    )
    assert [len(page) for page in numbers] == [1000] * 10
    assert [int(one) for page in numbers for one in page] == list(range(1, 10_001))
    named = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in enumerate(etags, 1))
    document = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
    resource.prlimit(large.first_line["pid"], resource.RLIMIT_NOFILE, (256, 4096))
    for _ in range(2):
        assert b"-10000" in large.signed("POST", base, document).body
    whole = b"".join(bodies)
    readers = [Connection(large) for _ in range(8)]
    for reader in readers:
        reader.socket.sendall(request_of(large, "GET", "/bkt/mp"))
    assert all(reader.reply().body == whole for reader in readers)
    for number in (1, 5000, 10_000):
        part = s3.get_object(Bucket="bkt", Key="mp", PartNumber=number)
        assert (part["Body"].read(), part["PartsCount"]) == (bodies[number - 1], 10_000)
    assert error_of(lambda: s3.get_object(Bucket="bkt", Key="mp", PartNumber=10_001)) == (400, "InvalidArgument")
    target = "/bkt/mp?uploadId=" + s3.create_multipart_upload(Bucket="bkt", Key="mp")["UploadId"]
    assert large.signed("PUT", f"{target}&partNumber=10001", b"x").code == "InvalidArgument"


@pytest.mark.parametrize(("count", "status"), [(1000, 200), (1001, 400)])
def test_delete_objects(large: Store, count: int, status: int) -> None:
    s3 = large.client()
    s3.put_object(Bucket="bkt", Key="d/0", Body=b"x")
    keys = [{"Key": f"d/{number}"} for number in range(count)]
    if status == 200:
        assert len(s3.delete_objects(Bucket="bkt", Delete={"Objects": keys})["Deleted"]) == count
    else:
        with pytest.raises(ClientError) as error:
            s3.delete_objects(Bucket="bkt", Delete={"Objects": keys})
        assert code_of(error.value) == (400, "MalformedXML")
    assert s3.list_objects_v2(Bucket="bkt", Prefix="d/")["KeyCount"] == (0 if status == 200 else 1)


def test_metadata(s3: Any, store: Store, bucket: str) -> None:
    """2 KiB of names and values, and one byte more."""
    full = {f"n{number}": "v" * 510 for number in range(4)}
    assert sum(len(name) + len(value) for name, value in full.items()) == 2048
    s3.put_object(Bucket=bucket, Key="k", Metadata=full)
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == full
    more = full | {"n0": "v" * 511}
    for call in (s3.put_object, s3.create_multipart_upload):
        assert error_of(lambda call=call: call(Bucket=bucket, Key="k", Metadata=more)) == (400, "MetadataTooLarge")
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == full


def test_a_head_that_is_too_long(store: Store, bucket: str) -> None:
    """Refused, by the store or by its HTTP library; the store goes on."""
    many = {f"x-amz-meta-{number}": "v" for number in range(150)}
    assert store.signed("PUT", f"/{bucket}/k", b"x", many).code == "RequestHeaderSectionTooLarge"
    host, _, port = store.endpoint.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as raw:
        raw.sendall(f"GET /{bucket}/k HTTP/1.1\r\nHost: x\r\nx-amz-meta-a: {'v' * 100_000}\r\n\r\n".encode())
        assert raw.recv(100).split()[1] in (b"400", b"413", b"431")
    assert store.signed("GET", f"/{bucket}").status == 200


def test_five_gibibytes_and_one(store: Store, bucket: str) -> None:
    """Refused from what the head declares: the answer comes although no byte of the body does."""
    upload = store.client().create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    for target in (f"/{bucket}/k", f"/{bucket}/k?uploadId={upload}&partNumber=1"):
        connection = Connection(store)
        request = request_of(store, "PUT", target).replace(b"Content-Length: 0", b"Content-Length: 5368709121")
        connection.socket.sendall(request)
        reply = connection.reply()
        assert reply.status == 400 and b"<Code>EntityTooLarge</Code>" in reply.body
    assert store.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def stored(s3: Any) -> dict[str, bytes]:
    """Every object and its body."""
    pager = s3.get_paginator("list_objects_v2").paginate(Bucket="bkt")
    keys = [one["Key"] for page in pager for one in page.get("Contents", ())]
    return {key: s3.get_object(Bucket="bkt", Key=key)["Body"].read() for key in keys}


def fill(s3: Any, size: int, most: int, prefix: str = "fill") -> tuple[dict[str, bytes], tuple[int, str]]:
    """Puts objects until one is refused: what was acknowledged, and the refusal."""
    acked: dict[str, bytes] = {}
    for number in range(most):
        body = b"%06d" % number + bytes(size - 6)
        try:
            s3.put_object(Bucket="bkt", Key=f"{prefix}/{number:06}", Body=body)
        except ClientError as error:
            return acked, code_of(error)
        acked[f"{prefix}/{number:06}"] = body
    raise AssertionError("it never became full")


def overwrites_change_nothing(s3: Any, acked: dict[str, bytes], size: int) -> None:
    """What is refused for want of room leaves the old object as it was."""
    key = min(acked)
    with contextlib.suppress(ClientError):
        s3.put_object(Bucket="bkt", Key=key, Body=b"n" * size)
        acked[key] = b"n" * size
    assert s3.get_object(Bucket="bkt", Key=key)["Body"].read() == acked[key]


def test_records_without_room(start: Start, tmp_path: Path) -> None:
    """The bound of the records: 503, nothing half-written, and on with it when there is room."""
    options = ("--data", str(tmp_path), "--access-key", "me", "--secret-key", "secret")
    store = start(*options, "--map-bytes", str(2 * MIB))
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    acked, refusal = fill(s3, 10_000, 400)
    assert refusal == (503, "SlowDown") and len(acked) > 50
    assert error_of(lambda: s3.create_bucket(Bucket="other"))[0] in (200, 503)
    overwrites_change_nothing(s3, acked, 16_000)
    assert stored(s3) == acked
    doomed = sorted(acked)[: len(acked) // 2]
    removed = 0
    for key in doomed:  # a removal needs a little room of its own
        if error_of(lambda key=key: s3.delete_object(Bucket="bkt", Key=key))[0] == 204:
            del acked[key]
            removed += 1
    assert removed > 0
    s3.put_object(Bucket="bkt", Key="again", Body=b"a" * 10_000)
    assert stored(s3) == acked | {"again": b"a" * 10_000}
    assert store.close() == 0
    roomy = start(*options)
    assert stored(roomy.client()) == acked | {"again": b"a" * 10_000}
    roomy.client().put_object(Bucket="bkt", Key="more", Body=bytes(10_000))


@pytest.mark.parametrize("mode", ["--fast", "--durable"])
def test_files_without_room(start: Start, tmp_path: Path, mode: str) -> None:
    """The system's bound on files stands for a full disk, without privileges: bodies first, then records."""
    store = start("--data", str(tmp_path), "--min-part-bytes", "1", mode)
    s3, pid = store.client(), store.first_line["pid"]
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"old" * 100_000)
    before = {"k": b"old" * 100_000}
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    upload = s3.create_multipart_upload(Bucket="bkt", Key="mp")["UploadId"]
    calls: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket="bkt", Key="k", Body=b"new" * 100_000),
        lambda: s3.copy_object(Bucket="bkt", Key="copy", CopySource="bkt/k"),
        lambda: s3.upload_part(Bucket="bkt", Key="mp", UploadId=upload, PartNumber=1, Body=bytes(300_000)),
    ]
    for call in calls:
        assert error_of(call) == (503, "SlowDown")
    assert stored(s3) == before
    assert "Parts" not in s3.list_parts(Bucket="bkt", Key="mp", UploadId=upload)
    assert sum(1 for path in (tmp_path / "bodies").glob("*/*")) == 1, "what was refused has no file"
    acked, refusal = fill(s3, 10_000, 100)
    assert refusal == (503, "SlowDown")
    assert stored(s3) == acked | before
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for call in calls:
        assert error_of(call) == (200, "")
    s3.put_object(Bucket="bkt", Key="more", Body=bytes(10_000))
    assert s3.get_object(Bucket="bkt", Key="copy")["Body"].read() == b"new" * 100_000
    assert stored(s3).keys() == {*acked, "k", "copy", "more"}


@pytest.mark.parametrize("mode", ["--fast", "--durable"])
def test_a_full_disk(start: Start, tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system of 8 MiB of the store's own: what does not fit is 503, what was acknowledged stays, room helps."""
    mount = f"mount -t tmpfs -o size=8m tmpfs {shlex.quote(str(tmp_path))}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode != 0:
        pytest.skip("the system lets nobody mount a file system here")
    monkeypatch.setenv(
        "S3PROD_STORE", shlex.join(["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", *command()])
    )
    s3 = start("--data", str(tmp_path), mode).client()
    s3.create_bucket(Bucket="bkt")
    acked = {}
    for size, least in ((300_000, 10), (2_000, 10)):  # files first, then records
        more, refusal = fill(s3, size, 5_000, f"fill-{size}")
        assert refusal == (503, "SlowDown") and len(more) > least
        acked |= more
    overwrites_change_nothing(s3, acked, 300_000)
    assert stored(s3) == acked
    for key in sorted(acked)[::2]:
        assert error_of(lambda key=key: s3.delete_object(Bucket="bkt", Key=key))[0] == 204
        del acked[key]
    s3.put_object(Bucket="bkt", Key="again", Body=b"a" * 300_000)
    assert stored(s3) == acked | {"again": b"a" * 300_000}
