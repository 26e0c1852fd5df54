"""The command line of `scripts/test-runner.py`.

Exit status: 0 clean · 1 a test failed or has no verdict, or no test matched · 2 usage or set-up.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from s3prod import keep
from s3prod.cli.options import DURATION, SEED, Parser, add_target, given_of
from s3prod.errors import S3ProdError, UsageError, one_line
from s3prod.plans import DURATION_HELP, SCALES
from s3prod.proxy import check_faults
from s3prod.results import write_whole
from s3prod.runners.sdk import sdk_of
from s3prod.settings import CONFIG_FILE, SDK, TARGET
from s3prod.store import check_options
from s3prod.suite import defconfig
from s3prod.suite.formats import FORMATS
from s3prod.suite.record import Report
from s3prod.suite.session import USAGE, Job, Outcome, carry_out
from s3prod.target import resolve

GROUP = "production"
EXAMPLE = "python3 scripts/test-runner.py --sdk boto3 --group production -v"
PASSED_ON = {  # to pytest, as they are
    "scale": "--scale",
    "seed": "--seed",
    "duration": "--duration",
    "keep_history": "--keep-history",
}
REPEATED = {"mutants": "--mutant", "modes": "--mode", "via_proxy": "--via-proxy"}


def parser() -> argparse.ArgumentParser:
    """The options."""
    p = Parser(prog="test-runner.py", description="Runs the tests of a store.", epilog=f"example: {EXAMPLE}")
    p.add_argument(
        "-t",
        "--test",
        action="append",
        default=[],
        metavar="TEST",
        help="an id, a function, a file, or a glob over one of them; may be repeated",
    )
    p.add_argument(
        "-g",
        "--group",
        action="append",
        default=[],
        metavar="GROUP",
        help=f"a folder of tests/ ({GROUP}); may be repeated",
    )
    p.add_argument(
        "-o",
        "--output-dir",
        metavar="DIR",
        help="write results.{json,yaml,txt,xml} and the histories there (results go to standard output, and "
        "pytest's own to standard error)",
    )
    p.add_argument("-f", "--output-format", choices=list(FORMATS), default="text", help="of the results (text)")
    p.add_argument("-v", "--verbose", action="store_true", help="a line a test, live progress, and each run's summary")
    p.add_argument("-l", "--list-tests", action="store_true", help="only say which tests would run, an id a line")
    p.add_argument("--count", action="store_true", help="only say how many tests would run")
    p.add_argument("--sdk", metavar="NAME", help="who sends the requests (S3_SDK; native)")
    p.add_argument(
        "--sdk-version", metavar="VERSION", help="the version that must be installed (S3_SDK_VERSION; latest)"
    )
    p.add_argument(
        "--timeout",
        type=float,
        default=0.0,
        metavar="S",
        help="a test that takes longer ends as TIMEOUT, and the next one begins (no limit)",
    )
    p.add_argument("--scale", choices=SCALES, help="size of the production tests (full)")
    p.add_argument("--seed", type=SEED, metavar="N", help="all random draws come from it (1)")
    p.add_argument("--duration", type=DURATION, metavar="S", help=DURATION_HELP)
    p.add_argument("--keep-history", choices=list(keep.KEEP), help=keep.HELP)
    p.add_argument(
        "--defconfig",
        action="store_true",
        help=f"only write a configuration file with every key ({CONFIG_FILE}, or that of -c): what other options "
        "give, else the defaults; no secret; a file that is there stays",
    )
    add_target(p)
    return p  # fmt: skip


def execute(args: argparse.Namespace, root: Path) -> int:
    """Runs what the command line asks for; gives the exit status."""
    given = given_of(args)
    if args.defconfig:
        path = Path(args.config or CONFIG_FILE)
        defconfig.write(path, given | {name: getattr(args, name) for name in SDK if getattr(args, name)})
        print(f"s3prod: {path}: written; the secret key belongs into S3_SECRET_KEY", file=sys.stderr)
        return 0
    target = resolve(given, config=args.config)
    check_options(target, given, mutant=args.mutants, mode=args.modes)
    check_faults(args.via_proxy, "via_proxy")
    sdk_of({name: getattr(args, name) for name in SDK}, config=args.config)
    if args.timeout < 0:
        raise UsageError("timeout", args.timeout, "seconds, 0 or more")
    folders = groups(root, args.group or [GROUP])
    if not folders:
        return _nothing(f"group: {', '.join(args.group)}, expected one of {', '.join(all_groups(root))}")
    only_look = args.list_tests or args.count
    folder = None if args.output_dir is None or only_look else _folder(args.output_dir)
    words = [str(path) for path in folders] + _words(args, folder)
    job = Job(root, [*words, "--collect-only", "-qq"] if only_look else words, args.test, args.timeout)
    shown = sys.stdout if folder is not None else sys.stderr
    environ = environment(given, args)
    if only_look:
        return _look(job, environ, args.count)
    outcome = carry_out(job, environ, shown)
    return _report(outcome, args, folder)


def all_groups(root: Path) -> list[str]:
    """The folders of tests/ that hold tests."""
    return sorted({path.relative_to(root / "tests").parts[0] for path in (root / "tests").glob("*/**/test_*.py")})


def groups(root: Path, names: Sequence[str]) -> list[Path]:
    """The folders of the groups; nothing when one of them is none."""
    known = all_groups(root)
    return [root / "tests" / name for name in names] if set(names) <= set(known) else []


def environment(given: Mapping[str, object], args: argparse.Namespace) -> dict[str, str]:
    """The child's environment: what the command line gives wins over what is there, and no secret is on a command line."""
    out = dict(os.environ)
    for name, setting in (TARGET | SDK).items():
        value = given.get(name, getattr(args, name, None))
        if value is not None:
            out[setting.env] = (
                " ".join(value) if isinstance(value, list) else str(value).lower() if value is False else str(value)
            )
    return out


def _words(args: argparse.Namespace, folder: Path | None) -> list[str]:
    """pytest's words."""
    words = ["-v"] if args.verbose else []
    words += ["--continue-on-collection-errors", "--test-timeout", f"{args.timeout:g}"]
    for name, option in PASSED_ON.items():
        if getattr(args, name) is not None:
            words += [option, str(getattr(args, name))]
    for name, option in REPEATED.items():
        words += [word for spec in getattr(args, name) for word in (option, spec)]
    if args.config is not None:
        words += ["--s3-config", os.path.abspath(args.config)]
    return words if folder is None else [*words, "--report-dir", str(folder)]


def _folder(name: str) -> Path:
    """The folder of the output, made if it is not there."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("output-dir", name, f"a folder that can be made ({error.strerror})") from None
    return Path(name)


def _nothing(why: str) -> int:
    print(f"s3prod: {why}", file=sys.stderr)
    return 1


def _look(job: Job, environ: Mapping[str, str], count: bool) -> int:
    """Says which tests would run."""
    with open(os.devnull, "w") as nowhere:
        outcome = carry_out(job, environ, nowhere)
    for broken in outcome.results:
        print(f"s3prod: {broken.test_id}: {broken.message}", file=sys.stderr)
    print(len(outcome.ids) if count else "\n".join(outcome.ids))
    return 1 if outcome.results or not outcome.ids else 0


def _report(outcome: Outcome, args: argparse.Namespace, folder: Path | None) -> int:
    """Writes the results and gives the exit status."""
    if outcome.status == USAGE and not outcome.results:
        return UsageError.exit_status  # pytest has said why
    report = Report(outcome.results)
    ending, write = FORMATS[args.output_format]
    if folder is None:
        print(write(report), end="")
    else:
        write_whole(folder / f"results.{ending}", write(report))
        print(FORMATS["text"][1](report), end="")
    if outcome.interrupted:
        left = len(outcome.ids) - len(outcome.results)
        return _nothing(f"{outcome.interrupted}; {left} of {len(outcome.ids)} tests did not run")
    if not outcome.results:
        return _nothing(f"test: {', '.join(args.test) or 'any'}, expected a test of the group (-l lists them)")
    return report.exit_status()


def main(root: str | Path, argv: Sequence[str] | None = None) -> int:
    """Carries out one command line; errors for people are one line on standard error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, and leaves no child
    try:
        return execute(parser().parse_args(argv), Path(root))
    except S3ProdError as error:
        print(f"s3prod: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _nothing("interrupted")
