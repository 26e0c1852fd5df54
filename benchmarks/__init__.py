"""Benchmarks: ratios taken in one run, sides interleaved, medians, CPU time a request beside wall time.

Each is a row of `BENCHMARKS`; `python -m benchmarks` runs all of them, `s3prod bench NAME` one. Results are written to
`benchmarks/results/NAME.json`; documents quote nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    bench_check,
    bench_engine,
    bench_history,
    bench_porcupine,
    bench_sign,
    bench_store,
    bench_store_durable,
    bench_store_large,
    bench_store_million,
    bench_suite,
)
from benchmarks.harness import Record

BENCHMARKS: dict[str, Callable[[], list[Record]]] = {
    "engine": bench_engine.against_wrk,
    "engine-boto3": bench_engine.against_boto3,
    "engine-obstore": bench_engine.against_obstore,
    "sign": bench_sign.sign,
    "check": bench_check.check,
    "check-list": bench_check.lists,
    "check-memory": bench_check.memory,
    "check-porcupine": bench_porcupine.against_porcupine,
    "check-porcupine-large": bench_porcupine.too_large,
    "store": bench_store.store,
    "store-switches": bench_store.switches,
    "store-versitygw": bench_store.against_versitygw,
    "store-large": bench_store_large.large,
    "store-million": bench_store_million.million,
    "store-durable": bench_store_durable.durable,
    "history": bench_history.history,
    "suite-full": bench_suite.full,
    "suite-smoke": bench_suite.smoke,
    "suite-boto3": bench_suite.against_boto3,
}
