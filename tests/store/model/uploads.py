"""The model's multipart uploads, and what is told of the parts of objects."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from model import sums
from model.protocol import Answer, Document, Name, Refusal, Request, Text
from model.state import Bucket, Piece, Upload, Version, checksum_sent, condition_of_write, meta_of, tags_of

if TYPE_CHECKING:
    from model.s3 import Model

FULL_ONLY, COMPOSITE_ONLY = ("CRC64NVME",), ("SHA1", "SHA256")


def answer(model: Model, bucket: Bucket, request: Request) -> Answer:
    """To a request that names uploads or one of them."""
    if "uploads" in request.query:
        return _create(model, bucket, request)
    wanted = request.query["uploadId"]
    if request.method == "POST":
        return _complete(model, bucket, request)
    upload = bucket.uploads.get(wanted)
    if upload is None or upload.key != request.key:
        raise Refusal(404, "NoSuchUpload")
    match request.method:
        case "PUT":
            return _part(model, upload, request)
        case "DELETE":
            del bucket.uploads[wanted]
            return Answer(204)
    return _list(upload, request)


def _create(model: Model, bucket: Bucket, request: Request) -> Answer:
    algorithm = request.headers.get("x-amz-checksum-algorithm")
    kind = request.headers.get("x-amz-checksum-type")
    if algorithm is None and kind is not None:
        raise Refusal(400, "InvalidRequest")
    name = str(algorithm or "CRC64NVME")
    if (name in FULL_ONLY and kind == "COMPOSITE") or (name in COMPOSITE_ONLY and kind == "FULL_OBJECT"):
        raise Refusal(400, "InvalidRequest")
    upload = Upload(
        model.next(),
        request.bucket,
        request.key,
        Name("upload id"),
        name,
        str(kind or ("FULL_OBJECT" if name in FULL_ONLY else "COMPOSITE")),
        algorithm is not None,
        meta_of(request.headers),
        tags_of(request.headers),
    )
    bucket.uploads[upload.id] = upload
    bucket.places[upload.id] = upload.seq
    headers: dict[str, Text] = {}
    if upload.declared:
        headers = {"x-amz-checksum-algorithm": name, "x-amz-checksum-type": upload.kind}
    document = {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.id}
    return Answer(200, "", headers, document=document)


def _part(model: Model, upload: Upload, request: Request) -> Answer:
    number = int(str(request.query["partNumber"]))
    if "x-amz-copy-source" in request.headers:
        return _part_copy(model, upload, request, number)
    sent = checksum_sent(request)
    if sent and upload.declared and sent[0] != upload.algorithm:
        raise Refusal(400, "InvalidRequest")
    upload.parts[number] = Piece(number, request.body)
    algorithm, value = sent or (upload.algorithm, sums.checksum(upload.algorithm, request.body))
    return Answer(200, headers={"etag": upload.parts[number].etag, f"x-amz-checksum-{algorithm.lower()}": value})


def _part_copy(model: Model, upload: Upload, request: Request, number: int) -> Answer:
    bucket, source = model.source_of(request)
    body = source.body
    if "x-amz-copy-source-range" in request.headers:
        first, last = map(int, str(request.headers["x-amz-copy-source-range"]).removeprefix("bytes=").split("-"))
        if first > last:
            raise Refusal(400, "InvalidArgument")
        if last >= len(body):
            raise Refusal(416, "InvalidRange")
        body = body[first : last + 1]
    upload.parts[number] = Piece(number, body)
    headers = {"x-amz-copy-source-version-id": source.id} if bucket.status else {}
    document = {"ETag": upload.parts[number].etag, "LastModified": "there"}
    document[f"Checksum{upload.algorithm}"] = sums.checksum(upload.algorithm, body)
    return Answer(200, headers=headers, document=document)


def _list(upload: Upload, request: Request) -> Answer:
    limit = int(str(request.query.get("max-parts", "1000")))
    after = int(str(request.query.get("part-number-marker", "0")))
    rest = [piece for number, piece in sorted(upload.parts.items()) if number > after]
    shown = rest[: min(limit, 1000)]
    document: Document = {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": str(after),
        "MaxParts": str(limit),
        "NextPartNumberMarker": str(shown[-1].number if shown else after),
        "IsTruncated": "true" if 0 < len(shown) < len(rest) else "false",
        "StorageClass": "STANDARD",
        "Owner": "there",
        "Initiator": "there",
    }
    if shown:
        document[""] = [("Part", _part_element(piece, upload)) for piece in shown]
    if upload.declared:
        document |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.kind}
    return Answer(200, document=document)


def _part_element(piece: Piece, upload: Upload) -> Document:
    shown = {"PartNumber": str(piece.number), "ETag": piece.etag, "Size": str(len(piece.body)), "LastModified": "there"}
    shown[f"Checksum{upload.algorithm}"] = sums.checksum(upload.algorithm, piece.body)
    return shown


def _complete(model: Model, bucket: Bucket, request: Request) -> Answer:
    wanted = request.query["uploadId"]
    named: list[tuple[int, str, str]] = request.said
    if not named:
        raise Refusal(400, "MalformedXML")
    plain = [(number, etag.strip('"')) for number, etag, _ in named]
    if wanted in bucket.finished:
        key, before, made = bucket.finished[wanted]
        if (key, before) != (request.key, plain):
            raise Refusal(404, "NoSuchUpload")
        return _completed(request, bucket, made)
    upload = bucket.uploads.get(wanted)
    if upload is None or upload.key != request.key:
        raise Refusal(404, "NoSuchUpload")
    parts = _named_parts(upload, named, model.min_part_bytes)
    condition_of_write(request.headers, bucket.current(request.key))
    made = _assemble(model.next(), upload, parts)
    del bucket.uploads[wanted]
    bucket.add(request.key, made)
    bucket.finished[wanted] = (request.key, plain, made)
    return _completed(request, bucket, made)


def _completed(request: Request, bucket: Bucket, made: Version) -> Answer:
    document: Document = {"Location": "there", "Bucket": request.bucket, "Key": request.key, "ETag": made.etag}
    return Answer(200, "", bucket.id_header(made), document=document | made.checksum_elements())


def _named_parts(upload: Upload, named: list[tuple[int, str, str]], min_part_bytes: int) -> list[Piece]:
    numbers = [number for number, _, _ in named]
    if any(one >= other for one, other in itertools.pairwise(numbers)):
        raise Refusal(400, "InvalidPartOrder")
    for number, etag, checksum in named:
        if number not in upload.parts or upload.parts[number].etag.strip('"') != etag.strip('"'):
            raise Refusal(400, "InvalidPart")
        if not checksum and upload.kind == "COMPOSITE":
            raise Refusal(400, "InvalidRequest")
        if checksum and checksum != sums.checksum(upload.algorithm, upload.parts[number].body):
            raise Refusal(400, "InvalidPart")
    parts = [upload.parts[number] for number in numbers]
    if any(len(piece.body) < min_part_bytes for piece in parts[:-1]):
        raise Refusal(400, "EntityTooSmall")
    return parts


def _assemble(seq: int, upload: Upload, parts: list[Piece]) -> Version:
    bodies = [piece.body for piece in parts]
    whole = b"".join(bodies)
    full = upload.kind == "FULL_OBJECT"
    return Version(
        seq,
        whole,
        sums.etag_of_parts(bodies),
        upload.algorithm,
        sums.checksum(upload.algorithm, whole) if full else sums.composite(upload.algorithm, bodies),
        upload.kind,
        upload.meta,
        upload.tags,
        parts,
        upload.declared,
    )


def span_of_part(version: Version, position: int) -> tuple[int, int] | None:
    """First and last byte of the part at that position, from 1; an object that came whole has one. None: no bytes."""
    sizes = [len(piece.body) for piece in version.parts] or [len(version.body)]
    if position > len(sizes):
        raise Refusal(416, "InvalidPartNumber")
    first, size = sum(sizes[: position - 1]), sizes[position - 1]
    return (first, first + size - 1) if size else None


def attributes(bucket: Bucket, request: Request) -> Answer:
    """GetObjectAttributes."""
    version = bucket.find(request.key, request.query.get("versionId"))
    wanted = str(request.headers["x-amz-object-attributes"]).split(",")
    document: Document = {}
    if "ETag" in wanted:
        document["ETag"] = version.etag.strip('"')
    if "StorageClass" in wanted:
        document["StorageClass"] = "STANDARD"
    if "ObjectSize" in wanted:
        document["ObjectSize"] = str(len(version.body))
    inner = []
    if "Checksum" in wanted:
        inner.append(("Checksum", version.checksum_elements()))
    if "ObjectParts" in wanted and version.parts:
        inner.append(("ObjectParts", _object_parts(version, request)))
    return Answer(200, "", bucket.id_header(version), document=document | ({"": inner} if inner else {}))


def _object_parts(version: Version, request: Request) -> Document:
    document: Document = {"PartsCount": str(len(version.parts))}
    if version.algorithm == "CRC64NVME":
        return document  # no checksum beyond the one that every object has
    limit = int(str(request.headers.get("x-amz-max-parts", "1000")))
    after = int(str(request.headers.get("x-amz-part-number-marker", "0")))
    rest = [(number, piece) for number, piece in enumerate(version.parts, 1) if number > after]
    shown = rest[:limit]
    document |= {
        "PartNumberMarker": str(after),
        "MaxParts": str(limit),
        "IsTruncated": "true" if len(shown) < len(rest) else "false",
    }
    document["NextPartNumberMarker"] = str(shown[-1][0] if shown else min(after, len(version.parts)))
    if shown:
        document[""] = [("Part", _part_attributes(number, piece, version.algorithm)) for number, piece in shown]
    return document


def _part_attributes(number: int, piece: Piece, algorithm: str) -> dict[str, str]:
    return {
        "PartNumber": str(number),
        "Size": str(len(piece.body)),
        f"Checksum{algorithm}": sums.checksum(algorithm, piece.body),
    }
