"""`python -m s3prod.crash`: crash rounds from the command line."""

from __future__ import annotations

import argparse
import sys

from s3prod.crash.harness import LOSSES, CrashFailure, crash
from s3prod.errors import UsageError


def main(argv: list[str] | None = None) -> int:
    """0: nothing was lost; 1: something was; 2: bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m s3prod.crash", description="Kill the store and look what is left.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loss", choices=LOSSES, help="lose the power: how much of what was not synced survives")
    parser.add_argument("--mutant", action="append", default=[], metavar="SPEC")
    parser.add_argument("--skip", metavar="KIND", help="with --loss: a kind of sync that does nothing")
    options = parser.parse_args(argv)
    try:
        done = crash(
            rounds=options.rounds, seed=options.seed, loss=options.loss, mutants=options.mutant, skip=options.skip
        )
    except CrashFailure as failure:
        print(failure)
        return 1
    except UsageError as error:
        print(f"s3prod: {error}", file=sys.stderr)
        return 2
    print(
        f"seed {options.seed}: {done.rounds} rounds, {done.acknowledged} changes acknowledged, {done.in_flight} in flight "
        f"at a crash, nothing lost, {done.seconds:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
