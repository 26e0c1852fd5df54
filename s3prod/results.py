"""What a run leaves: its metrics, its history, its verdict, and the folder with `run.json`."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3prod.errors import PlanError, RunError, one_line
from s3prod.plan import Plan
from s3prod.summary import summary
from s3prod.verdict import LOAD_STATUS, Verdict, combine

if TYPE_CHECKING:
    from s3prod._native import History

RUN_FILE = "run.json"
HISTORY_FILE = "history.s3ph"
EVENTS_FILE = "proxy.jsonl"
_NOT_IMPLEMENTED = "501"
_SETS_UP = ("put_versioning", "put_lifecycle", "put_replication")


def write_whole(path: Path, text: str) -> None:
    """Writes a file, whole or not at all; a `RunError` says why it could not be.

    >>> write_whole(Path("/nonexistent/run.json"), "{}")
    Traceback (most recent call last):
    s3prod.errors.RunError: /nonexistent/run.json: not written, expected room and rights (No such file or directory)
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, "utf-8")
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise RunError(f"{path}: not written, expected room and rights ({error.strerror})") from None


def _refuses(op: str, by_status: Mapping[str, int]) -> bool:
    return set(by_status) == {_NOT_IMPLEMENTED} or (op in _SETS_UP and "0" not in by_status)


@dataclass(frozen=True)
class Run:
    """One run of a plan. `target` holds no secrets; `verdict` is None when nothing was judged.

    >>> Run(Plan("p"), {}, "native", {"load": {"verdict": "missed"}}, Path("out")).exit_status()
    1
    """

    plan: Plan
    target: dict[str, Any]
    runner: str
    metrics: dict[str, Any]
    out: Path
    verdict: Verdict | None = None
    started: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def history(self) -> Path:
        """The history file."""
        return self.out / HISTORY_FILE

    @property
    def load(self) -> str:
        """The load verdict: reached, missed, generator-limited or not-asked."""
        return str(self.metrics.get("load", {}).get("verdict", "not-asked"))

    @property
    def store(self) -> str:
        """The embedded store and its mode, when it was the target: `embedded store (fast)`."""
        mode = self.target.get("durability")
        return f"embedded store{f' ({mode})' if mode else ''}" if self.target.get("embedded") else ""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the run."""
        return bool(self.metrics.get("interrupted", False))

    @property
    def replay(self) -> str:
        """The command line that runs the same plan with the same seed again."""
        words = ["s3prod", "run", str(self.out / RUN_FILE), "--runner", self.runner]
        for option, name in (("--mutant", "mutants"), ("--mode", "modes"), ("--via-proxy", "via_proxy")):
            for spec in self.target.get(name, ()):
                words += [option, spec]
        if self.target.get("embedded"):
            return shlex.join(words)
        for endpoint in self.target.get("endpoints", ()):
            words += ["--endpoint", endpoint]
        return shlex.join(words)

    @property
    def silent_faults(self) -> list[str]:
        """The faults of the proxy that never fired: what they were to show is not shown."""
        return [spec for spec, fired in self.metrics.get("proxy", {}).get("faults", {}).items() if fired == 0]

    @property
    def unproven(self) -> list[str]:
        """Why a run does not show what it is for, whatever its verdicts are."""
        return [f"the fault {spec} never fired" for spec in self.silent_faults] + self.refused

    @property
    def refused(self) -> list[str]:
        """The operations that the store refused each time, because it does not have them, or to set a bucket up: what the plan
        wanted of them was not tried.
        """
        return [
            f"{name} was answered {' and '.join(sorted(op['by_status']))} each time"
            for name, op in self.metrics.get("ops", {}).items()
            if op["attempts"] and not op["ok"] and _refuses(name, op["by_status"])
        ]

    def events(self) -> list[dict[str, Any]]:
        """What the proxy did, event by event; none without one."""
        path = self.out / EVENTS_FILE
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def records(
        self, op: str | None = None, *, phase: str | None = None, group: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The attempts of the history, one after the other: all, or those of an operation, a phase, a group."""
        from s3prod._native import History

        with History(str(self.history)) as history:
            for index in self._find(history, op, phase, group):
                yield history.record(index)

    def span(self, op: str, group: str) -> tuple[int, float]:
        """How many attempts of an operation a group made in the main phase, and the seconds from the first call to the last
        end.
        """
        from s3prod._native import History

        with History(str(self.history)) as history:
            found = self._find(history, op, "main", group)
            called, ended = history.column("t_call"), history.column("t_return")
        return len(found), (max(ended[i] for i in found) - min(called[i] for i in found)) / 1e9 if found else 0.0

    def _find(self, history: History, op: str | None, phase: str | None, group: str | None) -> Sequence[int]:
        """The numbers of the attempts that have these values."""
        wanted = [(name, history.names(name).index(text)) for name, text in (("op", op), ("run_phase", phase)) if text]
        if group is not None:
            wanted.append(("group", [entry.group for entry in self.plan.groups].index(group)))
        found: Sequence[int] = range(len(history))
        for name, value in wanted:
            column = history.column(name)
            found = [index for index in found if column[index] == value]
        return found

    def by_group(self, *ops: str, phase: str = "") -> dict[str, list[dict[str, Any]]]:
        """The attempts of these operations (of all without any) and of a phase, by the name of their group; a group without
        such an attempt has an empty list.
        """
        names = [group.group for group in self.plan.groups]
        groups: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for record in self.records():
            if (not ops or record["op"] in ops) and phase in ("", record["run_phase"]):
                groups[names[record.get("group", 0)]].append(record)
        return groups

    def exit_status(self) -> int:
        """0 everything held, 1 a promise was broken or a requirement missed, 3 inconclusive or generator-limited."""
        statuses = [LOAD_STATUS.get(self.load, 3), 3 if self.interrupted or self.unproven else 0]
        return combine(statuses + ([] if self.verdict is None else [self.verdict.exit_status()]))

    def to_dict(self) -> dict[str, Any]:
        """The run as `run.json` has it."""
        return {
            "name": self.plan.name,
            "runner": self.runner,
            "seed": self.plan.seed,
            "scale": self.plan.scale,
            "started": self.started,
            "status": self.exit_status(),
            "consistency": None if self.verdict is None else self.verdict.consistency,
            "load": self.load,
            "replay": self.replay,
            "history": HISTORY_FILE,
            "target": self.target,
            "versions": self.versions,
            "summary": summary(self),
            "metrics": self.metrics,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "plan": self.plan.to_dict(),
        }

    def write(self) -> Path:
        """Writes `run.json`, whole or not at all, and gives its path."""
        path = self.out / RUN_FILE
        write_whole(path, json.dumps(self.to_dict(), indent=1) + "\n")
        return path

    @classmethod
    def read(cls, path: str | Path) -> Run:
        """The run of a `run.json`, or of the folder that holds one."""
        path = Path(path)
        path = path / RUN_FILE if path.is_dir() else path
        try:
            document = json.loads(path.read_text("utf-8"))
            verdict = document["verdict"]
            return cls(
                plan=Plan.from_dict(document["plan"]),
                target=document["target"],
                runner=document["runner"],
                metrics=document["metrics"],
                out=path.parent,
                verdict=None if verdict is None else Verdict.from_dict(verdict),
                started=document["started"],
                versions=document["versions"],
            )
        except OSError as error:
            raise RunError(f"run: {path}, expected a readable file ({error.strerror})") from None
        except (ValueError, KeyError, TypeError, PlanError) as error:
            raise RunError(f"run: {path}, expected a run.json ({one_line(str(error), 120)})") from None
