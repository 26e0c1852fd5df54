"""The S3 steps of programs: what each option of a step means for its request, as a table of verbs.

`requests_of` resolves the names of a step and gives what is to be sent: one request, none (an empty page), or one for each
upload of a page.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s3prod.plan import Step, walk
from s3prod.runners.boto3_names import NO_ETAG, NO_VERSION, Names, bindable, reference
from s3prod.runners.boto3_request import Named, Part, Request

Option = Callable[[Request, Step, Names, random.Random], None]
PAGE_ARGUMENTS = ("prefix", "delimiter", "max_keys", "start_after")


def requests_of(step: Step, names: Names, rng: random.Random) -> list[Request]:
    """What the step sends. `NoKey` when a name that it needs holds nothing.

    >>> [request.op for request in requests_of({"create_bucket": "main"}, Names([], ["main"], None), random.Random())]
    ['create_bucket']
    """
    verb = verb_of(step)
    begin, options = _VERBS[verb]
    requests = begin(verb, step, names)
    for request in requests:
        for option in options:
            option(request, step, names, rng)
    return requests


def verb_of(step: Step) -> str:
    """The S3 verb of a step; empty when it is a control step.

    >>> verb_of({"get": "a", "as": "x"}), verb_of({"sleep": 1})
    ('get', '')
    """
    return next((name for name in step if name in _VERBS), "")


def literals(program: Sequence[Step], default: str) -> list[tuple[str, str]]:
    """The (bucket, key) of every literal key of a program, in order.

    >>> literals([{"get": "a", "as": "x"}, {"copy": "x.key", "source": "b"}], "main")
    [('main', 'a'), ('main', 'b')]
    """
    names, out = bindable(program), []
    for step in walk(program):
        verb = verb_of(step)
        if not verb:
            continue
        named = [("bucket", step[verb])] if _VERBS[verb][0] is _on_key else []
        named += [("source_bucket", step["source"])] if "source" in step else []
        out += [(step.get(bucket, default), key) for bucket, key in named if reference(key, names) is None]
        if isinstance(step[verb], list):
            out += [(step.get("bucket", default), key) for key in step[verb]]
    return out


# --- how a request begins ----------------------------------------------------------------------------------------------


def _on_key(verb: str, step: Step, names: Names) -> list[Request]:
    key = names.key(step[verb], step.get("bucket"))
    return [Request(verb, key.bucket, key)]


def _on_upload(verb: str, step: Step, names: Names) -> list[Request]:
    upload = names.upload(step[verb])
    return [Request(verb, upload.key.bucket, upload.key, upload=upload)]


def _on_uploads(verb: str, step: Step, names: Names) -> list[Request]:
    if step[verb].endswith(".upload"):
        return _on_upload(verb, step, names)
    uploads = names.of(step[verb]).get("uploads", ())
    return [Request(verb, upload.key.bucket, upload.key, upload=upload) for upload in uploads]


def _on_bucket(verb: str, step: Step, names: Names) -> list[Request]:
    return [Request(verb, step[verb])]


def _on_objects(verb: str, step: Step, names: Names) -> list[Request]:
    value = step[verb]
    if isinstance(value, list):
        page, objects = {}, [Named(key) for key in value]
    else:
        page = names.of(value)
        objects = page.get(value.partition(".")[2], ())
    if not step.get("etags"):
        objects = [Named(one.key, one.version) for one in objects]
    bucket = step.get("bucket") or page.get("bucket", names.buckets[0])
    return [Request(verb, bucket, objects=objects)] if objects else []


# --- options -----------------------------------------------------------------------------------------------------------


def _condition(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    for cond in ("if_match", "if_none_match"):
        if cond in step:
            request.cond, request.cond_value = _etag_condition(cond, step[cond], names)


def _source_condition(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    for cond in ("if_match", "if_none_match"):
        option = cond.replace("if_", "if_source_")
        if option in step:
            request.source_cond, request.source_cond_value = _etag_condition(cond, step[option], names)


def _etag_condition(cond: str, text: str, names: Names) -> tuple[str, str]:
    return (f"{cond}_any", text) if text == "*" else (cond, names.text(text) or NO_ETAG)


def _body(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    body = step.get("body", {"bytes": 1024})
    if "counter" in body:
        request.body_kind, request.counter = "counter", int(names.value(body["counter"]))
        return
    kind = "bytes" if "bytes" in body else "constant"
    sizes = body[kind]
    request.body_kind = "cells" if kind == "bytes" else "constant"
    request.size = sizes if isinstance(sizes, int) else rng.choice(sizes)


def _range(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    if "range" not in step:
        return
    asked = step["range"]
    request.ranged = True
    if isinstance(asked, Mapping):
        assert request.key is not None
        length, known = asked["random"], names.keys.sizes.get(request.key, 0)
        request.range_first = rng.randrange(max(1, known - length + 1))
        request.range_last = request.range_first + length - 1
    else:
        request.range_first, request.range_last = asked


def _version(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    if "version" in step:
        request.version = names.text(step["version"]) or NO_VERSION


def _source(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    request.source = names.key(step["source"], step.get("source_bucket"))
    if "source_version" in step:
        request.source_version = names.text(step["source_version"]) or NO_VERSION


def _parts(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    assert request.upload is not None
    known = request.upload.parts
    request.parts = [known.get(number, Part(number, NO_ETAG)) for number in step.get("parts", sorted(known))]


def _page(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    arguments: dict[str, Any] = {name: step[name] for name in PAGE_ARGUMENTS if name in step}
    if "token" in step:
        token = names.of(step["token"]).get("token", "")
        if token:
            arguments["token"] = token
    request.list_args = arguments


def _metadata(request: Request, step: Step, names: Names, rng: random.Random) -> None:
    request.replace = step.get("metadata") == "replace"


def _as_given(*options: str) -> Option:
    """Options whose value is the request's as it stands."""

    def take(request: Request, step: Step, names: Names, rng: random.Random) -> None:
        for option in options:
            if option in step:
                setattr(request, option, step[option])

    return take


_SENT = (_body, _as_given("checksum"))
_COPIED = (_source, _source_condition)
_READ = (_version, _condition, _as_given("part", "checksum_mode"))

_VERBS: dict[str, tuple[Callable[[str, Step, Names], list[Request]], tuple[Option, ...]]] = {
    "put": (_on_key, (*_SENT, _condition, _as_given("fields", "tags"))),
    "get": (_on_key, (*_READ, _range)),
    "head": (_on_key, _READ),
    "delete": (_on_key, (_version, _condition)),
    "delete_objects": (_on_objects, (_as_given("quiet"),)),
    "copy": (_on_key, (*_COPIED, _condition, _metadata, _as_given("fields", "tags"))),
    "create_upload": (_on_key, (_as_given("tags", "checksum", "checksum_type"),)),
    "upload_part": (_on_upload, (*_SENT, _as_given("part"))),
    "upload_part_copy": (_on_upload, (*_COPIED, _range, _as_given("part"))),
    "complete_upload": (_on_upload, (_parts, _condition)),
    "abort_upload": (_on_uploads, ()),
    "put_tags": (_on_key, (_version, _as_given("tags"))),
    "get_tags": (_on_key, (_version,)),
    "delete_tags": (_on_key, (_version,)),
    "get_attributes": (_on_key, (_version,)),
    "list": (_on_bucket, (_page,)),
    "list_v1": (_on_bucket, (_page,)),
    "list_versions": (_on_bucket, (_page,)),
    "list_uploads": (_on_bucket, (_page,)),
    "list_parts": (_on_upload, (_page,)),
    "create_bucket": (_on_bucket, ()),
    "head_bucket": (_on_bucket, ()),
    "delete_bucket": (_on_bucket, ()),
    "put_versioning": (_on_bucket, (_as_given("status"),)),
    "get_versioning": (_on_bucket, ()),
    "put_lifecycle": (_on_bucket, (_as_given("rules"),)),
    "put_replication": (_on_bucket, (_as_given("rules"),)),
}
