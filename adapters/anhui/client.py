"""安徽: ports.RegionGateway for this province: its codec and profile over one connection."""

from __future__ import annotations

from adapters import wiring
from adapters.anhui.codec import AnhuiCodec
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient


def client(connection: Connection, clocks: Clocks) -> NationalClient:
    """Raises ProfileError when profile.toml is wrong or has nothing valid today."""
    return wiring.client("adapters.anhui", AnhuiCodec, connection, clocks)
