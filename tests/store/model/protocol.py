"""Requests and answers as model, wire and rules see them, and the comparison of an answer with what the model says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Name:
    """An opaque name that the store chooses (version, upload, token): bound by its first answer, the same ever after."""

    __slots__ = ("kind", "text")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.text: str | None = None

    def __str__(self) -> str:
        assert self.text is not None, f"a {self.kind} is used before the store has named it"
        return self.text

    def __repr__(self) -> str:
        return f"<{self.kind} {self.text}>"


Text: TypeAlias = str | Name
# An element with children: its leaves by tag, and under "" the children that have children, in their order.
Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request, not yet encoded. `body` are its bytes; `said` is what they say where they are a document."""

    method: str
    bucket: str
    key: str = ""
    query: Mapping[str, Text] = field(default_factory=dict)
    headers: Mapping[str, Text] = field(default_factory=dict)
    body: bytes = b""
    said: Any = None


@dataclass
class Answer:
    """What comes back, without what no rule determines (times, request ids, owners: only that they are there)."""

    status: int
    code: str = ""
    headers: dict[str, Text] = field(default_factory=dict)
    body: bytes = b""
    document: Document | None = None


class Refusal(Exception):
    """The model's way out of a request that S3 refuses."""

    def __init__(self, status: int, code: str, headers: dict[str, Text] | None = None) -> None:
        super().__init__(status, code)
        self.answer = Answer(status, code, headers or {})


class Comparison:
    """Compares answers of one store; knows all names that it has given."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def differences(self, want: Any, got: Any, where: str = "answer") -> list[str]:
        """What differs, one line each; binds names that have no text yet."""
        if isinstance(want, Name) and want.text is None:
            return self._bind(want, got, where)
        if isinstance(want, dict) and isinstance(got, dict):
            tags = sorted({*want, *got})
            return [
                line
                for tag in tags
                for line in self.differences(want.get(tag), got.get(tag), f"{where}.{tag or 'entries'}")
            ]
        if isinstance(want, list | tuple) and isinstance(got, list | tuple) and len(want) == len(got):
            pairs = enumerate(zip(want, got, strict=True))
            return [line for at, (one, other) in pairs for line in self.differences(one, other, f"{where}[{at}]")]
        same = str(want) == got if isinstance(want, Name) else want == got
        return [] if same else [f"{where}: {_short(got)}, by the model {_short(want)}"]

    def _bind(self, want: Name, got: Any, where: str) -> list[str]:
        if not isinstance(got, str) or got in ("", "null") or (want.kind != "token" and got in self.given):
            return [f"{where}: {_short(got)}, by the model a new {want.kind}"]
        self.given.add(got)
        want.text = got
        return []


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:150]}… ({len(text)} characters)"
