"""Flags of SDKs that are not probed from here: what was found out about a version, and when."""

from __future__ import annotations

from dataclasses import dataclass

from s3prod.capabilities.flags import Flag


@dataclass(frozen=True)
class Row:
    """The flags of one version of an SDK, on the day that `found` says."""

    version: str
    found: str
    profile: dict[str, Flag]


TABLE: dict[str, Row] = {
    # Requests of service/s3 seen on a fault server: payload hashed over http and UNSIGNED-PAYLOAD over https, no chunks of
    # its own; three attempts; its one paginator is of ListObjectsV2 and leaves keys as they come. No 301 is followed.
    "aws-sdk-go-v2": Row(
        "1.114.8",
        "2026-11",
        {
            "sigv4_chunked": False,
            "unsigned_payload_allowed": True,
            "virtual_hosted_default": True,
            "list_objects_v1": False,
            "list_objects_url_plus_treated_as_space": False,
            "retry_mode": "standard",
            "follows_301_region_redirect": False,
            "follows_307_on_put": False,
            "crc32c_default": False,
        },
    ),
}
