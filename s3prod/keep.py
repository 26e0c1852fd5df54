"""Which histories stay: those of runs that did not pass, always; of those that passed, the newest few."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from s3prod.results import HISTORY_FILE, RUN_FILE

RECENT = 5  # runs that passed and keep their histories
KEEP = {
    "recent": RECENT,  # how many runs that passed keep theirs
    "failed": 0,
    "all": None,
}
HELP = f"histories of runs that passed: recent keeps those of the newest {RECENT} (default), failed none, all each"


def _passed(run: Path) -> bool:
    try:
        return bool(json.loads(run.read_bytes())["status"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # no run of ours, or one that is being written


def prune(folder: Path, keep: str, but: Collection[Path] = ()) -> list[Path]:
    """Removes the histories below `folder` that the rule `keep` does not keep, and gives their paths.

    Only files beside a `run.json` that says that its run passed are touched; that file and the reports stay.
    `but`: folders of runs whose tests failed later.

    >>> prune(Path("no-such-folder"), "failed")
    []
    """
    most = KEEP[keep]
    if most is None:
        return []
    runs = [path for path in folder.rglob(RUN_FILE) if (path.parent / HISTORY_FILE).is_file() and _passed(path)]
    runs.sort(key=lambda path: (path.stat().st_mtime_ns, str(path)), reverse=True)
    removed = [path.parent / HISTORY_FILE for path in runs[most:] if path.parent not in but]
    for history in removed:
        history.unlink(missing_ok=True)
    return removed
