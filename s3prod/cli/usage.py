"""`s3prod usage`: how many bytes a bucket of the embedded store takes."""

from __future__ import annotations

import argparse
import json

from s3prod.child import ask
from s3prod.cli.options import add_json
from s3prod.errors import UsageError, one_line

EXAMPLE = "s3prod usage http://127.0.0.1:9001 BUCKET"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("admin", metavar="URL", help="the admin port of `s3prod serve --admin`")
    parser.add_argument("bucket", metavar="BUCKET")
    add_json(parser)


def execute(args: argparse.Namespace) -> int:
    """Prints the bytes of a bucket's objects, versions and parts; and bodies that are kept though no bucket has them any more
    count as well, for they were somebody's.
    """
    try:
        document = json.loads(ask(f"{args.admin.rstrip('/')}/usage"))
        buckets, files = document["buckets"], document["files"]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError("admin", args.admin, f"an admin port ({one_line(str(error), 80)})") from None
    if args.bucket not in buckets:
        raise UsageError("bucket", args.bucket, f"one of {', '.join(buckets) or 'none'}")
    said = {"stored_bytes": buckets[args.bucket]["stored_bytes"], "orphan_bytes": files["orphan_bytes"]}
    print(json.dumps(said) if args.json else sum(said.values()))
    return 0
