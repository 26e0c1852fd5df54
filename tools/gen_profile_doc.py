"""Writes docs/profiles.md: the keys of profiles, the built-in ones, and what needs them.

    python tools/gen_profile_doc.py [--check]

With --check nothing is written; the status is 1 when the file is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from generated import write_or_check

from s3prod import profile as profiles
from s3prod.plan_needs import OPTIONS, VERBS
from s3prod.probe import NOT_PROBED, PROBES

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "profiles.md"
INTRO = ROOT / "tools" / "profiles_intro.md"


def table(*rows: Sequence[str]) -> list[str]:
    """A table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:], ""]


def how_known(key: str) -> str:
    """How a value is found: by which probe, or not."""
    for row in PROBES:
        if key in row.keys:
            return (row.run.__doc__ or "").split(". ")[0].strip().rstrip(".")
    return f"not probed: {NOT_PROBED[key]}" if NOT_PROBED[key] else ""


def needed_by() -> Iterator[tuple[str, str]]:
    """The keys that steps need, and which."""
    by_key: dict[str, list[str]] = {}
    for verb, key in VERBS.items():
        by_key.setdefault(key, []).append(f"`{verb}`")
    for (verb, option), key in OPTIONS.items():
        by_key.setdefault(key, []).append(f"`{option}`" + (f" of `{verb}`" if verb else " of any step"))
    for key in profiles.KEYS:
        if key in by_key:
            yield f"`{key}`", ", ".join(by_key[key])


def text() -> str:
    """The page."""
    names = profiles.names()
    loaded = {name: profiles.load(name) for name in names}
    keys = [
        (f"`{key}`", row.allowed if row.allowed != STATES else "a state", f"`{profiles.shown(row.default)}`", row.meaning,
         how_known(key))
        for key, row in profiles.KEYS.items()
    ]  # fmt: skip
    values = [
        (f"`{key}`", *(profiles.shown(loaded[name][key]).strip('"') for name in names))
        for key in profiles.KEYS if key != "name"
    ]  # fmt: skip
    return "\n".join([
        INTRO.read_text("utf-8"),
        "## Keys\n",
        *table(("key", "values", "default", "meaning", "what the probe tries"), *keys),
        "## States\n",
        *table(("state", "meaning"), *((f"`{name}`", about) for name, about in profiles.STATES.items())),
        "## What needs them\n",
        *table(("key", "steps and options of plans"), *needed_by()),
        "## Built-in profiles\n",
        "The files have comments where a value surprises, and say whether it was documented or measured.\n",
        *table(("key", *names), *values),
    ]).rstrip() + "\n"  # fmt: skip


STATES = profiles.KEYS["tagging"].allowed


def main(arguments: Sequence[str]) -> int:
    """Writes the page, or checks it."""
    return write_or_check(ROOT, FILE, text(), "gen_profile_doc", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
