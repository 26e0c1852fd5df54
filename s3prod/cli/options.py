"""What several commands share: the parser, the number types, the options of the target."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from s3prod.errors import UsageError
from s3prod.proxy import FaultProxy
from s3prod.settings import TARGET
from s3prod.store import check_options, stand_in
from s3prod.target import Target, resolve


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are `UsageError`s: one line, and no second copy of the usage."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("s3prod ")
        text = re.sub(r"^argument ", "", message)
        raise UsageError(command, f"{text} (see {self.prog} --help)", "")


def whole(low: int, high: int) -> Callable[[str], int]:
    """An argument type: a whole number of a range.

    >>> whole(1, 9)("3")
    3
    """

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text}, expected a whole number from {low} to {high}")
        return int(text)

    return read


SEED = whole(0, 2**63 - 1)
DURATION = whole(1, 86_400)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option `--json`."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def add_target(parser: argparse.ArgumentParser) -> None:
    """The options that say which store is meant."""
    group = parser.add_argument_group(
        "target",
        "else from S3_ENDPOINT, S3_ACCESS_KEY, …, else from s3_config.yaml, else the embedded store is started",
    )
    group.add_argument(
        "--endpoint", dest="endpoints", action="append", metavar="URL", help="may be given several times"
    )
    group.add_argument("--access-key", metavar="KEY")
    group.add_argument("--secret-key", metavar="KEY", help="better: the environment variable S3_SECRET_KEY")
    group.add_argument("--session-token", metavar="TOKEN")
    group.add_argument("--region", metavar="NAME", help="default us-east-1")
    group.add_argument("--addressing", metavar="STYLE", help="path (default) or virtual")
    group.add_argument("--no-verify-tls", dest="verify_tls", action="store_false", default=None)
    group.add_argument("--ca-file", metavar="FILE")
    group.add_argument("--proxy", metavar="URL")
    group.add_argument("--connect-timeout-ms", metavar="MS")
    group.add_argument("--bucket-prefix", metavar="TEXT", help="default s3prod")
    group.add_argument("--profile", metavar="NAME", help="generic, aws, … (docs/profiles.md), or a TOML file")
    group.add_argument(
        "--mutant",
        dest="mutants",
        action="append",
        default=[],
        metavar="SPEC",
        help="break the embedded store on purpose",
    )
    group.add_argument(
        "--mode",
        dest="modes",
        action="append",
        default=[],
        metavar="SPEC",
        help="what is legal and surprises, of the embedded store (s3prod mutants lists them)",
    )
    group.add_argument(
        "--via-proxy",
        action="append",
        default=[],
        metavar="SPEC",
        help="through the fault proxy (s3prod proxy --help lists the faults)",
    )
    group.add_argument("-c", "--config", metavar="FILE", help="default s3_config.yaml, when it is there")


def given_of(args: argparse.Namespace) -> dict[str, object]:
    """The fields of the target that the command line gives.

    >>> given_of(argparse.Namespace(**dict.fromkeys(TARGET) | {"region": "eu-west-1"}))
    {'region': 'eu-west-1'}
    """
    return {name: getattr(args, name) for name in TARGET if getattr(args, name) is not None}


@contextlib.contextmanager
def target_of(args: argparse.Namespace) -> Iterator[Target]:
    """The target of a command line, through the fault proxy when faults are named."""
    with _store_of(args) as target:
        if not args.via_proxy:
            yield target
            return
        with FaultProxy.before(target, args.via_proxy, getattr(args, "seed", None) or 1) as proxy:
            yield proxy.target(target)


@contextlib.contextmanager
def _store_of(args: argparse.Namespace) -> Iterator[Target]:
    """The target; the embedded store, started for the while, when none is named."""
    given = given_of(args)
    target = resolve(given, config=args.config)
    check_options(target, given, mutant=args.mutants, mode=args.modes)
    if target is not None:
        yield target
        return
    store, target = stand_in(given, args.mutants, args.modes, args.config)
    with store:
        print(f"s3prod: no endpoint given: the embedded store runs at {store.endpoint}", file=sys.stderr)
        yield target
