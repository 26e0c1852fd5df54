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

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "store.md"

INTRO = """\
# What the embedded store does

Written by `tools/gen_store_doc.py` from the store's own tables (`s3prod serve --describe`): do not edit it. How it works is in [internals/store.md](internals/store.md);
options are in `s3prod serve --help`.

The store is the correct model of the test suite. It implements an operation completely, with its error cases, or refuses it with 501 NotImplemented: an argument or a
header that it does not honour is refused too, never skipped. Not in scope: access control lists but the canned `private`, server-side encryption, object lock,
website, logging, notification, CORS.

## Where S3 leaves a choice

* **Consistency.** An answer follows the commit. Every read and every listing page is one view of what was committed before. An object that is overwritten or deleted
  while it is read goes on as it was: old or new, never a mix.
* **Durability.** `--fast` (the default) leaves syncing to the system: what was acknowledged survives the process, not a loss of power. `--durable` syncs bodies, then
  records, then answers. The first line of `serve` and every report name the mode.
* **Conditions.** `If-Match` and `If-None-Match: *` on PutObject, CompleteMultipartUpload, CopyObject; `If-Match` on DeleteObject and, key by key, in DeleteObjects.
  They are judged inside the commit. Losers of a race get 412, never 409. `If-Match` on an absent key or a delete marker is 404. `If-None-Match` with an ETag on a
  write is refused (501).
* **Reads.** `If-Match` beats `If-Unmodified-Since`, `If-None-Match` beats `If-Modified-Since`. One range; several are refused (501).
* **Addressing.** The bucket stands in the path, or in the host under `*.localhost`, dots in its name included. Keys are any bytes of UTF-8 but NUL, up to 1,024;
  `//`, `.` and `..` mean nothing.
* **Signatures.** Version 4, in the header or presigned, for the region of `--region`; bodies signed, unsigned, or aws-chunked in its three modes. Host and every
  `x-amz-*` header must be signed. Anonymous requests are refused.
* **ETags.** MD5 of the body; of uploads MD5 of the parts' MD5s and `-N`. CopyObject makes a plain object.
* **Checksums.** CRC32, CRC32C, CRC64NVME, SHA1, SHA256, in a header or in a trailer, verified and stored. Without one CRC64NVME is computed. GET and HEAD return it
  with `x-amz-checksum-mode: ENABLED`, not on ranges.
* **Uploads.** Of uploads that race for a key, the one completed last is current. A repeated CompleteMultipartUpload that names the same parts gets the same answer.
* **Versions.** The current version is the one committed last. A GET of a delete marker's id is 405, of the key whose current entry is a marker 404.
* **Listings.** Unsigned byte order. Tokens and markers name places, which outlive their entries. `max-keys` above 1,000 counts as 1,000.
* **Bounds.** Objects and parts 5 GiB, 10,000 parts, documents 2 MiB, metadata 2 KiB, request target 16 KiB, 128 header fields, 64 arguments. A full disk, or records
  beyond `--map-bytes`, answer 503; nothing is half-written, and the store goes on when there is room again.
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
        INTRO,
        "## Operations\n",
        "Arguments and headers that are not named here are refused, but those of the signature and `x-id`.\n",
        table(
            ["operation", "request", "state", "arguments", "headers of its own", "what"], map(operation_row, operations)
        ),
        "\n## Headers\n",
        "*Where* it is honoured, or has no effect; *elsewhere*: the value that asks for nothing new, else 501. A name with `*` stands for all that begin so and have no "
        "line of their own above it. Other `x-amz-*` headers are let through and counted in `/stats` of the admin port.\n",
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
    """Writes the file, or checks it."""
    text = render(describe())
    if "--check" in arguments:
        if FILE.is_file() and FILE.read_text("utf-8") == text:
            return 0
        print(f"{FILE.relative_to(ROOT)}: stale, expected what python tools/gen_store_doc.py writes", file=sys.stderr)
        return 1
    FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
