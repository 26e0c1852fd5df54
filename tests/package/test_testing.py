"""The shared parts for tests of one's own: each does what it says, and each speaks when something is wrong."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from s3prod import profile
from s3prod.client import LeftBehindError, S3Client
from s3prod.errors import StoreError, UsageError
from s3prod.store import EmbeddedStore
from s3prod.testing import (
    BackupError,
    BackupManager,
    ConsistencyValidator,
    InconclusiveError,
    NetworkFailureInjector,
    RateLimiter,
    cleanup_test_resources,
    given_back,
    random_string,
    run_concurrent_operations,
)


@pytest.fixture(scope="module")
def client(embedded_target):
    return S3Client(embedded_target)


@pytest.fixture
def buckets(client):
    """Makes buckets, and removes them."""
    made = []

    def make():
        made.append(f"testing-{random_string()}")
        client.create_bucket(made[-1])
        return made[-1]

    yield make
    for name in made:
        client.empty_bucket(name)
        client.delete_bucket(name)


@contextmanager
def broken(mutant):
    """A client of a store with a mutant, with two buckets."""
    with EmbeddedStore(mutants=[mutant]) as store:
        client = S3Client(store.target())
        for name in ("one", "two"):
            client.create_bucket(name)
        yield client


# --- run_concurrent_operations -----------------------------------------------------------------------------------------


def test_clients_overlap_and_are_measured(client, buckets):
    bucket, seen = buckets(), set()

    def operation(number):
        seen.add(number)
        client.put_object(bucket, f"k{number}", b"1")

    metrics = run_concurrent_operations(operation, 8, 0.3)
    assert seen == set(range(8)) and metrics.errors == {}
    assert metrics.max_in_flight > 1 and metrics.overlap >= 0.5
    assert metrics.operations >= 8 and metrics.duration_seconds >= 0.3
    assert metrics.operations_per_second == pytest.approx(metrics.operations / metrics.duration_seconds)
    assert 0 < metrics.latency_p50 <= metrics.latency_p99 and metrics.memory_mb > 10


def test_all_clients_are_in_flight_at_once():
    together = threading.Barrier(20)
    metrics = run_concurrent_operations(lambda number: together.wait(30), 20, 0)
    assert (metrics.operations, metrics.max_in_flight, metrics.overlap) == (20, 20, 1.0)


def test_no_exception_is_lost():
    def operation(number):
        if number % 2:
            raise AssertionError(f"client {number} saw it")

    with pytest.raises(ExceptionGroup) as caught:
        run_concurrent_operations(operation, 4, 0, min_overlap=0)
    assert sorted(map(str, caught.value.exceptions)) == ["client 1 saw it", "client 3 saw it"]
    assert caught.value.exceptions[0].__notes__ == ["client 1, operation 1"]


def test_what_is_tolerated_is_counted(client, buckets):
    bucket = buckets()

    def create(number):
        client.put_object(bucket, "one", b"%d" % number, IfNoneMatch="*")

    metrics = run_concurrent_operations(create, 6, 0, tolerate=["PreconditionFailed"], min_overlap=0)
    assert metrics.errors == {"PreconditionFailed": 5}
    with pytest.raises(ExceptionGroup):
        run_concurrent_operations(create, 2, 0, min_overlap=0)


def test_a_client_that_hangs_is_named():
    stuck = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"clients \[2\] had not ended 0.1 s after"):
            run_concurrent_operations(lambda number: number != 2 or stuck.wait(60), 3, 0, deadline_sec=0.1)
    finally:
        stuck.set()


def test_clients_one_after_the_other_prove_nothing():
    turn = threading.Lock()

    def alone(number):
        with turn:
            begun.append(number)

    begun = []
    with pytest.raises(InconclusiveError, match="overlap"):
        run_concurrent_operations(alone, 2, 0, min_overlap=1.1)


# --- RateLimiter -------------------------------------------------------------------------------------------------------


class Clock:
    """A clock that only sleeping and working move; every sleep takes a bit too long."""

    def __init__(self, oversleep):
        self.now, self.oversleep = 100.0, oversleep

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds + self.oversleep


def test_a_rate_holds_although_sleeps_take_too_long():
    clock = Clock(oversleep=0.004)
    limiter = RateLimiter(100, clock=clock, sleep=clock.sleep)
    due = [limiter.wait() for _ in range(1001)]
    assert due == pytest.approx([100 + number / 100 for number in range(1001)])
    assert clock.now == pytest.approx(110.0, abs=0.01)
    assert limiter.achieved() == pytest.approx(100, rel=0.01)


def test_a_slow_operation_does_not_move_the_schedule():
    clock = Clock(oversleep=0)
    limiter = RateLimiter(100, clock=clock, sleep=clock.sleep)
    limiter.wait()
    clock.now += 1.0
    assert limiter.wait() == pytest.approx(100.01)
    assert limiter.lag_s == pytest.approx(0.99)
    for _ in range(99):
        limiter.wait()
    assert clock.now == pytest.approx(101.0)
    limiter.wait()
    assert clock.now == pytest.approx(101.01) and limiter.lag_s == pytest.approx(0)
    with pytest.raises(UsageError, match="per_second: 0, expected above 0"):
        RateLimiter(0)


def test_threads_share_a_rate():
    limiter, due = RateLimiter(2000), []
    run_concurrent_operations(lambda number: due.append(limiter.wait()), 4, 0.1, min_overlap=0)
    steps = sorted(due)
    assert [b - a for a, b in itertools.pairwise(steps)] == pytest.approx([1 / 2000] * (len(steps) - 1))


# --- cleanup_test_resources --------------------------------------------------------------------------------------------


def test_cleanup_touches_its_prefix_only(client, buckets):
    bucket = buckets()
    client.put_bucket_versioning(bucket, {"Status": "Enabled"})
    for key in ("mine/a", "mine/a", "other/a"):
        client.put_object(bucket, key, b"1")
    client.create_multipart_upload(bucket, "mine/up")
    client.create_multipart_upload(bucket, "other/up")
    assert cleanup_test_resources(bucket, "mine/", client=client) == 3
    assert sorted(thing.key for thing in client.things(bucket)) == ["other/a", "other/up"]
    assert cleanup_test_resources(bucket, "other/", include_versions=False, client=client) == 2
    kinds = sorted(thing.kind for thing in client.things(bucket))
    assert kinds == ["delete marker", "version"]


def test_cleanup_says_what_leaked(monkeypatch):
    monkeypatch.setattr("s3prod.client.emptying._PAUSE_S", 0.001)
    with broken("bulk-silent-failure:p=1") as client:
        client.put_object("one", "mine/a", b"1")
        with pytest.raises(LeftBehindError, match="mine/a"):
            cleanup_test_resources("one", "mine/", include_versions=False, client=client)


# --- NetworkFailureInjector --------------------------------------------------------------------------------------------


def test_a_lost_acknowledgement_is_on_the_wire(embedded_target, client, buckets):
    bucket = buckets()
    with NetworkFailureInjector(embedded_target, seed=7) as network:
        through = network.client()
        with network.failing("drop-ack-after-commit:p=1,op=put"):
            with pytest.raises(ConnectionClosedError):
                through.put_object(bucket, "k", b"1")
            assert sum(network.fired().values()) == 1
        assert client.get_object(bucket, "k")["Body"].read() == b"1", "the write had been committed"
        assert through.put_object(bucket, "k", b"2")["ETag"], "the fault is off again"
        assert [event["fault"] for event in network.events()] == ["drop-ack-after-commit:p=1,op=put"]
        with pytest.raises(InconclusiveError, match="never fired"), network.failing("corrupt-byte:p=1,op=get"):
            through.put_object(bucket, "k", b"3")


# --- ConsistencyValidator ----------------------------------------------------------------------------------------------


def churn(validator, clients=4):
    """Concurrent writers and readers of one key, then a last read."""

    def operation(number):
        validator.put("hot", b"value of %d: %s" % (number, random_string().encode()))
        validator.get("hot")

    validator.put("hot", b"first")
    run_concurrent_operations(operation, clients, 0.2, min_overlap=0)
    validator.get("hot")
    return validator


def test_a_correct_store_holds(embedded_target, client, buckets):
    validator = churn(ConsistencyValidator(client, buckets(), profile=embedded_target.profile))
    validator.put("gone", b"x", IfNoneMatch="*")
    with pytest.raises(ClientError):
        validator.put("gone", b"y", IfNoneMatch="*")
    validator.delete("gone")
    assert validator.get("gone") is None
    verdict = validator.check()
    assert verdict.consistency == "held" and verdict.evidence["*"]["reads"] > 8
    with pytest.raises(UsageError, match="no earlier write"):
        validator.put("gone", b"x")


@pytest.mark.parametrize(
    ("mutant", "rule"),
    [
        ("lost-ack-write:p=0.5", "stale-read|lost-update|absent-after-ack"),
        ("zero-filled-tail:p=0.5", "unwritten-value"),
        ("cond-ignored:p=1", "create-twice|cas-ignored|chain"),
        ("wrong-put-etag:p=1", "etag-mismatch"),
        ("delete-acked-not-applied:p=1", "present-after-delete"),
    ],
)
def test_a_broken_promise_is_named(mutant, rule):
    with broken(mutant) as client:
        validator = ConsistencyValidator(client, "one", profile=profile.load("embedded"))
        for number in range(8):
            validator.put(f"k{number}", b"%d" % number * 500, IfNoneMatch="*")
            validator.get(f"k{number}")
            validator.put(f"k{number}", b"again %d" % number * 50)
            validator.get(f"k{number}")
            try:
                validator.put(f"k{number}", b"never %d" % number, IfNoneMatch="*")
            except ClientError as error:
                assert error.response["Error"]["Code"] == "PreconditionFailed"
            validator.delete(f"k{number}")
            validator.get(f"k{number}")
        with pytest.raises(AssertionError, match=rule):
            validator.check()


def test_no_evidence_is_no_pass(client, buckets):
    validator = ConsistencyValidator(client, buckets())
    validator.put("k", b"1")
    with pytest.raises(InconclusiveError, match="inconclusive"):
        validator.check()


def test_a_lost_answer_is_unknown_not_failed(embedded_target, buckets):
    with NetworkFailureInjector(embedded_target) as network:
        validator = ConsistencyValidator(network.client(), buckets(), profile=embedded_target.profile)
        validator.put("k", b"1")
        with (
            network.failing("drop-ack-after-commit:p=1,op=put"),
            pytest.raises(ConnectionClosedError),
        ):
            validator.put("k", b"2")
        assert validator.get("k") == b"2"
        assert validator.check().consistency == "held"


# --- BackupManager -----------------------------------------------------------------------------------------------------


def seeded(client, bucket):
    client.put_bucket_versioning(bucket, {"Status": "Enabled"})
    client.put_object(bucket, "p/a", b"1", Metadata={"m": "1"}, Tagging="t=1")
    client.put_object(bucket, "p/a", b"2", ContentType="text/x-two")
    client.delete_object(bucket, "p/a")
    client.put_object(bucket, "p/a", b"3")
    client.put_object(bucket, "p/b +&", b"4")
    client.put_object(bucket, "q", b"5")


def sequence(client, bucket, key):
    """The versions of a key, newest first, as (bytes or None)."""
    from s3prod.testing.backup import version_rows

    rows = [row for row in version_rows(client, bucket, key) if row[0] == key]
    return [None if marker else client.get_object(bucket, key, VersionId=id_)["Body"].read() for _, id_, marker in rows]


def test_backup_and_restore(client, buckets):
    source, other, third = buckets(), buckets(), buckets()
    seeded(client, source)
    manager = BackupManager(client, source, other)
    backup = manager.backup("p/")
    assert len(backup.versions) == 5 and backup.bucket == other
    assert sequence(client, other, "p/a") == sequence(client, source, "p/a") == [b"3", None, b"2", b"1"]
    assert not client.object_exists(other, "q")
    client.empty_bucket(source)
    manager.restore(backup)
    assert sequence(client, source, "p/a") == [b"3", None, b"2", b"1"]
    first = backup.versions[[version.key for version in backup.versions].index("p/a")]
    assert first.content.metadata == {"m": "1"} and first.content.tags == {"t": "1"}
    client.put_bucket_versioning(third, {"Status": "Enabled"})
    assert manager.restore(backup, third).bucket == third


def test_a_backup_of_a_plain_bucket(client, buckets):
    source, other = buckets(), buckets()
    client.put_object(source, "k", b"1")
    manager = BackupManager(client, source, other)
    backup = manager.backup()
    client.put_object(source, "k", b"2")
    manager.restore(backup)
    assert client.get_object(source, "k")["Body"].read() == b"1"


def test_a_damaged_backup_is_not_restored(client, buckets):
    source, other = buckets(), buckets()
    seeded(client, source)
    manager = BackupManager(client, source, other)
    backup = manager.backup("p/")
    client.put_object_tagging(other, "p/b +&", {"x": "1"})
    gone = next(version for version in backup.versions if version.content is None)
    client.delete_object(other, gone.key, VersionId=gone.version_id)
    with pytest.raises(BackupError, match="tags not as backed up") as caught:
        manager.restore(backup)
    assert any("no delete marker" in each for each in caught.value.differences)
    assert sequence(client, source, "p/b +&") == [b"4"]


@pytest.mark.parametrize(
    ("mutant", "says"),
    [("copy-drops-meta:p=1", "metadata not as backed up"), ("zero-filled-tail:p=0.5", "sha256 not as backed up")],
)
def test_a_store_that_copies_wrongly_is_named(mutant, says):
    with broken(mutant) as client:
        for number in range(10):
            client.put_object("one", f"k{number}", b"value %d" % number * 100, Metadata={"m": "1"})
        with pytest.raises(BackupError, match=says):
            BackupManager(client, "one", "two").backup()


# --- given_back --------------------------------------------------------------------------------------------------------


def test_what_is_given_back_is_waited_for(tmp_path):
    """As long as the profile says that it may take, and no longer; what the command does not count is no verdict."""
    (tmp_path / "bytes").write_text("900")
    counted = profile.load("embedded") | {"usage_probe": f"cat {tmp_path}/bytes"}
    assert given_back(counted, "b", 300, 600, lambda: (tmp_path / "bytes").write_text("299")) == 601
    (tmp_path / "bytes").write_text("900")
    (tmp_path / "fewer").write_text("300")  # it replaces the other at once: no reader sees an empty file
    later = threading.Timer(0.3, (tmp_path / "fewer").replace, [tmp_path / "bytes"])
    assert given_back(counted, "b", 300, 600, later.start) == 600
    (tmp_path / "bytes").write_text("900")
    assert given_back(counted, "b", 300, 600, lambda: (tmp_path / "bytes").write_text("301")) == 599
    with pytest.raises(
        StoreError, match="usage_probe: 301 bytes, expected the 900 of the objects and parts that are there"
    ):
        given_back(counted, "b", 300, 600, lambda: pytest.fail("nothing is done"))
