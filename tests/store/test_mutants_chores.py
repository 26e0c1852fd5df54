"""The mutants of rules of buckets: each does what it says, and lists the answers that show it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from storelib import Store, eventually
from test_lifecycle import DAYS, put, rules
from test_mutants import Start, altered
from test_replication import has, replicate, rule

KEEPS = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}


def begin(start: Start, name: str, day: str) -> tuple[Store, Any]:
    store = start("--lifecycle-day", day, "--mutant", name)
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    return store, s3


def missing(s3: Any, key: str, **version: str) -> str | None:
    """The request id of the 404; None when the object is there."""
    try:
        s3.head_object(Bucket="bkt", Key=key, **version)
    except ClientError as error:
        return str(error.response["ResponseMetadata"]["RequestId"])
    return None


def test_overdelete(start: Start) -> None:
    store, s3 = begin(start, "lifecycle-overdelete", "1h")
    old = put(s3, "bkt", "p/k")
    new = put(s3, "bkt", "p/k", b"new")
    other = put(s3, "bkt", "other")
    rules(s3, "bkt", {"Filter": {"Prefix": "p/"}} | KEEPS)
    gone = eventually(lambda: missing(s3, "p/k", VersionId=old))
    assert missing(s3, "p/k", VersionId=new) is None and missing(s3, "other", VersionId=other) is None
    assert altered(store, "lifecycle-overdelete") == (1, [gone])


def test_ignores_filter(start: Start) -> None:
    store, s3 = begin(start, "lifecycle-ignores-filter", "100ms")
    put(s3, "bkt", "other")
    rules(s3, "bkt", {"Filter": {"Prefix": "p/"}} | DAYS)
    gone = eventually(lambda: missing(s3, "other"))
    assert altered(store, "lifecycle-ignores-filter") == (1, [gone])


def test_expires_current(start: Start) -> None:
    store, s3 = begin(start, "lifecycle-expires-current", "100ms")
    version = put(s3, "bkt", "k")
    rules(s3, "bkt", KEEPS)
    gone = eventually(lambda: missing(s3, "k", VersionId=version))
    plain = missing(s3, "k")
    assert altered(store, "lifecycle-expires-current") == (2, [gone, plain])


def test_replication_reorders(start: Start) -> None:
    store = start("--replication-lag", "0s", "--mutant", "replication-reorders:delay_ms=1500")
    s3 = store.client()
    for bucket in ("bkt", "copy"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    replicate(s3, "bkt", rule("copy"))
    versions = []
    for body in (b"1", b"2"):
        versions.append(put(s3, "bkt", "k", body))
        eventually(lambda: has(s3, "copy", "k", versions[-1]))
    assert s3.get_object(Bucket="copy", Key="k")["Body"].read() == b"2"

    def older() -> Any:
        answer = s3.get_object(Bucket="copy", Key="k")
        return answer if answer["Body"].read() == b"1" else None

    answer = eventually(older)
    assert s3.get_object(Bucket="bkt", Key="k")["Body"].read() == b"2"
    assert altered(store, "replication-reorders") == (1, [answer["ResponseMetadata"]["RequestId"]])


@pytest.mark.parametrize("name", ["overdelete", "ignores-filter", "expires-current"])
def test_a_rule_does_what_it_says(start: Start, name: str) -> None:
    store, s3 = begin(start, f"lifecycle-{name}:p=0.000001", "100ms")
    put(s3, "bkt", "p/k")
    put(s3, "bkt", "other")
    rules(s3, "bkt", {"Filter": {"Prefix": "p/"}} | DAYS)
    eventually(lambda: missing(s3, "p/k"))
    time.sleep(0.3)
    assert missing(s3, "other") is None and altered(store, f"lifecycle-{name}") == (0, [])
