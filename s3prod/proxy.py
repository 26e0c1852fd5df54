"""The fault proxy as a child process, in front of any target, and what it says of a run."""

from __future__ import annotations

import dataclasses
import json
import time
import urllib.error
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from s3prod.child import Child, ask
from s3prod.errors import PlanError, RunError, UsageError, one_line
from s3prod.target import Target

MARKS = {
    "multi_delivery": 8,
    "altered": 64,
    "surplus": 128,
}  # mark of an event: flag of the records (csrc/history/record.h)
FAULTS_MAX = 32


def check_faults(specs: Sequence[str], field: str = "faults") -> None:
    """Raises `PlanError` when one of them is no fault of the proxy.

    >>> check_faults(["drop-before-commit:p=2"])
    Traceback (most recent call last):
    s3prod.errors.PlanError: fault p: "2": expected a probability above 0, up to 1
    """
    from s3prod import _server

    if len(specs) > FAULTS_MAX:
        raise PlanError.of(f"{field}: {len(specs)} of them, expected at most {FAULTS_MAX}")
    for spec in specs:
        try:
            _server.fault_check(spec)
        except ValueError as error:
            raise PlanError.of(one_line(str(error))) from None


class FaultProxy(Child):
    """`s3prod proxy` in a process of its own, which ends with this one. Use it as a context manager.

        with FaultProxy(store.endpoints, ["drop-ack-after-commit:p=0.01,op=put"], seed=7) as proxy:
            run = run_plan(plan, proxy.target(store.target()), out=Path("out"))
            print(proxy.counters())

    Clients speak http to it; of https endpoints `ca_file` and `verify_tls` say whom it trusts, as of a target. `argv` replaces
    `python -m s3prod proxy` (a binary of one's own build).
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        faults: Sequence[str] = (),
        *,
        seed: int = 1,
        event_log: Path | None = None,
        ca_file: str | None = None,
        verify_tls: bool = True,
        argv: Sequence[str] | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        check_faults(faults)
        words = ["--seed", str(seed)]
        for endpoint in endpoints:
            words += ["--endpoint", endpoint]
        for spec in faults:
            words += ["--fault", spec]
        if ca_file is not None:
            words += ["--ca-file", ca_file]
        if not verify_tls:
            words += ["--no-verify-tls"]
        if event_log is not None:
            words += ["--event-log", str(event_log)]
        self.faults = tuple(faults)
        super().__init__("proxy", words, argv, deadline_s)
        self.control: str = self.first["control"]

    @classmethod
    def before(cls, target: Target, faults: Sequence[str], seed: int) -> Self:
        """A proxy for the endpoints of this target."""
        return cls(target.endpoints, faults, seed=seed, ca_file=target.ca_file, verify_tls=target.verify_tls)

    def target(self, behind: Target) -> Target:
        """The target as it is through the proxy."""
        if behind.via is not None:
            raise UsageError("faults", ", ".join(self.faults), "a target that has no proxy in front yet")
        if behind.addressing != "path":
            raise UsageError(
                "via_proxy", behind.addressing, "addressing path: names of buckets do not lead to the proxy"
            )
        if behind.proxy is not None:
            raise UsageError("via_proxy", "given", "no other proxy beside it")
        return dataclasses.replace(behind, endpoints=self.endpoints, via=self)

    def counters(self) -> dict[str, Any]:
        """`{"requests", "events_lost", "faults": [{"fault", "on", "matched", "drawn", "fired"}, …]}`."""
        document: dict[str, Any] = json.loads(ask(f"{self.control}/counters"))
        return document

    def events(self) -> list[dict[str, Any]]:
        """What was done on purpose, in order (`csrc/proxy/events.h`)."""
        return [json.loads(line) for line in ask(f"{self.control}/events").splitlines()]

    def switch(self, faults: Sequence[str]) -> None:
        """Puts these faults in the place of those that are on; none: all off."""
        check_faults(faults)
        try:
            ask(f"{self.control}/faults", json.dumps(list(faults)).encode())
        except urllib.error.HTTPError as error:
            raise UsageError("faults", ", ".join(faults), one_line(error.read().decode("utf-8", "replace"))) from None


class Watch:
    """What a proxy did from now on: for one run of several through the same proxy."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy, self.since_ns = proxy, time.monotonic_ns()
        self.before = {entry["fault"]: entry["fired"] for entry in proxy.counters()["faults"] if entry["on"]}

    def join(self, history: Path, out: Path, buckets: Mapping[str, str]) -> dict[str, Any]:
        """Writes the events to `out`, marks the keys and answers that they touch in the history, and gives the counters.

        `buckets`: names by role, as the run's metrics have them.
        """
        from s3prod import _native

        after = self.proxy.counters()
        events = [event for event in self.proxy.events() if event["t_ns"] >= self.since_ns]
        if after["events_lost"]:
            raise RunError(f"proxy: {after['events_lost']} events were lost: what it did to keys is not known")
        out.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
        roles = {name: role for role, name in buckets.items()}
        with _native.History(str(history)) as recorded:
            order = [bucket["role"] for bucket in recorded.header["buckets"]]
        marks = set()
        for event in events:
            bucket, _, key = event["target"].partition("?")[0].lstrip("/").partition("/")
            name = event["request_id"].encode() if event["mark"] == "surplus" else unquote_to_bytes(key)
            if event["mark"] and bucket in roles:
                marks.add((order.index(roles[bucket]), name, MARKS[event["mark"]]))
        marked = _native.mark(str(history), sorted(marks)) if marks else 0
        keys = {(bucket, name) for bucket, name, flag in marks if flag != MARKS["surplus"]}
        fired = {e["fault"]: e["fired"] - self.before.get(e["fault"], 0) for e in after["faults"] if e["on"]}
        return {"faults": fired, "events": len(events), "marked_keys": len(keys), "marked_attempts": marked}
