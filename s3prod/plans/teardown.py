"""The end of a run: look at what is there at rest, on every endpoint, and only then remove the buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from s3prod.plan import Group, Step, barrier, remove_bucket


def read_then_remove(*program: Step, clients: int = 1, roles: Sequence[str] = ()) -> list[Group]:
    """Teardown groups: `clients` carry the program out, then the buckets of `roles` (default `main`) are emptied and
    removed.

    The barrier keeps every read before the first DELETE, so that the checker may judge it.

    >>> [group.group for group in read_then_remove()]
    ['at-rest', 'remove-bucket']
    """
    removal = remove_bucket(*roles)
    return [
        Group("at-rest", [*program, barrier("at-rest")], clients=clients, phase="teardown"),
        replace(removal, program=[barrier("at-rest"), *removal.program]),
    ]
