"""How a generated page is written, or checked: what the tools of the generated pages share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def write_or_check(root: Path, file: Path, text: str, tool: str, arguments: Sequence[str]) -> int:
    """Writes `text` to `file` below `root`; with --check only says when it is another, and then gives 1."""
    if "--check" not in arguments:
        file.write_text(text, "utf-8")
    elif not file.is_file() or file.read_text("utf-8") != text:
        print(f"{file.relative_to(root)}: stale, expected what python tools/{tool}.py writes", file=sys.stderr)
        return 1
    return 0
