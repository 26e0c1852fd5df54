"""Profiles: the semantics that a store promises, as a flat TOML file.

The built-in ones are `embedded` (the store of `s3prod serve`) and `generic`; a path to a file of one's own works as
well. The profile goes into the history's header, so that a history is judged by what its store promised.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from s3prod.errors import TargetError, one_line

Value = str | int | float | bool
Profile = Mapping[str, Value]


def _one_of(*allowed: Value) -> tuple[str, Callable[[object], bool]]:
    def fits(value: object) -> bool:
        return any(type(value) is type(item) and value == item for item in allowed)

    return " or ".join(str(item).lower() if isinstance(item, bool) else str(item) for item in allowed), fits


def _number() -> tuple[str, Callable[[object], bool]]:
    return "a number of 0 or more", lambda v: isinstance(v, int | float) and not isinstance(v, bool) and v >= 0


_STATE = _one_of("required", "optional", "unsupported")

KEYS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "name": ("a name", lambda value: isinstance(value, str) and bool(value)),
    "list": _one_of("strong", "eventual"),
    "list_lag_ms": _number(),
    "list_interval": _one_of("page", "listing"),
    "key_order": _one_of("utf8", "other"),
    "etag_is_md5": _one_of(True, False),
    "cond_put_none_match": _STATE,
    "cond_put_match": _STATE,
    "cond_delete": _STATE,
    "cond_409_possible": _one_of(True, False),
    "mpu_order": _one_of("completed", "initiated", "either"),
    "if_match_absent": _one_of(404, 412, "either"),
    "multi_delete": _STATE,
    "last_modified_resolution_s": _number(),
    "max_clock_skew_ms": _number(),
    "bucket_ready_s": _number(),
    "lifecycle_day_ms": _number(),
}


def names() -> list[str]:
    """The built-in profiles.

    >>> names()
    ['embedded', 'generic']
    """
    folder = resources.files("s3prod").joinpath("profiles")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> dict[str, Value]:
    """The profile of a built-in name or of a TOML file; a `TargetError` names what does not fit.

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
        raise TargetError("profile", name, f"{', '.join(names())}, or a path that ends in .toml")
    try:
        profile = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError("profile", name, f"TOML ({one_line(str(error), 120)})") from None
    for key, value in profile.items():
        if key not in KEYS:
            raise TargetError(f"profile.{key}", repr(value), f"no such key; one of {', '.join(KEYS)}")
        expected, fits = KEYS[key]
        if not fits(value):
            raise TargetError(f"profile.{key}", repr(value), expected)
    return profile
