"""The flags of an SDK, read off what it sends: one probe function for each SDK, all with its own default settings."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from s3prod.capabilities.flags import Flag
from s3prod.capabilities.wire import Reply, Seen, WireServer, plain
from s3prod.store import EmbeddedStore

_SIGNED_CHUNKS, _UNSIGNED = "STREAMING-AWS4-HMAC-SHA256", "UNSIGNED-PAYLOAD"
_BODY = b"a probe" * 10
_ELSEWHERE = "/elsewhere/key"


def _of_put(seen: Seen) -> dict[str, Flag]:
    """What a plain PUT tells."""
    named = " ".join(seen.headers).lower() + seen.headers.get("x-amz-trailer", "").lower()
    return {
        "sigv4_chunked": seen.headers.get("x-amz-content-sha256", "").startswith(_SIGNED_CHUNKS),
        "crc32c_default": "x-amz-checksum-crc32c" in named,
    }


def _unsigned(seen: Seen) -> bool:
    return _UNSIGNED in seen.headers.get("x-amz-content-sha256", "")


def _v1(seen: Seen) -> bool:
    return seen.query.get("list-type") != ["2"]


def redirecting(status: int, headers: Mapping[str, str]) -> Callable[[Seen], Reply]:
    """Answers the first place with a redirect, and any other request as `plain` does.

    >>> redirecting(307, {})(Seen("PUT", "/elsewhere/key", {}, b""))[0]
    200
    """
    told: list[Seen] = []

    def reply(seen: Seen) -> Reply:
        if seen.path == _ELSEWHERE or told:
            return plain(seen)
        told.append(seen)
        return status, headers, b""

    return reply


def _followed(wire: WireServer, path: str = "") -> bool:
    """Whether the first request came again, whole, and where the redirect points if that is asked."""
    first, *more = wire.seen
    return any(
        seen.method == first.method and seen.body == first.body and (seen.path == path if path else True)
        for seen in more
    )


# --- boto3 -------------------------------------------------------------------------------------------------------------


def probe_boto3() -> dict[str, Flag]:
    """boto3, as `boto3.client("s3")` makes it."""
    with WireServer() as wire:
        client = _boto3(wire.endpoint)
        client.put_object(Bucket="probe", Key="key", Body=_BODY)
        flags = _of_put(wire.seen[-1])
        [entry] = client.list_objects_v2(Bucket="probe")["Contents"]
        flags["list_objects_url_plus_treated_as_space"] = entry["Key"] == "a b"
        flags["retry_mode"] = str(client.meta.config.retries["mode"])
        list(_boto3(wire.endpoint, make=boto3.resource).Bucket("probe").objects.all())
        flags["list_objects_v1"] = _v1(wire.seen[-1])
        by_name = _boto3("http://store.invalid", proxies={"http": wire.endpoint})
        by_name.put_object(Bucket="probe", Key="key", Body=_BODY)
        flags["virtual_hosted_default"] = wire.seen[-1].headers["host"].startswith("probe.")
    with _certificate() as folder, WireServer(certificate=(folder / "server.pem", folder / "server-key.pem")) as wire:
        client = _boto3(wire.endpoint, verify=str(folder / "ca.pem"), s3={"payload_signing_enabled": False})
        client.put_object(Bucket="probe", Key="key", Body=_BODY)
        flags["unsigned_payload_allowed"] = _unsigned(wire.seen[-1])
    with WireServer(redirecting(301, {"x-amz-bucket-region": "eu-west-1"})) as wire:
        with contextlib.suppress(ClientError):
            _boto3(wire.endpoint).list_objects_v2(Bucket="probe")
        flags["follows_301_region_redirect"] = _followed(wire)
    with WireServer(redirecting(307, {"location": _ELSEWHERE})) as wire:
        with contextlib.suppress(ClientError):
            _boto3(wire.endpoint).put_object(Bucket="probe", Key="key", Body=_BODY)
        flags["follows_307_on_put"] = _followed(wire, _ELSEWHERE)
    return flags


def _boto3(endpoint: str, make: Callable[..., Any] = boto3.client, verify: str | None = None, **config: Any) -> Any:
    keys = {"aws_access_key_id": "probe", "aws_secret_access_key": "probe"}
    return make("s3", endpoint_url=endpoint, region_name="us-east-1", verify=verify, config=Config(**config), **keys)


@contextmanager
def _certificate() -> Iterator[Path]:
    """A folder with a certificate for the loopback: the embedded store makes one."""
    with tempfile.TemporaryDirectory() as folder:
        with EmbeddedStore(tls=Path(folder)):
            pass
        yield Path(folder)


# --- the native engine -------------------------------------------------------------------------------------------------


def probe_native() -> dict[str, Flag]:
    """The engine, as a plan without options has it."""
    from s3prod.plan import list_page, put

    with WireServer() as wire:
        [_, page] = _native_run(wire, put("key"), list_page("main"))
        sent, listed = wire.seen
    flags = _of_put(sent) | {"unsigned_payload_allowed": _unsigned(sent), "list_objects_v1": _v1(listed)}
    flags["list_objects_url_plus_treated_as_space"] = page["entries"][0]["key"] == "a b"
    flags["virtual_hosted_default"] = sent.path == "/key"
    with WireServer(lambda seen: (503, {}, b"")) as wire:
        _native_run(wire, put("key"))
        flags["retry_mode"] = "none" if len(wire.seen) == 1 else "standard"
    with WireServer(redirecting(301, {"x-amz-bucket-region": "eu-west-1"})) as wire:
        _native_run(wire, list_page("main"))
        flags["follows_301_region_redirect"] = _followed(wire)
    with WireServer(redirecting(307, {"location": _ELSEWHERE})) as wire:
        _native_run(wire, put("key"))
        flags["follows_307_on_put"] = _followed(wire, _ELSEWHERE)
    return flags


def _native_run(wire: WireServer, *steps: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a plan of these steps."""
    from s3prod._native import History
    from s3prod.plan import Group, Plan
    from s3prod.runners.native import run
    from s3prod.target import Target

    plan = Plan("probe", groups=[Group("probe", [dict(step) for step in steps])])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.s3ph"
        run(plan, Target((wire.endpoint,), "probe", "probe"), path, None)
        with History(str(path)) as history:
            return list(history)


PROBES: dict[str, Callable[[], dict[str, Flag]]] = {"native": probe_native, "boto3": probe_boto3}
