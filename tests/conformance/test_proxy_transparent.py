"""Without a fault the proxy is not there: the store's own tests pass through it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from s3prod import Group, Plan, run_plan
from s3prod.plan import get, make_bucket, put, remove_bucket, repeat
from s3prod.proxy import FaultProxy

ROOT = Path(__file__).resolve().parents[2]
FILES = ("test_objects.py", "test_conditions.py", "test_chunked.py")


def test_the_stores_tests_pass_through_it():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/store/{name}" for name in FILES)],
        cwd=ROOT,
        env=os.environ | {"S3PROD_STORE": str(ROOT / "tests/store/behind_proxy.py")},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_it_keeps_up(embedded_target, tmp_path):
    plan = Plan(
        "fast", groups=[make_bucket(), Group("g", [repeat(500, put("a", 1000), get("a"))], clients=8), remove_bucket()]
    )
    rate = 0.0
    with FaultProxy(embedded_target.endpoints) as proxy:
        for number in range(5):  # a busy machine may need more than one
            started = time.monotonic()
            run = run_plan(plan, proxy.target(embedded_target), out=tmp_path / str(number))
            rate = max(rate, 8000 / (time.monotonic() - started))
            assert run.verdict.consistency == "held"
            if rate > 500:
                break
    assert rate > 500, f"{rate:.0f} requests a second"
