"""Which histories stay: those of runs that did not pass, and of the newest five that did."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from s3prod import keep


def _run(folder: Path, age: int, status: int = 0) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"status": status}))
    (folder / "report.html").write_text("report")
    (folder / "history.s3ph").write_bytes(b"history")
    os.utime(folder / "run.json", (1_000_000 - age, 1_000_000 - age))
    return folder / "history.s3ph"


def test_the_newest_five_that_passed_and_all_that_did_not(tmp_path: Path) -> None:
    passed = [_run(tmp_path / f"p{age}", age) for age in range(8)]
    failed = [_run(tmp_path / "deep" / f"f{status}", 100, status) for status in (1, 2, 3)]
    assert sorted(keep.prune(tmp_path, "recent")) == sorted(passed[5:])
    assert [history.exists() for history in passed] == [True] * 5 + [False] * 3
    assert all(history.exists() for history in failed)
    assert all(
        (history.parent / "run.json").exists() and (history.parent / "report.html").exists() for history in passed
    )
    assert keep.prune(tmp_path, "recent") == []


def test_all_and_failed(tmp_path: Path) -> None:
    passed, failed = _run(tmp_path / "p", 1), _run(tmp_path / "f", 1, 1)
    assert keep.prune(tmp_path, "all") == []
    assert keep.prune(tmp_path, "failed", {passed.parent}) == []
    assert keep.prune(tmp_path, "failed") == [passed]
    assert failed.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"status": "0"}'])
def test_what_is_no_run_is_left_alone(tmp_path: Path, content: str) -> None:
    history = _run(tmp_path / "x", 1)
    (history.parent / "run.json").write_text(content)
    assert keep.prune(tmp_path, "failed") == [] and history.exists()


def test_the_command_prunes_its_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from s3prod.cli import main

    monkeypatch.chdir(tmp_path)
    old = [_run(tmp_path / "reports" / f"old{age}", age) for age in range(6)]
    arguments = ["run", "thundering-herd", "--scale", "smoke"]
    assert main(arguments) == 0
    assert sorted(history.exists() for history in old) == [False] * 2 + [True] * 4
    assert main([*arguments, "--out", "one", "--keep-history", "failed"]) == 0
    assert not Path("one/history.s3ph").exists() and Path("one/run.json").exists()
    assert main([*arguments, "--out", "bad", "--keep-history", "failed", "--mutant", "wrong-put-etag:p=1"]) == 1
    assert Path("bad/history.s3ph").exists()
