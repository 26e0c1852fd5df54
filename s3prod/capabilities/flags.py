"""The nine flags and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3prod.errors import UsageError

Flag = bool | str

FLAGS = {
    "sigv4_chunked": "a plain PUT goes out in chunks that are signed one by one (STREAMING-AWS4-HMAC-SHA256-PAYLOAD)",
    "unsigned_payload_allowed": "a PUT can go out with its payload not signed (UNSIGNED-PAYLOAD), over TLS at least",
    "virtual_hosted_default": "at an endpoint that is given, the bucket is put into the host's name unless told otherwise",
    "list_objects_v1": "its own way to walk a bucket asks with ListObjects, not ListObjectsV2",
    "list_objects_url_plus_treated_as_space": "a plus in a listing that is URL-encoded is read as a blank",
    "retry_mode": "what it does with a 503 unless told otherwise: standard, adaptive, legacy, or none",
    "follows_301_region_redirect": "a 301 that names another region makes it send the request again",
    "follows_307_on_put": "a PUT that is answered with 307 is sent again, with its body, to where that points",
    "crc32c_default": "a plain PUT brings a CRC32C",
}
RETRY_MODES = ("standard", "adaptive", "legacy", "none")


def check_flags(given: Mapping[str, Any], where: str) -> dict[str, Flag]:
    """The flags of a mapping; a `UsageError` names what is none.

    >>> check_flags({"retry_mode": "often"}, "caps.json")
    Traceback (most recent call last):
    s3prod.errors.UsageError: caps.json: retry_mode: often, expected one of standard, adaptive, legacy, none
    """
    for name, value in given.items():
        if name not in FLAGS:
            raise UsageError(f"{where}: {name}", "unknown flag", f"one of {', '.join(FLAGS)}")
        if name == "retry_mode" and value not in RETRY_MODES:
            raise UsageError(f"{where}: {name}", value, f"one of {', '.join(RETRY_MODES)}")
        if name != "retry_mode" and not isinstance(value, bool):
            raise UsageError(f"{where}: {name}", value, "true or false")
    return dict(given)
