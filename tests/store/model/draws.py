"""What the rules draw from: few keys and bodies, so that requests meet, and ways to get a request right or wrong."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis.stateful import Bundle

from model import sums

MIN_PART_BYTES = 5

LONG = "l" * 489  # longer than what a record has room for
KEYS = (
    "a",
    "a/b",
    "a//",
    "a/",
    "b",
    "a/b/c",
    "c\rd",
    "a+b %&<'>",
    "ü/é",
    "\uffee",
    "😀",
    "k" * 480,
    LONG + "1",
    LONG + "2",
)
BODIES = (b"", b"a", b"0123456789", b"part!", b"n" * 2100, b"m" * 16_500)
METAS: tuple[dict[str, str], ...] = (
    {},
    {"x-amz-meta-a": "1"},
    {"content-type": "text/x", "x-amz-meta-b": "two words"},
    {"cache-control": "no-store"},
)
TAGS: tuple[dict[str, str], ...] = ({}, {"t": "1"}, {"t": "2", "u": ""})
PREFIXES = ("", "", "a", "a/", "a//", "ü", "c\r", LONG, LONG + "1", "none")
DELIMITERS = ("", "", "/", "/", "//", "b", "l")
CONDITIONS = ("", "", "", "", "right", "right", "stale", "bare", "any", "new", "new", "weak")

buckets = st.sampled_from((0, 0, 0, 1, 1, 2))
keys: Bundle[str] = Bundle("keys")  # the few that an example has
bodies = st.sampled_from(BODIES)
metas = st.sampled_from(METAS)
tag_sets = st.sampled_from(TAGS)
reads = st.sampled_from(("GET", "GET", "HEAD"))
algorithms = st.sampled_from(("", *sums.ALGORITHMS))
conditions = st.sampled_from(CONDITIONS)
numbers = st.sampled_from((0, 0, 0, 1, 2, 3, 4, 5))
