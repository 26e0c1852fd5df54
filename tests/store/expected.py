"""What a store is known to get wrong, as data: each test named in the file must fail, and every other must pass.

A file has a table for each deviation, and a line for each test that shows it:

    store = "Ceph RGW 16.2.15"

    [D2]
    class = "cond-ignored"
    what = "a condition that does not hold is accepted and ignored"

    [D2.tests]
    "test_rules.py::test_delete_if_match_stale" = "DELETE"

A test is named by its file and function, which means all of its parameters, or by the whole id, in which `*` stands for
anything. One that is named and passes fails the run: the store has changed, or the test has gone blind. Not so those in a second
table, `[D2.races]`, of the same form: what they show is a race, which need not come about. With `buckets_stay = true` beside
`store` nothing is removed after a test: of a store that cannot list what is to be removed, and that goes with everything in it.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

# How a wrong answer shows in a test. Anything else, such as a lost connection, is not what was expected.
WRONG_ANSWER = (AssertionError, ClientError, BotoCoreError, KeyError, pytest.fail.Exception)


@dataclass
class Expected:
    """The file: the store's name, whether buckets stay, the class of each deviation, (deviation, why) of each pattern, and which
    of them are races.
    """

    store: str = ""
    buckets_stay: bool = False
    classes: dict[str, str] = field(default_factory=dict)
    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    races: set[str] = field(default_factory=set)


def read(path: Path) -> Expected:
    """Reads a file; a ValueError names what is wrong in it."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"expected: {path}: {error}") from None
    found = Expected(str(document.pop("store", path.stem)), document.pop("buckets_stay", False))
    for name, table in document.items():
        if not isinstance(table, dict) or set(table) - {"tests", "races"} != {"class", "what"}:
            raise ValueError(f"expected: {path}: {name}, expected a table of class, what, and tests or races")
        found.classes[name] = table["class"]
        found.races |= set(table.get("races", ()))
        for pattern, why in [*table.get("tests", {}).items(), *table.get("races", {}).items()]:
            if pattern in found.tests:
                raise ValueError(f"expected: {path}: {pattern} stands under {found.tests[pattern][0]} and {name}")
            found.tests[pattern] = (name, why)
    return found


def fits(pattern: str, name: str) -> bool:
    """Whether the pattern names the test `file.py::function[parameters]`.

    >>> fits("test_a.py::test_b", "test_a.py::test_b[1]"), fits("test_a.py::test_b[*-x]", "test_a.py::test_b[1-x]")
    (True, True)
    >>> fits("test_a.py::test_b", "test_a.py::test_bc"), fits("test_a.py::test_b[*-x]", "test_a.py::test_b[1-y]")
    (False, False)
    """
    return fnmatchcase(name if "[" in pattern else name.partition("[")[0], pattern.replace("[", "[[]"))


def apply(expected: Expected, items: list[pytest.Item]) -> list[str]:
    """Makes the failure of each named test expected; gives the patterns that name no test of a file that is there.

    Two patterns must not name the same test.
    """
    unused = dict(expected.tests)
    for item in items:
        patterns = [pattern for pattern in expected.tests if fits(pattern, short(item.nodeid))]
        if len(patterns) > 1:
            raise ValueError(f"expected: {short(item.nodeid)} is named by {patterns[0]} and {patterns[1]}")
        for pattern in patterns:
            unused.pop(pattern, None)
            deviation, why = expected.tests[pattern]
            reason = f"{deviation} {expected.classes[deviation]}: {why}"
            strict = pattern not in expected.races
            item.add_marker(pytest.mark.xfail(strict=strict, raises=WRONG_ANSWER, reason=reason))
    files = {item.path.name for item in items}
    return [pattern for pattern in unused if pattern.partition("::")[0] in files]


def short(nodeid: str) -> str:
    """The id without the folders of its file; parameters may hold a slash.

    >>> short("tests/store/test_a.py::test_b[x/y]")
    'test_a.py::test_b[x/y]'
    """
    file, mark, rest = nodeid.partition("::")
    return file.rpartition("/")[2] + mark + rest


def counts(expected: Expected, reasons: list[str]) -> str:
    """One line: how many tests showed each deviation."""
    seen = Counter(reason.partition(" ")[0] for reason in reasons)
    shown = ", ".join(f"{name} {kind} {seen[name]}" for name, kind in expected.classes.items())
    return f"{expected.store}: {seen.total()} tests failed as expected ({shown})"
