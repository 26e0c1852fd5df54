"""The checker: recorded histories of registers and compare-and-swap, its core in memory, pages of listings, memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.harness import ROUNDS, TOOLS, Record, fast_folder, timed, tool_json

ATTEMPTS, KEYS = 2_000_000, 2_000
LARGE, BOUND_MB = 1_000_000, 2048
GOAL_BYTES, TIGHT_BYTES, MIB = 64, 72, 1 << 20
LISTED = 1_000_000  # keys of s3p_listbench


def _history(folder: str, attempts: int, keys: int) -> str:
    """A history's file, in the page cache as a run leaves it."""
    path = str(Path(folder) / f"history-{keys}-{attempts}.s3ph")
    timed([str(TOOLS / "s3p_genhist"), "-n", str(attempts), "-k", str(keys), "-c", "16", path])
    return path


def check() -> list[Record]:
    """Attempts a second from the file, by one thread and by two; operations a second of the core in memory."""
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        path = _history(folder, ATTEMPTS, KEYS)
        lines, both, cores = [], [], []
        for _ in range(ROUNDS):
            lines.append(tool_json("s3p_checkbench", "-t", "1", "-r", "3", path))
            both.append(_two_threads(path))
            cores.append(tool_json("s3p_registerbench", "-c", "16")["ops_per_s"] / 1e6)
    rate = statistics.median(line["attempts_per_cpu_s"] for line in lines) / 1e6
    one = statistics.median(line["attempts_per_s"] for line in lines) / 1e6
    two = statistics.median(both) / 1e6
    core = statistics.median(cores)
    return [
        Record("check", rate / 10, rate, 10, "M attempts/s a core", "higher", 1,
               f"history of {ATTEMPTS:,} attempts from its file, 16 in flight a key: over the goal of 10 M", "s3prod bench check"),
        Record("check-threads", two / one, two, one, "M attempts/s", "higher", 0,
               "the same by the clock: two threads over one", "s3prod bench check  # check-threads"),
        Record("check-core", core / 40, core, 40, "M ops/s a core", "higher", 1,
               "chains and zones in memory: over the goal of 40 M", "s3prod bench check  # check-core"),
    ]  # fmt: skip


def _two_threads(path: str) -> float:
    """Not pinned: two threads want two cores."""
    command = [str(TOOLS / "s3p_checkbench"), "-t", "2", "-r", "3", path]
    line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(json.loads(line)["attempts_per_s"])


def lists() -> list[Record]:
    """Entries of pages a second, judged for structure and membership; the memory that it takes."""
    folder = fast_folder() or tempfile.gettempdir()
    lines = [tool_json("s3p_listbench", str(folder)) for _ in range(ROUNDS)]
    found = statistics.median(line["entries_per_s"] for line in lines) / 1e6
    a_key = _anonymous(["s3p_listbench", str(folder)]) / LISTED
    return [
        Record("check-list", found / 20, found, 20, "M entries/s a core", "higher", 1,
               "pages of 1,000 entries over 1,000,000 keys, in memory: over the goal of 20 M", "s3prod bench check-list"),
        Record("check-list-memory", a_key / GOAL_BYTES, a_key, GOAL_BYTES, "bytes/key", "lower", 1,
               "of such listings, over the goal of 64", "s3prod bench check-list  # check-list-memory", rounds=1),
    ]  # fmt: skip


def memory() -> list[Record]:
    """Anonymous memory an attempt of the largest key within a tight bound, and an attempt of many keys with room
    for all; the mapped file is not in it.
    """
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-") as folder:
        small, large = (_check_bytes(_history(folder, n, 1), TIGHT_BYTES * n // MIB + 1) for n in (LARGE // 2, LARGE))
        few, many = (_check_bytes(_history(folder, n, n // 1000), BOUND_MB) for n in (ATTEMPTS, 2 * ATTEMPTS))
    largest, rest = (large - small) / (LARGE / 2), (many - few) / ATTEMPTS
    return [
        Record("check-memory", largest / GOAL_BYTES, largest, GOAL_BYTES, "bytes/attempt", "lower", 1,
               f"of one key, within a bound of {TIGHT_BYTES} an attempt, over the goal of {GOAL_BYTES}",
               "s3prod bench check-memory", rounds=1),
        Record("check-memory-rest", rest / GOAL_BYTES, rest, GOAL_BYTES, "bytes/attempt", "lower", 0,
               f"of many keys, within a bound of {BOUND_MB} MiB", "s3prod bench check-memory  # check-memory-rest", rounds=1),
    ]  # fmt: skip


def _check_bytes(path: str, bound_mb: int) -> int:
    """The greatest of several runs: on a busy machine a look may miss the moment."""
    return max(_anonymous(["s3p_check", "-t", "1", "-m", str(bound_mb), path]) for _ in range(ROUNDS))


def _anonymous(words: list[str]) -> int:
    """The most RssAnon that a tool was seen with; its arrays live until its end."""
    most = 0
    with subprocess.Popen([str(TOOLS / words[0]), *words[1:]], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, *_rss_anon(process.pid), 0)
            time.sleep(0.002)
    if process.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    return most


def _rss_anon(pid: int) -> list[int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")]
