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
    # A program of service/s3 with default options, against the server of `wire`: one PUT, one page, each redirect, a 503; over
    # https (UNSIGNED-PAYLOAD) against a fault server. Its one paginator of objects is of ListObjectsV2.
    "aws-sdk-go-v2": Row(
        "1.114.10",
        "2026-11-26",
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
