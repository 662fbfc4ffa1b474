"""省份登记: the provinces we can speak to, declared once. Adding one means one line here.

A test compares this list with the folders beside it. Routing is by the first two digits of an area
code; whether a region is served at all is the domain's question. Not here: what a province says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import adapters.jiangsu.client
import adapters.shanghai.client
import adapters.zhejiang.client
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from gateway.domain.errors import Violation
from gateway.domain.region import RegionUnknown, region_of
from gateway.ports import RegionGateway

Connect = Callable[[Connection, Clocks], NationalClient]

PROVINCES: Mapping[str, tuple[str, Connect]] = MappingProxyType(
    {
        "31": ("shanghai", adapters.shanghai.client.client),
        "32": ("jiangsu", adapters.jiangsu.client.client),
        "33": ("zhejiang", adapters.zhejiang.client.client),
    }
)
"""First two digits → folder name and how to connect."""


class ConnectedRegions:
    """ports.Regions over the provinces that were given a connection."""

    def __init__(self, clients: Mapping[str, NationalClient]) -> None:
        self._clients = dict(clients)

    def of(self, region: str) -> RegionGateway:
        """Raises RegionUnknown (Malformed) for a region we do not serve or are not connected to."""
        found = region_of(region)
        client = self._clients.get(found.province)
        if client is None:
            raise not_connected(region)
        return client

    def health(self) -> Mapping[str, str]:
        """Province's folder name → its breaker's state."""
        return {PROVINCES[code][0]: client.health() for code, client in self._clients.items()}

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


def not_connected(region: str) -> RegionUnknown:
    """The region is one of ours, and this gateway was not given a way to it."""
    text_zh = f"地区 {region} 的平台未在本网关接入。"
    return RegionUnknown(violations=(Violation("region", "REGION_NOT_CONNECTED", text_zh),))


def connect(connections: Mapping[str, Connection], clocks: Clocks) -> ConnectedRegions:
    """`connections` by folder name (`shanghai`, …). Raises KeyError for a name not declared."""
    by_name = {name: (code, make) for code, (name, make) in PROVINCES.items()}
    clients: dict[str, NationalClient] = {}
    for name, connection in connections.items():
        code, make = by_name[name]
        clients[code] = make(connection, clocks)
    return ConnectedRegions(clients)
