"""The embedded store with a million objects: pages of its listing beside those of a small bucket, and its memory."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from benchmarks.harness import Record, cpu_seconds, interleave, run_engine, server, timed
from benchmarks.stores import SECONDS, fill_plan

SMALL, LARGE = 10_000, 1_000_000
PAGE = 1000
BODY_BYTES = 64
CONNECTIONS = 1000
WRK_SCRIPT = """local pages = {%s}
local at = 0
request = function()
  at = at %% #pages + 1
  return wrk.format("GET", pages[at])
end
"""


class Bucket:
    """A store with one bucket of `count` keys."""

    def __init__(self, serve: dict, count: int) -> None:
        self.serve = serve
        run_engine(fill_plan(count, BODY_BYTES), serve, history=False)
        self.client = boto3.client(
            "s3",
            endpoint_url=serve["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=serve["access_key"],
            aws_secret_access_key=serve["secret_key"],
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        self.name = self.client.list_buckets()["Buckets"][0]["Name"]
        draw = random.Random(count)
        self.pages = [self.page(f"objs/{draw.randrange(count - PAGE):08}") for _ in range(100)]
        assert self.client.list_objects_v2(Bucket=self.name)["KeyCount"] == PAGE

    def page(self, after: str) -> str:
        """The signed target of the page behind a key."""
        asked = {"Bucket": self.name, "StartAfter": after}
        url = urlsplit(self.client.generate_presigned_url("list_objects_v2", Params=asked, ExpiresIn=86400))
        return f"{url.path}?{url.query}"

    def page_us(self) -> float:
        """CPU µs of the store a page, pages drawn from all over the bucket."""
        before = cpu_seconds(self.serve["pid"])
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(WRK_SCRIPT % ",".join(map(json.dumps, self.pages)))
            script.flush()
            out, _, _ = timed(["wrk", "-t1", "-c4", f"-d{SECONDS}s", "-s", script.name, self.serve["endpoint"]])
        assert "Non-2xx" not in out, out
        return (cpu_seconds(self.serve["pid"]) - before) * 1e6 / int(re.search(r"(\d+) requests in", out).group(1))

    def anonymous_mb(self) -> float:
        """Memory of the store's own (RssAnon) while connections that have each had an answer are open."""
        address = urlsplit(self.serve["endpoint"])
        with contextlib.ExitStack() as open_ones:
            for i in range(CONNECTIONS):
                s = open_ones.enter_context(socket.create_connection((address.hostname, address.port), 30))
                s.sendall(f"HEAD {self.pages[i % len(self.pages)]} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
                assert s.recv(65536).startswith(b"HTTP/1.1 ")
            status = Path(f"/proc/{self.serve['pid']}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) / 1000


@contextlib.contextmanager
def _bucket(count: int) -> Iterator[Bucket]:
    with server() as serve:
        yield Bucket(serve, count)


def million() -> list[Record]:
    """Pages a second of a store core; a page of the large bucket over one of the small; memory."""
    with _bucket(SMALL) as small, _bucket(LARGE) as large:
        sides: dict[str, Callable[[], float]] = {
            "small": small.page_us,
            "large": large.page_us,
            "memory": large.anonymous_mb,
        }
        found = interleave(sides)
    rate, command = 1e6 / found["large"], "s3prod bench store-million"
    return [
        Record("store-list", rate / 2000, rate, 2000, "pages/s a core", "higher", 1,
               "LIST of 1,000 keys out of 1,000,000: pages a store core over the goal of 2,000", f"{command}  # store-list"),
        Record("store-list-growth", found["large"] / found["small"], found["large"], found["small"], "CPU µs/page", "lower", 1.2,
               "a page out of 1,000,000 keys over one out of 10,000", f"{command}  # store-list-growth"),
        Record("store-memory", found["memory"] / 100, found["memory"], 100, "MB", "lower", 1,
               "RssAnon with 1,000,000 objects and 1,000 open connections over the goal of 100 MB", f"{command}  # store-memory"),
    ]  # fmt: skip
