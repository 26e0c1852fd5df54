"""The checker on recorded register and compare-and-swap histories, 16 operations in flight a key, one thread."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import TOOLS, Record, interleave, timed, tool_json

ATTEMPTS = 2_000_000


def check() -> list[Record]:
    """Attempts a second from the file; operations a second of the core in memory."""
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        path = str(Path(folder) / "history.s3ph")
        timed([str(TOOLS / "s3p_genhist"), path, str(ATTEMPTS), "16"])
        found = interleave(
            {
                "file": lambda: tool_json("s3p_checkbench", "file", path)["attempts_per_s"] / 1e6,
                "core": lambda: tool_json("s3p_checkbench", "core")["ops_per_s"] / 1e6,
            }
        )
    return [
        Record("check", found["file"] / 10, found["file"], 10, "M attempts/s a core", "higher", 1,
               f"history of {ATTEMPTS:,} attempts from its file, 16 in flight a key: over the goal of 10 M", "s3prod bench check"),
        Record("check-core", found["core"] / 40, found["core"], 40, "M ops/s a core", "higher", 1,
               "chains and zones in memory: over the goal of 40 M", "s3prod bench check  # check-core"),
    ]  # fmt: skip
