"""A synchronous S3 client for the thin parts of a test: seeding, looking, cleaning up.

It wraps boto3 with retries off, so that what it reports is what one request did, and every request is in `attempts`. Load is
the engine's business, not this one's.

    s3_client.put_object(bucket, "key", b"value", IfNoneMatch="*")
    s3_client.request("GET", f"/{bucket}", {"list-type": "2", "max-keys": "0"}).body
    [(attempt.status, attempt.request_id) for attempt in s3_client.attempts]

Answers are boto3's own (a dict; `Body` of a GET is a stream), errors are `botocore.exceptions.ClientError` with code and HTTP
status. Every call takes the parameters that boto3 has for it, and two things beside them: the conditions `IfMatch`,
`IfNoneMatch`, `IfModifiedSince` and `IfUnmodifiedSince`, on each verb, also where boto3 has no such parameter; and `headers`,
which are sent and signed as they are.

A client may be used by many threads. It belongs to the process that made it: after a fork, make another one.
"""

from __future__ import annotations

from s3prod.client.attempts import Attempt
from s3prod.client.base import Response
from s3prod.client.buckets import Buckets
from s3prod.client.emptying import Emptying, LeftBehindError
from s3prod.client.raw import Answer

__all__ = ["Answer", "Attempt", "LeftBehindError", "Response", "S3Client"]


class S3Client(Buckets, Emptying):
    """One endpoint of a target.

    >>> client = S3Client(target)                            # doctest: +SKIP
    >>> client.put_object("bucket", "key", b"value")["ETag"]  # doctest: +SKIP
    '"2063c1608d6e0baf80249c42e2be5804"'
    """
