"""Plans: what a fleet of clients does to a store, as frozen data that goes to JSON and back.

    from s3prod.plan import *

    plan = Plan("herd", groups=[
        make_bucket(),
        Group("writers", [put("hot", [1024, 65537])], clients=50),
        remove_bucket(),
    ], require={"*": Require(acked_writes=50)})

`Plan.validate()` asks the C engine, which is the one implementation of what a plan means (`docs/semantics.md` section 1),
and then the JSON Schema of plans, which is its description for other tools.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Self

from s3prod import plan_steps
from s3prod.errors import PlanError, one_line
from s3prod.plan_steps import (
    ANY,
    CONFLICT,
    Program,
    Step,
    barrier,
    behaviour,
    cas,
    choose,
    constant,
    counter,
    create_bucket,
    delete,
    delete_bucket,
    delete_objects,
    get,
    head,
    head_bucket,
    jitter,
    list_page,
    put,
    repeat,
    sleep,
    until_ok,
    when,
    when_equal,
)

__all__ = [
    "ANY",
    "CONFLICT",
    "Group",
    "Load",
    "Plan",
    "PlanError",
    "Program",
    "Require",
    "Space",
    "Step",
    "Stop",
    "at_percentile",
    "at_rate",
    "barrier",
    "behaviour",
    "cas",
    "choose",
    "closed",
    "constant",
    "counter",
    "create_bucket",
    "delete",
    "delete_bucket",
    "delete_objects",
    "get",
    "head",
    "head_bucket",
    "jitter",
    "list_page",
    "make_bucket",
    "open_loop",
    "put",
    "remove_bucket",
    "repeat",
    "sleep",
    "until_ok",
    "until_others",
    "until_stop",
    "when",
    "when_equal",
]


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

    >>> Group("readers", [get("hot")], clients=10, arrival=until_others()).to_dict()["clients"]
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


def remove_bucket(*roles: str, at_most: int = 100_000) -> Group:
    """The teardown group that empties the buckets of these roles (default `main`) and removes them.

    >>> remove_bucket().phase
    'teardown'
    """
    program = [
        until_ok(at_most, list_page(role, as_="page"), delete_objects("page.keys", bucket=role), delete_bucket(role))
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


@dataclass(frozen=True)
class Plan:
    """A whole plan. Fields left at None take the defaults of `docs/semantics.md`.

    >>> Plan("one-put", groups=[make_bucket(), Group("w", [put("a")]), remove_bucket()]).to_dict()["buckets"]
    ['main']
    """

    name: str
    groups: Sequence[Group] = ()
    seed: int = 1
    scale: str | None = None
    buckets: Sequence[str] = ("main",)
    spaces: Mapping[str, Space] = field(default_factory=dict)
    workers: int | None = None
    deadline_ms: int | None = None
    payload: str | None = None
    memory_mb: int | None = None
    stop: Stop | None = None
    require: Mapping[str, Require] = field(default_factory=dict)
    load: Load | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", tuple(self.groups))
        object.__setattr__(self, "buckets", tuple(self.buckets))

    def to_dict(self) -> dict[str, Any]:
        """The plan as its JSON document."""
        out: dict[str, Any] = {"name": self.name, "seed": self.seed}
        if self.scale is not None:
            out["scale"] = self.scale
        out["buckets"] = list(self.buckets)
        if self.spaces:
            out["spaces"] = {name: space.to_dict() for name, space in self.spaces.items()}
        for name in ("workers", "deadline_ms", "payload", "memory_mb"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if self.stop is not None:
            out["stop"] = self.stop.to_dict()
        out["groups"] = [group.to_dict() for group in self.groups]
        if self.require:
            out["require"] = {name: floors.to_dict() for name, floors in self.require.items()}
        if self.load is not None:
            out["load"] = self.load.to_dict()
        return out

    def to_json(self, indent: int | None = None) -> str:
        """The plan as JSON text.

        >>> Plan("p", groups=[Group("g", [head("a")])]).to_json()[:22]
        '{"name": "p", "seed": '
        """
        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The plan of a JSON text. What the engine or the schema does not accept is a `PlanError`.

        >>> plan = Plan("p", groups=[Group("g", [head("a")])])
        >>> Plan.from_json(plan.to_json()) == plan
        True
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        check_semantics(text)
        document = json.loads(text)
        check_schema(document)
        return cls._of(document)

    @classmethod
    def from_dict(cls, document: object) -> Plan:
        """The plan of a parsed JSON document, checked as `from_json` does.

        >>> Plan.from_dict({"name": "p", "groups": [{"group": "g", "program": [{"head": "a"}]}]}).seed
        1
        """
        return cls.from_json(json.dumps(document))

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> Plan:
        given = dict(document)
        given["groups"] = [Group(**group) for group in given["groups"]]
        given["spaces"] = {name: _space(space) for name, space in given.get("spaces", {}).items()}
        given["require"] = {name: Require(**floors) for name, floors in given.get("require", {}).items()}
        for name, kind in (("stop", Stop), ("load", Load)):
            if name in given:
                given[name] = kind(**given[name])
        return cls(**given)

    @classmethod
    def from_file(cls, path: str | Path) -> Plan:
        """The plan of a JSON file."""
        try:
            return cls.from_json(Path(path).read_bytes())
        except OSError as error:
            raise PlanError("plan", str(path), f"a readable file ({error.strerror})") from None

    def validate(self) -> Plan:
        """Checks the plan by the engine and by the schema; gives it back, or raises `PlanError`.

        >>> Plan("p", groups=[Group("g", [put("a", if_match="x.etag")])]).validate()
        Traceback (most recent call last):
        s3prod.errors.PlanError: ...
        """
        check_semantics(self.to_json())
        check_schema(self.to_dict())
        return self

    def with_seed(self, seed: int | None) -> Plan:
        """The same plan with another seed; None keeps it.

        >>> Plan("p").with_seed(7).seed
        7
        """
        return self if seed is None else dataclasses.replace(self, seed=seed)

    def steps(self) -> Iterator[Step]:
        """Every step of every program, also those inside `repeat` and `when`.

        >>> [list(s)[0] for s in Plan("p", groups=[Group("g", [repeat(2, head("a"))])]).steps()]
        ['repeat', 'head']
        """
        for group in self.groups:
            yield from walk(group.program)


def _space(document: Mapping[str, Any]) -> Space:
    given = dict(document)
    if "keys" in given:
        given["keys"] = tuple(given["keys"])
    return Space(**given)


def walk(program: plan_steps.Program) -> Iterator[Step]:
    """The steps of a program in order, with those nested in it.

    >>> len(list(walk([repeat(2, head("a"), head("b"))])))
    3
    """
    for step in program:
        yield step
        for nested in ("do", "else"):
            yield from walk(step.get(nested, ()))


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(resources.files("s3prod").joinpath("schema/plan.schema.json").read_text("utf-8"))
    return Draft202012Validator(schema)


def check_semantics(text: str) -> None:
    """Raises `PlanError` with field, value and what was expected when the engine does not accept the JSON text.

    >>> check_semantics('{"name": "p"}')
    Traceback (most recent call last):
    s3prod.errors.PlanError: ...
    """
    from s3prod import _native

    try:
        _native.plan_check(text)
    except ValueError as error:
        raise PlanError.of(one_line(str(error))) from None


def check_schema(document: object) -> None:
    """Raises `PlanError` with the field, its value and what was expected when the document is not a plan.

    >>> check_schema({"name": "p"})
    Traceback (most recent call last):
    s3prod.errors.PlanError: ...
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(document))
    if error is not None:
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
        raise PlanError.of(f"{path or 'plan'}: {one_line(error.message, 240)}")
