"""The store under test: where it is, the credentials, how buckets are addressed, and the profile of what it promises.

Each setting comes from the first of: an option, the environment, `s3_config.yaml` (`s3prod.settings`). When none of them
names an endpoint, the caller starts the embedded store (`s3prod.store`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from s3prod import profile as profiles
from s3prod.errors import TargetError
from s3prod.settings import CONFIG_FILE, TARGET, find

if TYPE_CHECKING:
    from s3prod.proxy import FaultProxy

UNSEEN = ("embedded", "mutants", "modes", "durability", "via_proxy")  # fields that the engine has no use for
_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,33}")
_PROXY = re.compile(r"(?:https?|socks4a?|socks5h?)://(?:[^\s/@]*@)?[^\s/@?#]+/?")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Secret(str):
    """A text whose `repr` does not show it: tracebacks, `--showlocals` and assertions print values by that.

    >>> [Secret("value")]
    ['…']
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@dataclass(frozen=True)
class Target:
    """A store under test. The secrets are not in its `repr`.

    >>> Target(("http://127.0.0.1:9000",), "key", "secret")
    Target(endpoints=('http://127.0.0.1:9000',), access_key='key', region='us-east-1', addressing='path')
    """

    endpoints: tuple[str, ...]
    access_key: str
    secret_key: str
    session_token: str | None = None
    region: str = "us-east-1"
    addressing: str = "path"
    verify_tls: bool = True
    ca_file: str | None = None
    proxy: str | None = None
    connect_timeout_ms: int = 5000
    bucket_prefix: str = "s3prod"
    profile: Mapping[str, profiles.Value] = field(default_factory=lambda: profiles.load("generic"))
    embedded: bool = False
    mutants: tuple[str, ...] = ()  # what the embedded store breaks on purpose
    modes: tuple[str, ...] = ()  # what it does that is legal and surprises
    durability: str | None = None  # of the embedded store: durable, or fast
    via: FaultProxy | None = field(default=None, compare=False)  # the proxy that the endpoints are of

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoints", tuple(_endpoint(text) for text in self.endpoints))
        for name in ("access_key", "secret_key"):
            if not getattr(self, name):
                raise TargetError(name, "empty", "a credential")
        for name in ("secret_key", "session_token", "proxy"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Secret(getattr(self, name)))
        if self.proxy is not None and not _PROXY.fullmatch(self.proxy):
            raise TargetError("proxy", _without_password(self.proxy), "http://[USER:PASSWORD@]HOST[:PORT]")
        if not self.endpoints:
            raise TargetError("endpoint", "empty", "one endpoint or more")
        if self.addressing not in ("path", "virtual"):
            raise TargetError("addressing", self.addressing, "path or virtual")
        if not _PREFIX.fullmatch(self.bucket_prefix):
            raise TargetError("bucket_prefix", self.bucket_prefix, "1 to 34 of a-z, 0-9 and -, first no -")
        if not 1 <= self.connect_timeout_ms <= 600_000:
            raise TargetError("connect_timeout_ms", self.connect_timeout_ms, "1 to 600000")
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", self.region):
            raise TargetError("region", self.region, "a region name")
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            raise TargetError("ca_file", self.ca_file, "a readable file")

    def __repr__(self) -> str:
        return (
            f"Target(endpoints={self.endpoints!r}, access_key={self.access_key!r}, region={self.region!r}, "
            f"addressing={self.addressing!r})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The target as the engine takes it, with its secrets."""
        out = self.public() | {"secret_key": self.secret_key} | self._given("session_token", "proxy")
        return {name: value for name, value in out.items() if name not in UNSEEN}

    def to_json(self) -> str:
        """`to_dict` as text, for the engine. It holds the secrets: it is never written to a file.

        >>> '"secret_key": "s"' in Target(("http://h",), "k", "s").to_json()
        True
        """
        return json.dumps(self.to_dict())

    def public(self) -> dict[str, Any]:
        """The target without its secrets, for reports.

        >>> "secret_key" in Target(("http://h",), "k", "s").public()
        False
        """
        return (
            {
                "endpoints": list(self.endpoints),
                "access_key": self.access_key,
                "region": self.region,
                "addressing": self.addressing,
                "verify_tls": self.verify_tls,
                "connect_timeout_ms": self.connect_timeout_ms,
                "bucket_prefix": self.bucket_prefix,
                "profile": profiles.promises(self.profile),
                "embedded": self.embedded,
                "mutants": list(self.mutants),
                "modes": list(self.modes),
            }
            | self._given("ca_file", "durability")
            | ({} if self.via is None else {"via_proxy": list(self.via.faults)})
            | ({} if self.proxy is None else {"proxy": _without_password(self.proxy)})
        )

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def _endpoint(text: str) -> str:
    """The endpoint without a trailing slash; refused when it is no `http(s)://host[:port]`."""
    expected = "http://HOST[:PORT] or https://HOST[:PORT]"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = None
    if not good or parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise TargetError("endpoint", _without_password(text), expected)
    return f"{parts.scheme}://{parts.netloc}"


def _without_password(url: str) -> str:
    """The URL without what stands before its last `@`: whatever that is, it may hold a password."""
    scheme, sign, rest = url.partition("://") if "://" in url else ("", "", url)
    _, at, host = rest.rpartition("@")
    return ("" if "@" in scheme else scheme + sign) + ("…@" if at else "") + host


def resolve(
    options: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: str | Path | None = None,
) -> Target | None:
    """The target that options, environment and configuration file describe; None when no endpoint is given anywhere.

    >>> resolve({"endpoints": ["http://127.0.0.1:9000"], "access_key": "k", "secret_key": "s"}, environ={}).region
    'us-east-1'
    """
    found = find(TARGET, options, environ=environ, config=config)
    if "endpoints" not in found:
        return None
    for name in ("access_key", "secret_key"):
        if name not in found:
            option, setting = name.replace("_", "-"), TARGET[name]
            raise TargetError(name, "not given", f"--{option}, {setting.env} or {setting.file[0]} in {CONFIG_FILE}")
    return Target(**read_found(found))


def read_options(given: Mapping[str, object]) -> dict[str, Any]:
    """Options of a command line as the fields of a `Target`.

    >>> read_options({"connect_timeout_ms": "100"})
    {'connect_timeout_ms': 100}
    """
    return read_found({name: (name, value) for name, value in given.items()})


def read_found(found: Mapping[str, tuple[str, object]]) -> dict[str, Any]:
    """Settings that were found (`s3prod.settings.find`) as the fields of a `Target`.

    >>> read_found({"region": ("S3_REGION", "eu-west-1")})
    {'region': 'eu-west-1'}
    """
    return {name: _READ[name](where, value) for name, (where, value) in found.items()}


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise TargetError(where, "of type " + type(value).__name__, "text")
    return value


def _secret(where: str, value: object) -> str:
    """As `_text`; YAML reads unquoted digits as a number, and the value must not be shown."""
    if not isinstance(value, str):
        raise TargetError(where, "not a text", "text in quotes")
    return value


def read_flag(where: str, value: object) -> bool:
    """A flag of the environment or a file: true, yes, on, 1, or one of their contraries.

    >>> read_flag("S3_VERIFY_SSL", "off")
    False
    """
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise TargetError(where, str(value), "true or false")
    return text in _TRUE


def _integer(where: str, value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
        raise TargetError(where, str(value), "a whole number")
    return int(str(value))


def _endpoints(where: str, value: object) -> tuple[str, ...]:
    texts = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) for text in texts):
        raise TargetError(where, repr(value), "http://HOST[:PORT], or several of them")
    return tuple(texts)


def _profile(where: str, value: object) -> dict[str, profiles.Value]:
    return profiles.load(_text(where, value))


_READ: dict[str, Any] = {
    "endpoints": _endpoints,
    "access_key": _secret,
    "secret_key": _secret,
    "session_token": _secret,
    "region": _text,
    "bucket_prefix": _text,
    "verify_tls": read_flag,
    "ca_file": _text,
    "addressing": _text,
    "proxy": _text,
    "connect_timeout_ms": _integer,
    "profile": _profile,
}
