"""The listings of a run, put together from the pages that its history has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

RECENT = 16  # walks of a client that its next page may go on with


@dataclass
class Walk:
    """One listing: a first page, and those that were asked for by the token or marker of the one before."""

    pages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def asked(self) -> str:
        """What its first page was asked for, with S3's own names: `max-keys=7&prefix=temp%2F`."""
        return str(self.pages[0].get("list_args", ""))

    @property
    def complete(self) -> bool:
        """Whether its last page says that nothing follows."""
        return "truncated" not in self.pages[-1].get("flags", ())

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What it lists, in order."""
        return [entry for page in self.pages for entry in page.get("entries", ())]

    @property
    def keys(self) -> list[str]:
        """The keys that it lists, in order."""
        return [entry["key"] for entry in self.entries]

    @property
    def seconds(self) -> float:
        """From the call of its first page to the end of its last one."""
        return float(self.pages[-1]["t_return"] - self.pages[0]["t_call"]) / 1e9


def walks(records: Iterable[dict[str, Any]]) -> list[Walk]:
    """The walks of some records of pages; those that failed are left out.

    >>> page = {"client": 1, "outcome": "ok", "list_next": "marker=a"}
    >>> [len(walk.pages) for walk in walks([page, page | {"list_args": "marker=a"}, page])]
    [2, 1]
    """
    found: list[Walk] = []
    recent: dict[int, list[Walk]] = {}
    for page in records:
        if page["outcome"] != "ok":
            continue
        mine, args = recent.setdefault(page["client"], []), str(page.get("list_args", ""))
        walk = next((walk for walk in reversed(mine) if _goes_on(walk, args)), None)
        if walk is None:
            walk = Walk()
            found.append(walk)
        walk.pages.append(page)
        recent[page["client"]] = [*(other for other in mine if other is not walk), walk][-RECENT:]
    return found


def _goes_on(walk: Walk, args: str) -> bool:
    following = str(walk.pages[-1].get("list_next", ""))
    return following != "" and set(following.split("&")) <= set(args.split("&"))
