"""What S3 answers to a request, from dictionaries: written from the documentation, apart from the store."""

from __future__ import annotations

from model import lists, sums, uploads
from model.protocol import Answer, Refusal, Request, Text
from model.state import (
    Bucket,
    Version,
    checksum_sent,
    condition_of_write,
    meta_of,
    range_of,
    read_condition,
    tags_of,
)


class Model:
    """Takes requests one after the other."""

    def __init__(self, min_part_bytes: int) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.min_part_bytes = min_part_bytes
        self._seq = 0

    def next(self) -> int:
        """The place of a new version or upload."""
        self._seq += 1
        return self._seq

    def bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refusal(404, "NoSuchBucket")
        return self.buckets[name]

    def handle(self, request: Request) -> Answer:
        """The answer, and the change."""
        try:
            answer = (self._object if request.key else self._bucket)(request)
        except Refusal as refusal:
            answer = refusal.answer
        if request.method == "HEAD":
            answer.code, answer.body = "", b""
        return answer

    # --- buckets ------------------------------------------------------------------------------------------------------
    def _bucket(self, request: Request) -> Answer:
        if request.method == "PUT" and not request.query:
            return self._create(request.bucket)
        bucket = self.bucket(request.bucket)
        match request.method, next(iter(request.query), ""):
            case "PUT", "versioning":
                bucket.status = request.said
                return Answer(200)
            case "GET", "versioning":
                return Answer(200, document={"Status": bucket.status} if bucket.status else {})
            case "HEAD", _:
                return Answer(200)
            case "DELETE", _:
                if bucket.keys:
                    raise Refusal(409, "BucketNotEmpty")
                del self.buckets[request.bucket]
                return Answer(204)
            case "POST", "delete":
                return self._delete_many(bucket, request)
            case "GET", "uploads":
                return lists.uploads(request, bucket)
            case "GET", "versions":
                return lists.versions(request, bucket)
            case "GET", "list-type":
                return lists.objects_v2(request, bucket)
        return lists.objects_v1(request, bucket)

    def _create(self, name: str) -> Answer:
        if name in self.buckets:
            raise Refusal(409, "BucketAlreadyOwnedByYou")
        self.buckets[name] = Bucket()
        return Answer(200)

    def _delete_many(self, bucket: Bucket, request: Request) -> Answer:
        objects, quiet = request.said
        entries = []
        for key, version_id, etag in objects:
            told: dict[str, Text] = {"Key": key} | ({} if version_id is None else {"VersionId": version_id})
            try:
                condition_of_write({} if etag is None else {"if-match": etag}, bucket.current(key))
            except Refusal as refusal:
                entries.append(("Error", told | {"Code": refusal.answer.code, "Message": "there"}))
                continue
            marker, tell = bucket.remove(key, version_id, self.next())
            if marker and tell is not None:
                told |= {"DeleteMarker": "true", "DeleteMarkerVersionId": tell}
            if not quiet:
                entries.append(("Deleted", told))
        return Answer(200, document={"": entries} if entries else {})

    # --- objects ------------------------------------------------------------------------------------------------------
    def _object(self, request: Request) -> Answer:
        bucket = self.bucket(request.bucket)
        query = request.query
        if "uploads" in query or "uploadId" in query:
            return uploads.answer(self, bucket, request)
        if "tagging" in query:
            return self._tags(bucket, request)
        if "attributes" in query:
            return uploads.attributes(bucket, request)
        match request.method:
            case "PUT":
                return (self._copy if "x-amz-copy-source" in request.headers else self._put)(bucket, request)
            case "DELETE":
                return self._delete(bucket, request)
        return self._read(bucket, request)

    def _put(self, bucket: Bucket, request: Request) -> Answer:
        body = request.body
        tags = tags_of(request.headers)
        algorithm, value = checksum_sent(request) or ("CRC64NVME", sums.checksum("CRC64NVME", body))
        condition_of_write(request.headers, bucket.current(request.key))
        made = Version(self.next(), body, sums.etag(body), algorithm, value, meta=meta_of(request.headers), tags=tags)
        return Answer(200, headers={"etag": made.etag} | made.checksum_headers() | bucket.add(request.key, made))

    def _delete(self, bucket: Bucket, request: Request) -> Answer:
        condition_of_write(request.headers, bucket.current(request.key))
        marker, tell = bucket.remove(request.key, request.query.get("versionId"), self.next())
        headers: dict[str, Text] = {"x-amz-version-id": tell} if bucket.status and tell is not None else {}
        return Answer(204, headers=headers | ({"x-amz-delete-marker": "true"} if marker else {}))

    def _read(self, bucket: Bucket, request: Request) -> Answer:
        number = request.query.get("partNumber")
        if number is not None and "range" in request.headers:
            raise Refusal(400, "InvalidRequest")
        version = bucket.find(request.key, request.query.get("versionId"))
        status = read_condition(request.headers, version)
        if status == 412:
            raise Refusal(412, "PreconditionFailed")
        headers: dict[str, Text] = {"etag": version.etag}
        if status == 304:
            return Answer(304, headers=headers)
        headers |= bucket.id_header(version)
        if "," in str(request.headers.get("range", "")):
            raise Refusal(501, "NotImplemented")
        size = len(version.body)
        span = range_of(str(request.headers.get("range", "")), size)
        if number is not None:
            span = uploads.span_of_part(version, int(str(number)))
            if version.parts:
                headers["x-amz-mp-parts-count"] = str(len(version.parts))
        body = version.body if number is None else b""
        if span is not None:
            status, body = 206, version.body[span[0] : span[1] + 1]
            headers["content-range"] = f"bytes {span[0]}-{span[1]}/{size}"
        elif request.headers.get("x-amz-checksum-mode") == "ENABLED":
            headers |= version.checksum_headers()
        if version.tags:
            headers["x-amz-tagging-count"] = str(len(version.tags))
        headers |= version.meta | {"accept-ranges": "bytes"}
        if request.method == "HEAD":
            headers["content-length"] = str(len(body))
        return Answer(status, headers=headers, body=body)

    def source_of(self, request: Request) -> tuple[Bucket, Version]:
        """What x-amz-copy-source names (`said`: bucket, key, version id), when the source conditions hold."""
        name, key, version_id = request.said
        bucket = self.bucket(name)
        try:
            version = bucket.find(key, version_id)
        except Refusal as refusal:
            if refusal.answer.status == 405:
                raise Refusal(400, "InvalidRequest") from None
            raise Refusal(404, refusal.answer.code) from None
        if read_condition(request.headers, version, "x-amz-copy-source-") != 200:
            raise Refusal(412, "PreconditionFailed")
        return bucket, version

    def _copy(self, bucket: Bucket, request: Request) -> Answer:
        given = request.headers
        replaced = {one for one in ("metadata", "tagging") if given.get(f"x-amz-{one}-directive") == "REPLACE"}
        itself = request.said == (request.bucket, request.key, None)
        if itself and not replaced:
            raise Refusal(400, "InvalidRequest")
        source_bucket, source = self.source_of(request)
        condition_of_write(given, bucket.current(request.key))
        algorithm = str(given.get("x-amz-checksum-algorithm", source.algorithm))
        made = Version(
            self.next(),
            source.body,
            sums.etag(source.body),
            algorithm,
            sums.checksum(algorithm, source.body),
            meta=meta_of(given) if "metadata" in replaced else source.meta,
            tags=tags_of(given) if "tagging" in replaced else source.tags,
        )
        headers = bucket.add(request.key, made)
        if source_bucket.status:
            headers |= {"x-amz-copy-source-version-id": source.id}
        document = {"ETag": made.etag, "LastModified": "there"} | made.checksum_elements()
        return Answer(200, headers=headers, document=document)

    def _tags(self, bucket: Bucket, request: Request) -> Answer:
        try:
            version = bucket.find(request.key, request.query.get("versionId"))
        except Refusal as refusal:
            if "x-amz-delete-marker" in refusal.answer.headers:
                raise Refusal(
                    405,
                    "MethodNotAllowed",
                    refusal.answer.headers | {"allow": "DELETE"} if request.method == "GET" else {},
                ) from None
            raise
        if request.method == "PUT":
            version.tags = dict(request.said)
        elif request.method == "DELETE":
            version.tags = {}
        else:
            tags = [("Tag", {"Key": key, "Value": value}) for key, value in version.tags.items()]
            return Answer(
                200, "", bucket.id_header(version), document={"": [("TagSet", {"": tags})]} if tags else {"TagSet": ""}
            )
        return Answer(204 if request.method == "DELETE" else 200, "", bucket.id_header(version))
