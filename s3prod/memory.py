"""How much memory this process took at most while something ran, beyond what it had before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # see proc(5)


class Peak:
    """Filled in when the block ends."""

    mb: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """The peak of resident memory inside the block, without what was resident at its beginning: what ran before in the same
    process does not count. Where the system does not let go of older peaks, theirs may be counted.

    >>> with peak_memory() as peak:
    ...     block = bytearray(64 << 20)
    >>> 60 < peak.mb < 100
    True
    """
    peak = Peak()
    with suppress(OSError):
        _CLEAR.write_text(_FORGET_PEAK)
    before = _status_mb("VmRSS")
    try:
        yield peak
    finally:
        peak.mb = max(0.0, _status_mb("VmHWM") - before)


def _status_mb(field: str) -> float:
    line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024
