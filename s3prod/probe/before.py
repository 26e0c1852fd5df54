"""Before load: the conditions and the tags that a plan needs are tried one request after the other, and held against the profile.

So a report can tell a store that *ignores* a condition from one whose writers *raced*. What the store does is said, never taken
over: the run goes on by its profile.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from s3prod.errors import S3ProdError
from s3prod.plan import Plan
from s3prod.plan_needs import needs
from s3prod.probe import PROBES, probe
from s3prod.profile import digest
from s3prod.target import Target

PROBED = frozenset(key for row in PROBES for key in row.keys if key.startswith("cond_") or key == "tagging")
_seen: dict[tuple[tuple[str, ...], str], dict[str, str]] = {}  # of a store and a profile: what each key was found to be


def contradictions(plan: Plan, target: Target) -> tuple[list[str], list[str]]:
    """What the profile says of them, and the store does not; and the buckets that the probe left behind. Each key is tried once
    in a process. A store that cannot be probed has none: the run itself says what is wrong with it.

    >>> contradictions(Plan("p"), Target(("http://127.0.0.1:9",), "k", "s"))
    ([], [])
    """
    known = _seen.setdefault((target.endpoints, digest(target.profile)), {})
    asked = needs(plan).keys() & PROBED
    left: list[str] = []
    if new := asked - known.keys():
        try:
            report = probe(target, target.profile, keys=new)
        except (S3ProdError, BotoCoreError, ClientError, OSError):
            return [], []
        found = report.contradictions(target.profile)
        known.update({key: found.get(key, "") for key in new})
        left = [line.partition(":")[0].removeprefix("bucket ") for line in report.left_behind]
    return [known[key] for key in sorted(asked) if known[key]], left
