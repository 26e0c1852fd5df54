"""Workloads of buckets that began to keep versions late, or keep none for a while."""

from __future__ import annotations

from dataclasses import replace

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    barrier,
    choose,
    create_bucket,
    delete,
    get,
    head,
    list_page,
    list_versions,
    put,
    put_versioning,
    remove_bucket,
    repeat,
)
from s3prod.plans.registers import SIZES
from s3prod.plans.teardown import read_then_remove

UPGRADED = {"smoke": 6, "full": 40, "stress": 200}  # keys of each client
ROUNDS = {"smoke": 40, "full": 400, "stress": 4000}


def null_versions(scale: str = "full", seed: int = 1) -> Plan:
    """8 clients write keys, and when their bucket has begun to keep versions they overwrite some, delete them and list what
    is left. In a bucket whose versions are suspended 6 clients write, delete and read the one version `null` of 4 keys.
    """
    rounds, keys = ROUNDS[scale], UPGRADED[scale]
    gone = [delete("k.key"), get("k.key"), list_page("main"), get("k.key", version="null")]
    upgraded = [
        repeat(keys, choose("before", "k"), put("k.key", 200)),
        barrier("written"),
        barrier("kept"),
        repeat(keys // 2, choose("before", "k"), *gone, choose("before", "k"), put("k.key", 200), *gone),
    ]
    racing = [
        choose("paused", "k"),
        put("k.key", SIZES, bucket="paused"),
        get("k.key", version="null", bucket="paused"),
        get("k.key", bucket="paused"),
        delete("k.key", bucket="paused"),
        head("k.key", version="null", bucket="paused"),
        put("k.key", SIZES, bucket="paused"),
        delete("k.key", version="null", bucket="paused"),
        get("k.key", version="null", bucket="paused"),
        list_versions("paused", max_keys=3),
    ]
    make = [create_bucket("paused"), put_versioning("Enabled", "paused"), put_versioning("Suspended", "paused")]
    groups = [
        Group("make", [create_bucket(), *make], phase="setup"),
        Group("upgraded", upgraded, clients=8),
        Group("upgrade", [barrier("written"), put_versioning("Enabled"), barrier("kept")]),
        Group("racing", [repeat(rounds, *racing)], clients=6),
        *read_then_remove(list_versions()),
        replace(remove_bucket("paused"), group="remove-paused"),
    ]
    return Plan(
        "null-versions",
        seed=seed,
        scale=scale,
        buckets=("main", "paused"),
        spaces={"before": Space.own("before/", keys), "paused": Space.uniform("paused/", 4, bucket="paused")},
        groups=groups,
        require={"before": Require(reads=8 * keys), "paused": Require(acked_writes=6 * rounds)},
    )
