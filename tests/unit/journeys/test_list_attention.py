"""待处理清单: the reason that each provisional claim is given, and what may be done about it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.claim import PROVISIONAL, ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord
from gateway.journeys.list_attention import (
    BY_ATTENTION,
    Act,
    AttentionPage,
    item_of,
    standing_of,
)
from gateway.journeys.take_back import may_take_back
from gateway.rpc.convert.attention import attention_page
from tests.unit.rpc.samples import NOW, claim
from yrd.audit.v1 import audit_pb2 as pb

CASES: list[tuple[str, ClaimState, dict[str, Any], bool, tuple[Act, ...]]] = [
    ("NO_ANSWER", ClaimState.UNKNOWN, {"work_due_at": NOW}, False, (Act.WAIT,)),
    (
        "REVERSAL_RETRIED", ClaimState.REVERSAL_SENT, {"work_due_at": NOW}, False,
        (Act.WAIT, Act.WAIT_STATEMENT),
    ),
    (
        "REVERSAL_ANSWERED", ClaimState.REVERSAL_SENT, {"reversal_answered": True}, False,
        (Act.WAIT_STATEMENT,),
    ),
    (
        "REVERSAL_UNANSWERED", ClaimState.REVERSAL_SENT, {"reversal_attempts": 10}, True,
        (Act.PHONE_REGION, Act.TAKE_BACK, Act.WAIT_STATEMENT),
    ),
    ("CANCEL_NO_ANSWER", ClaimState.REVERSAL_UNKNOWN, {}, False, (Act.WAIT_STATEMENT,)),
    (
        "BROKEN_ANSWER", ClaimState.REVIEW, {"broken": ("I1",)}, True,
        (Act.PHONE_REGION, Act.TAKE_BACK, Act.READ_AGAIN, Act.WAIT_STATEMENT),
    ),
    (
        "DECIDE", ClaimState.REVIEW,
        {"attention": Attention.DECIDE, "unknown_codes": ("insutype=999",)}, True,
        (Act.READ_AGAIN, Act.TAKE_BACK, Act.PHONE_REGION),
    ),
    (
        "STILL_EFFECTIVE", ClaimState.REVERSAL_SENT,
        {"attention": Attention.STILL_EFFECTIVE, "reversal_answered": True}, True,
        (Act.PHONE_REGION, Act.TAKE_BACK),
    ),
    (
        "AMBIGUOUS", ClaimState.REVERSAL_UNKNOWN, {"attention": Attention.AMBIGUOUS}, True,
        (Act.PHONE_REGION, Act.WAIT_STATEMENT),
    ),
    (
        "AMBIGUOUS", ClaimState.REVERSAL_SENT,
        {"attention": Attention.AMBIGUOUS, "reversal_answered": True}, True,
        (Act.PHONE_REGION, Act.TAKE_BACK),
    ),
    (
        "NO_STATEMENT", ClaimState.REVERSAL_UNKNOWN, {"attention": Attention.NO_STATEMENT}, True,
        (Act.PHONE_REGION, Act.WAIT_STATEMENT),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "state", "changes", "person", "acts"), CASES)
def test_each_claim_has_its_reason_and_only_acts_that_it_allows(
    reason: str, state: ClaimState, changes: dict[str, Any], person: bool, acts: tuple[Act, ...]
) -> None:
    record = replace(claim(state), **changes)
    found = standing_of(record)
    assert (found.reason, found.needs_person, found.may_do) == (reason, person, acts)
    assert re.search(r"[\u4e00-\u9fff]", found.text_zh)
    assert (Act.TAKE_BACK in found.may_do) <= may_take_back(record)


def test_every_provisional_state_and_every_attention_has_words() -> None:
    assert {state for _, state, *_ in CASES} == PROVISIONAL
    assert set(BY_ATTENTION) == set(Attention) - {Attention.NONE}


def test_what_was_wrong_with_an_answer_is_named() -> None:
    record = replace(claim(ClaimState.REVIEW), broken=("I2",), unknown_codes=("insutype=999",))
    assert "I2、insutype=999" in standing_of(record).text_zh


def test_a_code_that_may_be_a_person_s_number_is_shown_to_nobody() -> None:
    number = "003118198503120118"
    record = replace(
        claim(ClaimState.REVIEW),
        broken=(f"UNKNOWN_CODE clr_type={number}",),
        unknown_codes=(f"clr_type={number}", "psn_type=测试甲一"),
    )
    listed = item_of(record)
    page = attention_page(pb.ListAttentionRequest(), AttentionPage((listed,), ""), only="").claims[
        0
    ]
    for text in (listed.standing.text_zh, *page.findings, page.why_zh):
        assert number not in text and "测试甲一" not in text
    assert "clr_type=(18 characters, no code)" in page.findings


def test_a_settlement_waits_since_it_was_recorded_however_often_it_was_tried_since() -> None:
    later = NOW.replace(day=25)
    made: ClaimRecord = replace(claim(ClaimState.REVERSAL_SENT), updated_at=later)
    assert item_of(made).since == NOW
    cancelling = replace(claim(ClaimState.REVERSAL_UNKNOWN), updated_at=later)
    assert item_of(cancelling).since == later
