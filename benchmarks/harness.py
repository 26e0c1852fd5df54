"""What the benchmarks share: the null server and the store as pinned processes, the engine as a process, rounds, records."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / "c" / "release"
RESULTS = ROOT / "benchmarks" / "results"
ROUNDS = 5
CLIENT_CORE, SERVER_CORE = "0", "1"


class MissingPeer(Exception):
    """A peer that is not installed; the message names the package that brings it."""


@dataclass
class Record:
    """One line of the table, and one file under `results/`. `goal` is the least (or, lower being better, the most) wanted ratio."""

    name: str
    ratio: float
    ours: float
    peer: float
    unit: str
    better: str
    goal: float
    what: str
    command: str
    rounds: int = ROUNDS
    versions: dict[str, str] = field(default_factory=dict)
    cpu: str = ""
    when: str = ""
    missing: str = ""  # why there is no ratio: the peer that is not installed

    def reached(self) -> bool:
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal

    def write(self) -> None:
        self.cpu = _cpu_name()
        self.when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.versions = {"python": platform.python_version(), "kernel": platform.release()} | self.versions
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.processor()


def pinned(core: str) -> list[str]:
    """The words before a command that pin it to a core, when there is more than one."""
    return ["taskset", "-c", core] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else []


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[dict]:
    """`s3p_serve …` on the server's core; gives its first line."""
    with subprocess.Popen(
        [*pinned(SERVER_CORE), str(TOOLS / "s3p_serve"), *arguments, "--with-parent"], stdout=subprocess.PIPE
    ) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """User and system time that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(command: Sequence[str], **kwargs: object) -> tuple[str, float, float]:
    """Runs a command on the client's core: its standard output, its CPU seconds, its wall seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([*pinned(CLIENT_CORE), *command], check=True, stdout=subprocess.PIPE, text=True, **kwargs)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def target_of(serve: dict) -> dict:
    """The engine's target for a server's first line."""
    return {
        "endpoints": serve["endpoints"],
        "access_key": serve["access_key"],
        "secret_key": serve["secret_key"],
        "region": "us-east-1",
        "addressing": "path",
        "verify_tls": True,
        "bucket_prefix": "bench",
        "profile": {},
    }


def run_engine(plan: dict, serve: dict, *, history: bool = True) -> tuple[dict, float]:
    """One run of the C engine as a process of its own: its metrics, and its CPU microseconds an attempt (start-up included)."""
    with tempfile.TemporaryDirectory(prefix="s3prod-bench-", dir=fast_folder()) as folder:
        paths = [Path(folder) / name for name in ("plan.json", "target.json", "history.s3ph")]
        paths[0].write_text(json.dumps(plan))
        paths[1].write_text(json.dumps(target_of(serve)))
        command = [str(TOOLS / "s3p_run"), *map(str, paths), *([] if history else ["--no-history"])]
        out, cpu, _ = timed(command)
    metrics = json.loads(out)
    attempts = sum(op["attempts"] for op in metrics["ops"].values())
    return metrics, cpu * 1e6 / attempts


def fast_folder() -> str | None:
    """Memory to write to, where there is some: a benchmark of CPU time does not wait for a disk."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def interleave(sides: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Calls each side once a round, in turn, and gives each side's median."""
    values: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            values[name].append(side())
            print(f"  round {number + 1}/{rounds} {name}: {values[name][-1]:.3f}", file=sys.stderr, flush=True)
    return {name: statistics.median(found) for name, found in values.items()}


def tool_json(name: str, *arguments: str) -> dict:
    """The JSON line that a C tool prints."""
    out, _, _ = timed([str(TOOLS / name), *arguments])
    return json.loads(out.strip().splitlines()[-1])


def main(argv: list[str]) -> int:
    """Runs the named benchmarks, or all; prints the table; 0 also when a goal is missed: a benchmark is no test."""
    from benchmarks import BENCHMARKS

    as_json = "--json" in argv
    names = [word for word in argv if word != "--json"] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"s3prod: bench: {unknown[0]}, expected one of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    records: list[Record] = []
    for name in names:
        print(f"{name}:", file=sys.stderr, flush=True)
        try:
            found = BENCHMARKS[name]()
        except MissingPeer as error:
            print(f"s3prod: bench {name}: {error}", file=sys.stderr)
            return 2
        for record in found:
            record.write()
        records += found
    if as_json:
        print(json.dumps([asdict(record) for record in records], indent=1))
    else:
        print(_table(records))
    if len(names) > 1:
        write_table()
    return 0


def write_table(page: Path = ROOT / "benchmarks" / "README.md") -> None:
    """Rewrites the table between the two marker comments of the page from the records under `results/`."""
    begin, end = "<!-- results: begin -->\n", "<!-- results: end -->\n"
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"), key=lambda path: path.stem)]
    lines = ["| benchmark | ratio | goal | ours | peer | unit | when | command |", "| --- |" + " --- |" * 7]
    for r in (Record(**one) for one in found if "ratio" in one):
        goal = f"{'≥' if r.better == 'higher' else '≤'} {r.goal:g}{'' if r.reached() else ', missed'}" if r.goal else ""
        ours, peer = ("" if r.missing else f"{n:,.0f}" if n >= 1000 else f"{n:.3g}" for n in (r.ours, r.peer))
        cells = (
            r.name,
            r.missing or f"{r.ratio:.3g}",
            goal,
            ours,
            peer,
            r.unit,
            r.when,
            f"`{' '.join(r.command.split())}`",
        )
        lines.append(f"| {' | '.join(cells)} |")
    before, _, rest = page.read_text().partition(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2])


def _table(records: list[Record]) -> str:
    rows = [("benchmark", "ratio", "goal", "", "ours", "peer", "unit", "what")]
    for r in records:
        mark = "reached" if r.reached() else "missed"
        goal = f"{'≥' if r.better == 'higher' else '≤'} {r.goal:g}"
        goal, mark = (goal, mark) if r.goal else ("", "")
        rows.append(
            (
                r.name,
                r.missing or f"{r.ratio:.3g}",
                goal,
                mark,
                f"{r.ours:.4g}",
                f"{r.peer:.4g}",
                r.unit,
                r.what,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
