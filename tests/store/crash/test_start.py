"""A store with 100,000 objects that was killed starts again within a second."""

from __future__ import annotations

import time

from s3prod import _native
from s3prod.crash.client import Client
from s3prod.crash.harness import scratch, serve_command
from s3prod.store import EmbeddedStore

CLIENTS, OBJECTS = 40, 100_000

PLAN = {
    "name": "many-objects",
    "seed": 1,
    "buckets": ["main"],
    "spaces": {"keys": {"kind": "own", "bucket": "main", "prefix": "objs/", "count": OBJECTS // CLIENTS}},
    "groups": [
        {"group": "make", "phase": "setup", "clients": 1, "program": [{"create_bucket": "main"}]},
        {
            "group": "fill",
            "clients": CLIENTS,
            "program": [
                {
                    "repeat": OBJECTS // CLIENTS,
                    "do": [{"choose": "keys", "as": "k"}, {"put": "k.key", "body": {"bytes": [100] * 19 + [20_000]}}],
                }
            ],
        },
    ],
}


def test_start_with_many_objects() -> None:
    seconds = []
    with scratch() as base:
        for number in range(12):
            begun = time.monotonic()
            with EmbeddedStore(argv=serve_command(), data=base / "data", durable=True) as store:
                client = Client(store)
                assert client.send("GET", "").status == 200
                if number > 0:
                    seconds.append(time.monotonic() - begun)
                    if number > 2 and min(seconds) <= 1.0:  # a busy machine may need more
                        break
                else:
                    metrics = _native.run(PLAN, store.target().to_dict())
                    assert metrics["ops"]["put"]["ok"] == OBJECTS
                client.close()
                store.kill()
    print(f"started in {[round(s, 3) for s in seconds]} s")
    assert min(seconds) <= 1.0
