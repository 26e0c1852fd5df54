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
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3prod.errors import PlanError
from s3prod.plan_check import check_schema, check_semantics
from s3prod.plan_parts import (
    Group,
    Load,
    Require,
    Space,
    Stop,
    at_percentile,
    at_rate,
    closed,
    make_bucket,
    open_loop,
    remove_bucket,
    until_others,
    until_stop,
)
from s3prod.plan_rules import Rule, expire, put_lifecycle, put_replication, replicate
from s3prod.plan_steps import (
    ANY,
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
    walk,
    when,
    when_equal,
    when_less,
    when_odd,
)
from s3prod.plan_uploads import (
    abort_upload,
    borrow,
    complete_upload,
    create_upload,
    list_parts,
    list_uploads,
    upload_part,
    upload_part_copy,
)
from s3prod.plan_versions import (
    copy,
    delete_tags,
    get_attributes,
    get_tags,
    get_versioning,
    list_versions,
    put_tags,
    put_versioning,
)

__all__ = [
    "ANY",
    "Group",
    "Load",
    "Plan",
    "PlanError",
    "Program",
    "Require",
    "Rule",
    "Space",
    "Step",
    "Stop",
    "abort_upload",
    "at_percentile",
    "at_rate",
    "barrier",
    "behaviour",
    "borrow",
    "cas",
    "check_schema",
    "check_semantics",
    "choose",
    "closed",
    "complete_upload",
    "constant",
    "copy",
    "counter",
    "create_bucket",
    "create_upload",
    "delete",
    "delete_bucket",
    "delete_objects",
    "delete_tags",
    "expire",
    "get",
    "get_attributes",
    "get_tags",
    "get_versioning",
    "head",
    "head_bucket",
    "jitter",
    "list_page",
    "list_parts",
    "list_uploads",
    "list_versions",
    "make_bucket",
    "open_loop",
    "put",
    "put_lifecycle",
    "put_replication",
    "put_tags",
    "put_versioning",
    "remove_bucket",
    "repeat",
    "replicate",
    "sleep",
    "until_ok",
    "until_others",
    "until_stop",
    "upload_part",
    "upload_part_copy",
    "walk",
    "when",
    "when_equal",
    "when_less",
    "when_odd",
]


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
    faults: Sequence[str] = ()  # of a proxy between the clients and the store (`s3prod proxy --help`)

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", tuple(self.faults))
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
        if self.faults:
            out["faults"] = list(self.faults)
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
        given["spaces"] = {name: Space.from_dict(space) for name, space in given.get("spaces", {}).items()}
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
