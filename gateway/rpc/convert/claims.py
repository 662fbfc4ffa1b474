"""Claims as callers get them: encoded once at each change, and the same bytes ever after."""

from __future__ import annotations

from gateway.domain.claim_record import ClaimRecord, Refusal
from gateway.rpc.convert.advice import advice
from gateway.rpc.convert.amounts import breakdown, differences, priced_lines
from gateway.rpc.convert.enums import SCHEMES_OUT, STATES, VISIT_KINDS_OUT
from gateway.rpc.convert.times import to_timestamp
from yrd.claim.v1 import claim_pb2
from yrd.type.v1 import type_pb2


def encode_claim(record: ClaimRecord) -> bytes:
    """Deterministic bytes of yrd.claim.v1.Claim. Implements ports.ClaimEncoder."""
    return to_claim(record).SerializeToString(deterministic=True)


def decode_claim(answer: bytes) -> claim_pb2.Claim:
    """The claim of an encoded answer."""
    return claim_pb2.Claim.FromString(answer)


def to_claim(record: ClaimRecord) -> claim_pb2.Claim:
    """The public view of a claim: the patient masked, no person number, no hash."""
    claim = claim_pb2.Claim(
        claim_id=record.claim_id,
        request_id=record.request_id,
        state=STATES[record.state],
        provisional=record.provisional,
        advice_zh=advice(record),
        etag=str(record.version),
        institution_code=record.institution_code,
        visited_region=record.visited_region,
        insured_region=record.insured_region,
        visit_kind=VISIT_KINDS_OUT[record.visit_kind],
        visit_no=record.visit_no,
        batch_no=record.batch_no,
        person=masked_person(record.subject_ref, record.name_masked, record.id_number_masked),
        scheme=SCHEMES_OUT[record.scheme],
        policy_rules=record.policy_rules,
        catalogue_version=record.catalogue_version,
        region_settlement_id=record.region_settlement_id,
        window=record.window,
        created_at=to_timestamp(record.created_at),
        updated_at=to_timestamp(record.updated_at),
    )
    _add_amounts(claim, record)
    _add_trail(claim, record)
    return claim


def masked_person(
    subject_ref: str, name_masked: str, id_number_masked: str
) -> type_pb2.MaskedPerson:
    """A person as a screen may show them."""
    return type_pb2.MaskedPerson(
        subject_ref=subject_ref, name_masked=name_masked, id_number_masked=id_number_masked
    )


def _add_amounts(claim: claim_pb2.Claim, record: ClaimRecord) -> None:
    if record.settled is not None:
        claim.settled.CopyFrom(breakdown(record.settled))
    claim.computed.CopyFrom(breakdown(record.computed))
    claim.differences.extend(differences(record.differences))
    claim.lines.extend(priced_lines(record.lines))


def _add_trail(claim: claim_pb2.Claim, record: ClaimRecord) -> None:
    if record.refusal is not None:
        claim.refusal.CopyFrom(_refusal(record.refusal))
    if record.region_settled_at is not None:
        claim.region_settled_at.CopyFrom(to_timestamp(record.region_settled_at))
    if record.reversal_request_id:
        claim.reversal.request_id = record.reversal_request_id
        claim.reversal.reason = record.reversal_reason
        claim.reversal.region_settlement_id = record.reversal_settlement_id
    claim.findings.extend((*record.broken, *record.unknown_codes))
    claim.findings.extend(f"{name}=not_given" for name in record.not_given)
    for message in record.messages:
        claim.messages.add(
            msgid=message.msgid, transaction=message.transaction, region=message.region,
            outcome=message.outcome,
        )  # fmt: skip
    for entry in record.entries:
        claim.entries.add(entry_id=entry.entry_id, kind=entry.kind, leaf_index=entry.leaf_index)


def _refusal(refusal: Refusal) -> claim_pb2.Refusal:
    return claim_pb2.Refusal(
        by=refusal.by, reason=refusal.reason, region_code=refusal.region_code,
        text_zh=refusal.text_zh,
    )  # fmt: skip
