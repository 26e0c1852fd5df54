"""Names, references and expressions of a program, for one client of the boto3 runner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from s3prod.plan import Step, walk
from s3prod.runners.boto3_keys import Key, KeySpaces
from s3prod.runners.boto3_request import Upload

FIELDS = (
    "etag", "version", "upload", "parts", "uploads", "id", "token", "key", "keys", "versions",
    "size", "counter", "now_ms", "initiated_ms",
)  # fmt: skip
NO_ETAG = '"none"'
NO_VERSION = "null"
_REFERENCE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z_]+)")
_EXPRESSION = re.compile(r"\s*([a-z0-9_.]+)\s*(?:([+-])\s*([0-9]+))?\s*")
_NOTHING = {"etag": "", "version": "", "id": "", "token": "", "size": 0, "counter": 0, "now_ms": 0, "initiated_ms": 0}


class NoKey(Exception):
    """There was nothing to choose, or a name that holds no key or no upload: this run of the program ends."""


class Names:
    """What `as` has bound, until bound again."""

    def __init__(self, program: Sequence[Step], buckets: Sequence[str], keys: KeySpaces) -> None:
        self.buckets, self.keys = buckets, keys
        self._bindable = bindable(program)
        self._names: dict[str, dict[str, Any]] = {}

    def bind(self, name: str, fields: dict[str, Any]) -> None:
        """From now on the name has these fields."""
        self._names[name] = fields

    def note(self, name: str, field: str, value: object) -> None:
        """From now on the name has this field besides those that it has."""
        self._names.setdefault(name, {})[field] = value

    def forget(self, name: str) -> None:
        """From now on the name has no fields."""
        self._names.pop(name, None)

    def of(self, text: str) -> dict[str, Any]:
        """The fields of the name in `name.field`; empty while it has none."""
        return self._names.get(text.partition(".")[0], {})

    def key(self, text: str, bucket: str | None) -> Key:
        """The key of a literal, or of a reference; `NoKey` while that has none."""
        read = reference(text, self._bindable)
        if read is None:
            return self.keys.literal(bucket or self.buckets[0], text)
        key = self._names.get(read[0], {}).get("key")
        if not isinstance(key, Key):
            raise NoKey
        return key

    def upload(self, text: str) -> Upload:
        """The upload of `name.upload` or `name.parts`; `NoKey` while there is none."""
        upload = self.of(text).get("upload")
        if not isinstance(upload, Upload):
            raise NoKey
        return upload

    def text(self, text: str) -> str:
        """The text of a reference, empty while it has none; any other text is itself."""
        read = reference(text, self._bindable)
        return text if read is None else str(self._names.get(read[0], {}).get(read[1], ""))

    def value(self, expression: Any) -> Any:
        """A number, or the text of a field that is none; 0 when the reference has no value yet."""
        if isinstance(expression, int):
            return expression
        read = _EXPRESSION.fullmatch(expression)
        assert read is not None, expression
        found = reference(read[1], self._bindable)
        base = int(read[1]) if found is None else self._field(*found)
        constant = int(read[3]) if read[3] else 0
        return base if not constant else base - constant if read[2] == "-" else base + constant

    def _field(self, name: str, field: str) -> Any:
        """A field's value; a name without a key is equal to no other."""
        found = self._names.get(name, {})
        return found.get(field, _NOTHING[field] if field in _NOTHING else object())


def bindable(program: Sequence[Step]) -> set[str]:
    """The names that a program binds.

    >>> bindable([{"get": "a", "as": "x"}])
    {'x'}
    """
    return {step["as"] for step in walk(program) if "as" in step}


def reference(text: str, names: set[str]) -> tuple[str, str] | None:
    """Name and field when the text is a reference to one of the names.

    >>> reference("x.etag", {"x"}), reference("x.jpeg", {"x"})
    (('x', 'etag'), None)
    """
    read = _REFERENCE.fullmatch(text)
    return (read[1], read[2]) if read and read[1] in names and read[2] in FIELDS else None
