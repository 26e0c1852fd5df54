"""Where settings come from: an option, else the environment, else `s3_config.yaml`. One loader for every command and pytest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3prod.errors import TargetError, one_line

CONFIG_FILE = "s3_config.yaml"


@dataclass(frozen=True)
class Setting:
    """One setting: its environment variable and the keys that it has in the configuration file."""

    env: str
    file: tuple[str, ...] = ()


TARGET: dict[str, Setting] = {  # the fields of `s3prod.target.Target`
    "endpoints": Setting("S3_ENDPOINT", ("s3_endpoint", "s3_endpoint_url")),
    "access_key": Setting("S3_ACCESS_KEY", ("s3_access_key",)),
    "secret_key": Setting("S3_SECRET_KEY", ("s3_secret_key",)),
    "session_token": Setting("S3_SESSION_TOKEN"),
    "region": Setting("S3_REGION", ("s3_region",)),
    "bucket_prefix": Setting("S3_BUCKET_PREFIX", ("s3_bucket_prefix",)),
    "verify_tls": Setting("S3_VERIFY_SSL", ("verify_ssl",)),
    "ca_file": Setting("S3_CA_FILE"),
    "addressing": Setting("S3_ADDRESSING"),
    "proxy": Setting("S3_PROXY"),
    "connect_timeout_ms": Setting("S3_CONNECT_TIMEOUT_MS"),
    "profile": Setting("S3_PROFILE", ("s3_profile",)),
}
SDK: dict[str, Setting] = {  # who sends the requests
    "sdk": Setting("S3_SDK", ("s3_sdk",)),
    "sdk_version": Setting("S3_SDK_VERSION", ("s3_sdk_version",)),
}
CAPABILITIES: dict[str, Setting] = {  # what that SDK does by itself
    "path": Setting("S3_CAPS_JSON_PATH", ("s3_caps_json_path",)),
    "profile": Setting("S3_CAP_PROFILE_JSON", ("s3_cap_profile_json",)),
    "override": Setting("S3_CAP_PROFILE_OVERRIDE", ("s3_cap_profile_override",)),
}


def read_config(path: Path) -> dict[str, Any]:
    """The flat mapping of a configuration file; a `TargetError` names a key or a type that does not fit.

    >>> read_config(Path("/nonexistent/s3_config.yaml"))
    Traceback (most recent call last):
    s3prod.errors.TargetError: config: /nonexistent/s3_config.yaml, expected a readable file (No such file or directory)
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise TargetError("config", str(path), f"a readable file ({error.strerror})") from None
    except yaml.MarkedYAMLError as error:  # its text would quote the line, which may hold a secret
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TargetError("config", str(path), f"YAML ({one_line(str(error.problem), 120)}{line})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TargetError("config", str(path), f"YAML ({type(error).__name__})") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise TargetError("config", str(path), "a mapping of s3_endpoint, s3_access_key, …")
    known = [key for rows in (TARGET, SDK, CAPABILITIES) for setting in rows.values() for key in setting.file]
    for key in document:
        if key not in known:
            raise TargetError(f"{path}: {key}", "unknown key", f"one of {', '.join(known)}")
    return document


def find(
    settings: Mapping[str, Setting],
    options: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: str | Path | None = None,
) -> dict[str, tuple[str, object]]:
    """Those of the settings that are given somewhere: name → (where, value). `config` must be there when it is named.

    >>> find(SDK, {"sdk": "boto3"}, environ={"S3_SDK": "native", "S3_SDK_VERSION": "latest"})
    {'sdk': ('sdk', 'boto3'), 'sdk_version': ('S3_SDK_VERSION', 'latest')}
    """
    options = {name: value for name, value in (options or {}).items() if value not in (None, [], ())}
    environ = os.environ if environ is None else environ
    path = Path(config or CONFIG_FILE)
    document = read_config(path) if config is not None or path.is_file() else {}
    found: dict[str, tuple[str, object]] = {}
    for name, setting in settings.items():
        if name in options:
            found[name] = (name, options[name])
        elif environ.get(setting.env, "") != "":
            found[name] = (setting.env, environ[setting.env])
        else:
            found |= _of_file(name, setting, path, document)
    return found


def _of_file(name: str, setting: Setting, path: Path, document: Mapping[str, Any]) -> dict[str, tuple[str, object]]:
    """The setting as the file has it: under one of its keys, or the same under several."""
    keys = [key for key in setting.file if document.get(key) is not None]
    for other in keys[1:]:
        if document[other] != document[keys[0]]:
            raise TargetError(f"{path}: {other}", str(document[other]), f"the same as {keys[0]}, or one of the two")
    return {name: (f"{path}: {keys[0]}", document[keys[0]])} if keys else {}
