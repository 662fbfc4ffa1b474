"""发送方报文ID: institution (12) + yyyyMMddHHmmss (14) + sequence (4), unique for ever.

Pure. The sequence comes from durable storage and is counted per institution modulo 10000, so that
two messages of one second never share it (a random four-digit number would collide).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.domain.errors import InvariantViolated

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEQUENCE_MODULUS = 10_000


def compose(institution_code: str, at: datetime, sequence: int) -> str:
    """One msgid of exactly 30 characters. `at` is aware; the wire has no zone: Asia/Shanghai."""
    if len(institution_code) != 12 or at.tzinfo is None:
        raise InvariantViolated("a msgid needs a 12-character institution and an aware time")
    stamp = at.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")
    return f"{institution_code}{stamp}{sequence % SEQUENCE_MODULUS:04d}"


def sent_at(msgid: str) -> datetime:
    """When a msgid of ours was made, aware; its message was sent then or soon after.

    Raises InvariantViolated for what is no msgid of ours.
    """
    try:
        stamp = datetime.strptime(msgid[12:26], "%Y%m%d%H%M%S")
    except ValueError as error:
        raise InvariantViolated("a msgid without our stamp") from error
    return stamp.replace(tzinfo=SHANGHAI)
