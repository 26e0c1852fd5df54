"""The boto3 runner: the same plan on boto3, one thread and one client of its own for each client of the plan.

Caveats: Python's threads reach about a thousand operations a second; more than a few hundred clients only wait for one
another.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.config import Config

from s3prod.errors import UsageError
from s3prod.plan import Plan
from s3prod.runners import Progress, metrics
from s3prod.runners.boto3_company import Company
from s3prod.runners.boto3_interp import Interpreter
from s3prod.runners.boto3_phase import Group, Phase
from s3prod.runners.boto3_record import PATIENCE_DEADLINES, Sender
from s3prod.runners.recording import PHASES, Recording
from s3prod.target import Target

CLIENTS_MAX = 2000
UNSUPPORTED = {
    "behaviour": "the boto3 runner has no behaviours",
    "chunked": "unsupported by boto3, which chooses the encoding of a body itself",
}


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


class _Run:
    """One run: the history, the clients, the phases in order."""

    def __init__(self, plan: dict[str, Any], target: Target, history: Path, progress: Progress | None) -> None:
        self.plan, self.target, self.history = plan, target, history
        self.recording = Recording(plan, target, progress)
        self.keys, self.book = self.recording.keys, self.recording.book
        self.groups = self._groups()

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
        session, company, groups, client = botocore.session.Session(), Company(), [], 0
        for number, given in enumerate(self.plan["groups"]):
            senders = []
            for _ in range(given.get("clients", 1)):
                endpoint = client % len(self.target.endpoints)
                api = self._api(session, self.target.endpoints[endpoint])
                senders.append(Sender(self.book, company, api, client, number, endpoint, self.target.region))
                client += 1
            group = Group(number, given, senders)
            if group.open is None and group.until != "stop":
                for sender in senders:
                    sender.patience_s = PATIENCE_DEADLINES * self.plan.get("deadline_ms", 30_000) / 1000
            groups.append(group)
        return groups

    def carry_out(self) -> dict[str, Any]:
        """The phases one after the other; then the history is closed and the metrics are made."""
        # the clients are there: making them takes long
        self.recording.begin(self.history, "boto3", {"botocore": botocore.__version__})
        usage = resource.getrusage(resource.RUSAGE_SELF)
        phases: list[Phase] = []
        complete = False
        try:
            for name in PHASES:
                phases.append(self._phase(name))
                self.book.phase = name
                phases[-1].run(self.recording.tick)
                if name == "setup":
                    self.book.check_setup()
            complete = True
        except KeyboardInterrupt:
            self.book.cancelled = True
            for group in self.groups:
                for sender in group.senders:
                    sender.cancel()
        finally:
            self.recording.close(complete)
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = used.ru_utime + used.ru_stime - usage.ru_utime - usage.ru_stime
        return metrics.of_run(
            self.recording,
            {group.name: group.arrived() for group in self.groups},
            {phase.name: (phase.started, phase.ended) for phase in phases if phase.started},
            metrics.Used(cpu_s, cores=1),  # which is all that Python's threads have
            interrupted=not complete,
        )

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
