"""What the run of a plan shows: killed or missed, held or a false alarm."""

from __future__ import annotations

from typing import Any

from s3prod.matrix.cells import Cell, Result
from s3prod.plans.mutants import EVERY, Mutant
from s3prod.results import Run
from s3prod.verdict import Verdict, Witness


def _progress(row: Mutant, verdict: Verdict) -> tuple[str, str]:
    """Nothing is wrong, but a floor is missed."""
    missed = [str(floor["what"]) for floor in verdict.require if not floor["met"]]
    if verdict.consistency == "inconclusive" and set(missed) & set(row.rules):
        return "killed", "; ".join(verdict.because)
    return "missed", f"the run was {verdict.consistency}, floors missed: {', '.join(missed) or 'none'}"


def _named(row: Mutant, verdict: Verdict, witnesses: list[Witness]) -> tuple[str, str]:
    """The right rule, and a witness with an altered answer among `witnesses`."""
    if verdict.consistency != "violated":
        return "missed", f"the run was {verdict.consistency}"
    if not set(row.rules) & set(verdict.by_rule):
        return "missed", f"named by {', '.join(verdict.by_rule)}, expected {', '.join(row.rules)}"
    if not witnesses:
        return "missed", "no witness contains an altered answer"
    return "killed", witnesses[0].sentence


def _left(usage: dict[str, Any] | None) -> str:
    """What a store keeps although its last bucket is gone; empty: nothing."""
    if usage is None or usage["buckets"] or not usage["files"]["bodies"]:
        return ""
    return f"{usage['files']['bodies']} bodies of {usage['files']['bytes']} bytes are kept, and there is no bucket"


def judge(cell: Cell, run: Run, altered: dict[str, Any], usage: dict[str, Any] | None) -> Result:
    """The result of a run; `altered` is what the store says of its mutants, `usage` what it keeps after the teardown."""
    assert run.verdict is not None
    verdict = run.verdict
    ids = set(altered["request_ids"])
    witnesses = [w for w in verdict.witnesses if any(a.get("request_id") in ids for a in w.attempts)]
    left = _left(usage)
    if not cell.spec:
        outcome = "held" if verdict.consistency == "held" and not left else "false-alarm"
        because = "; ".join([*verdict.because, left])
    elif not ids:
        outcome, because = "not-altered", "the mutant never altered an answer"
    elif EVERY[cell.store].judge == "progress":
        outcome, because = _progress(EVERY[cell.store], verdict)
    elif EVERY[cell.store].judge == "usage":
        outcome, because = ("killed", left) if left else ("missed", "nothing was kept")
    else:
        outcome, because = _named(EVERY[cell.store], verdict, witnesses)
    times = [a["t_return"] for w in witnesses for a in w.attempts if "t_return" in a]
    start = run.metrics.get("start_ns")
    return Result(
        cell,
        outcome,
        because,
        len(ids),
        sum(op["attempts"] for op in run.metrics["ops"].values()),
        verdict.by_rule,
        float(run.metrics["seconds"]),
        (min(times) - start) / 1e9 if times and start is not None else None,
    )
