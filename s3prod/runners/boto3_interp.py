"""The interpreter of programs for the boto3 runner: control steps here, S3 steps by whoever sends them.

It follows `docs/semantics.md` section 1; the conformance programs hold it and the C interpreter to the same behaviour.
"""

from __future__ import annotations

import operator
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from s3prod.outcomes import is_mutation
from s3prod.plan import Step
from s3prod.runners.boto3_keys import Hold, KeySpaces
from s3prod.runners.boto3_names import Names, NoKey
from s3prod.runners.boto3_request import Request, Result
from s3prod.runners.boto3_steps import requests_of, verb_of

NO_KEY_PAUSE_S = 0.001  # a program that ends for want of a key must not spin
_WRITES = ("put", "copy", "complete_upload")  # of a key's value
_TELL_THE_SIZE = ("put", "get", "head", "complete_upload")


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
    def lender(self, group: str, borrower: Interpreter) -> Interpreter:
        """The client of that group with the borrower's number in its own."""


class Ended(Exception):
    """The phase is over: the stop rule or Ctrl-C."""


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
        self.program, self.keys, self.sender, self.world = program, keys, sender, world
        self.client, self.rng = client, random.Random(f"{seed}/{client}")
        self.counts: Counter[str] = Counter()
        self.last: Result | None = None
        self.names = Names(program, buckets, keys)
        self._walks: dict[str, int] = {}
        self._holds: dict[str, Hold] = {}
        self._rounds: list[int] = []  # of the repeats around the current step, innermost last
        self._ambiguous: Step | None = None  # the mutation of a loop that ended unknown and may be tried again
        self._unsure = (0, 0)  # its place
        self._loops = 0

    def run(self) -> None:
        """One run of the program; `Ended` when the phase was over before its end."""
        self.counts["runs"] += 1
        self._loops, self._ambiguous = 0, None
        try:
            self._steps(self.program)
            self.counts["runs_ok"] += self.last is None or self.last.outcome == "ok"
        except NoKey:
            self.counts["no_key"] += 1
            self.world.sleep(NO_KEY_PAUSE_S)
        finally:
            for name in list(self._holds):
                self._let_go(name)
                self.names.forget(name)  # the key is no longer this client's to write

    def _steps(self, steps: Sequence[Step]) -> None:
        for i, step in enumerate(steps):
            self.world.check()
            verb = verb_of(step)
            if not verb:
                _CONTROL[next(name for name in step if name in _CONTROL)](self, step)
            elif self._s3_step(step) and is_mutation(verb) and self._loops:
                self._note_unknown(step, _handled(steps[i + 1 : i + 2]))

    def _note_unknown(self, step: Step, handled: bool) -> None:
        """An unknown mutation ends the loop, unless the program handles it: then it stays the same operation."""
        assert self.last is not None
        if self.last.outcome == "unknown":
            if not handled:
                raise _Unknown
            self._ambiguous, self._unsure = step, self.last.place
        elif self._ambiguous is step:
            self._ambiguous = None

    # --- control steps -----------------------------------------------------------------------------------------------

    def _repeat(self, step: Step) -> None:
        if isinstance(step["repeat"], int):
            self._rounds.append(0)
            try:
                for self._rounds[-1] in range(step["repeat"]):
                    self._steps(step["do"])
            finally:
                self._rounds.pop()
            return
        self._loops += 1
        self._rounds.append(0)
        self._ambiguous = None
        try:
            for self._rounds[-1] in range(step["repeat"]["at_most"]):
                self.counts["retries"] += self._rounds[-1] > 0
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

    def _when(self, step: Step) -> None:
        asked = step["when"]
        if isinstance(asked, Mapping):
            (name, given), *_ = asked.items()
            holds = _COMPARE[name](*map(self.names.value, given if isinstance(given, list) else [given]))
        else:
            last = self.last
            holds = last is not None and any(
                one in (last.outcome, last.status or None, last.code or None) for one in asked
            )
        self._steps(step["do"] if holds else step.get("else", ()))

    def _barrier(self, step: Step) -> None:
        self.world.barrier(step["barrier"])

    def _sleep(self, step: Step) -> None:
        asked = step["sleep"]
        if isinstance(asked, Mapping):
            base, cap = asked["full_jitter_ms"]
            rounds = self._rounds[-1] if self._rounds else 0
            asked = self.rng.uniform(0, min(cap, base * 2 ** min(rounds, 40)))
        self.world.sleep(asked / 1000)

    def _choose(self, step: Step) -> None:
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
            raise NoKey
        self.names.bind(name, {"key": key})

    def _borrow(self, step: Step) -> None:
        group, _, name = step["borrow"].partition(".")
        upload = self.world.lender(group, self).names.upload(name)
        self._let_go(step["as"])
        own = replace(upload, parts=dict(upload.parts))
        self.names.bind(step["as"], {"upload": own, "key": upload.key})

    def _let_go(self, name: str) -> None:
        hold = self._holds.pop(name, None)
        if hold is not None:
            self.keys.release(hold)

    # --- S3 steps --------------------------------------------------------------------------------------------------

    def _s3_step(self, step: Step) -> bool:
        """Sends what the step asks for; its result is the worst one. False when there was nothing to send."""
        requests = requests_of(step, self.names, self.rng)
        results = []
        for request in requests:
            self.world.admit()
            request.again = self._unsure if self._ambiguous is step and len(requests) == 1 else None
            result = self.sender.send(request)
            results.append(result)
            self._take(request, result)
            if result.outcome == "ok" and "as" in step and not self._holds_upload(step["as"], request):
                self._bind(step["as"], result.fields)
            elif "as" in step and "id" in result.fields:  # of a write, however it ended
                self.names.note(step["as"], "id", result.fields["id"])
        if results:
            self.last = next(one for end in ("unknown", "failed", "ok") for one in results if one.outcome == end)
        return bool(results)

    def _holds_upload(self, name: str, request: Request) -> bool:
        """Whether the name is that of the upload which the request is for: it stays so."""
        return request.upload is not None and self.names.of(name).get("upload") is request.upload

    def _take(self, request: Request, result: Result) -> None:
        """What the spaces, the upload and the holds of lifecycle keys learn of an attempt."""
        ok, key = result.outcome == "ok", request.key
        if ok and request.upload is not None and "part" in result.fields:
            request.upload.parts[request.part] = result.fields["part"]
        if ok and key is not None and request.op in _TELL_THE_SIZE and "size" in result.fields:
            self.keys.sizes[key] = result.fields["size"]
        if request.op not in (*_WRITES, "delete"):
            return
        for hold in self._holds.values():
            if hold.key == key:
                hold.unknown |= result.outcome == "unknown"
                hold.deleted |= ok and request.op == "delete"
                hold.written |= ok and request.op in _WRITES

    def _bind(self, name: str, fields: dict[str, object]) -> None:
        hold = self._holds.get(name)
        if hold is not None and fields.get("key") != hold.key:
            self._let_go(name)
        self.names.bind(name, fields)


def _handled(following: Sequence[Step]) -> bool:
    """Whether the next step is a `when` on unknown."""
    return bool(following) and isinstance(following[0].get("when"), list) and "unknown" in following[0]["when"]


_COMPARE: dict[str, Callable[..., bool]] = {
    "equal": operator.eq,
    "less": operator.lt,
    "odd": lambda number: number % 2 == 1,
}
_CONTROL = {
    "repeat": Interpreter._repeat,
    "when": Interpreter._when,
    "barrier": Interpreter._barrier,
    "sleep": Interpreter._sleep,
    "choose": Interpreter._choose,
    "borrow": Interpreter._borrow,
}
