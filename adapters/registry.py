"""省份登记: the provinces we can speak to. Adding one means a folder and one line here.

A test compares this list with the folders beside it. Routing is by the first two digits of an area
code; whether a region is served at all is the domain's question. Not here: what a province says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from adapters import wiring
from adapters.baseline.profile import ProfileBook
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.signing.schemes import NeedSm2
from adapters.sm.selection import need_sm2
from gateway.domain.errors import Violation
from gateway.domain.region import RegionUnknown, pooling_region_of
from gateway.ports import RegionGateway, RegionStatus

Connect = Callable[[Connection, Clocks], NationalClient]

DECLARED: Mapping[str, str] = MappingProxyType(
    {
        "31": "shanghai",
        "32": "jiangsu",
        "33": "zhejiang",
        "34": "anhui",
    }
)
"""First two digits of the area codes → folder."""


def _connect_of(name: str) -> Connect:
    """`client` of the folder's client.py, imported when it is first asked for."""

    def make(connection: Connection, clocks: Clocks) -> NationalClient:
        found: Connect = import_module(f"adapters.{name}.client").client
        return found(connection, clocks)

    return make


PROVINCES: Mapping[str, tuple[str, Connect]] = MappingProxyType(
    {code: (name, _connect_of(name)) for code, name in DECLARED.items()}
)
"""First two digits → folder name and how to connect."""


class ConnectedRegions:
    """ports.Regions over the provinces that were given a connection."""

    def __init__(self, clients: Mapping[str, NationalClient]) -> None:
        self._clients = dict(clients)

    def of(self, region: str) -> RegionGateway:
        """Raises RegionUnknown (Malformed): no area code, or a province we are not connected to."""
        client = self._clients.get(pooling_region_of(region)[:2])
        if client is None:
            raise not_connected(region)
        return client

    def health(self) -> Mapping[str, str]:
        """Province's folder name → its breaker's state."""
        return {PROVINCES[code][0]: client.health() for code, client in self._clients.items()}

    def statuses(self) -> tuple[RegionStatus, ...]:
        """Implements ports.RegionStatuses; by province."""
        lines = {code: client.line() for code, client in sorted(self._clients.items())}
        return tuple(
            RegionStatus(code, line.breaker.value, line.in_flight, line.places, line.retries_left)
            for code, line in lines.items()
        )

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


def not_connected(region: str) -> RegionUnknown:
    """This gateway was not given a way to the region's platform."""
    text_zh = f"地区 {region} 的平台未在本网关接入。"
    return RegionUnknown(violations=(Violation("region", "REGION_NOT_CONNECTED", text_zh),))


def book_of(name: str, over: Path | None = None) -> ProfileBook:
    """A province's profile by its folder's name, with a site's own sections laid over it.

    Raises ProfileError (中文); KeyError for a name not declared.
    """
    if name not in DECLARED.values():
        raise KeyError(name)
    return wiring.book_of(f"adapters.{name}", over)


def check(name: str, connection: Connection, now: datetime, sm2: NeedSm2 = need_sm2) -> None:
    """What a connection needs, today and as far as its profile says already, is there.

    Raises ProfileError, SecretsMissing, SmUnavailable; KeyError for a name not declared.
    """
    wiring.check(book_of(name, connection.profile_file), connection.secrets, now, sm2)


def connect(connections: Mapping[str, Connection], clocks: Clocks) -> ConnectedRegions:
    """`connections` by folder name (`shanghai`, …). Raises KeyError for a name not declared."""
    by_name = {name: (code, make) for code, (name, make) in PROVINCES.items()}
    clients: dict[str, NationalClient] = {}
    for name, connection in connections.items():
        code, make = by_name[name]
        clients[code] = make(connection, clocks)
    return ConnectedRegions(clients)
