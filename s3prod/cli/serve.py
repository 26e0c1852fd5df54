"""`s3prod serve`: the embedded store, in this process. Options and help are the store's own."""

from __future__ import annotations

from collections.abc import Sequence


def execute(argv: Sequence[str]) -> int:
    """Serves until SIGTERM or Ctrl-C and gives the exit status.

    >>> execute(["--port", "9000"])  # doctest: +SKIP
    0
    """
    from s3prod import _server

    return int(_server.main(list(argv)))
