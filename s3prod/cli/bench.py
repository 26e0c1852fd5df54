"""`s3prod bench`: one benchmark of the source tree."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import s3prod
from s3prod.cli.options import add_json
from s3prod.errors import UsageError

EXAMPLE = "s3prod bench engine --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--list", action="store_true", help="the names")
    parser.add_argument("name", metavar="NAME", nargs="?")
    add_json(parser)


def load(root: Path) -> Any:
    """The package `benchmarks` of a source checkout.

    >>> load(Path("/nonexistent"))
    Traceback (most recent call last):
    s3prod.errors.UsageError: bench: /nonexistent/benchmarks, expected the benchmarks of a source checkout
    """
    if not (root / "benchmarks" / "__init__.py").is_file():
        raise UsageError("bench", str(root / "benchmarks"), "the benchmarks of a source checkout")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return importlib.import_module("benchmarks")


def execute(args: argparse.Namespace) -> int:
    """Runs the benchmark and gives its exit status."""
    known = list(load(Path(s3prod.__file__).resolve().parent.parent).BENCHMARKS)
    if args.list:
        print("\n".join(known))
        return 0
    if args.name not in known:
        raise UsageError("bench", args.name or "not given", f"one of {', '.join(known)}")
    harness = importlib.import_module("benchmarks.harness")
    return int(harness.main([args.name] + (["--json"] if args.json else [])))
