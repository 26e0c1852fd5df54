"""How much memory this process took at most while something ran."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # see proc(5)


class Peak:
    """Filled in when the block ends."""

    mb: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """The peak of resident memory inside the block; where the system does not let go of older peaks, since the start of the
    process, which is never less.

    >>> with peak_memory() as peak:
    ...     block = bytearray(64 << 20)
    >>> peak.mb > 64
    True
    """
    peak = Peak()
    try:
        _CLEAR.write_text(_FORGET_PEAK)
        known = True
    except OSError:
        known = False
    try:
        yield peak
    finally:
        peak.mb = _high_water_mb() if known else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _high_water_mb() -> float:
    line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
