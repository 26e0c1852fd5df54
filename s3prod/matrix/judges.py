"""What the run of a plan shows: one judge for each kind of cell."""

from __future__ import annotations

from typing import Any

from s3prod.history import open_history
from s3prod.matrix.cells import Cell, Result
from s3prod.plans.modes import MODES
from s3prod.plans.mutants import EVERY, Mutant
from s3prod.plans.wire import FAULTS
from s3prod.results import Run
from s3prod.verdict import Verdict, Witness

MUTATIONS = ("put", "copy", "complete_upload", "upload_part", "create_upload")


def judge(cell: Cell, run: Run, counted: dict[str, Any], usage: dict[str, Any] | None) -> Result:
    """The result of a run; `counted` is what the store says of its mutants and modes (`GET /altered`), `usage` what it keeps
    after the teardown.
    """
    assert run.verdict is not None
    verdict, ids = run.verdict, set(counted["request_ids"])
    witnesses = [w for w in verdict.witnesses if any(a.get("request_id") in ids for a in w.attempts)]
    if cell.mutant:
        fired = len(ids)
        outcome, because = _mutant(EVERY[cell.name], verdict, witnesses, fired, _left(usage))
    elif cell.mode:
        fired = int(counted["modes"][MODES[cell.name].name]["fired"])
        outcome, because = _mode(verdict, fired)
    elif cell.faults:
        fired = sum(run.metrics["proxy"]["faults"].values())
        outcome, because = _fault(cell, run, verdict)
    else:
        fired, (outcome, because) = 0, _quiet(verdict)
        if outcome == "held" and _left(usage):
            outcome, because = "false-alarm", _left(usage)
    seconds, attempts = _detection(run, witnesses)
    return Result(
        cell,
        outcome,
        because,
        fired,
        sum(op["attempts"] for op in run.metrics["ops"].values()),
        verdict.violations,
        verdict.by_rule,
        round(float(run.metrics["seconds"]), 3),
        seconds,
        attempts,
    )


def _mutant(row: Mutant, verdict: Verdict, witnesses: list[Witness], altered: int, left: str) -> tuple[str, str]:
    if not altered:
        return "not-altered", "the mutant never altered an answer"
    if row.judge == "usage":
        return ("killed", left) if left else ("missed", "nothing was kept")
    return _progress(row, verdict) if row.judge == "progress" else _named(row, verdict, witnesses)


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


def _quiet(verdict: Verdict) -> tuple[str, str]:
    """No alarm, and enough was seen."""
    if verdict.consistency == "violated":
        first = verdict.witnesses[0].sentence if verdict.witnesses else ""
        return "false-alarm", f"{', '.join(verdict.by_rule)}: {first}"
    if verdict.consistency == "inconclusive":
        return "weak", "; ".join(verdict.because)
    return "held", ""


def _mode(verdict: Verdict, fired: int) -> tuple[str, str]:
    outcome, because = _quiet(verdict)
    if outcome != "false-alarm" and fired == 0:
        return "never-fired", "the mode never fired: this proves nothing"
    return outcome, because


def _fault(cell: Cell, run: Run, verdict: Verdict) -> tuple[str, str]:
    """Each attempt that the proxy touched has ended as the fault's row says, and something of the rest was judged."""
    outcome, because = _quiet(verdict)
    if outcome == "false-alarm":
        return outcome, because
    if run.silent_faults:
        return "never-fired", f"never fired: {', '.join(run.silent_faults)}"
    if not verdict.document.get("keys_checked"):
        return "weak", "no key could be checked"
    ends, known, wrong = FAULTS[cell.name].ends, 0, []
    # the requests of one upload have one value id: one of them is named by the operation too
    touched = {(event["op"], event[name]) for event in run.events() for name in ("s3p_id", "request_id") if event[name]}
    for record in run.records():
        names = {(record["op"], record.get("meta_id") if record["op"] in MUTATIONS else None)}
        names.add((record["op"], record.get("request_id")))
        if record["run_phase"] == "main" and names & touched:
            known += 1
            # what went through may be refused by the store, which then says so
            refused = "ok" in ends and record["outcome"] == "failed" and record.get("status") in (404, 412)
            if ends and record["outcome"] not in ends and not refused:
                wrong.append(
                    f"{record['op']} of {record['key']} ended {record['outcome']}, expected {' or '.join(ends)}"
                )
    if wrong:
        return "misclassified", f"{len(wrong)} of {known} attempts: {wrong[0]}"
    return ("held", "") if known else ("never-fired", "no attempt is known to have been touched")


def _detection(run: Run, witnesses: list[Witness]) -> tuple[float | None, int | None]:
    """When the first witness was complete: seconds from the start, and how many attempts had ended by then."""
    ends = [[int(a["t_return"]) for a in w.attempts if a.get("t_return")] for w in witnesses]
    start = run.metrics.get("start_ns")
    at = min((max(times) for times in ends if times), default=None)
    if at is None or start is None:
        return None, None
    import pyarrow as pa
    import pyarrow.compute

    with open_history(run.history) as history:
        batches = pa.RecordBatchReader.from_stream(history)
        done = sum(pa.compute.sum(pa.compute.less_equal(b.column("t_return"), at)).as_py() or 0 for b in batches)
    return round(max(0, at - int(start)) / 1e9, 4), int(done)
