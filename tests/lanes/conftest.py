"""Collects the lanes that `S3PROD_LANES` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lane_table as lanes
import pytest
import stores
from server import Server

collect_ignore = list(
    {file for lane in lanes.LANES.values() for file in lane.tests}
    - {file for name in lanes.asked() for file in lanes.LANES[name].tests}
)
ASKED = [name for name in stores.STORES if name in lanes.asked()]


@dataclass(frozen=True)
class Running:
    """The store of a lane, which all its tests share."""

    lane: str
    store: stores.Store
    server: Server


@pytest.fixture(scope="session", params=ASKED)
def lane(request: pytest.FixtureRequest) -> str:
    """Each lane of a store that was asked for."""
    return request.param


@pytest.fixture(scope="session")
def running(lane: str) -> Iterator[Running]:
    """One server for all tests of its lane."""
    with stores.start(lane) as server:
        yield Running(lane, stores.STORES[lane], server)
