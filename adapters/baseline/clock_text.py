"""时间文本: the wire's times have no zone; they are Asia/Shanghai, ours are aware UTC.

`1900-01-01` on the wire means "unknown". Not here: the clock itself (an argument everywhere).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.wire import Json

SHANGHAI = ZoneInfo("Asia/Shanghai")
UNKNOWN_DATE = date(1900, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPACT = re.compile(r"([0-9]{14})([0-9]{3})?", re.ASCII)
_STAMP = "%Y-%m-%d %H:%M:%S"


def stamp(moment: datetime) -> str:
    """Aware → `yyyy-MM-dd HH:mm:ss` as read from a wall clock in Shanghai."""
    return _local(moment).strftime(_STAMP)


def compact(moment: datetime) -> str:
    """Aware → `yyyyMMddHHmmss`, the form inside a msgid."""
    return _local(moment).strftime("%Y%m%d%H%M%S")


def day(moment: datetime) -> str:
    """Aware → `yyyy-MM-dd` of the Shanghai calendar."""
    return _local(moment).strftime("%Y-%m-%d")


def read_stamp(value: Json, path: str) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss` → aware UTC; absent (missing, null, "") or unknown → None."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BrokenAnswer(path, "not a time")
    try:
        moment = datetime.strptime(value, _STAMP).replace(tzinfo=SHANGHAI)
    except ValueError as cause:
        raise BrokenAnswer(path, "not a time yyyy-MM-dd HH:mm:ss") from cause
    return None if moment.date() <= UNKNOWN_DATE else moment.astimezone(UTC)


def read_milliseconds(value: Json, path: str) -> int | None:
    """`yyyyMMddHHmmss`, with or without three digits of milliseconds → milliseconds since 1970;
    absent → None."""
    if value is None or value == "":
        return None
    match = _COMPACT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BrokenAnswer(path, "not a time yyyyMMddHHmmss")
    try:
        moment = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError as cause:
        raise BrokenAnswer(path, "not a time yyyyMMddHHmmss") from cause
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int(match[2] or 0)


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written to the wire")
    return moment.astimezone(SHANGHAI)
