"""The embedded store, built with a sanitizer, under a part of `tests/store`, or with `S3PROD_LANES_WHOLE=1` under all of it.

And the fault proxy under load.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lane_table as lanes
import pytest

from s3prod import Group, Plan, Space, run_plan
from s3prod.plan import choose, get, make_bucket, put, remove_bucket, repeat
from s3prod.proxy import FaultProxy
from s3prod.store import EmbeddedStore

# What each sanitizer is asked: ASan what parses and keeps buffers, TSan what more than one thread touches.
PARTS = {
    "asan": "attributes bucket_policy chunked copy delete_many front lists multipart objects request_log tags usage versions",
    "tsan": "conditions copy lifecycle lists live_readers multipart replication rules",
}
# The tests that lose power preload a library, which cannot stand before the sanitizer's own.
CRASH = ("test_start.py", "test_rounds.py::test_sigkill", "test_rounds.py::test_ack_before_commit_is_found")
MAKE = ["make", "-s", "-C", "csrc", "-j2"]


# What the proxy does to a run: an answer of every kind, cuts, deliveries of its own.
FAULTS = [
    "drop-ack-after-commit:p=0.03", "drop-before-commit:p=0.03", "status-after-commit:p=0.03,op=put",
    "late-delivery:p=0.03,delay_ms=20", "reset-request-at:p=0.03,op=put", "truncate-clean:p=0.03,op=get",
    "stale-connection:p=0.03,how=surplus", "duplicate-delivery:p=0.03", "dns-multi:p=0.05", "slow-body:p=0.03,op=get",
]  # fmt: skip


def build(variant: str) -> None:
    """The tools with this sanitizer."""
    built = subprocess.run([*MAKE, f"VARIANT={variant}", "tools"], cwd=lanes.ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr


def words(variant: str) -> list[str]:
    """The tests to run."""
    if not lanes.whole():
        return [f"tests/store/test_{name}.py" for name in PARTS[variant].split()]
    files = sorted(str(path.relative_to(lanes.ROOT)) for path in (lanes.ROOT / "tests/store").glob("test_*.py"))
    return [*files, "tests/store/model", *(f"tests/store/crash/{one}" for one in CRASH)]


def reports(folder: Path) -> str:
    """What the sanitizer wrote, of stores that were killed or whose status nobody asked for too."""
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("report*")))


@pytest.mark.parametrize("variant", [name for name in PARTS if name in lanes.asked()])
def test_store_suite(
    variant: str, tmp_path: Path, run_tests: Callable[..., Any], record_property: Callable[[str, object], None]
) -> None:
    """Nothing fails and nothing is reported; a report alone fails the store's exit status, too."""
    began = time.monotonic()
    build(variant)
    ready, log = time.monotonic(), f"log_path={tmp_path}/report"
    settings = {
        "S3PROD_STORE": str(lanes.ROOT / "build" / "c" / variant / "s3p_serve"),
        "ASAN_OPTIONS": f"{log}:detect_leaks=1",
        "UBSAN_OPTIONS": f"{log}:print_stacktrace=1",
        "TSAN_OPTIONS": f"{log}:second_deadlock_stack=1",
    }
    done = run_tests(*words(variant), timeout=3600, **settings)
    assert (done.returncode, reports(tmp_path)) == (0, ""), done.stdout + done.stderr + reports(tmp_path)
    passed = done.stdout.strip().splitlines()[-1]
    record_property(lanes.SAYS, f"{variant}: no report; built in {ready - began:.0f} s, {passed}")


@pytest.mark.parametrize("variant", [name for name in PARTS if name in lanes.asked()])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_proxy_under_load(tls: bool, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults of all kinds on many connections, while the control port is asked and switched: nothing is reported."""
    build(variant)
    program = [repeat(150, choose("k", "x"), put("x.key", 30_000), get("x.key"))]
    plan = Plan(
        "proxied",
        groups=[make_bucket(), Group("g", program, clients=16), remove_bucket()],
        deadline_ms=20_000,
        spaces={"k": Space.uniform("k/", 50)},
    )
    with EmbeddedStore(endpoints=2, tls=tmp_path / "tls" if tls else None) as store:
        monkeypatch.setenv(f"{variant.upper()}_OPTIONS", f"log_path={tmp_path}/report")
        argv = [str(lanes.ROOT / "build" / "c" / variant / "s3p_proxy")]
        proxy = FaultProxy(store.endpoints, FAULTS, argv=argv, ca_file=store.ca_file)
        with proxy, ThreadPoolExecutor(1) as aside:
            run = aside.submit(run_plan, plan, proxy.target(store.target()), out=tmp_path / "run")
            while not run.done():
                proxy.switch(FAULTS)
                time.sleep(0.2)
            assert run.result().verdict.violations == 0
            assert sum(fault["fired"] for fault in proxy.counters()["faults"]) > 100
    assert (proxy.close(), reports(tmp_path)) == (0, "")
