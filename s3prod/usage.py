"""How many bytes a bucket takes, where the store's profile has a command that says it (`usage_probe`)."""

from __future__ import annotations

import shlex
import subprocess

from s3prod.errors import StoreError, one_line
from s3prod.profile import Profile, Unsupported, lacks

DEADLINE_S = 60.0


def stored_bytes(profile: Profile, bucket: str) -> int:
    """What the profile's command prints last. Without a command it is `Unsupported`; one that says no number, a `StoreError`.

    >>> stored_bytes({"name": "mine", "usage_probe": "echo 4096"}, "bucket")
    4096
    """
    if why := lacks(profile, "usage_probe"):
        raise Unsupported(f"unsupported: {why}")
    command = str(profile["usage_probe"]).replace("{bucket}", shlex.quote(bucket))
    expected = "a number of bytes in its last line"
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise StoreError(f"usage_probe: {command}: {one_line(str(error), 120)}, expected {expected}") from None
    if done.returncode != 0:
        raise StoreError(
            f"usage_probe: {command}: status {done.returncode}: {one_line(done.stderr, 120)}, expected {expected}"
        )
    last = (done.stdout.strip().splitlines() or [""])[-1].strip()
    if not last.isdecimal():
        raise StoreError(f"usage_probe: {command}: {one_line(last, 60)!r}, expected {expected}")
    return int(last)
