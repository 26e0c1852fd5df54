"""Writes docs/store.md from what the embedded store says of itself (`s3prod serve --describe`).

    python tools/gen_store_doc.py [--check]

With --check nothing is written; the status is 1 when the file is stale.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from generated import write_or_check

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "store.md"
INTRO = ROOT / "tools" / "store_intro.md"
HEADERS = """\
*Where* it is honoured, or has no effect; *elsewhere*: the value that asks for nothing new, else 501. A name with `*` stands
for all that begin so and have no line of their own above it. Other `x-amz-*` headers are let through and counted in `/stats`
of the admin port.
"""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    grid = [list(headings), ["---"] * len(headings), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in grid)


def code(texts: Iterable[str]) -> str:
    """Texts as code, with commas between them."""
    return ", ".join(f"`{text}`" for text in texts)


def request_of(operation: dict[str, Any]) -> str:
    """How a request for it looks."""
    path = {"service": "/", "bucket": "/bucket", "object": "/bucket/key"}[operation["level"]]
    select = f"?{operation['select']}" if operation["select"] else ""
    copy = " + `x-amz-copy-source`" if "x-amz-copy-source" in operation["headers"] else ""
    return f"`{operation['method']} {path}{select}`{copy}"


def state_of(operation: dict[str, Any]) -> str:
    """Whether it is there."""
    if not operation["implemented"]:
        return "refused"
    return f"with `{operation['option']}`" if operation["option"] else "implemented"


def operation_row(operation: dict[str, Any]) -> list[str]:
    """A line of the table of operations."""
    return [
        operation["name"],
        request_of(operation),
        state_of(operation),
        code(operation["arguments"]),
        code(name for name in operation["headers"] if name != "x-amz-copy-source"),
        operation["about"],
    ]


def header_row(header: dict[str, Any]) -> list[str]:
    """A line of the table of headers."""
    where = "everywhere" if header["everywhere"] else ", ".join(header["operations"]) or "nowhere"
    elsewhere = "" if header["everywhere"] else f"only `{header['only']}`" if header["only"] else "refused"
    return [f"`{header['name']}`", where, elsewhere]


def render(description: dict[str, Any]) -> str:
    """The whole file."""
    operations = sorted(description["operations"], key=lambda one: (not one["implemented"], one["level"] != "service"))
    errors = sorted(description["errors"], key=lambda one: (one["code"], one["status"], one["message"]))
    parts = [
        INTRO.read_text("utf-8"),
        "## Operations\n",
        "Arguments and headers that are not named here are refused, but those of the signature and `x-id`.\n",
        table(
            ["operation", "request", "state", "arguments", "headers of its own", "what"], map(operation_row, operations)
        ),
        "\n## Headers\n",
        HEADERS,
        table(["header", "where", "elsewhere"], map(header_row, description["headers"])),
        "\n## Errors\n",
        table(
            ["code", "status", "when, as its message says it"],
            ([f"`{one['code']}`", str(one["status"]), one["message"]] for one in errors),
        ),
    ]
    return "\n".join(parts) + "\n"


def describe() -> dict[str, Any]:
    """What the store says; S3PROD_STORE names another binary."""
    named = os.environ.get("S3PROD_STORE")
    command = [named] if named else [sys.executable, "-m", "s3prod", "serve"]
    done = subprocess.run([*command, "--describe"], check=True, capture_output=True, cwd=ROOT)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def main(arguments: Sequence[str]) -> int:
    """Writes the page, or checks it."""
    return write_or_check(ROOT, FILE, render(describe()), "gen_store_doc", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
