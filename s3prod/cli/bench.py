"""`s3prod bench`: one benchmark of the source tree."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import s3prod
from s3prod.errors import UsageError

EXAMPLE = "s3prod bench engine --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options; what follows the name goes to the benchmark."""
    parser.add_argument("--list", action="store_true", help="the names")
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument(
        "options", metavar="…", nargs=argparse.REMAINDER, help="the benchmark's own options, such as --json"
    )


def names(folder: Path) -> list[str]:
    """The benchmarks in a folder.

    >>> names(Path("/nonexistent"))
    []
    """
    return sorted(path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py"))


def execute(args: argparse.Namespace) -> int:
    """Runs the benchmark and gives its exit status."""
    root = Path(s3prod.__file__).resolve().parent.parent
    known = names(root / "benchmarks")
    if not known:
        raise UsageError("bench", str(root / "benchmarks"), "the benchmarks of a source checkout")
    if args.list:
        print("\n".join(known))
        return 0
    if args.name not in known:
        raise UsageError("name", args.name or "not given", f"one of {', '.join(known)}")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module = importlib.import_module(f"benchmarks.{args.name.replace('-', '_')}")
    return int(module.main(args.options))
