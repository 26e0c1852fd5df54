"""The capability document: which flags, of which SDK and version, from where; and the file that keeps it."""

from __future__ import annotations

import functools
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3prod.capabilities.flags import FLAGS, Flag, check_flags
from s3prod.capabilities.probes import PROBES
from s3prod.capabilities.table import TABLE
from s3prod.errors import UsageError, one_line
from s3prod.runners import RUNNERS
from s3prod.runners.sdk import LATEST, installed_version
from s3prod.settings import CAPABILITIES, find
from s3prod.target import read_flag

FILE = ".sdk_capabilities.json"


@dataclass(frozen=True)
class Settings:
    """Where the document is kept, and the file of one's own flags, if any.

    >>> Settings.of({"S3_CAPS_JSON_PATH": "caps.json"}).path
    PosixPath('caps.json')
    """

    path: Path = Path(FILE)
    profile: Path | None = None
    override: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None, config: str | Path | None = None) -> Settings:
        """The settings of the environment and the configuration file (`s3prod.settings.CAPABILITIES`)."""
        found = find(CAPABILITIES, environ=environ, config=config)
        paths = {name: Path(str(value)) for name, (_, value) in found.items() if name != "override" and value != ""}
        where, value = found.get("override", ("", False))
        override = read_flag(where, value)
        if override and "profile" not in paths:
            raise UsageError(where, str(value), "S3_CAP_PROFILE_JSON, the file of the flags, beside it")
        return cls(**paths, override=override)


def _version_of(sdk: str) -> str:
    """The version that is here; `unknown` of an SDK that nothing here can run."""
    return installed_version(sdk) if sdk in RUNNERS else "unknown"


@functools.cache
def profile_of(sdk: str) -> Mapping[str, Flag]:
    """The flags of an SDK, from its probes or from the table; no file is read or written.

    >>> profile_of("aws-sdk-go-v2")["retry_mode"]
    'standard'
    """
    return _found(sdk)[0]


def capabilities_of(sdk: str, version: str = LATEST, settings: Settings | None = None) -> dict[str, Any]:
    """The document `{"sdk", "version", "profile", "sources"}`.

    It is taken from the file when that is about this SDK and version and holds nothing that was overridden; else it is made, and
    written to the file.
    """
    settings = Settings() if settings is None else settings
    version = _version_of(sdk) if version == LATEST else version
    own = _read_profile(settings.profile) if settings.profile else {}
    kept = None if settings.override else _read_kept(settings.path, sdk, version)
    if kept is None:
        profile, sources = _found(sdk)
        kept = {"sdk": sdk, "version": version, "profile": profile, "sources": sources}
    if settings.override:
        kept = kept | {"profile": kept["profile"] | own, "sources": [*kept["sources"], "override"]}
    missing = [name for name in FLAGS if name not in kept["profile"]]
    if missing:
        raise UsageError(
            "sdk", sdk, f"one whose capabilities are known, or S3_CAP_PROFILE_JSON with {', '.join(missing)}"
        )
    for name, value in own.items():
        if kept["profile"][name] != value:
            warnings.warn(
                f"{settings.profile}: {name} is {value}, but {sdk} {version} shows {kept['profile'][name]}; "
                "S3_CAP_PROFILE_OVERRIDE=1 makes the file count",
                stacklevel=2,
            )
    _write(settings.path, kept)
    return kept


def _found(sdk: str) -> tuple[dict[str, Flag], list[str]]:
    """The flags, and where they are from; none of an SDK that nobody knows."""
    if sdk in PROBES:
        found = PROBES[sdk]()
        return {name: found[name] for name in FLAGS}, ["probes"]
    return (dict(TABLE[sdk].profile), ["mapping"]) if sdk in TABLE else ({}, [])


def _read_profile(path: Path) -> dict[str, Flag]:
    """The flags of a file of one's own: a mapping of them, or a whole document."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError("S3_CAP_PROFILE_JSON", str(path), f"a readable file ({error.strerror})") from None
    except ValueError as error:
        raise UsageError("S3_CAP_PROFILE_JSON", str(path), f"JSON ({one_line(str(error), 120)})") from None
    flags = document.get("profile", document) if isinstance(document, dict) else document
    if not isinstance(flags, dict):
        raise UsageError("S3_CAP_PROFILE_JSON", str(path), "a mapping of flags")
    return check_flags(flags, str(path))


def _read_kept(path: Path, sdk: str, version: str) -> dict[str, Any] | None:
    """The document of the file, when it can be used again."""
    try:
        document = json.loads(path.read_text("utf-8"))
        check_flags(document["profile"], str(path))
        fits = (document["sdk"], document["version"]) == (sdk, version) and "override" not in document["sources"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError):
        return None
    return document if fits and document["profile"].keys() == FLAGS.keys() else None


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Whole or not at all: two sessions may do it at once."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        os.replace(part, path)
    except OSError as error:
        raise UsageError("S3_CAPS_JSON_PATH", str(path), f"a file that can be written ({error.strerror})") from None
