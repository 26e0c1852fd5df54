"""Benchmarks: ratios taken in one run, sides interleaved, medians, CPU time a request beside wall time.

Each is a row of `BENCHMARKS`; `python -m benchmarks` runs all of them, `s3prod bench NAME` one. Results are written to
`benchmarks/results/NAME.json`; documents quote nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import bench_check, bench_engine, bench_history, bench_sign, bench_store
from benchmarks.harness import Record

BENCHMARKS: dict[str, Callable[[], list[Record]]] = {
    "engine": bench_engine.against_wrk,
    "engine-boto3": bench_engine.against_boto3,
    "engine-obstore": bench_engine.against_obstore,
    "sign": bench_sign.sign,
    "check": bench_check.check,
    "store": bench_store.store,
    "history": bench_history.history,
}
