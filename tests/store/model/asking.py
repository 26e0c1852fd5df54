"""The machine without its rules: asking model and store the same, and what the rules need to know of the model."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any
from urllib.parse import quote

from hypothesis.stateful import RuleBasedStateMachine

from model import sums
from model.draws import MIN_PART_BYTES
from model.protocol import Answer, Comparison, Name, Request, Text
from model.s3 import Model
from model.state import NEW, NULL, OLD, Bucket, Upload
from model.wire import Client

# What of a query or of headers makes another operation of a request.
KINDS = {"versioning", "delete", "uploads", "uploadId", "tagging", "attributes", "partNumber", "versions", "list-type"}
KINDS |= {"range", "x-amz-copy-source"}


class Tally:
    """What the examples of a run did, over all of them."""

    def __init__(self) -> None:
        self.examples = itertools.count(1)
        self.steps = self.requests = 0
        self.failed_at: int | None = None  # the step
        self.outcomes: Counter[tuple[str, int, str]] = Counter()


class Asking(RuleBasedStateMachine):
    """Three buckets of a store; made anew for each example, and removed with all that is in them."""

    def __init__(self, client: Client, tally: Tally) -> None:
        super().__init__()
        self.client, self.tally = client, tally
        self.model = Model(MIN_PART_BYTES)
        self.comparison = Comparison()
        number = next(tally.examples)
        self.names = [f"model-{number}-{one}" for one in range(3)]
        self.uploads: list[Upload] = []
        self.failed = False

    # --- asking -------------------------------------------------------------------------------------------------------
    def ask(self, request: Request) -> Answer:
        """Both, compared; the answer of the model, whose names are bound now."""
        want = self.model.handle(request)
        got = self.client.ask(request)
        self.tally.requests += 1
        lines = self.comparison.differences(vars(want), vars(got))
        if lines:
            self.failed = True
            self.tally.failed_at = self.tally.failed_at or self.tally.steps
            raise AssertionError("\n  ".join([f"{_words(request)}", *lines]))
        return want

    def step(self, method: str, bucket: int, key: str = "", **more: Any) -> Answer:
        """One step: a request of a rule."""
        answer = self.ask(Request(method, self.names[bucket], key, **more))
        self.tally.steps += 1
        self.tally.outcomes[_kind(method, key, more), answer.status, answer.code] += 1
        return answer

    def held(self, bucket: int) -> Bucket:
        return self.model.buckets.get(self.names[bucket], Bucket())

    def history(self, bucket: int) -> dict[str, list[Text]]:
        """The ids that each key ever had, as far as the store has told them (a quiet DeleteObjects tells none)."""
        told: dict[str, list[Text]] = {
            key: [one for one in ids[::-1] if isinstance(one, Name) and one.text is not None]
            for key, ids in self.held(bucket).history.items()
        }
        return {key: ids for key, ids in told.items() if ids}

    def version(self, bucket: int, key: str, number: int) -> Text | None:
        """None, null, an id that the key had, or one of another key."""
        history = self.history(bucket)
        of_key = history.pop(key, [])
        others = [ids[0] for ids in history.values()]
        return ([None, NULL, *of_key[: 5 - len(others[:1])], *others[:1]] + [None] * 4)[number]

    def aim(self, bucket: int, key: str, number: int) -> str:
        """The key, or mostly, when the bucket has nothing there, one where it has something."""
        there = self.held(bucket).keys
        return key if key in there or not there or number == 5 else next(iter(there))

    def condition(self, how: str, bucket: int, key: str) -> dict[str, Text]:
        """Headers of a condition of a write."""
        current = self.held(bucket).current(key)
        etag = current.etag if current else sums.etag(b"never")
        values = {"right": etag, "bare": etag.strip('"'), "stale": sums.etag(b"a"), "any": "*", "weak": "W/" + etag}
        if how == "new":
            return {"if-none-match": "*"}
        return {"if-match": values[how]} if how else {}

    def source(self, bucket: int, key: str, number: int, guard: str) -> tuple[dict[str, Text], Any]:
        """The headers of a copy source, and what they say."""
        etag = self.etag(bucket, key, number)
        key = self.aim(bucket, key, number)
        wanted = self.version(bucket, key, number)
        table: dict[str, dict[str, Text]] = {
            "right": {"if-match": etag, "if-unmodified-since": OLD}, "stale": {"if-match": sums.etag(b"a")},
            "bare": {"if-match": etag.strip('"')}, "none": {"if-none-match": etag},
            "none-stale": {"if-none-match": sums.etag(b"a")}, "old": {"if-unmodified-since": OLD},
            "new": {"if-modified-since": NEW},
        }  # fmt: skip
        headers: dict[str, Text] = {f"x-amz-copy-source-{name}": value for name, value in table.get(guard, {}).items()}
        path = f"/{self.names[bucket]}/{quote(key, safe='/~')}"
        headers["x-amz-copy-source"] = path if wanted is None else f"{path}?versionId={wanted}"
        return headers, (self.names[bucket], key, wanted)

    def etag(self, bucket: int, key: str, number: int) -> str:
        """Of what a read or a copy of these three finds."""
        key = self.aim(bucket, key, number)
        wanted = self.version(bucket, key, number)
        found = [one for one in self.held(bucket).keys.get(key, []) if wanted in (None, one.id) and not one.marker]
        return found[0].etag if found else sums.etag(b"never")

    def upload(self, number: int) -> Upload:
        """One of those made, whatever became of it; mostly a late one."""
        return self.uploads[::-1][number % len(self.uploads)]

    def on_upload(self, method: str, upload: Upload, query: dict[str, Text] | None = None, **more: Any) -> Answer:
        bucket = self.names.index(upload.bucket)
        return self.step(method, bucket, upload.key, query={"uploadId": upload.id} | (query or {}), **more)

    def place(self, bucket: int, kind: str, key: str, number: int) -> Text | None:
        """A second marker that names an entry that the key has or had."""
        held = self.held(bucket)
        if kind == "versions":
            nulls = [NULL for one in held.keys.get(key, []) if one.id == NULL]
            return ([None, *nulls, *self.history(bucket).get(key, [])] + [None] * 5)[number]
        ids = [one.id for one in self.uploads if one.key == key and one.id in held.places] if kind == "uploads" else []
        return ([None, *ids] + [None] * 5)[number]

    @staticmethod
    def listing(kind: str, prefix: str, delimiter: str, limit: str, encoded: bool) -> dict[str, Text]:
        first: dict[str, dict[str, Text]] = {"v1": {}, "v2": {"list-type": "2"}}
        size = "max-uploads" if kind == "uploads" else "max-keys"
        more = {"prefix": prefix, "delimiter": delimiter, size: limit, "encoding-type": "url" if encoded else ""}
        return first.get(kind, {kind: ""}) | filled(more)

    def teardown(self) -> None:
        """All that is left is compared once more, unless the example has failed, and removed."""
        try:
            for name, bucket in self.model.buckets.items() if not self.failed else ():
                for kind in ("v2", "versions", "uploads"):
                    self.ask(Request("GET", name, query=self.listing(kind, "", "", "", True)))
                for key, versions in bucket.keys.items():
                    for version in versions:
                        self.ask(Request("GET", name, key, query={"versionId": version.id}))
        finally:
            for name in self.names:
                self.client.remove(name)


def filled(query: dict[str, str]) -> dict[str, Text]:
    return {name: value for name, value in query.items() if value}


def _kind(method: str, key: str, more: dict[str, Any]) -> str:
    """The operation, shortly: method, what it is of, and what its query or its headers make of it."""
    marks = [one for one in more.get("query", {}) if one in KINDS] + [
        one for one in more.get("headers", {}) if one in KINDS
    ]
    return " ".join([method, "object" if key else "bucket", *marks[:2]])


def _words(request: Request) -> str:
    query = "&".join(f"{name}={value!s}" for name, value in request.query.items())
    headers = ", ".join(f"{name}: {value!s}" for name, value in request.headers.items())
    key = request.key if len(request.key) < 50 else f"{request.key[:10]}…{request.key[-5:]}"
    size = f", {len(request.body)} bytes" if request.body else ""
    return f"{request.method} {request.bucket}/{key!r}?{query} ({headers}{size})"
