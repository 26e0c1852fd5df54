"""`s3prod version`, and how the extension modules were built."""

from __future__ import annotations

import argparse
import json

import s3prod
from s3prod.cli.options import add_json

EXAMPLE = "s3prod version --build-info"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--build-info", action="store_true", help="compilers, flags, library versions")
    add_json(parser)


def execute(args: argparse.Namespace) -> int:
    """Prints the version."""
    info: dict[str, object] = dict(s3prod.versions())
    if args.build_info:
        from s3prod import _native, _server

        info |= {"native": _native.build_info(), "server": _server.build_info()}
    if args.json:
        print(json.dumps(info))
        return 0
    print(f"s3prod {s3prod.__version__}")
    for name in list(info)[1:] if args.build_info else ():
        value = info[name]
        for key, text in value.items() if isinstance(value, dict) else [("", value)]:
            print(f"{name}{'.' if key else ''}{key}: {text}")
    return 0
