"""时限: how the time that a caller gives is divided. Seconds of the monotonic clock, unless said.

A region that stays silent must be told as UNKNOWN before the caller gives up; what could not be
answered in time is not begun.
"""

from __future__ import annotations

from datetime import timedelta

CALL_MIN_S = 0.15
"""With less than this left no further message is sent: a region could not answer in time."""
EFFECT_MIN_S = 0.3
"""With less than this left nothing that takes effect is recorded, and nothing is sent."""
RECORD_RESERVE_S = 0.2
"""Kept of the caller's time for recording the outcome."""
WORK_GRACE = timedelta(seconds=5)
"""How long after an attempt's deadline the worker leaves it to its journey."""


def attempt_ends_after(left_s: float) -> timedelta:
    """How long from now an attempt with so much time left belongs to its journey alone."""
    return timedelta(seconds=left_s) + WORK_GRACE
