"""An open-loop rate: when each operation is due follows from its number alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3prod.errors import UsageError


class RateLimiter:
    """`per_second` slots on an absolute schedule, for as many threads as wish.

    Slot n is due n / per_second after the first `wait`. Whoever is late goes at once, and the schedule does not move: a slow
    operation, or a sleep that took too long, makes the next ones come sooner, so that no time is lost and the rate holds.
    Latency counts from the due time that `wait` gives back; `lag_s` is how far behind its due time the last slot was given out.

        limiter = RateLimiter(100)
        for _ in range(1000):
            due = limiter.wait()
            s3_client.put_object(bucket, key, body)
            latencies.append(time.monotonic() - due)

    >>> limiter = RateLimiter(1000)
    >>> first, second = limiter.wait(), limiter.wait()
    >>> round(second - first, 9)
    0.001
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not per_second > 0:
            raise UsageError("per_second", per_second, "above 0")
        self.per_second = per_second
        self.lag_s = 0.0
        self.given = 0  # slots until now
        self._clock, self._sleep = clock, sleep
        self._start = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Takes the next slot, waits until it is due, and gives that time (of the clock, CLOCK_MONOTONIC)."""
        with self._lock:
            if self.given == 0:
                self._start = self._clock()
            due = self._start + self.given / self.per_second
            self.given += 1
        while (ahead := due - self._clock()) > 0:
            self._sleep(ahead)
        self.lag_s = -ahead
        return due

    def achieved(self) -> float:
        """The slots a second that were given out until now; against `per_second` it says whether the load was reached."""
        passed = self._clock() - self._start
        return self.given / passed if passed > 0 else 0.0
