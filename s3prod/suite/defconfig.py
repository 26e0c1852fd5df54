"""`--defconfig`: a configuration file with every key, to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from s3prod.errors import UsageError
from s3prod.settings import SDK, TARGET

_SECRET = ("secret_key", "session_token")
DEFAULTS: dict[str, tuple[str, str]] = {  # setting: what stands there when it is not given, what it means
    "endpoints": ("", "one, or a list; without it the embedded store is started"),
    "access_key": ("", "access key"),
    "secret_key": ("", "secret key, in quotes; better in the environment: S3_SECRET_KEY"),
    "region": ("us-east-1", "region that requests are signed for"),
    "bucket_prefix": ("s3prod", "begins the name of every bucket that is made: 1 to 34 of a-z, 0-9 and -"),
    "verify_tls": ("true", "whether certificates are checked"),
    "profile": ("", "what the store promises: the name of a profile, or a TOML file"),
    "sdk": ("native", "who sends the requests"),
    "sdk_version": ("latest", "the version that must be installed, or latest"),
}


def text(given: Mapping[str, object]) -> str:
    """The file's text: every key with what is given or its default; what has neither is a comment. No secret is written.

    >>> print(text({"endpoints": ["http://127.0.0.1:9000"]}).splitlines()[3])
    s3_endpoint_url: ["http://127.0.0.1:9000"]  # one, or a list; without it the embedded store is started
    """
    lines = ["# Settings of s3prod's tests. An option wins over the environment, the environment over this file,"]
    lines += ["# and this file over the defaults, which are what stands here where nothing was given.", ""]
    for name, (default, meaning) in DEFAULTS.items():
        key = (TARGET | SDK)[name].file[-1]
        value = given.get(name) if name not in _SECRET else None
        shown = default if value is None else json.dumps(list(value) if isinstance(value, tuple) else value)
        lines.append(f"{key}: {shown}  # {meaning}" if shown else f"# {key}:  # {meaning}")
    return "\n".join(lines) + "\n"


def write(path: Path, given: Mapping[str, object]) -> None:
    """Writes the file, for its owner's eyes only; one that is there stays as it is."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text(given))
    except FileExistsError:
        raise UsageError("config", str(path), "a file that is not there yet (-c FILE)") from None
    except OSError as error:
        raise UsageError("config", str(path), f"a file that can be written ({error.strerror})") from None
