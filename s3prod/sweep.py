"""Cleans up what a run could not: the buckets that its plan would have removed, when Ctrl-C or the store cut it short, or when
the store has no DeleteObjects.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from s3prod.errors import S3ProdError
from s3prod.plan import Plan
from s3prod.profile import lacks
from s3prod.target import Target

PATIENCE_S = 20.0  # for all buckets together; a store that does not answer is not waited for longer
ONE_BY_ONE_S = 900.0  # where each object is a request of its own


def sweep(plan: Plan, target: Target, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics with `left_behind` as it is afterwards, and `cleaned_up`: the buckets that were removed here.

    Only buckets that this run made, whose names are drawn at random, and that a step of the plan removes are touched.
    """
    mine = metrics.get("buckets", {})
    removed = {step["delete_bucket"] for step in plan.steps() if "delete_bucket" in step}
    doomed = [mine[role] for role in mine if role in removed and mine[role] in metrics.get("left_behind", ())]
    if not doomed:
        return dict(metrics)
    cleaned: list[str] = []
    cut_short = metrics.get("interrupted") or not lacks(target.profile, "multi_delete")
    worker = threading.Thread(target=_remove, args=(target, doomed, cleaned), daemon=True)
    try:
        worker.start()
        worker.join(PATIENCE_S if cut_short else ONE_BY_ONE_S)
    except KeyboardInterrupt:  # a second Ctrl-C: what is left is said
        pass
    done = list(cleaned)
    left = [name for name in metrics["left_behind"] if name not in done]
    return dict(metrics) | {"left_behind": left, "cleaned_up": done}


def _remove(target: Target, names: list[str], cleaned: list[str]) -> None:
    """Empties and removes bucket after bucket; one that does not go stays, and is said to be left behind."""
    from botocore.exceptions import BotoCoreError, ClientError

    from s3prod.client import S3Client

    client = S3Client(target)
    for name in names:
        try:
            if client.bucket_exists(name):  # asked first: a store that has gone is not asked five times
                client.empty_bucket(name)
                client.delete_bucket(name)
        except (BotoCoreError, ClientError, S3ProdError, OSError):
            continue
        cleaned.append(name)
