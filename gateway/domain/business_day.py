"""营业日: the calendar day in Asia/Shanghai that rules, catalogues and insurance years go by.

Pure: an aware time goes in, a day comes out. It does not read the clock.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.domain.errors import InvariantViolated

SHANGHAI = ZoneInfo("Asia/Shanghai")


def business_day(at: datetime) -> date:
    """The day of an aware time. A naive time is a defect of ours, not of the caller."""
    if at.tzinfo is None:
        raise InvariantViolated("a business day needs an aware time")
    return at.astimezone(SHANGHAI).date()
