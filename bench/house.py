"""The system under measurement: three stand-in platforms, the gateway, the baseline, the hospital.

Each is a process of its own, so that what one costs is not counted to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.child import Child
from gateway.clock import SystemClock
from gateway.config import load_settings
from gateway.demo.house import FOLLOW
from gateway.demo.layout import PROVINCES, create_data_dir
from gateway.ids import SystemIds
from gateway.store.migrate import migrate_database


@dataclass(frozen=True, slots=True)
class House:
    """What runs, and where."""

    gateway: Child
    gateway_address: str
    echo: Child
    echo_address: str
    hospital: Child
    platforms: tuple[Child, ...]


@contextmanager
def house(root: Path) -> Iterator[House]:
    """Everything, over a fresh data directory below `root`. Raises ChildFailed."""
    place = create_data_dir(root / "data", now=SystemClock().now(), random=SystemIds().salt)
    migrate_database(load_settings(place.settings).database)
    data = str(place.root)
    with ExitStack() as stack:

        def start(name: str, *module: str, **environment: str) -> Child:
            child = Child(name, module, logs=place.logs, environment=environment)
            return stack.enter_context(child)

        platforms = {
            code: start(name, "gateway", "sandbox", name, "--data", data, "--port", "0", FOLLOW)
            for code, name in PROVINCES.items()
        }
        echo = start("echo", "bench.echo_process", data)
        hospital = start("hospital", "bench.hospital_process", data)
        urls = {}
        for code, platform in platforms.items():
            address = platform.address()
            urls[f"YRD_REGIONS__{code}__BASE_URL"] = address
            urls[f"YRD_WITNESSES__{PROVINCES[code]}__URL"] = f"{address}/witness"
        gateway = start("gateway", "bench.gateway_process", data, YRD_LISTEN="127.0.0.1:0", **urls)
        echo_address = echo.address()
        hospital.address()
        yield House(
            gateway=gateway, gateway_address=gateway.address(), echo=echo,
            echo_address=echo_address, hospital=hospital, platforms=tuple(platforms.values()),
        )  # fmt: skip
