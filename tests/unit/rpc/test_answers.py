"""What callers get: claims as bytes that stay the same, estimates, and pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.claim import PROVISIONAL, ClaimState
from gateway.domain.errors import Malformed
from gateway.ports import ClaimPage
from gateway.rpc.convert import audits
from gateway.rpc.convert.advice import ADVICE, UNANSWERED
from gateway.rpc.convert.claims import decode_claim, encode_claim
from gateway.rpc.convert.queries import PAGE_BYTES_MAX, claim_key, claim_page, claim_query
from tests.unit.rpc import samples
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2 as pb
from yrd.type.v1 import type_pb2


def test_a_claim_is_encoded_whole_and_masked() -> None:
    claim = decode_claim(encode_claim(samples.claim()))
    assert claim.state == pb.CLAIM_STATE_SETTLED and not claim.provisional
    assert (claim.etag, claim.window) == ("2", "2026-11")
    assert claim.settled.fund_total_fen == 2000 and claim.settled.patient_fen == 1501
    assert claim.settled.funds[0].fund == type_pb2.FUND_POOLED
    assert claim.computed.working[0].label_zh == "统筹支付"
    assert claim.lines[0].item_class == "乙" and claim.lines[0].item_name == "示例乙类片剂"
    assert claim.messages[0].transaction == "2207"
    assert [e.leaf_index for e in claim.entries] == [6, 7]
    assert claim.person.id_number_masked == "003*************82"
    assert samples.ID_NUMBER.encode() not in encode_claim(samples.claim())
    assert b"33040000000000000001" not in encode_claim(samples.claim())


def test_encoding_is_the_same_every_time_and_survives_the_response() -> None:
    answer = encode_claim(samples.claim())
    assert encode_claim(samples.claim()) == answer
    response = pb.SettleClaimResponse(claim=decode_claim(answer))
    assert answer in response.SerializeToString()


@pytest.mark.parametrize("state", list(ClaimState))
def test_every_state_has_a_name_on_the_wire_and_advice_for_the_counter(state: ClaimState) -> None:
    record = replace(samples.claim(state), reversal_answered=True)
    claim = decode_claim(encode_claim(record))
    assert pb.ClaimState.Name(claim.state) == f"CLAIM_STATE_{state.name}"
    assert claim.advice_zh == ADVICE[state]
    assert claim.provisional is (state in PROVISIONAL)


def test_the_counter_is_told_when_nothing_more_is_tried_and_reconciliation_is_awaited() -> None:
    sent = replace(samples.claim(ClaimState.REVERSAL_SENT), work_due_at=None)
    assert decode_claim(encode_claim(sent)).advice_zh == UNANSWERED
    answered = replace(sent, reversal_answered=True)
    assert decode_claim(encode_claim(answered)).advice_zh == ADVICE[ClaimState.REVERSAL_SENT]


def test_an_unsettled_claim_has_no_settlement() -> None:
    assert not decode_claim(encode_claim(samples.claim(ClaimState.UNKNOWN))).HasField("settled")


def reasons(error: Malformed) -> list[tuple[str, str]]:
    return [(v.field, v.reason) for v in error.violations]


def test_a_page_size_is_defaulted_and_clamped_but_never_negative() -> None:
    def limit(size: int) -> int:
        return claim_query(pb.ListClaimsRequest(page_size=size), "H00310000001").limit

    assert (limit(0), limit(7), limit(9_999)) == (50, 7, 500)
    with pytest.raises(Malformed) as caught:
        limit(-1)
    assert reasons(caught.value) == [("page_size", "NEGATIVE")]


def test_a_page_token_goes_on_where_the_page_ended() -> None:
    request = pb.ListClaimsRequest(states=[pb.CLAIM_STATE_SETTLED], insured_region="33")
    page = ClaimPage((encode_claim(samples.claim()),), next_before="clm_01")
    request.page_token = claim_page(request, "H00310000001", page).next_page_token
    query = claim_query(request, "H00310000001")
    assert query.before_claim_id == "clm_01"
    assert (query.states, query.insured_region_prefix) == (("SETTLED",), "33")


def test_a_page_token_does_not_fit_other_filters_or_another_institution() -> None:
    request = pb.ListClaimsRequest(insured_region="33")
    token = claim_page(request, "H00310000001", ClaimPage((), "clm_01")).next_page_token
    changed = pb.ListClaimsRequest(insured_region="31", page_token=token)
    with pytest.raises(Malformed) as caught:
        claim_query(changed, "H00310000001")
    assert reasons(caught.value) == [("page_token", "FILTERS_CHANGED")]
    request.page_token = token
    with pytest.raises(Malformed):
        claim_query(request, "H00320000001")


@pytest.mark.parametrize("token", ["x", "!!!", "页", "AQ", "A" * 300])
def test_a_made_up_page_token_is_refused(token: str) -> None:
    with pytest.raises(Malformed) as caught:
        claim_query(pb.ListClaimsRequest(page_token=token), "H00310000001")
    assert reasons(caught.value)[0][0] == "page_token"


def test_the_last_page_has_no_token() -> None:
    page = claim_page(pb.ListClaimsRequest(), "H00310000001", ClaimPage((), ""))
    assert page.next_page_token == ""


def test_a_page_of_large_claims_ends_before_it_outgrows_a_message() -> None:
    large = pb.Claim(claim_id="clm_big", advice_zh="x" * (PAGE_BYTES_MAX // 2))
    answers = tuple(large.SerializeToString() for _ in range(5))
    page = claim_page(pb.ListClaimsRequest(), "H00310000001", ClaimPage(answers, "clm_far"))
    assert len(page.claims) == 1
    query = claim_query(pb.ListClaimsRequest(page_token=page.next_page_token), "H00310000001")
    assert query.before_claim_id == "clm_big"


def test_a_claim_is_named_one_way() -> None:
    assert claim_key(pb.GetClaimRequest(claim_id="clm_01")) == {"claim_id": "clm_01"}
    by_request = pb.GetClaimRequest(request_id="H001-20261124-0001")
    assert claim_key(by_request) == {"request_id": "H001-20261124-0001"}
    with pytest.raises(Malformed):
        claim_key(pb.GetClaimRequest())


def test_entries_go_on_from_their_token_until_the_log_ends() -> None:
    page = audits.leaf_page(3, [b"a", b"b"], log_size=6)
    assert [(e.leaf_index, e.leaf) for e in page.entries] == [(3, b"a"), (4, b"b")]
    request = audit_pb2.ListEntriesRequest(page_token=page.next_page_token, page_size=5_000)
    assert audits.leaf_range(request) == (5, 1_000)
    assert audits.leaf_page(5, [b"c"], log_size=6).next_page_token == ""


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (audit_pb2.GetInclusionProofRequest(leaf_index=-1), "leaf_index", "NEGATIVE"),
        (audit_pb2.GetInclusionProofRequest(leaf_index=5, tree_size=5),
         "leaf_index", "NOT_IN_TREE"),
    ],
)  # fmt: skip
def test_a_leaf_outside_its_tree_is_refused(
    request_: audit_pb2.GetInclusionProofRequest, field: str, reason: str
) -> None:
    with pytest.raises(Malformed) as caught:
        audits.leaf_and_tree(request_)
    assert reasons(caught.value) == [(field, reason)]


def test_trees_in_the_wrong_order_are_refused() -> None:
    request = audit_pb2.GetConsistencyProofRequest(first_size=5, second_size=3)
    with pytest.raises(Malformed) as caught:
        audits.two_trees(request)
    assert reasons(caught.value) == [("second_size", "SIZES_REVERSED")]
    with pytest.raises(Malformed):
        audits.two_trees(audit_pb2.GetConsistencyProofRequest())
