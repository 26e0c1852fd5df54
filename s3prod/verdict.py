"""The consistency verdict of a history, and how verdicts become one exit status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONSISTENCY_STATUS = {"held": 0, "violated": 1, "inconclusive": 3}
LOAD_STATUS = {"reached": 0, "not-asked": 0, "missed": 1, "generator-limited": 3}


def combine(statuses: Iterable[int]) -> int:
    """One exit status of several: 1 wins over 2, 2 over 3, 3 over 0.

    >>> combine([0, 3, 1])
    1
    """
    found = set(statuses)
    return next((status for status in (1, 2, 3) if status in found), 0)


@dataclass(frozen=True)
class Witness:
    """One violation: the rule, the key, a sentence, and the few attempts that prove it."""

    rule: str
    level: str
    bucket: str
    key: str
    sentence: str
    guess: str
    attempts: tuple[Mapping[str, Any], ...]

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Witness:
        """The witness of the checker's JSON."""
        rule, level, bucket, key, sentence, guess = (
            str(document.get(name, "")) for name in ("rule", "level", "bucket", "key", "sentence", "guess")
        )
        return cls(rule, level, bucket, key, sentence, guess, tuple(document.get("attempts", ())))


@dataclass(frozen=True)
class Verdict:
    """What the checker says of a history (`csrc/check/check.h`).

    >>> Verdict.from_dict({"consistency": "held"}).exit_status()
    0
    """

    consistency: str
    document: Mapping[str, Any]

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Verdict:
        """The verdict of the checker's JSON.

        >>> Verdict.from_dict({"consistency": "violated", "violations": 2}).violations
        2
        """
        if document.get("consistency") not in CONSISTENCY_STATUS:
            raise ValueError(f"consistency: {document.get('consistency')!r}, expected held, violated or inconclusive")
        return cls(document["consistency"], document)

    @property
    def because(self) -> list[str]:
        """Why, in sentences."""
        return list(self.document.get("because", ()))

    @property
    def violations(self) -> int:
        """How many violations were found; at most some of them have a witness."""
        return int(self.document.get("violations", 0))

    @property
    def by_rule(self) -> dict[str, int]:
        """Violations by the rule that was broken."""
        return dict(self.document.get("by_rule", {}))

    @property
    def explained(self) -> dict[str, str]:
        """What each rule that was broken means, in a paragraph."""
        return dict(self.document.get("explained", {}))

    @property
    def witnesses(self) -> list[Witness]:
        """The violations that are printed."""
        return [Witness.from_dict(entry) for entry in self.document.get("witnesses", ())]

    @property
    def grade(self) -> dict[str, Any]:
        """What the registers amount to, and how far stale reads were behind (`csrc/check/grade.h`).

        >>> Verdict.from_dict({"consistency": "held", "grade": {"level": "linearizable"}}).grade["level"]
        'linearizable'
        """
        return dict(self.document.get("grade", {}))

    @property
    def not_checked(self) -> list[dict[str, Any]]:
        """What no rule could decide: `{"reason", "keys", "attempts"}`."""
        return list(self.document.get("not_checked", ()))

    @property
    def evidence(self) -> dict[str, dict[str, Any]]:
        """How much was seen, by key space; `"*"` is all of the plan."""
        return dict(self.document.get("evidence", {}))

    @property
    def require(self) -> list[dict[str, Any]]:
        """The plan's evidence floors: `{"space", "what", "asked", "got", "met"}`."""
        return list(self.document.get("require", ()))

    def exit_status(self) -> int:
        """0 held, 1 violated, 3 inconclusive."""
        return CONSISTENCY_STATUS[self.consistency]

    def to_dict(self) -> dict[str, Any]:
        """The checker's JSON."""
        return dict(self.document)


def check(
    history: str,
    *,
    profile: Mapping[str, Any] | None = None,
    threads: int = 0,
    memory_mb: int = 1024,
    witnesses: int = 20,
) -> Verdict:
    """Judges a recorded history.

    >>> check("out/history.s3ph").consistency  # doctest: +SKIP
    'held'
    """
    import json
    import os

    from s3prod import _native

    return Verdict.from_dict(
        _native.check(
            history,
            threads=threads or min(os.cpu_count() or 1, 64),
            memory_bytes=memory_mb << 20,
            profile=None if profile is None else json.dumps(dict(profile)),
            max_witnesses=witnesses,
        )
    )
