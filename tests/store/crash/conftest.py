"""How many rounds the crash tests run: `S3PROD_CRASH_ROUNDS` (40); `make campaign` asks for more."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def rounds() -> int:
    return int(os.environ.get("S3PROD_CRASH_ROUNDS", "40"))
