"""`s3prod check`: judges a recorded history again, offline."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from s3prod import profile as profiles
from s3prod import verdict as verdicts
from s3prod.cli.options import add_json, whole
from s3prod.errors import UsageError, one_line
from s3prod.report import text
from s3prod.results import HISTORY_FILE

EXAMPLE = "s3prod check reports/herd/history.s3ph"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("history", metavar="HISTORY", help="a history file, or the folder of a run")
    parser.add_argument("--profile", metavar="NAME", help="instead of the profile in the history")
    parser.add_argument("--threads", type=whole(1, 64), default=0, metavar="N")
    parser.add_argument("--memory-mb", type=whole(16, 1 << 20), default=1024, metavar="N", help="bound, default 1024")
    parser.add_argument(
        "--witnesses", type=whole(1, 1000), default=20, metavar="N", help="violations to print, default 20"
    )
    add_json(parser)


def execute(args: argparse.Namespace) -> int:
    """Checks the history and prints the verdict."""
    path = Path(args.history)
    path = path / HISTORY_FILE if path.is_dir() else path
    profile = None if args.profile is None else profiles.load(args.profile)
    try:
        verdict = verdicts.check(
            str(path), profile=profile, threads=args.threads, memory_mb=args.memory_mb, witnesses=args.witnesses
        )
    except OSError as error:
        raise UsageError(
            "history", str(path), f"a readable history ({error.strerror or one_line(str(error))})"
        ) from None
    except (ValueError, MemoryError, RuntimeError) as error:
        raise UsageError("history", str(path), f"a history ({one_line(str(error))})") from None
    print(text.render_verdict(verdict), file=sys.stderr if args.json else sys.stdout)
    if args.json:
        print(json.dumps(verdict.to_dict()))
    return verdict.exit_status()
