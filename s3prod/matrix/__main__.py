"""`python -m s3prod.matrix`: the command line of `make kill-matrix`."""

from __future__ import annotations

import argparse
import sys

from s3prod.errors import UsageError
from s3prod.matrix import run_matrix


def main(argv: list[str] | None = None) -> int:
    """The command line of `make kill-matrix`."""
    parser = argparse.ArgumentParser(prog="python -m s3prod.matrix", description=str(__doc__))
    parser.add_argument("mutant", nargs="*", help="names; none: all of them and the correct store")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--scale", default="full", choices=("smoke", "full", "stress"))
    options = parser.parse_args(argv)
    try:
        return run_matrix(options.mutant, options.seeds, options.scale, write=not options.mutant)
    except UsageError as error:
        print(f"s3prod: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
