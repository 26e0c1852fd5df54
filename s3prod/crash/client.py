"""A thin client of one connection that says exactly what was acknowledged."""

from __future__ import annotations

import base64
import hashlib
import http.client
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from s3prod import _native
from s3prod.store import EmbeddedStore

XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Gone(Exception):
    """No whole answer: the request may have been carried out or not."""


class Answer:
    """Status, headers (lower case) and body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "").strip('"')

    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)


def text_of(element: ElementTree.Element, name: str) -> str:
    """The text of a child, "" without one."""
    found = element.find(XMLNS + name)
    return found.text or "" if found is not None else ""


class Client:
    """Sends one request after the other; raises `Gone` when the store is."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._address = store.endpoint.removeprefix("http://")
        self._keys = {"access_key": store.access_key, "secret_key": store.secret_key}
        self._connection = http.client.HTTPConnection(self._address, timeout=60)

    def send(
        self,
        method: str,
        bucket: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        target = f"/{bucket}" + (f"/{quote(key)}" if key else "")
        if query:
            target += "?" + urlencode(query, quote_via=quote)
        given = dict(headers or {})
        if body:
            given["Content-MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        signed = _native.sign(method, f"http://{self._address}{target}", given, **self._keys)
        try:
            self._connection.request(method, target, body or None, signed)
            response = self._connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Gone(f"{method} {target}: {error!r}") from error

    def pages(self, bucket: str, query: dict[str, str], marks: Mapping[str, str]) -> Iterator[ElementTree.Element]:
        """Every page of a listing; `marks` names each continuation field and the argument that it becomes."""
        query = dict(query)
        while True:
            answer = self.send("GET", bucket, query=query)
            if answer.status != 200:
                raise AssertionError(f"listing {bucket} {query}: status {answer.status}: {answer.body[:200]!r}")
            page = answer.xml()
            yield page
            if text_of(page, "IsTruncated") != "true":
                return
            query.update({argument: text_of(page, field) for field, argument in marks.items()})

    def close(self) -> None:
        self._connection.close()
