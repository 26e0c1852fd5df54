"""How the production tests end on a store with known deviations, as data, held against how they did end.

A file has a table for each test, `[tests."thundering_herd::thundering_herd"]` (its file and function without what all of them
begin with): `status`, `because` (ids of deviations) and `says` (what must stand in what the test says of its failure; of a list
within it, one). `or` in it is a list of other ends that are right: of races, which need not show. A table `full` is what is
different at full scale. What the ids mean stands in `[deviations]`, or in the store's other file.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUSES = ("PASSED", "FAILED", "ERROR", "SKIPPED")  # kept, broken, inconclusive, unsupported
WORDS = ("-rA", "--no-fold-skipped", "--color", "no")  # pytest's, for `ended`
_END = re.compile(r"^([A-Z]+) tests/production/test_(\w+)\.py::test_production_(\S+)(?: - (.*))?$", re.MULTILINE)
_HEAD = re.compile(r"^_+ test_production_(\S+) _+$", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """How a test ends, the deviations that make it end so, and what it must say then."""

    status: str
    because: tuple[str, ...] = ()
    says: tuple[str | list[str], ...] = ()

    def wrong(self, status: str, said: str) -> str:
        """What is different about an end; nothing when it is this one."""
        if status != self.status:
            why = f" ({', '.join(self.because)})" if self.because else ""
            return f"{status}, expected {self.status}{why}"
        alternatives = [[text] if isinstance(text, str) else text for text in self.says]
        unsaid = [" or ".join(map(repr, texts)) for texts in alternatives if not any(text in said for text in texts)]
        return f"{status}, and does not say {', '.join(unsaid)}" if unsaid else ""


def read(path: Path, scale: str, known: set[str]) -> dict[str, list[End]]:
    """The ends that are right, by the test's short name; a ValueError names what is wrong in the file."""
    document = tomllib.loads(path.read_text("utf-8"))
    named = known | set(document["deviations"])

    def end(name: str, table: dict[str, Any]) -> End:
        made = End(table["status"], tuple(table.get("because", ())), tuple(table.get("says", ())))
        if strange := sorted(set(made.because) - named):
            raise ValueError(f"{path.name}: {name}: {strange[0]}, expected a deviation that is described")
        if made.status not in STATUSES or (made.status == "PASSED") == bool(made.because and made.says):
            raise ValueError(f"{path.name}: {name}: {made}, expected because and says unless it is PASSED")
        return made

    found = {}
    for name, table in document["tests"].items():
        row = table | table.get("full", {}) if scale == "full" else table
        found[name] = [end(name, one) for one in (row, *row.get("or", ()))]
    return found


def ended(output: str) -> dict[str, tuple[str, str]]:
    """The status of each test, from what pytest said (`WORDS`), and what it said of its failure."""
    _, *pieces = _HEAD.split(output.partition(" short test summary info ")[0])
    said = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return {f"{file}::{test}": (status, said.get(test, "") + why) for status, file, test, why in _END.findall(output)}


def differences(expected: dict[str, list[End]], found: dict[str, tuple[str, str]]) -> list[str]:
    """A line for each test that did not end as expected, in either direction, that has no row, or did not run."""
    lines = [f"{name}: {found[name][0]}, and it has no row" for name in sorted(found.keys() - expected.keys())]
    lines += [f"{name}: has a row, and did not run" for name in sorted(expected.keys() - found.keys())]
    for name in sorted(expected.keys() & found.keys()):
        wrong = [end.wrong(*found[name]) for end in expected[name]]
        lines += [f"{name}: {'; or '.join(wrong)}"] if all(wrong) else []
    return lines


def told(expected: dict[str, list[End]], found: dict[str, tuple[str, str]]) -> str:
    """One line: how many tests ended how, and what they showed."""
    right = [next(end for end in ends if not end.wrong(*found[name])) for name, ends in expected.items()]
    statuses = Counter(end.status for end in right)
    shown = Counter(deviation for end in right for deviation in end.because)
    counts = ", ".join(f"{statuses[status]} {status}" for status in STATUSES if statuses[status])
    ids = sorted(shown, key=lambda id: (len(id), id))  # U, D1, D10
    return f"{counts} as expected ({', '.join(f'{id} {shown[id]}' for id in ids)})"
