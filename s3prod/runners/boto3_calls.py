"""The S3 operations on boto3: the method of each, and what of a request becomes which of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from s3prod import body as bodies
from s3prod import checksums, ids
from s3prod.runners.boto3_request import Request

META = "s3p-id"
Arguments = Iterator[tuple[str, Any]]
CHECKSUM_MEMBERS = {name: f"Checksum{name.upper()}" for name in checksums.ALGORITHMS}
_ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
_NEW_IDS = ("put", "copy", "create_upload", "upload_part", "put_tags")


@dataclass(frozen=True)
class Page:
    """How a listing is asked: of each argument of the plan boto3's name and the query's; of its token as many as it has."""

    arguments: Mapping[str, tuple[str, str]]
    token: tuple[tuple[str, str], ...]

    def given(self, request: Request) -> dict[tuple[str, str], Any]:
        """Every argument that the request has, by its two names; a token replaces the place to start at."""
        asked = dict(request.list_args)
        token = asked.pop("token", ())
        named = {self.arguments[name]: value for name, value in asked.items()}
        named |= zip(self.token, token, strict=False)
        return {names: value for names, value in named.items() if value != ""}


def _page(max_keys: tuple[str, str], start_after: tuple[str, str], *token: tuple[str, str]) -> Page:
    shared = {"prefix": ("Prefix", "prefix"), "delimiter": ("Delimiter", "delimiter")}
    return Page(shared | {"max_keys": max_keys, "start_after": start_after}, token)


_MAX_KEYS, _MARKER = ("MaxKeys", "max-keys"), ("Marker", "marker")
_KEY_MARKER, _PART_MARKER = ("KeyMarker", "key-marker"), ("PartNumberMarker", "part-number-marker")
PAGES = {
    "list": _page(_MAX_KEYS, ("StartAfter", "start-after"), ("ContinuationToken", "continuation-token")),
    "list_v1": _page(_MAX_KEYS, _MARKER, _MARKER),
    "list_versions": _page(_MAX_KEYS, _KEY_MARKER, _KEY_MARKER, ("VersionIdMarker", "version-id-marker")),
    "list_uploads": _page(("MaxUploads", "max-uploads"), _KEY_MARKER, _KEY_MARKER, ("UploadIdMarker", "upload-id-marker")),
    "list_parts": _page(("MaxParts", "max-parts"), _PART_MARKER, _PART_MARKER),
}  # fmt: skip


def _query(given: Mapping[tuple[str, str], Any]) -> str:
    return urlencode(sorted((query, value) for (_, query), value in given.items()), quote_via=quote, safe="")


def list_query(request: Request) -> str:
    """The arguments of a page as a query string."""
    return _query(PAGES[request.op].given(request))


def next_query(request: Request, token: tuple[Any, ...]) -> str:
    """The arguments that the token of a page adds to those of the next one, as a query string."""
    named = zip(PAGES[request.op].token, token, strict=False)
    return _query({names: value for names, value in named if value != ""})


def prepare(request: Request, draw: Callable[[], bytes]) -> None:
    """Gives the request its value id, its body and its checksum."""
    if request.op in _NEW_IDS:
        request.value_id = draw()
    if request.op not in ("put", "upload_part"):
        return
    assert request.key is not None
    if request.body_kind == "counter":
        request.data = bodies.counter_body(request.value_id, request.counter)
    elif request.body_kind == "constant":
        request.data = b"c" * request.size
    else:
        hashed = bodies.key_hash(request.bucket, request.key.text)
        request.data = bodies.fill(request.value_id, request.size, hashed)
    request.size = len(request.data)
    if request.checksum:
        request.checksum_value = checksums.text(request.checksum, request.data)


def build(api: Any, buckets: Mapping[str, str], request: Request, region: str) -> Callable[[], Mapping[str, Any]]:
    """The call of a prepared request, ready to be made; `buckets` are the real names."""
    name, parts = _METHODS[request.op]
    arguments: dict[str, Any] = {"Bucket": buckets[request.bucket]}
    if request.key is not None:
        arguments["Key"] = request.key.text
    for part in parts:
        arguments.update(part(request, buckets))
    if request.op == "create_bucket" and region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
    method: Callable[..., Mapping[str, Any]] = getattr(api, name)
    return lambda: method(**arguments)


# --- arguments ---------------------------------------------------------------------------------------------------------

Part = Callable[[Request, Mapping[str, str]], Arguments]
_CONDITIONS = {
    "if_match": "IfMatch", "if_match_any": "IfMatch", "if_none_match": "IfNoneMatch", "if_none_match_any": "IfNoneMatch",
}  # fmt: skip


def _condition(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.cond:
        yield _CONDITIONS[request.cond], request.cond_value


def _sent(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "Body", request.data
    if request.checksum:
        yield CHECKSUM_MEMBERS[request.checksum], request.checksum_value


def _metadata(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "Metadata", ids.tag_set(request.value_id, request.fields) or {META: request.value_id.hex()}


def _tags(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.tags:
        yield "Tagging", urlencode(ids.tag_set(request.value_id, request.tags))


def _tag_set(request: Request, buckets: Mapping[str, str]) -> Arguments:
    tags = ids.tag_set(request.value_id, request.tags or 0)
    yield "Tagging", {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}


def _algorithm(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.checksum:
        yield "ChecksumAlgorithm", request.checksum.upper()
    if request.checksum_type:
        yield "ChecksumType", request.checksum_type.upper()


def _version(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.version:
        yield "VersionId", request.version


def _read(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.ranged:
        yield "Range", _bytes(request)
    if request.part:
        yield "PartNumber", request.part
    if request.checksum_mode:
        yield "ChecksumMode", "ENABLED"


def _bytes(request: Request) -> str:
    return f"bytes={request.range_first}-{'' if request.range_last is None else request.range_last}"


def _source(request: Request, buckets: Mapping[str, str]) -> Arguments:
    assert request.source is not None
    source = {"Bucket": buckets[request.source.bucket], "Key": request.source.text}
    yield "CopySource", source | ({"VersionId": request.source_version} if request.source_version else {})
    if request.source_cond:
        yield f"CopySource{_CONDITIONS[request.source_cond]}", request.source_cond_value


def _directives(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "MetadataDirective", "REPLACE" if request.replace else "COPY"
    if request.replace:
        yield from _metadata(request, buckets)
    yield "TaggingDirective", "COPY" if request.tags is None else "REPLACE"


def _part(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "PartNumber", request.part


def _part_range(request: Request, buckets: Mapping[str, str]) -> Arguments:
    if request.ranged:
        yield "CopySourceRange", _bytes(request)


def _upload(request: Request, buckets: Mapping[str, str]) -> Arguments:
    assert request.upload is not None
    yield "UploadId", request.upload.id


def _parts(request: Request, buckets: Mapping[str, str]) -> Arguments:
    named = [{"PartNumber": part.number, "ETag": part.etag, **part.checksums} for part in request.parts]
    yield "MultipartUpload", {"Parts": named}


def _objects(request: Request, buckets: Mapping[str, str]) -> Arguments:
    names = (("Key", "key"), ("VersionId", "version"), ("ETag", "etag"))
    objects = [{name: getattr(one, of) for name, of in names if getattr(one, of)} for one in request.objects]
    yield "Delete", {"Objects": objects, "Quiet": request.quiet}


def _listed(request: Request, buckets: Mapping[str, str]) -> Arguments:
    for (name, _), value in PAGES[request.op].given(request).items():
        yield name, value


def _attributes(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "ObjectAttributes", _ATTRIBUTES


def _status(request: Request, buckets: Mapping[str, str]) -> Arguments:
    yield "VersioningConfiguration", {"Status": request.status}


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = {"prefix": "Prefix", "above": "ObjectSizeGreaterThan", "below": "ObjectSizeLessThan"}
    said: dict[str, Any] = {name: rule[field] for field, name in names.items() if field in rule}
    if "tags" not in rule:
        return {"And": said} if len(said) > 1 else said or {"Prefix": ""}
    tag = {"Key": "s3p-n", "Value": str(rule["tags"])}
    return {"And": said | {"Tags": [tag]}} if said else {"Tag": tag}


def _lifecycle_rule(rule: Mapping[str, Any]) -> Arguments:
    if "days" in rule:
        yield "Expiration", {"Days": rule["days"]}
    elif rule.get("markers"):
        yield "Expiration", {"ExpiredObjectDeleteMarker": True}
    if "noncurrent_days" in rule:
        yield "NoncurrentVersionExpiration", {"NoncurrentDays": rule["noncurrent_days"]}
    if "abort_days" in rule:
        yield "AbortIncompleteMultipartUpload", {"DaysAfterInitiation": rule["abort_days"]}


def _rules(request: Request) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    for number, rule in enumerate(request.rules):
        yield rule, {"ID": f"rule-{number}", "Status": "Enabled", "Filter": _filter(rule)}


def _lifecycle(request: Request, buckets: Mapping[str, str]) -> Arguments:
    rules = [whole | dict(_lifecycle_rule(rule)) for rule, whole in _rules(request)]
    yield "LifecycleConfiguration", {"Rules": rules}


def _replication(request: Request, buckets: Mapping[str, str]) -> Arguments:
    rules = [
        whole
        | {
            "Priority": number,
            "DeleteMarkerReplication": {"Status": "Enabled" if rule.get("markers") else "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{buckets[rule['to']]}"},
        }
        for number, (rule, whole) in enumerate(_rules(request))
    ]
    role = "arn:aws:iam::123456789012:role/replication"
    yield "ReplicationConfiguration", {"Role": role, "Rules": rules}


_METHODS: dict[str, tuple[str, tuple[Part, ...]]] = {
    "put": ("put_object", (_condition, _sent, _metadata, _tags)),
    "get": ("get_object", (_condition, _version, _read)),
    "head": ("head_object", (_condition, _version, _read)),
    "delete": ("delete_object", (_condition, _version)),
    "delete_objects": ("delete_objects", (_objects,)),
    "copy": ("copy_object", (_condition, _source, _directives, _tags)),
    "create_upload": ("create_multipart_upload", (_metadata, _tags, _algorithm)),
    "upload_part": ("upload_part", (_upload, _part, _sent)),
    "upload_part_copy": ("upload_part_copy", (_upload, _part, _source, _part_range)),
    "complete_upload": ("complete_multipart_upload", (_upload, _parts, _condition)),
    "abort_upload": ("abort_multipart_upload", (_upload,)),
    "put_tags": ("put_object_tagging", (_version, _tag_set)),
    "get_tags": ("get_object_tagging", (_version,)),
    "delete_tags": ("delete_object_tagging", (_version,)),
    "get_attributes": ("get_object_attributes", (_version, _attributes)),
    "list": ("list_objects_v2", (_listed,)),
    "list_v1": ("list_objects", (_listed,)),
    "list_versions": ("list_object_versions", (_listed,)),
    "list_uploads": ("list_multipart_uploads", (_listed,)),
    "list_parts": ("list_parts", (_upload, _listed)),
    "create_bucket": ("create_bucket", ()),
    "head_bucket": ("head_bucket", ()),
    "delete_bucket": ("delete_bucket", ()),
    "put_versioning": ("put_bucket_versioning", (_status,)),
    "get_versioning": ("get_bucket_versioning", ()),
    "put_lifecycle": ("put_bucket_lifecycle_configuration", (_lifecycle,)),
    "put_replication": ("put_bucket_replication", (_replication,)),
}
