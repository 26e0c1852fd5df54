"""The boto3 runner: the same plan on boto3, one thread and one client of its own for each client of the plan.

Caveats: Python's threads reach about a thousand operations a second; more than a few hundred clients only wait for one
another.
"""

from __future__ import annotations

import json
import os
import random
import resource
import string
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.config import Config

import s3prod
from s3prod import _native
from s3prod.errors import RunError, UsageError, one_line
from s3prod.plan import Plan
from s3prod.profile import digest
from s3prod.runners import Progress, boto3_metrics
from s3prod.runners.boto3_interp import Interpreter
from s3prod.runners.boto3_keys import KeySpaces
from s3prod.runners.boto3_phase import Group, Phase
from s3prod.runners.boto3_record import PATIENCE_DEADLINES, Book, Sender
from s3prod.runners.boto3_steps import literals
from s3prod.target import Target

CLIENTS_MAX = 2000
UNSUPPORTED = {
    "behaviour": "the boto3 runner has no behaviours",
    "chunked": "unsupported by boto3, which chooses the encoding of a body itself",
}
PHASES = ("setup", "main", "teardown")
_TICK_S = 0.1


def run(plan: Plan, target: Target, history: Path, progress: Progress | None) -> dict[str, Any]:
    """Carries the plan out on boto3 and gives its metrics.

    >>> run(plan, target, Path("history.s3ph"), None)["interrupted"]  # doctest: +SKIP
    False
    """
    document = plan.to_dict()
    for step in plan.steps():
        for name, why in UNSUPPORTED.items():
            if name in step:
                raise UsageError(name, step[name], f"another runner: {why}")
    clients = sum(group.clients for group in plan.groups)
    if clients > CLIENTS_MAX:
        raise UsageError("clients", clients, f"at most {CLIENTS_MAX} on the boto3 runner")
    return _Run(document, target, history, progress).carry_out()


def profile_hash(target: Target) -> str:
    """What tells whether two histories were judged by the same promises.

    >>> len(profile_hash(Target(("http://h",), "k", "s")))
    64
    """
    return digest(target.profile)


def _real_name(prefix: str, role: str) -> str:
    letters = random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=12)
    return f"{prefix[: 63 - 14 - len(role)]}-{role}-{''.join(letters)}"


class _Run:
    """One run: the history, the clients, the phases in order."""

    def __init__(self, plan: dict[str, Any], target: Target, history: Path, progress: Progress | None) -> None:
        self.plan, self.target, self.progress = plan, target, progress
        self.id = int.from_bytes(os.urandom(6), "big")
        self.keys = KeySpaces(plan)
        self._name_literals()
        buckets = {role: _real_name(target.bucket_prefix, role) for role in plan["buckets"]}
        self.book = Book(self.id, buckets, self.keys, lambda record: self.writer.append(json.dumps(record)))
        self.groups = self._groups()
        try:  # when the clients are there: making them takes long
            self.writer = _native.HistoryWriter(str(history), json.dumps(self._header(buckets)))
        except (OSError, ValueError) as error:
            raise RunError(one_line(str(error))) from None
        self.started = 0
        self._next_tick = 0.0

    def _name_literals(self) -> None:
        """Gives every literal key its place before the header is written."""
        for group in self.plan["groups"]:
            for bucket, text in literals(group["program"], self.plan["buckets"][0]):
                self.keys.literal(bucket, text)

    def _header(self, buckets: Mapping[str, str]) -> dict[str, Any]:
        return {
            "format": 1,
            "run": f"{self.id:012x}",
            "seed": self.plan["seed"],
            "plan": self.plan,
            "profile": dict(self.target.profile),
            "profile_hash": profile_hash(self.target),
            "endpoints": list(self.target.endpoints),
            "buckets": [{"role": role, "name": name} for role, name in buckets.items()],
            "spaces": self.keys.header(list(buckets)),
            "groups": self._group_rows(),
            "clock": {"mono_ns": time.monotonic_ns(), "wall_ns": time.time_ns()},
            "runner": "boto3",
            "versions": s3prod.versions() | {"botocore": botocore.__version__},
        }

    def _group_rows(self) -> list[dict[str, Any]]:
        rows, client = [], 0
        for given in self.plan["groups"]:
            clients = given.get("clients", 1)
            row = {"name": given["group"], "phase": given.get("phase", "main")}
            rows.append(row | {"clients": clients, "first_client": client})
            client += clients
        return rows

    def _api(self, session: Any, endpoint: str) -> Any:
        target, deadline_s = self.target, self.plan.get("deadline_ms", 30_000) / 1000
        signed = self.plan.get("payload") == "signed"
        addressing: Any = {"addressing_style": target.addressing, "payload_signing_enabled": signed}
        return session.create_client(
            "s3",
            endpoint_url=endpoint,
            region_name=target.region,
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
            aws_session_token=target.session_token,
            verify=(target.ca_file or True) if target.verify_tls else False,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=1,
                connect_timeout=min(target.connect_timeout_ms / 1000, deadline_s),
                read_timeout=deadline_s,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                proxies={"http": target.proxy, "https": target.proxy} if target.proxy else {},
                s3=addressing,
            ),
        )

    def _groups(self) -> list[Group]:
        session, groups, client = botocore.session.Session(), [], 0
        for number, given in enumerate(self.plan["groups"]):
            senders = []
            for _ in range(given.get("clients", 1)):
                endpoint = client % len(self.target.endpoints)
                api = self._api(session, self.target.endpoints[endpoint])
                senders.append(Sender(self.book, api, client, number, endpoint, self.target.region))
                client += 1
            group = Group(number, given, senders)
            if group.open is None and group.until != "stop":
                for sender in senders:
                    sender.patience_s = PATIENCE_DEADLINES * self.plan.get("deadline_ms", 30_000) / 1000
            groups.append(group)
        return groups

    def carry_out(self) -> dict[str, Any]:
        """The phases one after the other; then the history is closed and the metrics are made."""
        usage, self.started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic_ns()
        phases: list[Phase] = []
        complete = False
        try:
            for name in PHASES:
                phases.append(self._phase(name))
                self.book.phase = name
                phases[-1].run(self._tick)
                if name == "setup":
                    self._check_setup()
            complete = True
        except KeyboardInterrupt:
            self.book.cancelled = True
            for group in self.groups:
                for sender in group.senders:
                    sender.cancel()
        finally:
            try:
                self.writer.close(complete)
            except (OSError, ValueError) as error:
                raise RunError(f"history: {one_line(str(error))}") from None
        return boto3_metrics.of_run(self.plan, self.book, self.groups, phases, usage, self.started, not complete)

    def _check_setup(self) -> None:
        """A setup of which every attempt failed has made no bucket to work in: that is no run to be judged."""
        counts = self.book.counts
        if counts["failed"] and not counts["ok"] and not counts["unknown"]:
            raise RunError(f"setup: {self.book.first_failure}, expected a store that lets it begin")

    def _phase(self, name: str) -> Phase:
        groups = [group for group in self.groups if group.phase == name]
        phase = Phase(name, groups, self.book, self.plan.get("stop", {}), self.plan["seed"])
        for group in groups:
            group.interpreters = [
                Interpreter(
                    group.program, self.plan["buckets"], self.keys, sender, phase, sender.client, self.plan["seed"]
                )
                for sender in group.senders
            ]
        return phase

    def _tick(self) -> None:
        if self.progress is None or time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + _TICK_S
        book = self.book
        self.progress(
            book.counts
            | {
                "in_flight": book.in_flight,
                "bytes_out": book.bytes_out,
                "bytes_in": book.bytes_in,
                "phase": PHASES.index(book.phase),
                "elapsed_ns": time.monotonic_ns() - self.started,
            }
        )
