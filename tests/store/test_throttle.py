"""Throttling by prefix: refused before anything happens, and a token bucket that can be counted on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from storelib import Store, command, error_of

Start = Callable[..., Store]
SLOW = (503, "SlowDown")


def put(s3: Any, key: str, body: bytes = b"x", **more: Any) -> tuple[int, str]:
    return error_of(lambda: s3.put_object(Bucket="bkt", Key=key, Body=body, **more))


def test_exactly_the_burst_and_nothing_of_what_is_refused(start: Start) -> None:
    store = start("--throttle", "bkt/hot/*=6/h,burst=5")
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    answers = [put(s3, f"hot/{number}") for number in range(9)]
    assert answers == [(200, "")] * 5 + [SLOW] * 4
    assert put(s3, "hott") == put(s3, "cold") == (200, "")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bkt")["Contents"]]
    assert keys == ["cold", *(f"hot/{number}" for number in range(5)), "hott"]
    refused = store.signed("GET", "/bkt/hot/0")
    assert (refused.status, refused.code) == SLOW
    assert 590 <= int(refused.headers["retry-after"]) <= 600


def test_before_the_signature_the_bucket_and_the_body_are_looked_at(start: Start) -> None:
    store = start("--throttle", "bkt/*=1/h")
    assert store.signed("HEAD", "/bkt").status == 404  # takes the token
    assert store.send("GET", "/bkt/k").status == 503
    announced = {"Expect": "100-continue", "Content-Length": "2000000"}
    assert store.send("PUT", "/bkt/k", headers=announced).status == 503
    assert store.signed("PUT", "/bkt/k", b"x" * 100_000).code == "SlowDown"
    assert store.signed("PUT", "/other").status == 200


def test_tokens_come_back_at_the_rate(start: Start) -> None:
    store = start("--throttle", "bkt/*=20/s,burst=1")
    s3 = store.client()
    since, done = time.monotonic(), 0
    while done < 10:
        done += error_of(lambda: s3.head_bucket(Bucket="bkt"))[0] == 404
    assert time.monotonic() - since >= 9 / 20


def test_tokens_do_not_pile_up(start: Start) -> None:
    s3 = start("--throttle", "bkt/*=20/s,burst=2").client()
    assert error_of(lambda: s3.head_bucket(Bucket="bkt"))[0] == 404
    time.sleep(1)
    since = time.monotonic()
    done = sum(error_of(lambda: s3.head_bucket(Bucket="bkt"))[0] == 404 for _ in range(15))
    assert 2 <= done <= 3 + 20 * (time.monotonic() - since)


def test_the_first_rule_that_matches_decides(start: Start) -> None:
    store = start("--throttle", "bkt/hot/free/*=1000/s", "--throttle", "bkt/hot/*=1/h", "--throttle", "bkt/*=100/s")
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    assert [put(s3, "hot/free/x") for _ in range(5)] == [(200, "")] * 5
    assert [put(s3, "hot/x") for _ in range(2)] == [(200, ""), SLOW]
    assert put(s3, "x") == (200, "")


def test_threads_share_the_tokens(start: Start) -> None:
    store = start("--throttle", "bkt/hot/*=1/h,burst=20", "--threads", "2")
    s3 = store.client()
    s3.create_bucket(Bucket="bkt")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: put(s3, f"hot/{number}"), range(60)))
    assert answers.count((200, "")) == 20 and answers.count(SLOW) == 40


@pytest.mark.parametrize("rule", ["", "bkt*=1/s", "bkt/*=0/s", "bkt/*=1", "bkt/*=1/s,burst=0", "bkt/=1/s"])
def test_a_bad_rule_ends_the_start(rule: str) -> None:
    done = subprocess.run([*command(), f"--throttle={rule}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f'--throttle: "{rule}"' in done.stderr
