"""Replicas that a client has seen are there after a loss of power, with their bodies."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from s3prod.crash.harness import loss_command, serve_command
from s3prod.store import EmbeddedStore

BODIES = {f"k{size}": b"x" * size for size in (10, 40_000, 400_000)}


def client(store: EmbeddedStore) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def keys(s3: Any, bucket: str) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_replicas_outlive_a_loss_of_power(tmp_path: Path) -> None:
    root, image, options = tmp_path / "root", tmp_path / "image", ("--replication-lag", "0s")
    root.mkdir()
    rule = {
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Destination": {"Bucket": "arn:aws:s3:::dst"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
    }
    argv = loss_command(root, image, {"S3P_LOSS_SURVIVES": "0"})
    with EmbeddedStore(argv=argv, data=root / "data", durable=True, options=options) as store:
        s3 = client(store)
        for name in ("src", "dst"):
            s3.create_bucket(Bucket=name)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_replication(Bucket="src", ReplicationConfiguration={"Role": "any", "Rules": [rule]})
        for key, body in BODIES.items():
            s3.put_object(Bucket="src", Key=key, Body=body)
        until = time.monotonic() + 30
        while keys(s3, "dst") != set(BODIES):
            assert time.monotonic() < until
            time.sleep(0.02)
        store.kill()
    shutil.copytree(image / "root", tmp_path / "after")
    with EmbeddedStore(argv=serve_command(), data=tmp_path / "after" / "data", durable=True, options=options) as store:
        s3 = client(store)
        for bucket in ("src", "dst"):
            for key, body in BODIES.items():
                assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
