"""The command `s3prod`. Each command is a module here with `configure(parser)` and `execute(args) -> status`.

Exit status: 0 everything held · 1 a promise was broken or a requirement missed · 2 usage or set-up, one line on
standard error · 3 inconclusive or generator-limited · 130 interrupted before there was a verdict, 143 by SIGTERM.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from s3prod import __version__
from s3prod.cli.options import Parser
from s3prod.errors import S3ProdError, UsageError, one_line

COMMANDS = {
    "serve": "the embedded store; `serve null` answers at once with a fixed 200",
    "proxy": "the fault proxy in front of a store",
    "probe": "try a store and print its profile, with the evidence",
    "run": "carry out a plan and judge what was seen",
    "check": "judge a recorded history again",
    "export": "a history for other tools: arrow, parquet, jsonl, csv",
    "bench": "one benchmark",
    "mutants": "the ways to break the embedded store, and what must notice each",
    "usage": "how many bytes a bucket of the embedded store takes",
    "version": "the version; with --build-info how it was built",
}
INTERRUPTED, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM: to a command it is Ctrl-C. The history is kept and judged, what was made is cleaned up."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


@contextmanager
def _terminable() -> Iterator[None]:
    """Inside the block SIGTERM raises `Terminated`."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    return (
        f"s3prod {__version__}: puts an S3 store under load and proves whether it kept its promises\n\n"
        f"usage: s3prod COMMAND …   (s3prod COMMAND --help)\n\n{rows}\n\n"
        "example: s3prod run thundering-herd --scale smoke\n"
    )


def _dispatch(argv: Sequence[str]) -> int:
    if not argv:
        raise UsageError("command", "not given", f"one of {', '.join(COMMANDS)}")
    name, rest = argv[0], list(argv[1:])
    if name in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0
    if name in ("--version", "-V"):
        name, rest = "version", []
    if name == "build-info":
        name, rest = "version", ["--build-info", *rest]
    if name not in COMMANDS:
        raise UsageError("command", name, f"one of {', '.join(COMMANDS)}")
    module = importlib.import_module(f"s3prod.cli.{name}")
    if name in ("serve", "proxy"):  # their options are read in C
        return int(module.execute(rest))
    parser = Parser(prog=f"s3prod {name}", description=COMMANDS[name], epilog=f"example: {module.EXAMPLE}")
    module.configure(parser)
    with _terminable():
        return int(module.execute(parser.parse_args(rest)))


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one command line and gives the exit status; errors for people are one line on standard error.

    >>> main(["version"])
    s3prod 0.1.0
    0
    """
    try:
        status = _dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except Terminated:
        status, text = TERMINATED, "terminated"
    except KeyboardInterrupt:
        status, text = INTERRUPTED, "interrupted"
    except BrokenPipeError:  # whoever read our output has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except S3ProdError as error:
        if os.environ.get("S3PROD_TRACEBACK"):
            raise
        status, text = error.exit_status, one_line(str(error))
    except ImportError as error:
        if os.environ.get("S3PROD_TRACEBACK"):
            raise
        status, text = (
            S3ProdError.exit_status,
            f"install: {one_line(str(error))}, expected a complete build (make build)",
        )
    except Exception as error:
        if os.environ.get("S3PROD_TRACEBACK"):
            raise
        status = S3ProdError.exit_status
        text = f"internal: {type(error).__name__}: {one_line(str(error))} (S3PROD_TRACEBACK=1 shows where)"
    else:
        return status
    print(f"s3prod: {text}", file=sys.stderr)
    return status
