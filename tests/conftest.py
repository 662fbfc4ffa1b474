"""What every test shares: how many examples Hypothesis tries, and who may open a socket.

Only tests under tests/integration/ may connect; elsewhere a socket is an error (pytest-socket; Unix
sockets stay open, because an asyncio loop wakes itself through a pair of them).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

INTEGRATION = Path(__file__).parent / "integration"

# `ci` tries the same examples each time, so a red run is the change's fault; `long` looks for new
# ones and prints how to repeat what it finds. A slow machine is no defect: deadlines are off.
_BASE = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _BASE, max_examples=20, derandomize=True)
settings.register_profile("ci", _BASE, max_examples=100, derandomize=True)
settings.register_profile("long", _BASE, max_examples=1000)
settings.load_profile(os.environ.get("YRD_TEST_CAMPAIGN", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open sockets for the integration tests, and for no other."""
    for item in items:
        if INTEGRATION in item.path.parents:
            item.add_marker(pytest.mark.enable_socket)
