"""Which SDK is to send the requests: a runner by its name, and the version that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from s3prod.errors import UsageError
from s3prod.runners import RUNNERS
from s3prod.runners.driver import DRIVERS, version_of
from s3prod.settings import SDK, find

DEFAULT = "native"
LATEST = "latest"
INSTALL = {"boto3": "make build"} | {name: driver.made_by for name, driver in DRIVERS.items()}  # what brings an SDK


def sdk_of(
    options: Mapping[str, object],
    *,
    environ: Mapping[str, str] | None = None,
    config: str | Path | None = None,
) -> tuple[str, str]:
    """The name of the SDK and the version asked for, from options, environment and file; refused when they are not there.

    >>> sdk_of({"sdk": "native"}, environ={})
    ('native', 'latest')
    """
    found = find(SDK, options, environ=environ, config=config)
    where, name = found.get("sdk", ("sdk", DEFAULT))
    if name not in RUNNERS:
        known = [f"{one} ({INSTALL[one]})" if one in INSTALL else one for one in RUNNERS]
        raise UsageError(where, str(name), f"one of {', '.join(known)}")
    if name in DRIVERS:
        DRIVERS[str(name)].program()
    where, version = found.get("sdk_version", ("sdk_version", LATEST))
    if version != LATEST and str(version) != (installed := installed_version(str(name))):
        raise UsageError(where, str(version), f"{LATEST} or {installed}, which is installed")
    return str(name), str(version)


def installed_version(name: str) -> str:
    """The version of an SDK that is there.

    >>> installed_version("boto3").count(".")
    2
    """
    if name in DRIVERS:
        return version_of(DRIVERS[name])
    return metadata.version("s3prod" if name == DEFAULT else name)
