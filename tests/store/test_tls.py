"""The store over https."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from storelib import Store, command

from s3prod import _native
from s3prod.client import S3Client
from s3prod.store import EmbeddedStore


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Certificate and key for 127.0.0.1, signed by itself."""
    assert shutil.which("openssl"), "no openssl command: install the Debian package openssl"
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def test_https(start: Callable[..., Store], certificate: tuple[str, str], monkeypatch: Any) -> None:
    cert, key = certificate
    monkeypatch.setenv("AWS_CA_BUNDLE", cert)
    store = start("--tls-cert", cert, "--tls-key", key, "--endpoints", "2")
    assert all(endpoint.startswith("https://127.0.0.1:") for endpoint in store.first_line["endpoints"])
    s3 = store.client(1, request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="bkt")
    for size in (0, 1000, 3_000_000):
        s3.put_object(Bucket="bkt", Key="k", Body=b"x" * size)
        assert s3.get_object(Bucket="bkt", Key="k")["Body"].read() == b"x" * size
    plain = store.client()  # sends bodies in chunks with a trailer, by itself
    for size in (0, 1000, 3_000_000):
        assert plain.put_object(Bucket="bkt", Key="k", Body=b"y" * size)["ChecksumCRC32"]
        assert plain.get_object(Bucket="bkt", Key="k")["Body"].read() == b"y" * size
    with pytest.raises(OSError):
        urllib.request.urlopen(store.endpoint.replace("https", "http"), timeout=30)
    context = ssl.create_default_context(cafile=cert)
    target = store.presign("GET", "/bkt/k")
    assert urllib.request.urlopen(store.endpoint + target, context=context, timeout=30).status == 200


def test_a_certificate_on_demand(start: Callable[..., Store], tmp_path: Path, monkeypatch: Any) -> None:
    """Made once, trusted by its CA only, good for the names that the store is reached under; keys are for their owner."""
    folder = tmp_path / "tls"
    first = start("--tls-self-signed", str(folder))
    ca = Path(first.first_line["ca"])
    assert ca.is_absolute() and ca.samefile(folder / "ca.pem") and first.endpoint.startswith("https://")
    made = {path.name: path.read_bytes() for path in folder.glob("*.pem")}
    assert sorted(made) == ["ca.pem", "server-key.pem", "server.pem"]
    assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == [
        path.name for path in folder.iterdir() if path.name in ("ca.pem", "server.pem")
    ]
    second = start("--tls-self-signed", str(folder))
    assert made == {path.name: path.read_bytes() for path in folder.glob("*.pem")}
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for store in (first, second):
        port = int(store.endpoint.rpartition(":")[2])
        for name, good in (("localhost", True), ("127.0.0.1", True), ("example.org", False)):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
                if good:
                    with context.wrap_socket(raw, server_hostname=name) as connection:
                        details = connection.getpeercert()
                        assert details is not None
                        assert ("DNS", "*.localhost") in details["subjectAltName"]
                        assert ssl.cert_time_to_seconds(str(details["notBefore"])) < time.time() - 3600
                else:
                    with pytest.raises(ssl.SSLCertVerificationError):
                        context.wrap_socket(raw, server_hostname=name)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(first.endpoint, timeout=30)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(ca))
    s3 = first.client()
    s3.create_bucket(Bucket="bkt")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        done = s3.put_object(Bucket="bkt", Key="k", Body=b"trailer" * 1000, ChecksumAlgorithm=algorithm)
        assert done[f"Checksum{algorithm}"]
        assert s3.get_object(Bucket="bkt", Key="k")["Body"].read() == b"trailer" * 1000
    upload = s3.create_multipart_upload(Bucket="bkt", Key="mp")["UploadId"]
    part = s3.upload_part(Bucket="bkt", Key="mp", UploadId=upload, PartNumber=1, Body=b"p" * 100_000)
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="bkt", Key="mp", UploadId=upload, MultipartUpload=named)
    assert s3.get_object(Bucket="bkt", Key="mp")["Body"].read() == b"p" * 100_000


def test_several_make_one_certificate(tmp_path: Path) -> None:
    """Stores that start at once over one folder serve the same certificate."""
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store("--tls-self-signed", str(tmp_path / "tls")), range(4)))
    certificates = {
        ssl.get_server_certificate(("127.0.0.1", int(store.endpoint.rpartition(":")[2])), timeout=60)
        for store in stores
    }
    assert [store.close() for store in stores] == [0] * 4
    assert len(certificates) == 1


def test_no_folder_for_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "none" / "tls"):
        done = subprocess.run([*command(), "--tls-self-signed", str(path)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "--tls-self-signed" in done.stderr and "expected" in done.stderr


def test_embedded_store(tmp_path: Path) -> None:
    """The package's own store over https: its target trusts the CA."""
    with EmbeddedStore(tls=tmp_path / "tls") as store:
        target = store.target()
        assert target.ca_file == str(tmp_path / "tls" / "ca.pem") and target.endpoints[0].startswith("https://")
        client = S3Client(target)
        client.create_bucket("bkt")
        assert _native.cas_loop(target, clients=4, commits=5)["verdict"]["consistency"] == "held"


RULES = ["front", "objects", "chunked", "rules", "rules_integrity"]


def test_rules_over_https(start: Callable[..., Store], tmp_path: Path, run_suite: Any) -> None:
    """Where transport matters, by the same tests: bodies, trailers, ranges, parts, what a broken connection leaves."""
    store = start("--tls-self-signed", str(tmp_path / "tls"), "--endpoints", "2")
    keys = store.credentials.access_key, store.credentials.secret_key
    files = [f"tests/store/test_{name}.py" for name in RULES]
    done = run_suite(" ".join(store.endpoints), *keys, *files, S3_CA_FILE=store.first_line["ca"])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", [b"", b"nonsense"])
def test_bad_certificates_are_refused(start: Callable[..., Store], tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bad.pem"
    path.write_bytes(text)
    with pytest.raises(RuntimeError, match="status 2"):
        Store("--tls-cert", str(path), "--tls-key", str(path))
