"""The mutants: what breaks the store on purpose, the plan that must notice, and the rule that must name it.

`subtle` is the realistic form (rare, or only under overlap) on the mutant's own plan; `strong` is the form that the
production tests themselves must catch at smoke scale.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One row of the kill matrix."""

    name: str
    subtle: str
    plan: str
    rules: tuple[str, ...]
    strong: str
    caught_by: str
    endpoints: int = 1
    judge: str = "plan"  # or a name of `s3prod.matrix.CRASHES`: crash rounds instead of a plan


def _row(name: str, subtle: str, plan: str, rules: str, strong: str, caught_by: str, endpoints: int = 1) -> Mutant:
    return Mutant(name, f"{name}:{subtle}", plan, tuple(rules.split()), f"{name}:{strong}", caught_by, endpoints)


HERD, RACE, CAS = "thundering-herd", "create-race", "coordination"

MUTANTS: dict[str, Mutant] = {
    row.name: row
    for row in (
        _row("lost-ack-write", "p=0.001", "register-churn", "stale-read zone-overlap absent-after-ack", "p=1", HERD),
        _row("first-writer-wins", "min_inflight=2", "register-contention", "stale-read zone-overlap", "p=1", HERD),
        _row("torn-get", "p=0.001", "register-contention", "body-length body-torn etag-mismatch", "p=0.2", HERD),
        _row("torn-blocks", "p=0.001", "register-contention", "body-torn", "p=0.2", HERD),
        _row(
            "stale-read-replica",
            "endpoint=1,delay_ms=20",
            "register-replicas",
            "stale-read absent-after-ack zone-overlap",
            "endpoint=1,delay_ms=200",
            HERD,
            2,
        ),
        _row("wrong-put-etag", "p=0.001", "register-churn", "etag-mismatch", "p=0.2", HERD),
        _row("im-check-then-act", "min_inflight=2", "shared-counters", "cas-split-brain", "p=1", CAS),
        _row("inm-check-then-act", "min_inflight=2", "creates", "create-twice", "p=1", RACE),
        _row("cond-ignored", "p=0.001", "shared-counters", "cas-split-brain cas-ignored create-twice", "p=0.3", CAS),
        _row("cond-always-412", "p=0.001", "private-counters", "condition-false-negative", "p=1", CAS),
        _row("cond-failed-but-applied", "p=0.001", "shared-counters", "failed-but-visible", "p=0.3", CAS),
        _row("overwrite-404-gap", "p=0.001", "register-contention", "absent-after-ack", "p=0.3", HERD),
    )
}

# Nobody can notice these while the store runs on: crash rounds (`s3prod.crash`) judge them.
CRASH_MUTANTS: dict[str, Mutant] = {
    row.name: row
    for row in (
        Mutant("ack-before-commit", "ack-before-commit:delay_ms=1", "", (), "ack-before-commit", "", judge="sigkill"),
        Mutant(
            "commit-without-fsync", "commit-without-fsync:p=0.2", "", (), "commit-without-fsync", "", judge="power-loss"
        ),
    )
}
