"""The file of known deviations: both directions count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from expected import fits
from storelib import Store

TABLE = '[D1]\nclass = "c"\nwhat = "w"\n[D1.tests]\n'


@pytest.mark.parametrize(
    ("lines", "status", "says"),
    [
        (['"test_lists.py::test_no_such_bucket" = "y"'], 1, "[XPASS(strict)] D1 c: y"),
        (["[D1.races]", '"test_lists.py::test_no_such_bucket" = "y"'], 0, "1 xpassed"),
        (['"test_lists.py::test_gone" = "y"'], 4, "expected: test_lists.py::test_gone: no such test"),
        (
            ['"test_lists.py::test_every_position" = "y"', '"test_lists.py::test_every_position[-]" = "y"'],
            4,
            "is named by",
        ),
        (['"test_lists.py::test_no_such_bucket" = "y'], 4, "expected: "),
    ],
    ids=["passes", "race", "gone", "twice", "no-toml"],
)
def test_a_file_that_does_not_fit(
    start: Any, tmp_path: Path, run_suite: Any, lines: list[str], status: int, says: str
) -> None:
    (tmp_path / "x.toml").write_text(TABLE + "\n".join(lines))
    store: Store = start()
    keys = store.endpoint, store.credentials.access_key, store.credentials.secret_key
    done = run_suite(*keys, "tests/store/test_lists.py", "-k", "no_such_bucket", "--expected", str(tmp_path / "x.toml"))
    assert done.returncode == status and says in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_failure_that_is_expected_is_counted(start: Any, tmp_path: Path, run_suite: Any) -> None:
    store: Store = start("--mutant", "cond-ignored")
    keys = store.endpoint, store.credentials.access_key, store.credentials.secret_key
    (tmp_path / "x.toml").write_text(f'store = "S"\n{TABLE}"test_rules.py::test_delete_if_match_stale" = "y"\n')
    words = ["tests/store/test_rules.py", "-k", "if_match_stale", "--expected", str(tmp_path / "x.toml")]
    done = run_suite(*keys, *words)
    assert "S: 1 tests failed as expected (D1 c 1)" in done.stdout, done.stdout
    assert done.returncode == 1 and "test_put_if_match_stale" in done.stdout, (
        "and the one that is not named is a failure"
    )


@pytest.mark.parametrize(
    ("pattern", "name", "fit"),
    [
        ("a.py::t", "a.py::t", True),
        ("a.py::t", "a.py::t[1/x]", True),
        ("a.py::t", "a.py::tt", False),
        ("a.py::t[*-x]", "a.py::t[1-x]", True),
        ("a.py::t[*-x]", "a.py::t[1-y]", False),
        ("a.py::t[[x]]", "a.py::t[[x]]", True),
    ],
)
def test_patterns(pattern: str, name: str, fit: bool) -> None:
    assert fits(pattern, name) is fit
