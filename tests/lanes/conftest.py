"""Collects the lanes that `S3PROD_LANES` asks for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import lane_table as lanes
import pytest
from rgw import Gateway

collect_ignore = list(
    {lane.tests for lane in lanes.LANES.values()} - {lanes.LANES[name].tests for name in lanes.asked()}
)


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    """One gateway for all tests of its lane."""
    lanes.install("rgw16")
    version = subprocess.run(["radosgw", "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
    if not version.startswith("ceph version 16.2."):
        pytest.fail(
            f"rgw16: {version or 'radosgw does not run'}, expected ceph version 16.2 (Debian 12)", pytrace=False
        )
    with Gateway() as running:
        yield running
