"""The interpreter of programs for the boto3 runner: control steps here, S3 steps by whoever sends them.

It follows `docs/semantics.md` section 1; the conformance programs hold it and the C interpreter to the same behaviour.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from s3prod.outcomes import is_mutation
from s3prod.plan import Step, walk
from s3prod.runners.boto3_keys import Hold, Key, KeySpaces

FIELDS = ("etag", "version", "token", "key", "keys", "size", "counter", "now_ms")
S3_STEPS = ("put", "get", "head", "delete", "delete_objects", "list", "list_v1")
BUCKET_STEPS = ("create_bucket", "head_bucket", "delete_bucket")
NO_ETAG = '"none"'
NO_KEY_PAUSE_S = 0.001  # a program that ends for want of a key must not spin
_REFERENCE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z_]+)")
_EXPRESSION = re.compile(r"\s*([a-z0-9_.]+)\s*(?:([+-])\s*([0-9]+))?\s*")


@dataclass
class Result:
    """How an S3 step ended, and the fields that an `as` binds of it."""

    op: str
    outcome: str
    status: int = 0
    code: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Request:
    """An S3 step with everything resolved."""

    op: str
    bucket: str
    key: Key | None = None
    cond: str = ""
    cond_value: str = ""
    again: bool = False  # the last attempt of this very step was unknown: it is the same operation
    range_first: int = 0
    range_last: int | None = None
    ranged: bool = False
    body_kind: str = "none"
    size: int = 0
    counter: int = 0
    keys: Sequence[str] = ()
    list_args: Mapping[str, Any] = field(default_factory=dict)


class Sender(Protocol):
    """Carries out one S3 step as one attempt, records it, and says how it ended."""

    def send(self, request: Request) -> Result: ...


class World(Protocol):
    """What the clients of a phase share."""

    def check(self) -> None:
        """Raises `Ended` when the phase is over."""

    def admit(self) -> None:
        """The same before a request, which it counts for the stop rule."""

    def sleep(self, seconds: float) -> None: ...
    def barrier(self, name: str) -> None: ...


class Ended(Exception):
    """The phase is over: the stop rule or Ctrl-C."""


class _NoKey(Exception):
    """There was nothing to choose, or a name that holds no key: this run of the program ends."""


class _Unknown(Exception):
    """A mutation ended unknown: the enclosing `repeat until` ends."""


class Interpreter:
    """One client's state: names, the last result, its random draws. `counts` is what it adds to its group's metrics."""

    def __init__(
        self,
        program: Sequence[Step],
        buckets: Sequence[str],
        keys: KeySpaces,
        sender: Sender,
        world: World,
        client: int,
        seed: int,
    ) -> None:
        self.program, self.buckets, self.keys, self.sender, self.world = program, buckets, keys, sender, world
        self.client, self.rng = client, random.Random(f"{seed}/{client}")
        self.counts: Counter[str] = Counter()
        self.last: Result | None = None
        self._bound = {step["as"] for step in walk(program) if "as" in step}
        self._names: dict[str, dict[str, Any]] = {}
        self._walks: dict[str, int] = {}
        self._holds: dict[str, Hold] = {}
        self._rounds: list[int] = []  # of the repeats around the current step, innermost last
        self._ambiguous: Step | None = None  # the mutation of a loop that ended unknown and may be tried again
        self._loops = 0

    def run(self) -> None:
        """One run of the program; `Ended` when the phase was over before its end."""
        self.counts["runs"] += 1
        self._loops, self._ambiguous = 0, None
        try:
            self._steps(self.program)
            self.counts["runs_ok"] += self.last is None or self.last.outcome == "ok"
        except _NoKey:
            self.counts["no_key"] += 1
            self.world.sleep(NO_KEY_PAUSE_S)
        finally:
            for name in list(self._holds):
                self._let_go(name)
                self._names.pop(name, None)  # the key is no longer this client's to write

    def _steps(self, steps: Sequence[Step]) -> None:
        for i, step in enumerate(steps):
            self.world.check()
            verb = next(name for name in step if name in _VERBS)
            if not _VERBS[verb](self, step):
                continue
            if is_mutation(verb) and self._loops:
                self._note_unknown(step, _handled(steps[i + 1 : i + 2]))

    def _note_unknown(self, step: Step, handled: bool) -> None:
        """An unknown mutation ends the loop, unless the program handles it: then it stays the same operation."""
        assert self.last is not None
        if self.last.outcome == "unknown":
            if not handled:
                raise _Unknown
            self._ambiguous = step
        elif self._ambiguous is step:
            self._ambiguous = None

    # --- control steps: they give back False, S3 steps True --------------------------------------------------------

    def _repeat(self, step: Step) -> bool:
        if isinstance(step["repeat"], int):
            self._rounds.append(0)
            try:
                for self._rounds[-1] in range(step["repeat"]):
                    self._steps(step["do"])
            finally:
                self._rounds.pop()
            return False
        self._loops += 1
        self._rounds.append(0)
        self._ambiguous = None
        try:
            for self._rounds[-1] in range(step["repeat"]["at_most"]):
                self._steps(step["do"])
                if self.last is not None and self.last.outcome == "ok":
                    break
                if self.last is not None and self.last.outcome == "unknown" and is_mutation(self.last.op):
                    raise _Unknown
            else:
                self.counts["exhausted"] += 1
        except _Unknown:
            self.counts["unknown"] += 1
        finally:
            self._loops -= 1
            self._rounds.pop()
            self._ambiguous = None
        return False

    def _when(self, step: Step) -> bool:
        asked = step["when"]
        if isinstance(asked, Mapping):
            left, right = (self._value(expression) for expression in asked["equal"])
            holds = left == right
        else:
            last = self.last
            holds = last is not None and any(
                one in (last.outcome, last.status or None, last.code or None) for one in asked
            )
        self._steps(step["do"] if holds else step.get("else", ()))
        return False

    def _barrier(self, step: Step) -> bool:
        self.world.barrier(step["barrier"])
        return False

    def _sleep(self, step: Step) -> bool:
        asked = step["sleep"]
        if isinstance(asked, Mapping):
            base, cap = asked["full_jitter_ms"]
            rounds = self._rounds[-1] if self._rounds else 0
            asked = self.rng.uniform(0, min(cap, base * 2 ** min(rounds, 40)))
        self.world.sleep(asked / 1000)
        return False

    def _choose(self, step: Step) -> bool:
        space, name = step["choose"], step["as"]
        if not self.keys.is_lifecycle(space):
            key = self.keys.choose(space, self.client, self._walks, self.rng)
        else:
            self._let_go(name)
            taken = self.keys.take(space, step["take"], self.rng)
            if isinstance(taken, Hold):
                self._holds[name] = taken
            key = taken.key if isinstance(taken, Hold) else taken
        if key is None:
            raise _NoKey
        self._names[name] = {"key": key}
        return False

    def _let_go(self, name: str) -> None:
        hold = self._holds.pop(name, None)
        if hold is not None:
            self.keys.release(hold)

    # --- S3 steps --------------------------------------------------------------------------------------------------

    def _object(self, step: Step) -> bool:
        op = next(name for name in step if name in S3_STEPS)
        key = self._key(step[op], step.get("bucket"))
        request = Request(op, key.bucket, key)
        for cond in ("if_match", "if_none_match"):
            if cond in step:
                text = step[cond]
                request.cond = f"{cond}_any" if text == "*" else cond
                request.cond_value = text if text == "*" else self._text(text) or NO_ETAG
        if op == "put":
            self._fill(request, step.get("body", {"bytes": 1024}))
        elif "range" in step:
            self._range(request, step["range"])
        return self._send(request, step)

    def _fill(self, request: Request, body: Mapping[str, Any]) -> None:
        if "counter" in body:
            request.body_kind, request.counter = "counter", int(self._value(body["counter"]))
            return
        kind = "bytes" if "bytes" in body else "constant"
        sizes = body[kind]
        request.body_kind = "cells" if kind == "bytes" else "constant"
        request.size = sizes if isinstance(sizes, int) else self.rng.choice(sizes)

    def _range(self, request: Request, asked: Any) -> None:
        request.ranged = True
        if isinstance(asked, Mapping):
            assert request.key is not None
            length, known = asked["random"], self.keys.sizes.get(request.key, 0)
            request.range_first = self.rng.randrange(max(1, known - length + 1))
            request.range_last = request.range_first + length - 1
        else:
            request.range_first, request.range_last = asked

    def _delete_objects(self, step: Step) -> bool:
        name, _ = step["delete_objects"].split(".")
        page = self._names.get(name, {})
        keys = page.get("keys", ())
        if not keys:
            return False
        return self._send(Request("delete_objects", step.get("bucket", page["bucket"]), keys=keys), step)

    def _list(self, step: Step) -> bool:
        op = "list" if "list" in step else "list_v1"
        arguments: dict[str, Any] = {
            name: step[name] for name in ("prefix", "delimiter", "max_keys", "start_after") if name in step
        }
        if "token" in step:
            token = self._text(step["token"])
            if token:
                arguments["token"] = token
        return self._send(Request(op, step[op], list_args=arguments), step)

    def _bucket_step(self, step: Step) -> bool:
        op = next(name for name in step if name in BUCKET_STEPS)
        return self._send(Request(op, step[op]), step)

    def _send(self, request: Request, step: Step) -> bool:
        self.world.admit()
        request.again = self._ambiguous is step
        result = self.last = self.sender.send(request)
        if result.outcome == "ok" and request.key is not None and "size" in result.fields:
            self.keys.sizes[request.key] = result.fields["size"]
        if result.outcome == "ok" and "as" in step:
            self._bind(step["as"], result.fields)
        if request.key is not None and is_mutation(request.op):
            self._note(request, result)
        return True

    def _note(self, request: Request, result: Result) -> None:
        for hold in self._holds.values():
            if hold.key == request.key:
                hold.unknown |= result.outcome == "unknown"
                hold.deleted |= result.outcome == "ok" and request.op == "delete"
                hold.written |= result.outcome == "ok" and request.op == "put"

    # --- names and expressions -------------------------------------------------------------------------------------

    def _reference(self, text: str) -> tuple[str, str] | None:
        read = _REFERENCE.fullmatch(text)
        return (read[1], read[2]) if read and read[1] in self._bound and read[2] in FIELDS else None

    def _key(self, text: str, bucket: str | None) -> Key:
        reference = self._reference(text)
        if reference is None:
            return self.keys.literal(bucket or self.buckets[0], text)
        key = self._names.get(reference[0], {}).get("key")
        if not isinstance(key, Key):
            raise _NoKey
        return key

    def _bind(self, name: str, fields: dict[str, Any]) -> None:
        hold = self._holds.get(name)
        if hold is not None and fields.get("key") != hold.key:
            self._let_go(name)
        self._names[name] = fields

    def _text(self, text: str) -> str:
        reference = self._reference(text)
        return text if reference is None else str(self._names.get(reference[0], {}).get(reference[1], ""))

    def _field(self, name: str, field: str) -> Any:
        """A field's value; a name without a key is equal to no other."""
        found = self._names.get(name, {})
        return found.get(field, _NOTHING[field] if field in _NOTHING else object())

    def _value(self, expression: Any) -> Any:
        """A number, or the text of a field that is none; 0 when the reference has no value yet."""
        if isinstance(expression, int):
            return expression
        read = _EXPRESSION.fullmatch(expression)
        assert read is not None, expression
        reference = self._reference(read[1])
        base = int(read[1]) if reference is None else self._field(*reference)
        constant = int(read[3]) if read[3] else 0
        return base if not constant else base - constant if read[2] == "-" else base + constant


_NOTHING = {"etag": "", "version": "", "token": "", "size": 0, "counter": 0, "now_ms": 0}


def literals(program: Sequence[Step], default: str) -> list[tuple[str, str]]:
    """The (bucket, key) of every literal key of a program, in order.

    >>> literals([{"get": "a", "as": "x"}, {"put": "x.key"}], "main")
    [('main', 'a')]
    """
    bound = {step["as"] for step in walk(program) if "as" in step}
    out = []
    for step in walk(program):
        for verb in ("put", "get", "head", "delete"):
            read = _REFERENCE.fullmatch(step.get(verb, ""))
            if verb in step and not (read and read[1] in bound and read[2] in FIELDS):
                out.append((step.get("bucket", default), step[verb]))
    return out


def _handled(following: Sequence[Step]) -> bool:
    """Whether the next step is a `when` on unknown."""
    return bool(following) and isinstance(following[0].get("when"), list) and "unknown" in following[0]["when"]


_VERBS = {
    "repeat": Interpreter._repeat,
    "when": Interpreter._when,
    "barrier": Interpreter._barrier,
    "sleep": Interpreter._sleep,
    "choose": Interpreter._choose,
    "delete_objects": Interpreter._delete_objects,
    "list": Interpreter._list,
    "list_v1": Interpreter._list,
    **dict.fromkeys(("put", "get", "head", "delete"), Interpreter._object),
    **dict.fromkeys(BUCKET_STEPS, Interpreter._bucket_step),
}
