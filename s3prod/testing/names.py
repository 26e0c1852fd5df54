"""Names that no other run has."""

from __future__ import annotations

import random
import string


def random_string(length: int = 8) -> str:
    """`length` characters of a-z and 0-9. A legal prefix has at most 34, so `f"{prefix}-{tag}-{random_string()}"` is a legal
    bucket name (63 at most) with a tag of up to 19.

    >>> len(random_string())
    8
    """
    return "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=length))
