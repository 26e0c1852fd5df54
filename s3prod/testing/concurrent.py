"""Many clients at once on threads: released by a barrier, bounded by deadlines, no exception lost."""

from __future__ import annotations

import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from s3prod.client.base import code_of, status_of
from s3prod.errors import InconclusiveError


@dataclass(frozen=True)
class PerformanceMetrics:
    """What a load came to. Latencies are in seconds and of operations that succeeded; `memory_mb` is the peak of the whole
    process; `errors` counts failures by S3 code, or else by class; `overlap` is the share of operations during which another
    client's was in flight.

    >>> PerformanceMetrics(100.0, 0.001, 0.02, 50.0, {}, 1.0).to_dict()["latency_p99"]
    0.02
    """

    operations_per_second: float
    latency_p50: float
    latency_p99: float
    memory_mb: float
    errors: dict[str, int]
    duration_seconds: float
    operations: int = 0
    max_in_flight: int = 0
    overlap: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The metrics as one JSON object."""
        return asdict(self)


def run_concurrent_operations(
    operation_func: Callable[[int], object],
    num_clients: int,
    duration_sec: float,
    *,
    tolerate: Collection[str] = (),
    min_overlap: float = 0.5,
    deadline_sec: float = 60.0,
) -> PerformanceMetrics:
    """Has `num_clients` threads call `operation_func(client)` again and again for `duration_sec`; with 0, once each.

    All begin together, behind a barrier. An exception whose S3 code (or class) is among `tolerate` is counted in `errors`; any
    other ends its client, and when all have ended an ExceptionGroup with every one of them is raised. So is a TimeoutError
    when a client has not ended `deadline_sec` after its time, and an `InconclusiveError` when less than `min_overlap` of the
    operations overlapped another client's (of several clients).

    >>> run_concurrent_operations(lambda client: None, 1, 0).operations
    1
    """
    clients = [_Client(number, operation_func, tolerate) for number in range(num_clients)]
    barrier = threading.Barrier(num_clients + 1)
    for client in clients:
        client.start(barrier, duration_sec, deadline_sec)
    try:
        barrier.wait(deadline_sec)
    except threading.BrokenBarrierError:
        raise TimeoutError(f"not all of {num_clients} clients began within {deadline_sec:g} s") from None
    start, until = time.monotonic(), time.monotonic() + duration_sec + deadline_sec
    for client in clients:
        client.thread.join(max(0.0, until - time.monotonic()))
    late = [client.number for client in clients if client.thread.is_alive()]
    if late:
        raise TimeoutError(f"clients {late} had not ended {deadline_sec:g} s after their {duration_sec:g} s")
    raised = [client.raised for client in clients if client.raised is not None]
    if raised:
        raise ExceptionGroup(f"{len(raised)} of {num_clients} clients failed", raised)
    metrics = _metrics(clients, time.monotonic() - start)
    if num_clients > 1 and metrics.overlap < min_overlap:
        raise InconclusiveError(f"overlap: {metrics.overlap:.2f}, expected {min_overlap:g} or more: nothing is proven")
    return metrics


class _Client:
    """One client: its thread, and what its operations came to."""

    def __init__(self, number: int, operation: Callable[[int], object], tolerate: Collection[str]) -> None:
        self.number, self.operation, self.tolerate = number, operation, tolerate
        self.spans: list[tuple[int, int, bool]] = []  # begin, end, succeeded
        self.errors: Counter[str] = Counter()
        self.raised: Exception | None = None

    def start(self, barrier: threading.Barrier, duration_s: float, deadline_s: float) -> None:
        self.thread = threading.Thread(target=self._run, args=(barrier, duration_s, deadline_s), daemon=True)
        self.thread.start()

    def _run(self, barrier: threading.Barrier, duration_s: float, deadline_s: float) -> None:
        try:
            barrier.wait(deadline_s)
        except threading.BrokenBarrierError:
            return  # the caller says so
        until = time.monotonic() + duration_s
        while True:
            begin = time.monotonic_ns()
            try:
                self.operation(self.number)
                succeeded = True
            except Exception as error:
                succeeded, name = False, _name_of(error)
                self.errors[name] += 1
                if name not in self.tolerate:
                    error.add_note(f"client {self.number}, operation {len(self.spans) + 1}")
                    self.raised = error
            self.spans.append((begin, time.monotonic_ns(), succeeded))
            if self.raised is not None or time.monotonic() >= until:
                return


def _name_of(error: Exception) -> str:
    if isinstance(error, ClientError):
        return code_of(error) or str(status_of(error))
    return type(error).__name__


def _metrics(clients: list[_Client], duration_s: float) -> PerformanceMetrics:
    spans = sorted((begin, end) for client in clients for begin, end, _ in client.spans)
    latencies = sorted(end - begin for client in clients for begin, end, succeeded in client.spans if succeeded)
    max_in_flight, overlap = _overlap(spans)
    return PerformanceMetrics(
        operations_per_second=len(latencies) / duration_s,
        latency_p50=_percentile(latencies, 0.50),
        latency_p99=_percentile(latencies, 0.99),
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        errors=dict(sum((client.errors for client in clients), Counter())),
        duration_seconds=duration_s,
        operations=len(spans),
        max_in_flight=max_in_flight,
        overlap=overlap,
    )


def _percentile(sorted_ns: list[int], share: float) -> float:
    """In seconds; the smallest latency that so many operations did not exceed."""
    if not sorted_ns:
        return 0.0
    return sorted_ns[max(0, -(-len(sorted_ns) * round(share * 100) // 100) - 1)] / 1e9


def _overlap(spans: list[tuple[int, int]]) -> tuple[int, float]:
    """How many were in flight at most, and the share that overlapped another; of spans in the order of their begin.

    >>> _overlap([(0, 10), (5, 15), (20, 30)])
    (2, 0.6666666666666666)
    """
    edges = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    in_flight = most = overlapped = latest = 0
    for _, step in edges:
        in_flight += step
        most = max(most, in_flight)
    for number, (begin, end) in enumerate(spans):
        before = number > 0 and latest > begin
        after = number + 1 < len(spans) and spans[number + 1][0] < end
        overlapped += before or after
        latest = max(latest, end)
    return most, overlapped / len(spans) if spans else 0.0
