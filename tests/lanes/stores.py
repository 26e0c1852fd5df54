"""The stores of other people's that have a lane: how each is had, and what it is held against.

Beside its row a store has two files: `<lane>.toml`, what it gets wrong in `tests/store`, and `<lane>-production.toml`, how each
production test ends. Its lane stands in `lane_table.py`, which says whether it may be missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lane_table as lanes
import rootfs
from moto_server import PLACE, Moto
from rgw import Gateway
from server import Server, Unobtainable
from swift import Swift

HERE = Path(__file__).resolve().parent
CEPH = ("radosgw", "ceph-mon", "ceph-osd", "ceph-common")
SWIFT = ("swift-proxy", "swift-account", "swift-container", "swift-object", "memcached")
# Keys that no probe can find out.
NEVER_PROBED = frozenset(
    {"name", "list_interval", "cond_409_possible", "max_clock_skew_ms", "usage_probe", "usage_lag_ms"}
)


@dataclass(frozen=True)
class Store:
    """The built-in profile of a store, how one is started, which keys a probe of it leaves open, and of which the profile promises
    less than one node shows, because of those that have many.
    """

    profile: str
    start: Callable[[], Server]
    open_keys: frozenset[str] = frozenset()
    cautious_keys: frozenset[str] = frozenset()


def moto() -> Server:
    """In an environment of its own, which is made when it is asked for."""
    lanes.set_up("moto", "venv", "tools/requirements-moto.txt", str(PLACE))
    return Moto("5.2.1")


REPLICATION = frozenset({"replication", "replication_lag_ms"})
LIFECYCLE = frozenset({"lifecycle_day_ms"})  # a day is longer than the probe
LAGS = REPLICATION | LIFECYCLE
LISTINGS = frozenset({"list", "mpu_listing", "mpu_listing_lag_ms"})
STORES = {
    "rgw16": Store("ceph-rgw-16", lambda: Gateway("16.2."), LIFECYCLE | {"replication_lag_ms"}),
    "rgw20": Store(
        "ceph-rgw-20", lambda: Gateway("20.2.4", rootfs.make("rgw20", *CEPH)), LIFECYCLE | {"replication_lag_ms"}
    ),
    "swift": Store(
        "swift",
        lambda: Swift("2.38.2", rootfs.make("swift", *SWIFT)),
        REPLICATION | {"if_match_absent"},
        LISTINGS | {"bucket_ready_s"},
    ),
    "moto": Store("moto", moto, LAGS),
}


def start(lane: str) -> Server:
    """Starts the store of a lane; what cannot be had ends the test as the lane's row says."""
    lanes.install(lane)
    try:
        return STORES[lane].start()
    except (Unobtainable, rootfs.NoRootfs) as error:
        lanes.unobtainable(lane, str(error))
