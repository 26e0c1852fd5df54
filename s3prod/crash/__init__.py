"""The crash harness: proves that the embedded store keeps what it acknowledged, when it is killed and when the power goes.

A load of many threads mutates objects, versions, tags, uploads and counters; at a seeded moment the store is killed; the
next one starts on the same data, or on the image that a disk would show after a loss of power (`csrc/tests/tools/power_loss`).
Everything that was acknowledged must be there, everything that was in flight wholly or not at all, and nothing else.

    python -m s3prod.crash --rounds 200
    python -m s3prod.crash --rounds 50 --loss some
"""

from s3prod.crash.harness import Crashes, CrashFailure, crash

__all__ = ["CrashFailure", "Crashes", "crash"]
