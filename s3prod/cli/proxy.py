"""`s3prod proxy`: the fault proxy, in this process. Options and help are the proxy's own."""

from __future__ import annotations

from collections.abc import Sequence


def execute(argv: Sequence[str]) -> int:
    """Serves until SIGTERM or Ctrl-C and gives the exit status.

    >>> execute(["--endpoint", "http://127.0.0.1:9000"])  # doctest: +SKIP
    0
    """
    from s3prod import _server

    return int(_server.proxy_main(list(argv)))
