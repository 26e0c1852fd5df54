#!/usr/bin/env python3
"""Runs the suite: `python3 scripts/test-runner.py --sdk boto3 --group production -v` (`--help` has the options).

With a Python that does not have s3prod it goes on with that of `.venv`, which `make build` makes.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")


def start() -> int:
    """Calls the command, in this Python when it can, else in that of .venv."""
    try:
        import pytest  # noqa: F401 (what the command needs in a child)

        from s3prod import _native  # noqa: F401
        from s3prod.suite.command import main
    except ImportError:
        python = os.path.join(VENV, "bin", "python")
        if os.path.realpath(sys.prefix) == os.path.realpath(VENV) or not os.access(python, os.X_OK):
            print("s3prod: .venv: not there or not complete, expected `make build` before", file=sys.stderr)
            return 2
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    return main(ROOT)


if __name__ == "__main__":
    sys.exit(start())
