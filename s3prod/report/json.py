"""The machine form of a run: what `run.json` holds."""

from __future__ import annotations

import json

from s3prod.results import Run


def render(run: Run) -> str:
    """The run as one JSON document.

    >>> render(run)[:8]  # doctest: +SKIP
    '{"name":'
    """
    return json.dumps(run.to_dict())
