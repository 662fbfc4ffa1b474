"""Time left for a call, shaved, so that the caller hears from us before it gives up.

With a rest too short to do anything safely the call is refused before any work. Units: seconds.
"""

from __future__ import annotations

from typing import Any, cast

import grpc

from gateway.domain.errors import DeadlinePassed

DEFAULT_S = 20.0
"""For a caller that set no deadline."""
MAX_S = 120.0
"""Nobody at a counter waits longer."""
SHAVE_S = 0.1
"""Kept back for the way home."""
LEAST_S = 0.15
"""With less than this left nothing is begun."""


def budget_s(context: grpc.aio.ServicerContext[Any, Any]) -> float:
    """What the work may take. Raises DeadlinePassed."""
    # The published types forget that there may be no deadline.
    left = cast("float | None", context.time_remaining())
    if left is None:
        return DEFAULT_S
    if left < LEAST_S:
        raise DeadlinePassed(f"less than {int(LEAST_S * 1000)} ms are left of the call's deadline")
    return min(left - SHAVE_S, MAX_S)
