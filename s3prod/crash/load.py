"""The load: workers that mutate cells of their own and counters that they share, and know what was acknowledged."""

from __future__ import annotations

import hashlib
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from s3prod.crash.client import Answer, Client, Gone, text_of
from s3prod.crash.model import IN_RECORD_MAX, Assembly, Cell, Chain, State, Upload, Value, Versions, body_of, value_of
from s3prod.store import EmbeddedStore

PLAIN, VERSIONED = "plain", "versioned"
PLAIN_KEYS, VERSIONED_KEYS, CHAINS, VERSIONS_MAX, PARTS = 5, 2, 3, 6, 3
SIZES = (0, 100, IN_RECORD_MAX, IN_RECORD_MAX + 1, 40_000)


@dataclass
class World:
    """All cells, by bucket and key, and the counters."""

    workers: int
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)
    acked: int = 0
    problems: list[str] = field(default_factory=list)
    bodies: dict[tuple[str, int, str], bytes] = field(default_factory=dict)  # of parts: upload, number, ETag

    def build(self, client: Client) -> None:
        """Buckets and counters; the cells are absent."""
        for bucket in (PLAIN, VERSIONED):
            _expect(client.send("PUT", bucket), 200)
        state = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        _expect(client.send("PUT", VERSIONED, query={"versioning": ""}, body=state), 200)
        for number in range(CHAINS):
            body = body_of(next(self.numbers), 64)
            _expect(client.send("PUT", PLAIN, f"counter/{number}", body=body), 200)
            self.chains[f"counter/{number}"] = Chain(f"counter/{number}", value_of(body))
        for worker in range(self.workers):
            for number in range(PLAIN_KEYS):
                self._add(PLAIN, f"object/{worker}/{number}", None)
            for number in range(VERSIONED_KEYS):
                self._add(VERSIONED, f"object/{worker}/{number}", Versions())
            self._add(PLAIN, f"upload/{worker}", Assembly())

    def _add(self, bucket: str, key: str, state: State) -> None:
        self.cells[bucket, key] = Cell(f"{bucket}/{key}", state)


def _expect(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise AssertionError(f"status {answer.status}, expected {statuses}: {answer.body[:200]!r}")
    return answer


class Worker:
    """Draws one change after the other until the store is gone."""

    def __init__(self, world: World, number: int, seed: int, store: EmbeddedStore) -> None:
        self.world, self.number = world, number
        self.random = random.Random(f"{seed}/{number}")
        self.client = Client(store)
        self.acked = 0
        self.cell: Cell | None = None

    def run(self, changes: int | None = None) -> None:
        """In a thread of its own, until the store is gone; or so many steps."""
        acts = (
            *(self._put, self._put, self._put, self._delete, self._delete_many, self._copy, self._tag),
            *(self._version, self._upload, self._upload, self._swap, self._get),
        )
        try:
            for _ in itertools.count() if changes is None else range(changes):
                self.random.choice(acts)()
        except Gone:
            pass
        except Exception as error:
            name = self.cell.name if self.cell else ""
            self.world.problems.append(f"{name}: while the store ran: {error!r}")
        finally:
            self.client.close()
            with self.world.lock:
                self.world.acked += self.acked

    def _plain(self) -> tuple[str, Cell]:
        key = f"object/{self.number}/{self.random.randrange(PLAIN_KEYS)}"
        self.cell = self.world.cells[PLAIN, key]
        return key, self.cell

    def _change(self, cell: Cell, then: State, send: Callable[[], Answer], *statuses: int) -> Answer:
        cell.begin(then)
        answer = _expect(send(), *statuses)
        cell.settle(then)
        self.acked += 1
        return answer

    def _body(self) -> bytes:
        return body_of(next(self.world.numbers), self.random.choice(SIZES))

    def _tags(self) -> tuple[tuple[str, str], ...]:
        return tuple((f"t{n}", str(self.random.randrange(1000))) for n in range(self.random.randrange(3)))

    def _put(self) -> None:
        key, cell = self._plain()
        now = cell.now
        assert now is None or isinstance(now, Value)
        body, tags = self._body(), self._tags()
        headers = {"x-amz-tagging": urlencode(tags)} if tags else {}
        condition = self.random.choice(("", "", "right", "wrong"))
        if condition:
            right = condition == "right"
            if (now is None) == right:
                headers["If-None-Match"] = "*"
            else:
                headers["If-Match"] = f'"{now.etag}"' if now is not None and right else f'"{"0" * 32}"'
            if not right:
                status = 404 if now is None else 412
                _expect(self.client.send("PUT", PLAIN, key, body=body, headers=headers), status)
                return
        self._change(cell, value_of(body, tags), lambda: self.client.send("PUT", PLAIN, key, None, body, headers), 200)

    def _get(self) -> None:
        """Reads what any worker may be changing: old or new, never a mix."""
        self.cell = None
        worker, number = self.random.randrange(self.world.workers), self.random.randrange(PLAIN_KEYS)
        key = self.random.choice((f"object/{worker}/{number}", f"upload/{worker}"))
        answer = _expect(self.client.send("GET", PLAIN, key), 200, 404)
        digest = hashlib.md5(answer.body).hexdigest()
        if answer.status == 200 and "-" not in answer.etag and answer.etag != digest:
            raise AssertionError(f"{key}: ETag {answer.etag}, but the body has MD5 {digest}")

    def _delete(self) -> None:
        key, cell = self._plain()
        self._change(cell, None, lambda: self.client.send("DELETE", PLAIN, key), 204)

    def _delete_many(self) -> None:
        """Several keys in one request: each goes or stays by itself."""
        keys = [f"object/{self.number}/{n}" for n in self.random.sample(range(PLAIN_KEYS), 3)]
        cells = [self.world.cells[PLAIN, key] for key in keys]
        self.cell = cells[0]
        for cell in cells:
            cell.begin(None)
        named = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
        answer = _expect(self.client.send("POST", PLAIN, "", {"delete": ""}, f"<Delete>{named}</Delete>".encode()), 200)
        if answer.body.count(b"<Deleted>") != len(keys):
            raise AssertionError(f"not all were deleted: {answer.body[:200]!r}")
        for cell in cells:
            cell.settle(None)
        self.acked += 1

    def _copy(self) -> None:
        key, cell = self._plain()
        source = f"object/{self.number}/{self.random.randrange(PLAIN_KEYS)}"
        value = self.world.cells[PLAIN, source].now
        if source == key or not isinstance(value, Value):
            return
        headers = {"x-amz-copy-source": f"/{PLAIN}/{source}"}
        self._change(cell, value, lambda: self.client.send("PUT", PLAIN, key, headers=headers), 200)

    def _tag(self) -> None:
        key, cell = self._plain()
        now = cell.now
        if not isinstance(now, Value):
            return
        tags = self._tags()
        then, query = replace(now, tags=tags), {"tagging": ""}
        if not tags:
            self._change(cell, then, lambda: self.client.send("DELETE", PLAIN, key, query), 204)
            return
        pairs = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags)
        body = f"<Tagging><TagSet>{pairs}</TagSet></Tagging>".encode()
        self._change(cell, then, lambda: self.client.send("PUT", PLAIN, key, query, body), 200)

    def _version(self) -> None:
        key = f"object/{self.number}/{self.random.randrange(VERSIONED_KEYS)}"
        self.cell = cell = self.world.cells[VERSIONED, key]
        now = cell.now
        assert isinstance(now, Versions)
        if len(now.entries) >= VERSIONS_MAX or (now.entries and self.random.random() < 0.2):
            at = self.random.randrange(len(now.entries))
            query = {"versionId": str(now.entries[at][0])}
            then = Versions(now.entries[:at] + now.entries[at + 1 :])
            self._change(cell, then, lambda: self.client.send("DELETE", VERSIONED, key, query), 204)
            return
        body = self._body()
        value = None if self.random.random() < 0.3 else value_of(body)
        cell.begin(Versions(((None, value), *now.entries)))
        answer = self.client.send("PUT" if value else "DELETE", VERSIONED, key, body=body if value else b"")
        _expect(answer, 200 if value else 204)
        cell.settle(Versions(((answer.headers["x-amz-version-id"], value), *now.entries)))
        self.acked += 1

    def _upload(self) -> None:
        """One step of the worker's upload: begin, a part, complete or abort."""
        key = f"upload/{self.number}"
        self.cell = cell = self.world.cells[PLAIN, key]
        now = cell.now
        assert isinstance(now, Assembly)
        if now.upload is None:
            cell.begin(replace(now, upload=Upload(None)))
            answer = _expect(self.client.send("POST", PLAIN, key, {"uploads": ""}), 200)
            cell.settle(replace(now, upload=Upload(text_of(answer.xml(), "UploadId"))))
            self.acked += 1
            return
        assert now.upload.id is not None
        query, parts = {"uploadId": now.upload.id}, dict((n, (e, s)) for n, e, s in now.upload.parts)
        if len(parts) < PARTS or self.random.random() < 0.1:
            number = self.random.choice([n for n in range(1, PARTS + 1) if n not in parts] or range(1, PARTS + 1))
            body = body_of(number * 10**12 + next(self.world.numbers), self.random.choice((1, 3000, 70_000)))
            parts[number] = hashlib.md5(body).hexdigest(), len(body)
            self.world.bodies[now.upload.id, number, parts[number][0]] = body
            upload = Upload(now.upload.id, tuple((n, *parts[n]) for n in sorted(parts)))
            query["partNumber"] = str(number)
            then = replace(now, upload=upload)
            self._change(cell, then, lambda: self.client.send("PUT", PLAIN, key, query, body), 200)
        elif self.random.random() < 0.2:
            then = replace(now, upload=None)
            self._change(cell, then, lambda: self.client.send("DELETE", PLAIN, key, query), 204)
        else:
            self._complete(key, cell, now.upload, query)

    def _complete(self, key: str, cell: Cell, upload: Upload, query: dict[str, str]) -> None:
        named = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag, _ in upload.parts)
        body = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
        whole = b"".join(self.world.bodies[upload.id or "", n, etag] for n, etag, _ in upload.parts)
        of_parts = hashlib.md5(b"".join(bytes.fromhex(etag) for _, etag, _ in upload.parts)).hexdigest()
        value = Value(
            hashlib.md5(whole).hexdigest(),
            f"{of_parts}-{len(upload.parts)}",
            len(whole),
            files=len(upload.parts),
        )
        self._change(cell, Assembly(None, value), lambda: self.client.send("POST", PLAIN, key, query, body), 200)

    def _swap(self) -> None:
        """One compare-and-swap of a shared counter."""
        chain = self.world.chains[f"counter/{self.random.randrange(CHAINS)}"]
        self.cell = None
        etag = _expect(self.client.send("HEAD", PLAIN, chain.name), 200).headers["etag"].strip('"')
        body = body_of(next(self.world.numbers), 64)
        value = value_of(body)
        with self.world.lock:
            after = chain.edges.setdefault(etag, [])
            after.append((value, False))
        headers = {"If-Match": f'"{etag}"'}
        answer = _expect(self.client.send("PUT", PLAIN, chain.name, body=body, headers=headers), 200, 412)
        with self.world.lock:
            after.remove((value, False))
            if answer.status == 200:
                after.append((value, True))
                self.acked += 1
