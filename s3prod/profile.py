"""Profiles: what a store promises, as a flat TOML file of the keys in `KEYS` (docs/profiles.md lists them).

A profile is named by one of the built-in files of `s3prod/profiles/`, or by the path of one's own. It goes into the
history's header, so that a history is judged by what its store promised; tests take sizes and times from it, and what it
calls unsupported is not asked of the store.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from s3prod.errors import S3ProdError, TargetError, one_line

Value = str | int | float | bool
Profile = Mapping[str, Value]

STATES = {
    "required": "the store promises it",
    "optional": "it may be there or be refused",
    "unsupported": "refused, or silently missing: what needs it is not run and says so",
    "ignored": "accepted and without effect: a known fault; what needs it is run, and fails",
    "broken": "answered wrongly in another way: a known fault as well",
}


@dataclass(frozen=True)
class Key:
    """One key: the values that fit, the default, what it means."""

    allowed: str
    fits: Callable[[object], bool]
    default: Value
    meaning: str


def shown(value: Value) -> str:
    """A value as TOML writes it.

    >>> shown(True), shown("either"), shown(404)
    ('true', '"either"', '404')
    """
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _one_of(default: Value, meaning: str, *allowed: Value) -> Key:
    def fits(value: object) -> bool:
        return any(type(value) is type(item) and value == item for item in allowed)

    return Key(" or ".join(shown(item) for item in allowed), fits, default, meaning)


def _state(default: Value, meaning: str) -> Key:
    return _one_of(default, meaning, *STATES)


def _either(meaning: str) -> Key:
    return _one_of("either", meaning, True, False, "either")


def _number(default: float, meaning: str) -> Key:
    return Key("a number of 0 or more", _is_number, default, meaning)


def _number_or_none(default: float, meaning: str) -> Key:
    return Key('a number of 0 or more, or "none"', lambda v: v == "none" or _is_number(v), default, meaning)


def _text(default: str, meaning: str) -> Key:
    return Key("a text", lambda value: isinstance(value, str) and bool(value), default, meaning)


KEYS: dict[str, Key] = {
    "name": _text("generic", "what the profile is called in reports"),
    "list": _one_of("strong", "whether a listing shows what was acknowledged before it began", "strong", "eventual"),
    "list_lag_ms": _number(0, 'with list = "eventual": how old its news may be; 0: without bound'),
    "list_interval": _one_of("page", "the time in which what a page shows was true: its own request's, or all "
                             "requests' of its listing", "page", "listing"),
    "key_order": _one_of("utf8", "the order of keys in a listing: of their bytes, or another", "utf8", "other"),
    "etag_is_md5": _one_of(False, "whether the ETag of a plain PUT is the MD5 of its body", True, False),
    "cond_put_none_match": _state("required", "PutObject with If-None-Match: *"),
    "cond_put_match": _state("required", "PutObject with If-Match, the ETag as it was received"),
    "cond_complete": _state("optional", "CompleteMultipartUpload with If-None-Match or If-Match"),
    "cond_copy_dst": _state("optional", "CopyObject with If-None-Match or If-Match, of its destination"),
    "cond_delete": _state("optional", "DeleteObject with If-Match"),
    "cond_multi_delete": _state("optional", "DeleteObjects with an ETag beside a key"),
    "cond_409_possible": _one_of(True, "whether a racing conditional write may be refused with 409", True, False),
    "if_match_absent": _one_of("either", "the answer to a PutObject with If-Match on a missing key", 404, 412, "either"),
    "mpu_order": _one_of("either", "which of racing uploads of one key is current: the one completed last, or the one "
                         "initiated last", "completed", "initiated", "either"),
    "mpu_complete_twice": _one_of("either", "the answer to a second CompleteMultipartUpload of an upload: as the first, "
                                  "or 404", "ok", 404, "either"),
    "mpu_listing": _one_of("settles", "whether ListMultipartUploads and ListParts show what was acknowledged before "
                           "they began", "strong", "settles"),
    "mpu_listing_lag_ms": _number(10_000, 'with mpu_listing = "settles": how old their news may be'),
    "min_part_bytes": _number(5_242_880, "the smallest part of an upload that is not its last"),
    "multi_delete": _state("required", "DeleteObjects"),
    "delete_absent_creates_marker": _either("whether DeleteObject of an absent key makes a delete marker where versions "
                                            "are kept"),
    "marker_version_on_404": _either("whether a 404 because of a delete marker names the marker's version"),
    "versioning": _state("optional", "PutBucketVersioning, ListObjectVersions, version ids"),
    "versioning_settle_s": _number(0, "how long to wait after a bucket's first PutBucketVersioning"),
    "bucket_ready_s": _number(10, "how long a new bucket may be unknown"),
    "tagging": _state("optional", "PutObjectTagging, GetObjectTagging, x-amz-tagging"),
    "object_lock": _state("optional", "retention and legal hold of versions"),
    "replication": _state("optional", "PutBucketReplication between two buckets of the store"),
    "replication_lag_ms": _number(60_000, "how long a replica may take"),
    "lifecycle_day_ms": _number_or_none(86_400_000, 'how long a day of lifecycle rules is; "none": it takes no rules'),
    "last_modified_resolution_s": _number(1, "the unit of LastModified"),
    "max_clock_skew_ms": _number(1000, "how far apart the clocks of the store's machines are at most"),
    "usage_probe": _text("none", "a command that prints how many bytes a bucket takes, {bucket} in its place; "
                         '"none": that cannot be observed'),
    "usage_lag_ms": _number(60_000, "how long usage_probe may still count what is gone"),
}  # fmt: skip


def promises(profile: Profile) -> dict[str, Value]:
    """What a profile promises: not the command that observes it, which may hold a secret or an address of the day. Reports and
    histories have this, and `digest` compares it.

    >>> promises({"name": "mine", "usage_probe": "my-script --token 1 {bucket}"})
    {'name': 'mine'}
    """
    return {key: value for key, value in profile.items() if key != "usage_probe"}


class Unsupported(S3ProdError):
    """What was asked needs something that the profile calls unsupported: no verdict, and status 3."""

    exit_status = 3


def digest(profile: Profile) -> str:
    """What tells whether two stores promised the same: the SHA-256 of the profile as compact, sorted JSON.

    >>> len(digest({"name": "x"}))
    64
    """
    return hashlib.sha256(json.dumps(promises(profile), separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def names() -> list[str]:
    """The built-in profiles.

    >>> [name for name in names() if name in ("embedded", "generic")]
    ['embedded', 'generic']
    """
    folder = resources.files("s3prod").joinpath("profiles")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> dict[str, Value]:
    """The profile of a built-in name or of a TOML file, with the defaults of the keys that the file does not have; a
    `TargetError` names what does not fit.

    >>> load("embedded")["if_match_absent"]
    404
    """
    if name in names():
        text = resources.files("s3prod").joinpath(f"profiles/{name}.toml").read_text("utf-8")
    elif name.endswith(".toml"):
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TargetError("profile", name, f"a readable TOML file ({one_line(str(error), 80)})") from None
    else:
        raise TargetError("profile", name, f"one of {', '.join(names())}, or a path that ends in .toml")
    return {key: row.default for key, row in KEYS.items()} | read(text, name)


def read(text: str, name: str = "text") -> dict[str, Value]:
    """The keys that a TOML text has, each with a value that fits.

    >>> read("if_match_absent = 405")
    Traceback (most recent call last):
    s3prod.errors.TargetError: profile.if_match_absent: 405, expected 404 or 412 or "either"
    """
    try:
        profile = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError("profile", name, f"TOML ({one_line(str(error), 120)})") from None
    for key, value in profile.items():
        if key not in KEYS:
            raise TargetError(f"profile.{key}", repr(value), f"no such key; one of {', '.join(KEYS)}")
        if not KEYS[key].fits(value):
            raise TargetError(f"profile.{key}", repr(value), KEYS[key].allowed)
    return profile


def lacks(profile: Profile, *keys: str) -> str:
    """Why something that needs these keys cannot be asked of the store; empty when it can.

    >>> lacks({"name": "swift", "tagging": "unsupported"}, "versioning", "tagging")
    'profile swift says tagging = unsupported'
    >>> lacks({"name": "swift", "tagging": "unsupported"}, "versioning")
    ''
    """
    missing = {"lifecycle_day_ms": "none", "usage_probe": "none"}
    for key in keys:
        if key not in KEYS:
            raise KeyError(key)
        if profile.get(key, KEYS[key].default) == missing.get(key, "unsupported"):
            return f"profile {profile.get('name', '?')} says {key} = {missing.get(key, 'unsupported')}"
    return ""
