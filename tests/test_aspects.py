"""The checkers of what is no plain register: no alarm on the correct store, whatever races."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore


@pytest.mark.parametrize(
    "name",
    [
        "uploads",
        "upload-endings",
        "orphaned-multipart",
        "concurrent-multipart",
        "copies",
        "tags",
        "versions",
        "batches",
        "cross-feature",
    ],
)
def test_the_correct_store_is_held(name: str, tmp_path: Path) -> None:
    with EmbeddedStore(endpoints=2, options=STORE_OPTIONS) as store:
        for seed in (1, 2, 3):
            run = run_plan(BUILTIN[name]("smoke", seed), store.target(), out=tmp_path / str(seed))
            assert run.verdict is not None
            assert run.verdict.consistency == "held", run.verdict.document
