"""Which SDK is to send the requests: a runner by its name, and the version that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from s3prod.errors import UsageError
from s3prod.runners import RUNNERS
from s3prod.settings import SDK, find

DEFAULT = "native"
LATEST = "latest"
INSTALL = {"boto3": "make build", "aws-sdk-go-v2": "make driver-go"}  # what brings an SDK


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
    where, version = found.get("sdk_version", ("sdk_version", LATEST))
    installed = installed_version(str(name))
    if version != LATEST and str(version) != installed:
        raise UsageError(
            where, str(version), f"{LATEST}" + (f" or {installed}, which is installed" if installed else "")
        )
    return str(name), str(version)


def installed_version(name: str) -> str | None:
    """The version of an SDK's package; None when it is no Python package.

    >>> installed_version("no-such-sdk")
    """
    import s3prod

    if name == DEFAULT:
        return s3prod.__version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
