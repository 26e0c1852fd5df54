"""Results that are kept between calls."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from s3prod.matrix.cells import Cell, Result


class Journal:
    """Results that are kept between calls, so that an interrupted matrix goes on where it stopped."""

    def __init__(self, folder: Path, scale: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{_fingerprint()}-{scale}.jsonl"
        self.done: dict[Cell, Result] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            document = json.loads(line)
            cell = Cell(**document.pop("cell"))
            self.done[cell] = Result(cell, **document)

    def add(self, result: Result) -> None:
        self.done[result.cell] = result
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _fingerprint() -> str:
    """Changes whenever the program does."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(
        path for part in ("*.so", "plans/*.py", "crash/*.py", "matrix/*.py") for path in package.glob(part)
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
