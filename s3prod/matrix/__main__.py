"""`python -m s3prod.matrix`: the command line of `make kill-matrix`."""

from __future__ import annotations

import argparse
import sys

from s3prod.errors import UsageError
from s3prod.matrix import JOBS, run_matrix


def main(argv: list[str] | None = None) -> int:
    """Runs the matrix, or the cells of the names that are given."""
    parser = argparse.ArgumentParser(prog="python -m s3prod.matrix", description=str(__doc__))
    parser.add_argument(
        "name", nargs="*", help="mutants, modes, faults, plans (on the correct store); none: everything"
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 1 to N, default 1")
    parser.add_argument("--everywhere", action="store_true", help="each mode on every plan, at smoke scale, too")
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="begin no cell later; what is left: status 3")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"cells side by side, default {JOBS}")
    options = parser.parse_args(argv)
    words = ["--seeds", str(options.seeds), *(["--everywhere"] if options.everywhere else [])]
    try:
        return run_matrix(
            options.name,
            options.seeds,
            everywhere=options.everywhere,
            budget_s=None if options.budget is None else 60 * options.budget,
            jobs=options.jobs,
            command=None if options.name else " ".join(["python -m s3prod.matrix", *words]),
        )
    except UsageError as error:
        print(f"s3prod: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
