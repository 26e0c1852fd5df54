"""Rules of lifecycle that production test 5 gives to buckets beside its plan.

Where a day is too long to wait for, the store must say of `SHOWN_OBJECTS` which of `SHOWN_RULES` each matches.
"""

from __future__ import annotations

from typing import Any

OLD_GO = {
    "ID": "old",
    "Filter": {"Prefix": ""},
    "Status": "Enabled",
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
}
_EXPIRE: dict[str, Any] = {"Status": "Enabled", "Expiration": {"Days": 1}}
SHOWN_RULES: list[dict[str, Any]] = [
    {"ID": "by-prefix", "Filter": {"Prefix": "current/"}, **_EXPIRE},
    {"ID": "by-tag", "Filter": {"Tag": {"Key": "kind", "Value": "brief"}}, **_EXPIRE},
    {"ID": "by-size", "Filter": {"And": {"Prefix": "sized/", "ObjectSizeGreaterThan": 1000}}, **_EXPIRE},
    {
        "ID": "old-and-open",
        "Filter": {"Prefix": "old/"},
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    },
]
SHOWN_OBJECTS = {  # key: size, tags, the rule that matches
    "current/a": (10, "", "by-prefix"),
    "kept/a": (10, "", ""),
    "tagged/brief": (10, "kind=brief", "by-tag"),
    "tagged/long": (10, "kind=long", ""),
    "sized/large": (1001, "", "by-size"),
    "sized/small": (1000, "", ""),
    "old/a": (10, "", ""),
}
