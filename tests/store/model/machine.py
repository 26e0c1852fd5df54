"""Random sequences of requests, each sent to a store and put to the model, and their answers compared."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import hypothesis.strategies as st
from hypothesis.stateful import initialize, multiple, precondition, rule

from model import sums
from model.asking import Asking, filled
from model.draws import (
    DELIMITERS,
    KEYS,
    METAS,
    PREFIXES,
    TAGS,
    algorithms,
    bodies,
    buckets,
    conditions,
    keys,
    metas,
    numbers,
    reads,
    tag_sets,
)
from model.lists import Token
from model.protocol import Request, Text
from model.state import NEW, OLD


class Machine(Asking):
    """The rules."""

    # --- buckets ------------------------------------------------------------------------------------------------------
    @initialize(
        target=keys,
        states=st.tuples(*[st.sampled_from(("", "Enabled", "Suspended"))] * 3),
        chosen=st.lists(st.sampled_from(KEYS), min_size=4, max_size=4, unique=True),
        held=st.lists(st.tuples(buckets, st.integers(0, 3), bodies), max_size=8),
    )
    def begin(self, states: tuple[str, ...], chosen: list[str], held: list[tuple[int, int, bytes]]) -> Any:
        for bucket, state in enumerate(states):
            self.step("PUT", bucket)
            if state:
                self.versioning(bucket, state)
        for bucket, at, body in held:
            self.put_plain(bucket, chosen[at], body)
        return multiple(*chosen, *chosen[:2], chosen[0])

    @rule(
        bucket=buckets,
        methods=st.sampled_from((("HEAD",), ("PUT",), ("DELETE",), ("DELETE", "PUT"), ("DELETE", "PUT"))),
    )
    def whole_bucket(self, bucket: int, methods: tuple[str, ...]) -> None:
        for method in methods:
            self.step(method, bucket)

    @rule(bucket=buckets, status=st.sampled_from(("Enabled", "Suspended", "")))
    def versioning(self, bucket: int, status: str) -> None:
        document = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>".encode()
        if status:
            self.step("PUT", bucket, query={"versioning": ""}, body=document, said=status)
        else:
            self.step("GET", bucket, query={"versioning": ""})

    # --- objects ------------------------------------------------------------------------------------------------------
    @rule(
        bucket=buckets, key=keys, body=bodies, meta=metas, tags=tag_sets, how=conditions, algorithm=algorithms,
        fault=st.sampled_from(("", "", "", "", "", "checksum", "short", "md5", "tags")),
    )  # fmt: skip
    def put(
        self, bucket: int, key: str, body: bytes, meta: Any, tags: Any, how: str, algorithm: str, fault: str
    ) -> None:
        headers = meta | _tagging(tags) | ({} if fault else self.condition(how, bucket, key))
        if algorithm:
            headers[f"x-amz-checksum-{algorithm.lower()}"] = sums.checksum(algorithm, body)
        if fault == "checksum" and algorithm:
            headers[f"x-amz-checksum-{algorithm.lower()}"] = sums.checksum(algorithm, body + b"!")
        if fault == "short" and algorithm:
            headers[f"x-amz-checksum-{algorithm.lower()}"] = "AAA="
        if fault == "md5":
            headers["content-md5"] = sums.md5(body + b"!")
        if fault == "tags":
            headers["x-amz-tagging"] = "t=1&t=2"
        self.step("PUT", bucket, key, body=body, headers=headers)

    @rule(bucket=buckets, key=keys, body=bodies)
    def put_plain(self, bucket: int, key: str, body: bytes) -> None:
        self.step("PUT", bucket, key, body=body)

    @rule(bucket=buckets, key=keys, number=numbers, method=reads, how=st.sampled_from(("", "checksum", "part", "part", "both")),
          part=st.sampled_from((1, 1, 2, 2, 3, 4)))  # fmt: skip
    def read(self, bucket: int, key: str, number: int, method: str, how: str, part: int) -> None:
        query = {"partNumber": str(part)} if how in ("part", "both") else {}
        headers = {"checksum": {"x-amz-checksum-mode": "ENABLED"}, "both": {"range": "bytes=0-0"}}.get(how, {})
        self.read_with(bucket, key, number, method, query, headers)

    @rule(bucket=buckets, key=keys, number=numbers, method=reads, first=st.sampled_from((0, 1, 3, 9, 10, 2099, 9999)),
          length=st.sampled_from((-9, 1, 5, 3000, None)), last=st.booleans())  # fmt: skip
    def read_range(
        self, bucket: int, key: str, number: int, method: str, first: int, length: int | None, last: bool
    ) -> None:
        end = "" if length is None else max(first + length - 1, 0)
        headers = {"range": f"bytes=-{first}" if last else f"bytes={first}-{end}"}
        self.read_with(bucket, key, number, method, {}, headers | {"x-amz-checksum-mode": "ENABLED"})

    @rule(bucket=buckets, key=keys, number=numbers, method=reads,
          how=st.sampled_from(("right", "stale", "bare", "weak", "any", "none", "none-stale", "list", "several")),
          since=st.sampled_from((None, None, "if-modified-since", "if-unmodified-since")), date=st.sampled_from((OLD, NEW)),
          )  # fmt: skip
    def read_if(self, bucket: int, key: str, number: int, method: str, how: str, since: str | None, date: str) -> None:
        etag = self.etag(bucket, key, number)
        table = {
            "right": {"if-match": etag}, "stale": {"if-match": sums.etag(b"a")}, "bare": {"if-match": etag.strip('"')},
            "weak": {"if-match": "W/" + etag}, "any": {"if-match": "*"}, "none": {"if-none-match": etag},
            "none-stale": {"if-none-match": sums.etag(b"a")}, "list": {"if-none-match": f'"abc", W/{etag}'},
        }  # fmt: skip
        self.read_with(bucket, key, number, method, {}, table.get(how, {}) | ({since: date} if since else {}))

    def read_with(
        self, bucket: int, key: str, number: int, method: str, query: dict[str, str], headers: dict[str, str]
    ) -> None:
        key = self.aim(bucket, key, number)
        wanted = self.version(bucket, key, number)
        more = {} if wanted is None else {"versionId": wanted}
        self.step(method, bucket, key, query=query | more, headers=headers)

    @rule(bucket=buckets, key=keys, number=numbers, how=conditions)
    def delete(self, bucket: int, key: str, number: int, how: str) -> None:
        key = self.aim(bucket, key, number)
        wanted = self.version(bucket, key, number)
        if wanted is None and how != "new":
            self.step("DELETE", bucket, key, headers=self.condition(how, bucket, key))
        elif wanted is not None:
            self.step("DELETE", bucket, key, query={"versionId": wanted})

    @rule(
        bucket=buckets,
        chosen=st.lists(st.tuples(keys, numbers, conditions), min_size=1, max_size=3),
        quiet=st.booleans(),
    )
    def delete_many(self, bucket: int, chosen: list[tuple[str, int, str]], quiet: bool) -> None:
        objects: list[tuple[str, Text | None, Text | None]] = []
        for key, number, how in chosen:
            wanted = self.version(bucket, key, number)
            etag = None if wanted is not None or how == "new" else self.condition(how, bucket, key).get("if-match")
            if key not in [one[0] for one in objects]:
                objects.append((key, wanted, etag))
        lines = "".join(
            f"<Object>{_element('Key', key)}{_element('VersionId', version)}{_element('ETag', etag)}</Object>"
            for key, version, etag in objects
        )
        body = f"<Delete>{lines}<Quiet>{str(quiet).lower()}</Quiet></Delete>".encode()
        self.step("POST", bucket, query={"delete": ""}, headers=_md5(body), body=body, said=(objects, quiet))

    @rule(
        bucket=buckets, key=keys, source=buckets, source_key=keys, number=numbers, meta=metas, tags=tag_sets,
        replace=st.sampled_from((0, 0, 1, 2, 3)), algorithm=algorithms, how=conditions,
        guard=st.sampled_from(("", "", "", "right", "stale", "bare", "none", "none-stale", "old", "new")),
    )  # fmt: skip
    def copy(
        self, bucket: int, key: str, source: int, source_key: str, number: int, meta: Any, tags: Any, replace: int,
        algorithm: str, how: str, guard: str,
    ) -> None:  # fmt: skip
        headers, said = self.source(source, source_key, number, guard)
        if replace & 1:
            headers |= {"x-amz-metadata-directive": "REPLACE"} | meta
        if replace & 2:
            headers |= {"x-amz-tagging-directive": "REPLACE"} | _tagging(tags)
        if algorithm:
            headers["x-amz-checksum-algorithm"] = algorithm
        if not guard:
            headers |= self.condition(how, bucket, key)
        self.step("PUT", bucket, key, headers=headers, said=said)

    @rule(bucket=buckets, key=keys, number=numbers, replace=st.integers(0, 2))
    def copy_onto_itself(self, bucket: int, key: str, number: int, replace: int) -> None:
        self.copy(bucket, key, bucket, key, number, METAS[1], TAGS[1], replace, "", "", "")

    @rule(
        bucket=buckets, key=keys, number=numbers, tags=tag_sets, method=st.sampled_from(("PUT", "GET", "GET", "DELETE"))
    )
    def tagging(self, bucket: int, key: str, number: int, tags: dict[str, str], method: str) -> None:
        key = self.aim(bucket, key, number)
        wanted = self.version(bucket, key, number)
        query: dict[str, Text] = {"tagging": ""} | ({} if wanted is None else {"versionId": wanted})
        lines = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in tags.items())
        body = f"<Tagging><TagSet>{lines}</TagSet></Tagging>".encode() if method == "PUT" else b""
        headers = _md5(body) if body else {}
        self.step(method, bucket, key, query=query, headers=headers, body=body, said=tags)

    @rule(
        bucket=buckets, key=keys, number=numbers, limit=st.sampled_from((0, 1, 2)),
        wanted=st.lists(st.sampled_from(("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")), min_size=1,
                        unique=True),
    )  # fmt: skip
    def attributes(self, bucket: int, key: str, number: int, limit: int, wanted: list[str]) -> None:
        key = self.aim(bucket, key, number)
        version = self.version(bucket, key, number)
        query: dict[str, Text] = {"attributes": ""} | ({} if version is None else {"versionId": version})
        headers = {"x-amz-object-attributes": ",".join(wanted)}
        if limit:
            headers |= {"x-amz-max-parts": str(limit), "x-amz-part-number-marker": str(limit - 1)}
        self.step("GET", bucket, key, query=query, headers=headers)

    # --- uploads ------------------------------------------------------------------------------------------------------
    @rule(bucket=buckets, key=keys, meta=metas, tags=tag_sets, algorithm=algorithms,
          kind=st.sampled_from(("", "", "", "FULL_OBJECT", "COMPOSITE")))  # fmt: skip
    def create_upload(self, bucket: int, key: str, meta: Any, tags: Any, algorithm: str, kind: str) -> None:
        headers: dict[str, Text] = meta | _tagging(tags)
        headers |= {"x-amz-checksum-algorithm": algorithm} if algorithm else {}
        headers |= {"x-amz-checksum-type": kind} if kind else {}
        answer = self.step("POST", bucket, key, query={"uploads": ""}, headers=headers)
        if answer.status == 200 and answer.document is not None:
            self.uploads.append(self.held(bucket).uploads[answer.document["UploadId"]])

    @rule(bucket=buckets, key=keys, algorithm=algorithms, sent=st.lists(bodies, min_size=1, max_size=3), tags=tag_sets,
          kind=st.sampled_from(("", "", "FULL_OBJECT", "COMPOSITE")), condition=conditions)  # fmt: skip
    def whole_upload(
        self, bucket: int, key: str, algorithm: str, sent: list[bytes], tags: Any, kind: str, condition: str
    ) -> None:
        before = len(self.uploads)
        self.create_upload(bucket, key, {}, tags, algorithm, kind if algorithm else "")
        if len(self.uploads) > before:
            for at, body in enumerate(sent):
                self.part(0, 2 * at + 1, body, "checksum" if algorithm else "")
            self.complete(0, condition, "all")

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, part=st.sampled_from((1, 1, 2, 2, 3, 10_000)), body=bodies,
          how=st.sampled_from(("", "", "checksum", "checksum", "other", "wrong", "md5")))  # fmt: skip
    def part(self, number: int, part: int, body: bytes, how: str) -> None:
        upload = self.upload(number)
        algorithm = "SHA1" if how == "other" else upload.algorithm
        data = body + b"!" if how == "wrong" else body
        headers = (
            {f"x-amz-checksum-{algorithm.lower()}": sums.checksum(algorithm, data)} if how not in ("", "md5") else {}
        )
        headers |= {"content-md5": sums.md5(body)} if how == "md5" else {}
        self.on_upload("PUT", upload, {"partNumber": str(part)}, headers=headers, body=body)

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, part=st.integers(1, 3), source=buckets, source_key=keys, version=numbers,
          guard=st.sampled_from(("", "", "", "right", "stale", "none")),
          span=st.sampled_from((None, None, (0, 0), (0, 4), (3, 9), (5, 2000), (4, 3))))  # fmt: skip
    def part_copy(
        self, number: int, part: int, source: int, source_key: str, version: int, guard: str, span: Any
    ) -> None:
        headers, said = self.source(source, source_key, version, guard)
        if span is not None:
            headers["x-amz-copy-source-range"] = f"bytes={span[0]}-{span[1]}"
        self.on_upload("PUT", self.upload(number), {"partNumber": str(part)}, headers=headers, said=said)

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, condition=conditions,
          how=st.sampled_from(("all", "all", "all", "bare", "last", "reversed", "twice", "wrong", "missing", "none",
                               "without sums", "wrong sums")))  # fmt: skip
    def complete(self, number: int, condition: str, how: str) -> None:
        upload = self.upload(number)
        summed = how == "wrong sums" or (upload.kind == "COMPOSITE" and how != "without sums")
        more = b"!" if how == "wrong sums" else b""
        named = [
            (one, piece.etag, sums.checksum(upload.algorithm, piece.body + more) if summed else "")
            for one, piece in sorted(upload.parts.items())
        ]
        table = {
            "bare": [(one, etag.strip('"'), value) for one, etag, value in named], "last": named[-1:], "reversed": named[::-1],
            "twice": named + named[-1:], "none": [],
            "wrong": [(one, sums.etag(b"never"), value) for one, _, value in named],
            "missing": [*named, (9_999, sums.etag(b""), "")],
        }  # fmt: skip
        named = table.get(how, named)
        lines = "".join(
            f"<Part><PartNumber>{one}</PartNumber>{_element('ETag', etag)}"
            + (_element(f"Checksum{upload.algorithm}", value) if value else "")
            + "</Part>"
            for one, etag, value in named
        )
        body = f"<CompleteMultipartUpload>{lines}</CompleteMultipartUpload>".encode()
        headers = self.condition(condition, self.names.index(upload.bucket), upload.key)
        self.on_upload("POST", upload, headers=headers, body=body, said=named)

    @precondition(lambda self: self.uploads)
    @rule(number=numbers)
    def abort(self, number: int) -> None:
        self.on_upload("DELETE", self.upload(number))

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, limit=st.sampled_from(("", "0", "1", "2")), after=st.sampled_from(("", "1", "2", "10000")))
    def list_parts(self, number: int, limit: str, after: str) -> None:
        query = filled({"max-parts": limit, "part-number-marker": after})
        self.on_upload("GET", self.upload(number), query)

    # --- listings -----------------------------------------------------------------------------------------------------
    @rule(
        bucket=buckets, kind=st.sampled_from(("v1", "v2", "versions", "uploads")), prefix=st.sampled_from(PREFIXES),
        delimiter=st.sampled_from(DELIMITERS), after=st.sampled_from(("", "a0", "zz", *KEYS)), inner=numbers,
        limit=st.sampled_from(("", "", "0", "1", "2", "3", "2000", "x", "-1")), encoded=st.booleans(), owner=st.booleans(),
    )  # fmt: skip
    def list_page(
        self, bucket: int, kind: str, prefix: str, delimiter: str, after: str, inner: int, limit: str, encoded: bool,
        owner: bool,
    ) -> None:  # fmt: skip
        marker = {"v1": "marker", "v2": "start-after"}.get(kind, "key-marker")
        query = self.listing(kind, prefix, delimiter, limit, encoded) | filled({marker: after})
        if kind == "v2" and owner:
            query["fetch-owner"] = "true"
        place = self.place(bucket, kind, after, inner)
        if place is not None:
            query["version-id-marker" if kind == "versions" else "upload-id-marker"] = place
        self.step("GET", bucket, query=query)

    @rule(
        bucket=buckets, kind=st.sampled_from(("v1", "v2", "versions", "uploads")), prefix=st.sampled_from(PREFIXES),
        delimiter=st.sampled_from(DELIMITERS), size=st.integers(1, 4), encoded=st.booleans(),
    )  # fmt: skip
    def walk(self, bucket: int, kind: str, prefix: str, delimiter: str, size: int, encoded: bool) -> None:
        """All pages, each as the model has it; together they are the page of all."""
        whole = self.step("GET", bucket, query=self.listing(kind, prefix, delimiter, "", encoded))
        query = self.listing(kind, prefix, delimiter, str(size), encoded)
        joined: list[tuple[str, Any]] = []
        position: dict[str, Text] = {}
        while whole.status == 200 and position is not None:
            page = self.ask(Request("GET", self.names[bucket], query=query | position)).document or {}
            joined += page.get("", []) + page.get("CommonPrefixes", [])
            position = _next(kind, page)
            if not position:
                break
        if whole.document is not None:
            everything = whole.document.get("", []) + whole.document.get("CommonPrefixes", [])
            assert sorted(joined, key=repr) == sorted(everything, key=repr), "the pages are not the whole"


def _next(kind: str, page: dict[str, Any]) -> dict[str, Text]:
    """Where the next page begins; empty after the last one."""
    if page.get("IsTruncated") != "true":
        return {}
    if kind == "v2":
        assert isinstance(page["NextContinuationToken"], Token)
        return {"continuation-token": page["NextContinuationToken"]}
    if kind == "v1":
        return {"marker": page.get("NextMarker") or page[""][-1][1]["Key"]}
    second = "VersionIdMarker" if kind == "versions" else "UploadIdMarker"
    place = page.get(f"Next{second}")
    named = {"key-marker": page["NextKeyMarker"]}
    name = "version-id-marker" if kind == "versions" else "upload-id-marker"
    return named if place is None else named | {name: place}


def _tagging(tags: dict[str, str]) -> dict[str, Text]:
    return {"x-amz-tagging": "&".join(f"{key}={value}" for key, value in tags.items())} if tags else {}


def _md5(body: bytes) -> dict[str, Text]:
    return {"content-md5": sums.md5(body)}


def _element(tag: str, value: Text | None) -> str:
    text = "" if value is None else escape(str(value), {"\r": "&#13;"})
    return "" if value is None else f"<{tag}>{text}</{tag}>"
