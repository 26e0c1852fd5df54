"""`s3prod run`: a plan goes in, a verdict comes out."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path

from s3prod import keep, runners
from s3prod.cli.options import SEED, add_json, add_target, target_of
from s3prod.errors import UsageError
from s3prod.plan import Plan
from s3prod.plan_needs import fitted
from s3prod.plans import BUILTIN, SCALES
from s3prod.results import RUN_FILE, write_whole

EXAMPLE = "s3prod run thundering-herd --scale smoke --seed 7 --out reports/herd"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("plan", metavar="PLAN", help="a built-in plan's name, a JSON file, or a run.json to repeat")
    parser.add_argument("--runner", default="native", metavar="NAME", help=f"one of {', '.join(runners.RUNNERS)}")
    parser.add_argument("--seed", type=SEED, metavar="N", help="instead of the plan's own")
    parser.add_argument("--scale", metavar="SCALE", help="smoke, full (default) or stress; built-in plans only")
    parser.add_argument("--out", metavar="DIR", help="default reports/PLAN-RUNNER-TIME")
    parser.add_argument("--keep-history", default="recent", choices=list(keep.KEEP), help=keep.HELP)
    parser.add_argument("--check", action="store_true", help="only read and validate the plan")
    add_json(parser)
    add_target(parser)


def execute(args: argparse.Namespace) -> int:
    """Runs the plan, writes `run.json`, `history.s3ph` and `report.html`, prints the verdict."""
    runners.find(args.runner)
    plan = load(args.plan, args.scale, args.seed).validate()
    if args.check:
        print(f"plan {plan.name}: valid", file=sys.stderr)
        return 0

    from s3prod.progress import progress_of
    from s3prod.report import html, text

    with target_of(args) as target:
        fitted(plan, target.profile)  # before there is a folder for it
        out = (
            Path(args.out) if args.out else fresh(f"reports/{plan.name}-{args.runner}-{time.strftime('%Y%m%d-%H%M%S')}")
        )
        with progress_of(plan.name) as progress:
            run = runners.run_plan(plan, target, runner=args.runner, out=out, progress=progress)
        write_whole(out / "report.html", html.render(run))
    keep.prune(out if args.out else out.parent, args.keep_history)
    print(text.render(run), file=sys.stderr if args.json else sys.stdout)
    if args.json:
        print(json.dumps(run.to_dict()))
    return run.exit_status()


def fresh(name: str) -> Path:
    """A folder of this name that was not there; of two runs in one second the later one gets a number."""
    for number in itertools.count(1):
        folder = Path(name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        break
    return folder


def load(name: str, scale: str | None, seed: int | None) -> Plan:
    """The plan of a file, of a `run.json`, or of a built-in name.

    >>> load("no-such-plan", None, None)
    Traceback (most recent call last):
    s3prod.errors.UsageError: plan: no-such-plan, expected a JSON file or one of ...
    """
    if scale is not None and scale not in SCALES:
        raise UsageError("scale", scale, f"one of {', '.join(SCALES)}")
    path = Path(name)
    if path.is_dir() and (path / RUN_FILE).is_file():
        path = path / RUN_FILE
    if path.suffix != ".json":
        if name not in BUILTIN:
            raise UsageError("plan", name, f"a JSON file or one of {', '.join(sorted(BUILTIN))}")
        return BUILTIN[name](scale or "full", 1 if seed is None else seed)
    if scale is not None:
        raise UsageError("scale", scale, "a built-in plan; a file has its own scale")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError("plan", name, f"a readable file ({error.strerror})") from None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None  # from_json says what is wrong
    if isinstance(document, dict) and isinstance(document.get("plan"), dict) and "metrics" in document:
        text = json.dumps(document["plan"]).encode()
    return Plan.from_json(text).with_seed(seed)
