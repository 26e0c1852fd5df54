"""The store over https."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from storelib import Store


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
        urllib.request.urlopen(store.endpoint.replace("https", "http"), timeout=5)
    context = ssl.create_default_context(cafile=cert)
    target = store.presign("GET", "/bkt/k")
    assert urllib.request.urlopen(store.endpoint + target, context=context, timeout=5).status == 200


@pytest.mark.parametrize("text", [b"", b"nonsense"])
def test_bad_certificates_are_refused(start: Callable[..., Store], tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bad.pem"
    path.write_bytes(text)
    with pytest.raises(RuntimeError, match="status 2"):
        Store("--tls-cert", str(path), "--tls-key", str(path))
