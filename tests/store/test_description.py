"""docs/store.md says what the store's own tables say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from storelib import ROOT, Store, command

TOOL = ROOT / "tools" / "gen_store_doc.py"
MARKS = {"service": "/", "bucket": "/{bucket}", "object": "/{bucket}/k"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """What the store says of itself."""
    done = subprocess.run([*command(), "--describe"], capture_output=True, check=True, timeout=30)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_document_is_not_stale() -> None:
    named = {"S3PROD_STORE": command()[0]} if len(command()) == 1 else {}
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, env=os.environ | named, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_every_row_is_in_it(described: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "store.md").read_text("utf-8")
    for operation in described["operations"]:
        assert f"| {operation['name']} |" in text and operation["about"]
    for header in described["headers"]:
        assert f"| `{header['name']}` |" in text
    for error in described["errors"]:
        assert f"| `{error['code']}` | {error['status']} | {error['message']} |" in text


def test_what_is_refused_is_refused(store: Store, bucket: str, described: dict[str, Any]) -> None:
    """Each operation that the table refuses, or that waits for an option, answers 501; an unknown argument does too."""
    refused = 0
    for operation in described["operations"]:
        target = MARKS[operation["level"]].format(bucket=bucket)
        selected = f"{target}?{operation['select']}" if operation["select"] else target
        if not operation["implemented"] or operation["option"]:
            assert store.signed(operation["method"], selected, b"").status == 501, operation["name"]
            refused += 1
        if operation["method"] != "HEAD":
            mark = "&" if operation["select"] else "?"
            unknown = store.signed(operation["method"], f"{selected}{mark}never-heard-of", b"")
            assert unknown.status == 501, operation["name"]
    assert refused > 5


def test_headers_that_are_refused(store: Store, bucket: str, described: dict[str, Any]) -> None:
    """On a listing, which honours none of the headers of single operations."""
    for header in described["headers"]:
        if header["everywhere"]:
            continue
        name = header["name"].replace("*", "x") if header["name"] != "x-amz-copy-source*" else "x-amz-copy-sourcex"
        answer = store.signed("GET", f"/{bucket}", headers={name: "neither"})
        assert (answer.status, answer.code) == (501, "NotImplemented"), name
        if header["only"]:
            assert store.signed("GET", f"/{bucket}", headers={name: header["only"]}).status == 200, name
