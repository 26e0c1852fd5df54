"""`s3prod export`: a history for other tools."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from s3prod.cli.options import add_json
from s3prod.errors import UsageError, one_line
from s3prod.results import HISTORY_FILE

EXAMPLE = "s3prod export reports/herd --to parquet --out herd.parquet"
FORMATS = ("arrow", "parquet", "jsonl", "csv")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("run", metavar="RUN", help="the folder of a run, or a history file")
    parser.add_argument("--to", required=True, metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    parser.add_argument("--out", metavar="FILE", help="default: beside the history")
    add_json(parser)


def execute(args: argparse.Namespace) -> int:
    """Writes the view and says where it is."""
    if args.to not in FORMATS:
        raise UsageError("to", args.to, f"one of {', '.join(FORMATS)}")
    path = Path(args.run)
    path = path / HISTORY_FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError("run", args.run, f"a folder with {HISTORY_FILE}, or a history file")
    out = Path(args.out) if args.out else path.with_suffix(f".{args.to}")

    from s3prod import history

    try:
        history.export(path, args.to, out)
    except ImportError as error:
        raise UsageError("to", args.to, f"the package pyarrow ({one_line(str(error), 120)})") from None
    except (OSError, ValueError) as error:
        raise UsageError("run", str(path), f"a history to export ({one_line(str(error))})") from None
    print(f"wrote {out}", file=sys.stderr)
    if args.json:
        print(json.dumps({"history": str(path), "to": args.to, "out": str(out)}))
    return 0
