"""A record comes back as it was: Decimals by digit, times with their zone, kinds and all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.domain.claim_record import EntryRef, PlannedMessage, Refusal
from gateway.ids import SystemIds
from gateway.store.errors import Undecipherable
from gateway.store.record_codec import record_from_json, record_to_json
from tests.integration.store.house import NAME, breakdown, claim

EMPTY = claim("r-1", ids=SystemIds(), subject_ref="s_a")
FULL = replace(
    EMPTY,
    entries=(EntryRef("ent_1", "pending", 7),),
    messages=(PlannedMessage("m" * 30, "2207A", "330400", "no_answer"),),
    settled=breakdown().negated(),
    differences=(("cash_fen", 1, -2),),
    refusal=Refusal("region", "REGION_REFUSED", "-2", "参保状态暂停"),
    region_settled_at=datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC),
    broken=("I1",),
    unknown_codes=("insutype=999",),
    work_due_at=None,
)


@pytest.mark.parametrize("record", [EMPTY, FULL], ids=["new", "with everything"])
def test_a_record_survives_the_round_trip_exactly(record: object) -> None:
    data = record_to_json(FULL if record is FULL else EMPTY)
    again = record_from_json(data)
    assert again == record
    assert record_to_json(again) == data


def test_decimals_keep_their_digits_and_the_working_is_kept() -> None:
    again = record_from_json(record_to_json(FULL))
    assert str(again.lines[0].price_limit) == "12.345600"
    assert again.computed.working == FULL.computed.working


def test_an_older_row_without_a_newer_field_still_reads() -> None:
    data = record_to_json(EMPTY).replace(b'"reversal_attempts":0,', b"")
    assert record_from_json(data) == EMPTY


def test_bytes_that_are_no_record_are_refused_without_being_quoted() -> None:
    with pytest.raises(Undecipherable) as refused:
        record_from_json(f'{{"name": "{NAME}"}}'.encode())
    assert NAME not in str(refused.value) and refused.value.__cause__ is None
