"""`s3prod probe`: tries a store, and prints its profile with the evidence for each key."""

from __future__ import annotations

import argparse
import json
import sys

from s3prod.cli.options import add_json, add_target, target_of
from s3prod.verdict import combine

EXAMPLE = "s3prod probe --endpoint http://127.0.0.1:9000 > mine.toml; s3prod probe --profile mine.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_json(parser)
    add_target(parser)


def execute(args: argparse.Namespace) -> int:
    """Probes the target: 0, 1 when the profile that is given says otherwise or something is left behind, 3 when not all of
    it could be tried.
    """
    from s3prod.probe import probe

    with target_of(args) as target:
        report = probe(target, target.profile if args.profile else None)
        contradictions = report.contradictions(target.profile) if args.profile else {}
    if args.json:
        print(json.dumps(report.to_dict() | {"contradictions": contradictions}, ensure_ascii=False))
    else:
        print(report.toml(), end="")
    for line in contradictions.values():
        print(f"s3prod: profile {args.profile}: {line}", file=sys.stderr)
    for line in report.left_behind:
        print(f"s3prod: left behind: {line}", file=sys.stderr)
    for key, why in report.failed.items():
        print(f"s3prod: {key}: could not be probed: {why}", file=sys.stderr)
    return combine([0, 1 if contradictions or report.left_behind else 0, 3 if report.failed else 0])
