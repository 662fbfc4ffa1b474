"""Times of a request: protobuf Timestamps become aware UTC, and none lies in the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.rpc.convert.findings import Findings

SKEW = timedelta(minutes=5)
"""How far a hospital's clock may run ahead of ours."""


def instant(found: Findings, field: str, stamp: Timestamp) -> datetime | None:
    """The instant, or None after adding INVALID_TIME. Precision below microseconds is dropped."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        found.add(field, "INVALID_TIME", "时间超出有效范围,请核对后重试。")
        return None


def past_instant(found: Findings, field: str, stamp: Timestamp, now: datetime) -> datetime | None:
    """The same, and not later than now plus the allowed skew: adds FUTURE_DATE."""
    at = instant(found, field, stamp)
    if at is not None and at > now + SKEW:
        found.add(field, "FUTURE_DATE", "时间晚于当前时间,请核对日期或本机时钟。")
        return None
    return at


def to_timestamp(at: datetime) -> Timestamp:
    """An aware instant as a Timestamp."""
    stamp = Timestamp()
    stamp.FromDatetime(at.astimezone(UTC))
    return stamp
