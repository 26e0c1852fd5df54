"""Constructors of the steps of copies, tags, attributes, versions, and the rules of buckets.

program = [
    put_versioning("Enabled"),
    put("a", as_="old"),
    put("a"),
    copy("b", "a", source_version="old.version", metadata="replace"),
]
"""

from __future__ import annotations

from s3prod.plan_steps import Step, make_step


def copy(
    key: str,
    source: str,
    *,
    source_bucket: str | None = None,
    source_version: str | None = None,
    metadata: str | None = None,
    fields: int | None = None,
    tags: int | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_source_match: str | None = None,
    if_source_none_match: str | None = None,
    as_: str | None = None,
    bucket: str | None = None,
) -> Step:
    """Copies the object at `source` to `key`. `metadata`: `"copy"` (default) or `"replace"`, with an id of its own, in so
    many `fields`; `tags`: a new set of so many instead of the source's.

    >>> copy("b", "a", metadata="replace", if_none_match="*")
    {'copy': 'b', 'source': 'a', 'metadata': 'replace', 'if_none_match': '*'}
    """
    return make_step(
        "copy",
        key,
        source=source,
        source_bucket=source_bucket,
        source_version=source_version,
        metadata=metadata,
        fields=fields,
        tags=tags,
        if_match=if_match,
        if_none_match=if_none_match,
        if_source_match=if_source_match,
        if_source_none_match=if_source_none_match,
        as_=as_,
        bucket=bucket,
    )


def put_tags(key: str, tags: int, *, version: str | None = None, bucket: str | None = None) -> Step:
    """Replaces the tags of an object by a set of so many: 0, or 2 to 10.

    >>> put_tags("a", 3)
    {'put_tags': 'a', 'tags': 3}
    """
    return make_step("put_tags", key, tags=tags, version=version, bucket=bucket)


def get_tags(key: str, *, version: str | None = None, as_: str | None = None, bucket: str | None = None) -> Step:
    """Reads the tags of an object.

    >>> get_tags("a", version="old.version")
    {'get_tags': 'a', 'version': 'old.version'}
    """
    return make_step("get_tags", key, version=version, as_=as_, bucket=bucket)


def delete_tags(key: str, *, version: str | None = None, bucket: str | None = None) -> Step:
    """Removes the tags of an object.

    >>> delete_tags("a")
    {'delete_tags': 'a'}
    """
    return make_step("delete_tags", key, version=version, bucket=bucket)


def get_attributes(key: str, *, version: str | None = None, as_: str | None = None, bucket: str | None = None) -> Step:
    """Reads the ETag, the size, the checksums and the parts of an object.

    >>> get_attributes("a", as_="x")
    {'get_attributes': 'a', 'as': 'x'}
    """
    return make_step("get_attributes", key, version=version, as_=as_, bucket=bucket)


def put_versioning(status: str, bucket: str = "main") -> Step:
    """Turns versioning of a bucket on (`"Enabled"`) or off (`"Suspended"`).

    >>> put_versioning("Enabled")
    {'put_versioning': 'main', 'status': 'Enabled'}
    """
    return make_step("put_versioning", bucket, status=status)


def get_versioning(bucket: str = "main") -> Step:
    """Asks whether a bucket keeps versions.

    >>> get_versioning()
    {'get_versioning': 'main'}
    """
    return make_step("get_versioning", bucket)


def list_versions(
    bucket: str = "main",
    *,
    prefix: str | None = None,
    delimiter: str | None = None,
    max_keys: int | None = None,
    start_after: str | None = None,
    token: str | None = None,
    as_: str | None = None,
) -> Step:
    """One page of the versions and delete markers of a bucket (`start_after` is the key marker); also of a bucket that never
    kept versions, whose objects have the version `null`.

    >>> list_versions("main", max_keys=1, token="page.token", as_="page")
    {'list_versions': 'main', 'max_keys': 1, 'token': 'page.token', 'as': 'page'}
    """
    return make_step(
        "list_versions",
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        max_keys=max_keys,
        start_after=start_after,
        token=token,
        as_=as_,
    )
