"""The parts of a plan: key spaces, arrivals, groups, the stop rule, evidence floors, questions about load."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from s3prod.plan_steps import Step, create_bucket, delete_bucket, delete_objects, until_ok
from s3prod.plan_uploads import abort_upload, list_uploads
from s3prod.plan_versions import list_versions


def _given(value: object) -> dict[str, Any]:
    """The fields of a dataclass that are not None, sequences as lists."""
    out: dict[str, Any] = {}
    for item in dataclasses.fields(value):  # type: ignore[arg-type]
        got = getattr(value, item.name)
        if got is not None:
            out[item.name] = list(got) if isinstance(got, tuple) else got
    return out


@dataclass(frozen=True)
class Space:
    """A named key space. Use the constructor of the kind: `Space.fixed("a", "b")`, `Space.uniform("objs/", 1000)`, ….

    >>> Space.uniform("objs/", 1000).to_dict()
    {'kind': 'uniform', 'prefix': 'objs/', 'count': 1000}
    """

    kind: str
    bucket: str | None = None
    prefix: str | None = None
    count: int | None = None
    theta: float | None = None
    keys: tuple[str, ...] | None = None

    @classmethod
    def fixed(cls, *keys: str, bucket: str | None = None) -> Self:
        """The listed keys."""
        return cls("fixed", bucket, keys=keys)

    @classmethod
    def sequence(cls, prefix: str, count: int, *, bucket: str | None = None) -> Self:
        """Each choice is the next index."""
        return cls("sequence", bucket, prefix, count)

    @classmethod
    def uniform(cls, prefix: str, count: int, *, bucket: str | None = None) -> Self:
        """Each choice is a uniform draw."""
        return cls("uniform", bucket, prefix, count)

    @classmethod
    def zipf(cls, prefix: str, count: int, *, theta: float | None = None, bucket: str | None = None) -> Self:
        """Each choice is a draw by Zipf's law: few keys are hot."""
        return cls("zipf", bucket, prefix, count, theta)

    @classmethod
    def own(cls, prefix: str, count: int, *, bucket: str | None = None) -> Self:
        """`count` keys for each client, walked in turn."""
        return cls("own", bucket, prefix, count)

    @classmethod
    def lifecycle(cls, prefix: str, count: int, *, bucket: str | None = None) -> Self:
        """Keys that move fresh → acked → taken → retired."""
        return cls("lifecycle", bucket, prefix, count)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The space of the plan's JSON.

        >>> Space.from_dict({"kind": "fixed", "keys": ["a"]}) == Space.fixed("a")
        True
        """
        given: dict[str, Any] = dict(document)
        return cls(**(given | {"keys": tuple(given["keys"])} if "keys" in given else given))

    def to_dict(self) -> dict[str, Any]:
        """The space as the plan's JSON has it."""
        return _given(self)


@dataclass(frozen=True)
class Stop:
    """The bound of the main phase: `seconds` and/or `attempts`.

    >>> Stop(seconds=60).to_dict()
    {'seconds': 60}
    """

    seconds: float | None = None
    attempts: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The stop rule as the plan's JSON has it."""
        return _given(self)


def closed(times: int = 1) -> dict[str, Any]:
    """Each client carries its program out `times` times.

    >>> closed(3)
    {'closed': {'times': 3}}
    """
    return {"closed": {"times": times}}


def until_stop() -> dict[str, Any]:
    """Each client starts again until the stop rule ends the phase.

    >>> until_stop()
    {'closed': {'until': 'stop'}}
    """
    return {"closed": {"until": "stop"}}


def until_others() -> dict[str, Any]:
    """Each client starts again until every group that does not say so has ended; at least once.

    >>> until_others()
    {'closed': {'until': 'others'}}
    """
    return {"closed": {"until": "others"}}


def open_loop(per_s: float, *, process: str | None = None, queue: int | None = None) -> dict[str, Any]:
    """Arrivals on an absolute schedule (`process`: `poisson` or `uniform`); latency counts from the intended start.

    >>> open_loop(100, process="uniform", queue=1000)
    {'open': {'per_s': 100, 'process': 'uniform', 'queue': 1000}}
    """
    return {"open": {"per_s": per_s} | {k: v for k, v in (("process", process), ("queue", queue)) if v is not None}}


@dataclass(frozen=True)
class Group:
    """So many clients, an arrival process and the program that each of them carries out.

    >>> Group("readers", [{"get": "hot"}], clients=10, arrival=until_others()).to_dict()["clients"]
    10
    """

    group: str
    program: Sequence[Step]
    clients: int = 1
    phase: str = "main"
    arrival: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The group as the plan's JSON has it."""
        out: dict[str, Any] = {"group": self.group}
        if self.phase != "main":
            out["phase"] = self.phase
        out["clients"] = self.clients
        if self.arrival is not None:
            out["arrival"] = dict(self.arrival)
        return out | {"program": list(self.program)}


def make_bucket(*roles: str) -> Group:
    """The setup group that makes the buckets of these roles (default `main`).

    >>> make_bucket().program
    [{'create_bucket': 'main'}]
    """
    return Group("make-bucket", [create_bucket(role) for role in roles or ("main",)], phase="setup")


def remove_bucket(*roles: str, at_most: int = 10_000) -> Group:
    """The teardown group that empties the buckets of these roles (default `main`), whether they ever kept versions or not,
    aborts the uploads that are left, and removes them: up to `at_most` pages of a thousand versions, so that a store that
    refuses every delete is not asked for ever.

    >>> remove_bucket().phase
    'teardown'
    """
    program = [
        until_ok(
            at_most,
            list_versions(role, as_="page"),
            delete_objects("page.versions", bucket=role),
            list_uploads(role, as_="left"),
            abort_upload("left.uploads"),
            delete_bucket(role),
        )
        for role in roles or ("main",)
    ]
    return Group("remove-bucket", program, phase="teardown")


@dataclass(frozen=True)
class Require:
    """Evidence floors for a key space, or for `"*"`: below one the consistency verdict is *inconclusive*.

    >>> Require(acked_writes=300, overlap=0.5).to_dict()
    {'acked_writes': 300, 'overlap': 0.5}
    """

    acked_writes: int | None = None
    reads: int | None = None
    overlap: float | None = None
    cas_commits: int | None = None
    max_in_flight: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The floors as the plan's JSON has them."""
        return _given(self)


def at_rate(group: str, per_s: float, *, within: float | None = None) -> dict[str, Any]:
    """Asks whether an open group reached its rate; `within` is the accepted share of it.

    >>> at_rate("rate", 100, within=0.9)
    {'group': 'rate', 'per_s': 100, 'within': 0.9}
    """
    return {"group": group, "per_s": per_s} | ({} if within is None else {"within": within})


def at_percentile(op: str, at_most_ms: float) -> dict[str, Any]:
    """Asks whether a latency percentile of an operation is at most so many milliseconds.

    >>> at_percentile("put", 500)
    {'op': 'put', 'at_most': 500}
    """
    return {"op": op, "at_most": at_most_ms}


@dataclass(frozen=True)
class Load:
    """What the load verdict is asked; nothing is judged that is not asked for.

    >>> Load(p99_ms=at_percentile("put", 500)).to_dict()
    {'p99_ms': {'op': 'put', 'at_most': 500}}
    """

    rate: Mapping[str, Any] | None = None
    p50_ms: Mapping[str, Any] | None = None
    p99_ms: Mapping[str, Any] | None = None
    p999_ms: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The questions as the plan's JSON has them."""
        return _given(self)
