"""What an SDK does by itself, as nine flags, so that a test can tell what the SDK does from what the store does.

    {"sdk": "boto3", "version": "1.44.8", "profile": {"retry_mode": "standard", …}, "sources": ["probes"]}

The flags come from requests that the SDK really sends, to a small server on the loopback that writes them down (`probes`);
where that is not possible, from a dated table (`mapping`); and from a file of one's own (`override`). The fixture
`sdk_capabilities` gives this document and keeps it in `.sdk_capabilities.json`.
"""

from __future__ import annotations

from s3prod.capabilities.document import Settings, capabilities_of, profile_of
from s3prod.capabilities.flags import FLAGS, Flag

__all__ = ["FLAGS", "Flag", "Settings", "capabilities_of", "profile_of"]
