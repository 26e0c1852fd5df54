"""What a store gives back, measured by the command of its profile (`usage_probe`)."""

from __future__ import annotations

import time
from collections.abc import Callable

from s3prod.errors import StoreError
from s3prod.profile import Profile
from s3prod.usage import stored_bytes

LEAST_S = 1.0  # asked for so long at least: a body goes with its last reader
PAUSE_S = 0.1  # after the first look; doubles


def given_back(profile: Profile, bucket: str, kept: int, held: int, act: Callable[[], object]) -> int:
    """How many bytes of a bucket are free after `act`: what it is as soon as it is `held` or more, else when the profile's
    `usage_lag_ms` has gone by. A command that does not count the `kept` and `held` bytes before is a `StoreError`; a profile
    without a command is `Unsupported`.

    >>> given_back({"name": "mine", "usage_probe": "echo 4096"}, "bucket", 4000, 0, lambda: None)
    0
    """
    before = _settled(profile, bucket, lambda stored: stored >= kept + held)
    if before < kept + held:
        raise StoreError(
            f"usage_probe: {before} bytes, expected the {kept + held} of the objects and parts that are there"
        )
    act()
    return before - _settled(profile, bucket, lambda stored: before - stored >= held)


def _settled(profile: Profile, bucket: str, enough: Callable[[int], bool]) -> int:
    """What is stored, asked for until it is enough or the time is up."""
    until, pause = time.monotonic() + max(LEAST_S, float(profile.get("usage_lag_ms", 0)) / 1000), PAUSE_S
    while not enough(stored := stored_bytes(profile, bucket)) and time.monotonic() < until:
        time.sleep(pause)
        pause *= 2
    return stored
