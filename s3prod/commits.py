"""What the history of a compare-and-swap register amounts to: its chain of commits, how fairly they were made, and whether a
fencing token ever went back.

The checker judges the register; this says the same of the chain in the words of an application, and measures it. A commit is
a conditional PUT that took effect: acknowledged, or *reconciled*, when it ended unknown and is in the chain all the same.

    chain = Chain.of(run.records(), "config.json")
    assert not chain.lost, f"acknowledged, and nobody built on it: {chain.lost}"
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
REFUSED = (409, 412)


def writes_of(records: Iterable[Record], key: str) -> list[Record]:
    """The PUTs of a key in the main phase, by the time of their call.

    >>> writes_of([{"op": "put", "key": "a", "run_phase": "main", "t_call": 1}, {"op": "get", "key": "a"}], "a")
    [{'op': 'put', 'key': 'a', 'run_phase': 'main', 't_call': 1}]
    """
    mine = [r for r in records if r["op"] == "put" and r.get("key") == key and r["run_phase"] == "main"]
    return sorted(mine, key=lambda r: int(r["t_call"]))


def end_of(record: Record) -> int:
    """When an attempt was answered; of one without an answer when it was called.

    >>> end_of({"t_call": 5})
    5
    """
    return int(record.get("t_return") or record["t_call"])


@dataclass(frozen=True)
class Chain:
    """The commits of a register, from the first to the one that is there at rest, each on the ETag of the one before."""

    seed: int  # the counter of the value that the first commit replaced
    final: int  # the counter at rest
    links: Sequence[Record]
    attempts: Sequence[Record]  # all PUTs of the main phase

    @classmethod
    def of(cls, records: Iterable[Record], key: str) -> Chain:
        """The chain of `key`, followed back from the last value that was read at rest."""
        mine = [r for r in records if r.get("key") == key and r["op"] in ("put", "get")]
        at_rest = [r for r in mine if r["op"] == "get" and r["run_phase"] == "teardown" and r["outcome"] == "ok"]
        if not at_rest:
            raise AssertionError(f"{key} was not read at rest: nothing can be followed back")
        attempts = writes_of(mine, key)
        known = {r["etag"]: r["body_id"] for r in mine if r["outcome"] == "ok" and "etag" in r and "body_id" in r}
        by_id = {r["body_id"]: r for r in attempts}
        links: list[Record] = []
        at = at_rest[-1]["body_id"]
        while at in by_id and len(links) < len(attempts):
            links.append(by_id[at])
            at = known.get(by_id[at].get("expect_etag", ""), "")
        seeds = [r for r in mine if r["op"] == "put" and r["run_phase"] == "setup"]
        first = next((r for r in seeds if r["body_id"] == at), None)
        if first is None:
            raise AssertionError(f"the chain of {key} ends at {at or 'an ETag that nobody wrote'}, not at its seed")
        return cls(first["counter"], at_rest[-1]["counter"], links[::-1], attempts)

    @property
    def acked(self) -> int:
        """Commits that were acknowledged."""
        return sum(r["outcome"] == "ok" for r in self.links)

    @property
    def reconciled(self) -> int:
        """Commits that ended unknown: the next one, or the last read, shows that they took effect."""
        return sum(r["outcome"] == "unknown" for r in self.links)

    @property
    def lost(self) -> list[Record]:
        """Acknowledged, and not in the chain."""
        there = {r["body_id"] for r in self.links}
        return [r for r in self.attempts if r["outcome"] == "ok" and r["body_id"] not in there]

    @property
    def refused_inside(self) -> list[Record]:
        """Answered with 412 or 409, and in the chain all the same."""
        return [r for r in self.links if r.get("status") in REFUSED]

    @property
    def broken(self) -> list[Record]:
        """Commits whose counter is not the one before plus 1."""
        return [r for number, r in enumerate(self.links, self.seed + 1) if r["counter"] != number]

    def by_client(self) -> dict[int, int]:
        """How many commits each client has in the chain."""
        return dict(Counter(int(r["client"]) for r in self.links))

    def progress(self, group_clients: int) -> dict[str, float]:
        """Attempts per commit, refusals by status, commit latency, goodput, fairness, and the longest starvation."""
        return progress(self.attempts, self.links, group_clients)


def jain(shares: Sequence[float]) -> float:
    """Jain's fairness index: 1 when all shares are equal, 1/n when one has all.

    >>> jain([2, 2]), jain([1, 0, 0, 0])
    (1.0, 0.25)
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def progress(attempts: Sequence[Record], commits: Sequence[Record], clients: int) -> dict[str, float]:
    """How the commits were come by. A commit takes from its client's last one (the first: from the first attempt of all) to its
    own answer; *starvation* is the longest that took; fairness is Jain's index of the clients' commits a second.
    """
    if not attempts or not commits:
        return {"commits": 0.0}
    start = int(attempts[0]["t_call"])
    ends: dict[int, list[int]] = defaultdict(list)
    for commit in commits:
        ends[int(commit["client"])].append(end_of(commit))
    waits = []
    for times in ends.values():
        times.sort()
        waits += [(late - early) / 1e6 for early, late in zip([start, *times], times, strict=False)]
    rates = [len(times) / max(times[-1] - start, 1) for times in ends.values()]
    rates += [0.0] * (clients - len(rates))
    status = Counter(r.get("status", 0) for r in attempts)
    seconds = (max(end_of(commit) for commit in commits) - start) / 1e9
    return {
        "commits": float(len(commits)),
        "attempts_per_commit": round(len(attempts) / len(commits), 2),
        "refused_412": float(status[412]),
        "refused_409": float(status[409]),
        "commit_p50_ms": round(_percentile(waits, 0.5), 2),
        "commit_p99_ms": round(_percentile(waits, 0.99), 2),
        "commits_per_s": round(len(commits) / seconds, 1) if seconds > 0 else 0.0,
        "jain": round(jain(rates), 3),
        "longest_starvation_ms": round(max(waits), 2),
    }


def told(figures: Mapping[str, float]) -> str:
    """Figures in one line.

    >>> told({"commits": 80.0, "attempts_per_commit": 1.95})
    'commits 80, attempts per commit 1.95'
    """
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in figures.items())


def tokens_gone_back(writes: Iterable[Record]) -> list[tuple[Record, Record]]:
    """Pairs of acknowledged writes of which the second began after the end of the first, and holds an older token (`counter`).

    >>> new = {"outcome": "ok", "counter": 3, "t_call": 0, "t_return": 1}
    >>> old = {"outcome": "ok", "counter": 1, "t_call": 2, "t_return": 3}
    >>> len(tokens_gone_back([new, old])), len(tokens_gone_back([old | {"t_call": 0}, new]))
    (1, 0)
    """
    acked = [r for r in writes if r["outcome"] == "ok"]
    by_end = sorted(acked, key=end_of)
    found, newest, at = [], None, 0
    for write in sorted(acked, key=lambda r: int(r["t_call"])):
        while at < len(by_end) and end_of(by_end[at]) < write["t_call"]:
            newest = by_end[at] if newest is None or by_end[at]["counter"] > newest["counter"] else newest
            at += 1
        if newest is not None and newest["counter"] > write["counter"]:
            found.append((newest, write))
    return found


def tenures(lease_writes: Iterable[Record]) -> dict[int, set[int]]:
    """Of a lease whose odd numbers are tokens: which clients were acknowledged a write of each token.

    >>> tenures([{"outcome": "ok", "counter": 1, "client": 7}, {"outcome": "ok", "counter": 2, "client": 7}])
    {1: {7}}
    """
    holders: dict[int, set[int]] = defaultdict(set)
    for write in lease_writes:
        if write["outcome"] == "ok" and write["counter"] % 2 == 1:
            holders[int(write["counter"])].add(int(write["client"]))
    return dict(holders)
