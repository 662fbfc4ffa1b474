"""ClaimRecord ↔ JSON bytes, exact: Decimals as text, times with zone, money as integers.

The bytes are sealed before they are stored (gateway/store/claims.py). A field added later needs a
default, so that older rows still read.
"""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from gateway.domain.claim_record import ClaimRecord
from gateway.store.errors import Undecipherable

_RECORD: TypeAdapter[ClaimRecord] = TypeAdapter(ClaimRecord)


def record_to_json(record: ClaimRecord) -> bytes:
    """UTF-8 JSON."""
    return _RECORD.dump_json(record)


def record_from_json(data: bytes) -> ClaimRecord:
    """The inverse. Raises Undecipherable for bytes that are no record (never echoing them)."""
    try:
        return _RECORD.validate_json(data)
    except ValidationError:
        raise Undecipherable from None
