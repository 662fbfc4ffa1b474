"""What a settlement that never left is told as: a platform that is away, or a message of ours."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.domain.claim import ClaimEvent
from gateway.domain.claim_record import Refusal
from gateway.journeys.settle_outcome import settle_outcome
from gateway.journeys.visit_sequence import SequenceEnd
from gateway.ports import Exchange, NotDelivered
from tests.unit.adapters.people import NOW, attendance


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("unsendable 2201 data.insutype: code 777 of insutype is unknown", "MESSAGE_UNSENDABLE"),
        ("connect_refused", "REGION_UNAVAILABLE"),
    ],
)
def test_why_nothing_left_is_told_apart(cause: str, reason: str) -> None:
    answer = NotDelivered(cause, Exchange("2201", b"", None))
    end = SequenceEnd(answer, False, attendance(), (), ())
    happened = settle_outcome(cast("Any", None), end, resolve_at=NOW)
    assert happened.event is ClaimEvent.NOT_SENT
    refusal = happened.changes["refusal"]
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.region_code) == (reason, cause)
    assert ("原样重试仍会如此" in refusal.text_zh) is (reason == "MESSAGE_UNSENDABLE")
