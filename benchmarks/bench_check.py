"""The checker on recorded register and compare-and-swap histories, 16 operations in flight a key, one thread."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.harness import ROUNDS, TOOLS, Record, fast_folder, timed, tool_json

ATTEMPTS, KEYS = 2_000_000, 2_000


def check() -> list[Record]:
    """Attempts a second from the file; operations a second of the core in memory."""
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-", dir=fast_folder()) as folder:
        path = str(Path(folder) / "history.s3ph")
        timed([str(TOOLS / "s3p_genhist"), "-n", str(ATTEMPTS), "-k", str(KEYS), "-c", "16", path])
        lines = [tool_json("s3p_checkbench", "-t", "1", "-r", "2", path) for _ in range(ROUNDS)]
    found = {
        "file": statistics.median(line["attempts_per_cpu_s"] for line in lines) / 1e6,
        "core": statistics.median(line["core_ops_per_s"]["16"] for line in lines) / 1e6,
    }
    return [
        Record("check", found["file"] / 10, found["file"], 10, "M attempts/s a core", "higher", 1,
               f"history of {ATTEMPTS:,} attempts from its file, 16 in flight a key: over the goal of 10 M", "s3prod bench check"),
        Record("check-core", found["core"] / 40, found["core"], 40, "M ops/s a core", "higher", 1,
               "chains and zones in memory: over the goal of 40 M", "s3prod bench check  # check-core"),
    ]  # fmt: skip


def lists() -> list[Record]:
    """Entries of pages a second, judged for structure and membership."""
    folder = fast_folder() or tempfile.gettempdir()
    lines = [tool_json("s3p_listbench", str(folder)) for _ in range(ROUNDS)]
    found = statistics.median(line["entries_per_s"] for line in lines) / 1e6
    return [
        Record("check-list", found / 20, found, 20, "M entries/s a core", "higher", 1,
               "pages of 1,000 entries over 1,000,000 keys, in memory: over the goal of 20 M", "s3prod bench check-list"),
    ]  # fmt: skip
