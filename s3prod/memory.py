"""How much memory this process had at most while something ran, and how much of it came while it ran."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # see proc(5)


class Peak:
    """Filled in when the block ends."""

    mb: float = 0.0  # beyond what was resident at the beginning: what ran before in the same process does not count
    rss_mb: float = 0.0  # all that was resident


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """The peak of resident memory inside the block. Where the system does not let go of older peaks, theirs may be counted.

    >>> with peak_memory() as peak:
    ...     block = bytearray(64 << 20)
    >>> 60 < peak.mb < 100 and peak.mb < peak.rss_mb
    True
    """
    peak = Peak()
    with suppress(OSError):
        _CLEAR.write_text(_FORGET_PEAK)
    before = _status_mb("VmRSS")
    try:
        yield peak
    finally:
        peak.rss_mb = _status_mb("VmHWM")
        peak.mb = max(0.0, peak.rss_mb - before)


def _status_mb(field: str) -> float:
    line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024
