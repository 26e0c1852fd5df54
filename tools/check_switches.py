"""Lists the comparisons of the checker that no switch of csrc/check/mutate.h turns around.

Usage: check_switches.py

A line for each function of csrc/check with such comparisons (`<`, `<=`, `>`, `>=`), and how many it has. Left out is
what a history cannot tell by its form: headers of loops, the smaller or larger of two, orders of sorting, and room (an
operand is a capacity, a bound or the size of a table). tests/unswitched.toml says of the others why they have none.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

CHECK = Path(__file__).resolve().parent.parent / "csrc" / "check"
TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\d[\w.]*|->|\+\+|--|<<=|>>=|<<|>>"""
    r"|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\S",
    re.DOTALL,
)
ORDERS = {"<", "<=", ">", ">="}
ENDS = {";", ",", "{", "}", "?", ":", "return", "else", "case", "&&", "||", "==", "!=", "|", "^", *ORDERS}
ENDS |= {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
SWITCHED = {"S3P_MUT", "for", "while"}  # what stands in their brackets
ROOM = re.compile(
    r"\b(\w*cap|\w*MAX|\w*COUNTS?|\w*BYTES|\w*STEPS\w*|\w*HITS\w*|LITTLE|NEAR|RUN|sizeof|size|len|buckets|spaces|places"
    r"|records|room|half|used|threads|memory_bytes|bound_bytes|nkeys|ncalls|nupload|S3P_HIT_RECORDS)\b|->n\b|->values\b"
)


class Source:
    """A C file as tokens; `mate` joins the two brackets of a pair."""

    def __init__(self, text: str) -> None:
        blank = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.MULTILINE)
        self.token = [t for t in TOKEN.findall(blank) if not t.startswith(("/*", "//"))]
        self.mate: dict[int, int] = {}
        opened: list[int] = []
        for i, token in enumerate(self.token):
            if token in ("(", "[", "{"):
                opened.append(i)
            elif token in (")", "]", "}"):
                self.mate[i] = opened.pop()
                self.mate[self.mate[i]] = i

    def left(self, i: int) -> int:
        """Where the operand before token `i` begins."""
        k = i - 1
        while self.token[k] not in ENDS and self.token[k] not in ("(", "["):
            k = (self.mate[k] if self.token[k] in (")", "]") else k) - 1
        return k + 1

    def right(self, i: int) -> int:
        """Where the operand behind token `i` ends."""
        k = i + 1
        while self.token[k] not in ENDS and self.token[k] not in (")", "]"):
            k = (self.mate[k] if self.token[k] in ("(", "[") else k) + 1
        return k

    def functions(self) -> list[tuple[str, int, int]]:
        """Names and bodies."""
        found, i = [], 0
        while i < len(self.token):
            if self.token[i] == "{" and self.token[i - 1] == ")":
                found.append((self.token[self.mate[i - 1] - 1], i, self.mate[i]))
            i = self.mate[i] + 1 if self.token[i] == "{" else i + 1
        return found

    def text(self, begin: int, end: int) -> str:
        return "".join(self.token[begin:end])

    def chooses(self, begin: int, i: int, end: int) -> bool:
        """The smaller or larger of both: `a < b ? a : b`, `if (a < b) b = a;`."""
        both = {self.text(begin, i), self.text(i + 1, end)}
        at = end + (self.token[end] == ")")
        if self.token[at] == "?":
            colon = self.right(at)
            return {self.text(at + 1, colon), self.text(colon + 1, self.right(colon))} == both
        equal = self.right(at - 1)
        return self.token[equal] == "=" and {self.text(at, equal), self.text(equal + 1, self.right(equal))} == both

    def sorts(self, begin: int, end: int) -> bool:
        """`(a > b) - (a < b)`, `a < b ? -1 : 1`."""
        return ")-(" in (self.text(end, end + 3), self.text(begin - 3, begin)) or self.text(end, end + 3) == "?-1"


def unswitched(text: str) -> Counter[str]:
    """How many comparisons each function has that need a reason."""
    source, found = Source(text), Counter[str]()
    for name, begin, end in source.functions():
        switched: set[int] = set()
        for i in range(begin, end):
            if source.token[i] in SWITCHED:
                switched.update(range(i, source.mate[i + 1]))
            if source.token[i] not in ORDERS or i in switched:
                continue
            left, right = source.left(i), source.right(i)
            room = ROOM.search(" ".join(source.token[left:right]).replace(" -> ", "->"))
            if not (room or source.chooses(left, i, right) or source.sorts(left, right)):
                found[name] += 1
    return found


def of_checker() -> dict[str, int]:
    """ "file.c function" and its number."""
    return {f"{p.name} {name}": n for p in sorted(CHECK.glob("*.c")) for name, n in unswitched(p.read_text()).items()}


if __name__ == "__main__":
    for where, count in of_checker().items():
        print(f'"{where}" = {count}')
