"""Ceph's object gateway of Debian 12: what its lane says when it cannot start. What it keeps is asked by test_stores.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rgw import Gateway
from server import ServerError, Unobtainable


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unobtainable, match=r"monmaptool, expected in PATH \(tools/setup.sh packages"):
        Gateway("16.2.")


def test_a_daemon_that_ends_is_shown_with_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "radosgw").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exec /usr/bin/radosgw --version\necho no luck; exit 3\n'
    )
    (tmp_path / "radosgw").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ServerError, match=r"(?s)radosgw: ended with status 3.*--- radosgw.out\nno luck"):
        Gateway("16.2.")
