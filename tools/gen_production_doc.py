"""Writes docs/production/README.md, the index of the production tests, from the tests and their pages.

    python tools/gen_production_doc.py [--check]

With --check nothing is written; the status is 1 when the file is stale, or when a test and its page do not fit.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generated import write_or_check

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "production"
TESTS = ROOT / "tests" / "production"
FILE = PAGES / "README.md"
INTRO = ROOT / "tools" / "production_intro.md"
PARTS = ("Pattern.", "Why it matters.", "What happens.", "What can go wrong, and how it is named.",
         "How to read the result.", "What to do then.")  # fmt: skip
NUMBER = re.compile(r"Production test (\d+)\b")


class Stale(Exception):
    """A test and its page do not fit, in one line."""


@dataclass(frozen=True)
class Entry:
    """A line of the index."""

    number: int
    name: str
    title: str
    pattern: str

    def line(self) -> str:
        """The row of the table."""
        return f"| {self.number} | [{self.title}]({self.name}.md) | {self.pattern} | `test_{self.name}.py` |"


def number_of(test: Path) -> int:
    """The number that the test's docstring gives."""
    found = NUMBER.match(ast.get_docstring(ast.parse(test.read_text("utf-8"))) or "")
    if found is None:
        raise Stale(f"{test.relative_to(ROOT)}: docstring, expected it to begin with `Production test N: …`")
    return int(found[1])


def page_of(name: str) -> tuple[str, str]:
    """Title and pattern of a page that has all of its parts."""
    path = PAGES / f"{name}.md"
    if not path.is_file():
        raise Stale(f"{path.relative_to(ROOT)}: missing, expected the page of test_{name}.py")
    text = path.read_text("utf-8")
    for part in PARTS:
        if f"**{part}**" not in text:
            raise Stale(f"{path.relative_to(ROOT)}: no `**{part}**`, expected in every page: {' '.join(PARTS)}")
    title = re.match(r"# (.+)\n", text)
    pattern = re.search(r"\*\*Pattern\.\*\*\s+(.+?)(?=\n\n)", text, re.DOTALL)
    if title is None or pattern is None:
        raise Stale(f"{path.relative_to(ROOT)}: expected `# Title`, and a paragraph behind `**Pattern.**`")
    return title[1].strip(), " ".join(pattern[1].split())


def entries() -> list[Entry]:
    """All tests by number, each with what its page says."""
    names = sorted(path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py"))
    for page in sorted(PAGES.glob("*.md")):
        if page != FILE and page.stem not in names:
            raise Stale(f"{page.relative_to(ROOT)}: expected a test tests/production/test_{page.stem}.py")
    found = [Entry(number_of(TESTS / f"test_{name}.py"), name, *page_of(name)) for name in names]
    return sorted(found, key=lambda entry: (entry.number, entry.name))


def render() -> str:
    """The whole file."""
    rows = [entry.line() for entry in entries()]
    return (
        "\n".join([INTRO.read_text("utf-8"), "| | test | pattern | file |", "| --- | --- | --- | --- |", *rows]) + "\n"
    )


def main(arguments: Sequence[str]) -> int:
    """Writes the page, or checks it."""
    try:
        text = render()
    except Stale as error:
        print(error, file=sys.stderr)
        return 1
    return write_or_check(ROOT, FILE, text, "gen_production_doc", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
