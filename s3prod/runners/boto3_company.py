"""Requests that set out together.

Python runs one thread at a time, and building a request takes longer than a near store takes to answer it: each would be
answered before the next is sent, and a plan of a hundred clients would put one request after the other. So a request that is
built waits for those that are being built, and they set out together.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

SIZE = 32
PATIENCE_S = 0.05


class Company:
    """What the clients of a run meet at. Any thread; nobody waits for longer than `PATIENCE_S`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._building = self._ready = self._turn = 0

    @contextlib.contextmanager
    def building(self) -> Iterator[Callable[[], None]]:
        """While the calling thread builds a request and sends it; gives what it calls when the request is built: that returns
        when the request may set out, and does nothing when it is called again.
        """
        with self._changed:
            self._building += 1
        still = True

        def set_out() -> None:
            nonlocal still
            if still:
                still = False
                self._set_out()

        try:
            yield set_out
        finally:
            if still:
                with self._changed:
                    self._building -= 1
                    self._go()

    def _set_out(self) -> None:
        with self._changed:
            self._building -= 1
            self._ready += 1
            turn = self._turn
            self._go()
            if turn == self._turn and not self._changed.wait_for(lambda: turn != self._turn, PATIENCE_S):
                self._leave()

    def _go(self) -> None:
        if self._ready >= SIZE or (self._ready and not self._building):
            self._leave()

    def _leave(self) -> None:
        self._ready, self._turn = 0, self._turn + 1
        self._changed.notify_all()
