"""One phase of a plan on threads: the stop rule, barriers, arrivals, and the threads of the clients."""

from __future__ import annotations

import collections
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from s3prod.plan import walk
from s3prod.runners.book import Book
from s3prod.runners.boto3_interp import Ended, Interpreter
from s3prod.runners.boto3_record import Cancelled, Gone, Sender
from s3prod.runners.metrics import Arrived

_TICK_S = 0.05


class Barrier:
    """Cyclic; everyone who has not left must come before anyone goes on."""

    def __init__(self, parties: int) -> None:
        self._changed = threading.Condition()
        self._parties, self._waiting, self._turn = parties, 0, 0

    def wait(self, check: Callable[[], None]) -> None:
        """Comes to the barrier; `check` may raise to give up."""
        with self._changed:
            turn = self._turn
            self._waiting += 1
            self._open()
            try:
                while turn == self._turn:
                    self._changed.wait(_TICK_S)
                    check()
            except BaseException:
                if turn == self._turn:
                    self._waiting -= 1
                raise

    def leave(self) -> None:
        """One party fewer, for good."""
        with self._changed:
            self._parties -= 1
            self._open()

    def _open(self) -> None:
        if self._waiting and self._waiting >= self._parties:
            self._waiting, self._turn = 0, self._turn + 1
            self._changed.notify_all()


class Arrivals:
    """The schedule of an open group: absolute times from the seed, a bounded queue, what was not sent."""

    def __init__(self, given: Mapping[str, Any], seed: str, phase: Phase) -> None:
        self._gap_s, self._poisson = 1 / given["per_s"], given.get("process", "poisson") == "poisson"
        self._room, self._rng, self._phase = given.get("queue", 1000), random.Random(seed), phase
        self._changed = threading.Condition()
        self._queue: collections.deque[tuple[int, int]] = collections.deque()  # intended, noticed while all were busy
        self._idle, self._at_s = 0, 0.0
        self.unsent = 0
        self.late_ns: list[int] = []

    def offer(self) -> None:
        """Offers one arrival after the other until the phase ends; the body of the group's own thread."""
        number, intended = 0, self._due(0)
        try:
            while True:
                self._phase.sleep((intended - time.monotonic_ns()) / 1e9)
                with self._changed:
                    if len(self._queue) < self._room + self._idle:
                        waits = len(self._queue) >= self._idle
                        self._queue.append((intended, time.monotonic_ns() if waits else 0))
                        self._changed.notify()
                    else:
                        self.unsent += 1
                number += 1
                intended = self._due(number)
        except Ended:
            with self._changed:
                self._changed.notify_all()
            while intended < self._phase.over_ns:  # due before the end, and not even offered
                self.unsent += 1
                number += 1
                intended = self._due(number)

    def _due(self, number: int) -> int:
        """When arrival `number` is due: what is late does not move what comes after it."""
        if self._poisson:
            self._at_s += self._rng.expovariate(1 / self._gap_s)
        else:
            self._at_s = number * self._gap_s
        return self._phase.started + int(self._at_s * 1e9)

    def take(self) -> int:
        """The intended start of the next arrival; `Ended` when the phase is over."""
        with self._changed:
            self._idle += 1
            try:
                while not self._queue:
                    self._phase.check()
                    self._changed.wait(_TICK_S)
                self._phase.check()
                intended, noticed = self._queue.popleft()
            finally:
                self._idle -= 1
            self.late_ns.append(max(0, (noticed or time.monotonic_ns()) - intended))
            return intended

    def close(self) -> None:
        """What is still queued at the end was not sent."""
        self.unsent += len(self._queue)
        self._queue.clear()


class Group:
    """A group of the plan while it runs."""

    def __init__(self, number: int, given: Mapping[str, Any], senders: list[Sender]) -> None:
        self.number, self.name, self.program = number, given["group"], given["program"]
        self.phase, self.senders = given.get("phase", "main"), senders
        arrival = given.get("arrival", {"closed": {}})
        self.open = arrival.get("open")
        closed = arrival.get("closed", {})
        self.until = closed.get("until", "")
        self.times = closed.get("times", 1)
        self.barriers = {step["barrier"] for step in walk(self.program) if "barrier" in step}
        self.interpreters: list[Interpreter] = []
        self.arrivals: Arrivals | None = None

    def arrived(self) -> Arrived:
        """What its clients came to."""
        out = Arrived()
        for name in ("runs", "runs_ok", "no_key", "exhausted", "unknown", "retries"):
            setattr(out, name, sum(one.counts[name] for one in self.interpreters))
        if self.arrivals is not None:
            out.unsent, out.late_ns = self.arrivals.unsent, self.arrivals.late_ns
        return out


class Phase:
    """The world of the phase's clients (`boto3_interp.World`), and the thread of each."""

    def __init__(self, name: str, groups: list[Group], book: Book, stop: Mapping[str, Any], seed: int) -> None:
        self.name, self.groups, self.book, self._seed = name, groups, book, seed
        bounded = stop if name == "main" else {}
        self._seconds, self._attempts = bounded.get("seconds"), bounded.get("attempts")
        self._over = threading.Event()
        self._running = 0  # clients of groups that do not wait for the others
        self._lock = threading.Lock()
        self.errors: list[BaseException] = []
        self._barriers = {
            name: Barrier(sum(len(group.senders) for group in groups if name in group.barriers))
            for group in groups
            for name in group.barriers
        }
        self._admitted = 0
        self.over_ns = 0  # when the stop rule ended the phase
        self.started = self.ended = 0

    # --- what the interpreters see ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises `Ended` when the stop rule, an error or Ctrl-C has ended the phase."""
        if self._over.is_set() or self.book.cancelled:
            raise Ended
        elapsed = time.monotonic_ns() - self.started
        if self._seconds is not None and elapsed >= self._seconds * 1e9:
            self.over_ns = self.started + int(self._seconds * 1e9)
            self._over.set()
            raise Ended

    def admit(self) -> None:
        """`check`, and counts one attempt: exactly as many are made as the rule says."""
        self.check()
        if self._attempts is None:
            return
        with self._lock:
            if self._admitted >= self._attempts:
                raise Ended
            self._admitted += 1
            if self._admitted == self._attempts:
                self.over_ns = time.monotonic_ns()
                self._over.set()

    def sleep(self, seconds: float) -> None:
        """Sleeps, at most to the end of the phase."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            self._over.wait(min(left, _TICK_S))
        self.check()

    def barrier(self, name: str) -> None:
        """Waits at a barrier of the phase."""
        self._barriers[name].wait(self.check)

    def lender(self, group: str, borrower: Interpreter) -> Interpreter:
        """The client of that group with the borrower's number in its own."""
        number = next(one.interpreters.index(borrower) for one in self.groups if borrower in one.interpreters)
        lenders = next(one.interpreters for one in self.groups if one.name == group)
        return lenders[number % len(lenders)]

    # --- the threads -----------------------------------------------------------------------------------------------

    def run(self, tick: Callable[[], None]) -> None:
        """Starts the clients and waits for their end; calls `tick` now and then. Raises what a client raised."""
        threads = []
        self.started = time.monotonic_ns()
        self._running = sum(len(group.senders) for group in self.groups if group.until != "others")
        for group in self.groups:
            if group.open is not None:
                group.arrivals = Arrivals(group.open, f"{self._seed}/{group.name}", self)
                threads.append(threading.Thread(target=group.arrivals.offer, daemon=True))
            for sender, interpreter in zip(group.senders, group.interpreters, strict=True):
                threads.append(threading.Thread(target=self._client, args=(group, sender, interpreter), daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_TICK_S)
                tick()
        self.ended = time.monotonic_ns()
        for group in self.groups:
            if group.arrivals is not None:
                group.arrivals.close()
        if self.errors:
            raise self.errors[0]

    def _client(self, group: Group, sender: Sender, interpreter: Interpreter) -> None:
        try:
            self._arrive(group, sender, interpreter)
        except (Ended, Cancelled, Gone):
            pass
        except BaseException as error:
            self.errors.append(error)
            self._over.set()
        finally:
            for name in group.barriers:
                self._barriers[name].leave()
            if group.until != "others":
                with self._lock:
                    self._running -= 1

    def _arrive(self, group: Group, sender: Sender, interpreter: Interpreter) -> None:
        if group.arrivals is not None:
            while True:
                sender.sched = group.arrivals.take()
                interpreter.run()
        if not group.until:
            for _ in range(group.times):
                interpreter.run()
            return
        while True:
            interpreter.run()
            if group.until == "others" and self._running == 0:
                return
