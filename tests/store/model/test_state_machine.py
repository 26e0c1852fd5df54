"""The store against the model: random sequences of requests, of which every answer is compared.

`--seed N` draws other sequences; S3PROD_MODEL_STEPS makes a longer campaign.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from storelib import command

from model.asking import Tally
from model.draws import MIN_PART_BYTES
from model.machine import Machine
from model.wire import Client
from s3prod.store import EmbeddedStore

STEPS = int(os.environ.get("S3PROD_MODEL_STEPS", "20000"))
FIND_WITHIN = 2_000  # steps, in which a planted fault must show

# Without these the sequences would prove little.
REACHED = {
    ("DELETE bucket", 204, ""), ("DELETE bucket", 409, "BucketNotEmpty"), ("DELETE object", 204, ""),
    ("DELETE object", 404, "NoSuchKey"), ("DELETE object", 412, "PreconditionFailed"), ("DELETE object tagging", 204, ""),
    ("DELETE object uploadId", 204, ""), ("GET bucket", 200, ""), ("GET bucket list-type", 200, ""),
    ("GET bucket uploads", 200, ""), ("GET bucket versions", 200, ""), ("GET object", 200, ""), ("GET object", 304, ""),
    ("GET object", 404, "NoSuchKey"), ("GET object", 404, "NoSuchVersion"), ("GET object", 405, "MethodNotAllowed"),
    ("GET object", 412, "PreconditionFailed"), ("GET object attributes", 200, ""), ("GET object partNumber", 206, ""),
    ("GET object partNumber", 416, "InvalidPartNumber"), ("GET object range", 206, ""),
    ("GET object range", 416, "InvalidRange"), ("GET object tagging", 200, ""), ("GET object uploadId", 200, ""),
    ("HEAD object", 200, ""), ("HEAD object", 404, ""), ("POST bucket delete", 200, ""), ("POST object uploadId", 200, ""),
    ("POST object uploadId", 400, "EntityTooSmall"), ("POST object uploadId", 400, "InvalidPart"),
    ("POST object uploadId", 400, "InvalidPartOrder"), ("POST object uploadId", 404, "NoSuchUpload"),
    ("POST object uploadId", 412, "PreconditionFailed"), ("POST object uploads", 200, ""), ("PUT object", 200, ""),
    ("PUT object", 400, "BadDigest"), ("PUT object", 404, "NoSuchKey"), ("PUT object", 412, "PreconditionFailed"),
    ("PUT object tagging", 200, ""), ("PUT object uploadId partNumber", 200, ""),
    ("PUT object uploadId partNumber", 404, "NoSuchUpload"), ("PUT object x-amz-copy-source", 200, ""),
    ("PUT object x-amz-copy-source", 400, "InvalidRequest"), ("PUT object x-amz-copy-source", 404, "NoSuchVersion"),
    ("PUT object x-amz-copy-source", 412, "PreconditionFailed"),
}  # fmt: skip

Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A client of a fresh store, broken on purpose when mutants are named."""
    running: list[tuple[EmbeddedStore, Client]] = []

    def begin(*mutants: str) -> Client:
        options = ["--fast", "--min-part-bytes", str(MIN_PART_BYTES)]
        store = EmbeddedStore(mutants=mutants, endpoints=2, options=options, argv=command())
        running.append((store, Client(store.endpoints, store.access_key, store.secret_key)))
        return running[-1][1]

    yield begin
    for store, client in running:
        client.close()
        assert store.close() == 0


def drive(client: Client, tally: Tally, number: int, examples: int, *phases: Phase) -> None:
    """Runs that many sequences; raises what the machine finds."""
    run = settings(
        max_examples=examples,
        stateful_step_count=50,
        phases=phases,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    factory: Any = seed(number)(lambda: Machine(client, tally))
    run_state_machine_as_test(factory, settings=run)


def test_the_store_answers_as_the_model(connect: Connect, request: pytest.FixtureRequest, capsys: Any) -> None:
    client, tally, begun = connect(), Tally(), time.monotonic()
    number = request.config.getoption("--seed") << 16
    while tally.steps < STEPS or (REACHED - set(tally.outcomes) and tally.steps < 4 * STEPS):
        number += 1
        drive(client, tally, number, 40, Phase.generate, Phase.shrink)
    took = time.monotonic() - begun
    with capsys.disabled():
        print(f" {tally.steps} steps, {tally.requests} requests, {tally.steps / took:.0f} steps/s", end=" ")
    assert tally.steps >= STEPS
    assert sorted(REACHED - set(tally.outcomes)) == []


FAULTS = (
    "cond-ignored",
    "cond-always-412",
    "cond-failed-but-applied",
    "first-writer-wins",
    "lost-ack-write",
    "wrong-put-etag",
    "torn-get",
    "torn-blocks",
    "stale-read-replica:delay_ms=20",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(connect: Connect, fault: str, capsys: Any) -> None:
    client, tally = connect(fault), Tally()
    with pytest.raises(BaseException, match="by the model"):
        drive(client, tally, 1, FIND_WITHIN // 40, Phase.generate)
    with capsys.disabled():
        print(f" step {tally.failed_at}", end=" ")
    assert tally.failed_at is not None and tally.failed_at <= FIND_WITHIN


def test_what_is_found_is_made_small(connect: Connect) -> None:
    """An overwrite that is dropped needs two writes and a read, whatever sequence found it."""
    with pytest.raises(AssertionError, match="by the model") as found:
        drive(connect("first-writer-wins"), Tally(), 1, 100, Phase.generate, Phase.shrink)
    steps = [line for line in "\n".join(found.value.__notes__).splitlines() if line.startswith("state.")]
    assert len(steps) <= 8, steps
