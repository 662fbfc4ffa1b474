"""Record what happened to a claim: state, journal and leaf in one transaction.

The only writer of claim transitions. What the table does not allow (a late answer after a 2601 left
us) is kept as evidence and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.breakdown import Breakdown
from gateway.domain.claim import ClaimEvent, ClaimState, LedgerAct, allows
from gateway.domain.claim_record import ClaimRecord, EntryRef, OutboxItem, StatementFinding
from gateway.domain.errors import InvariantViolated
from gateway.domain.msgid import SHANGHAI
from gateway.domain.posting import settlement_legs
from gateway.ports import Books, Exchange, Ids, Opening
from ledger.commitment import canonical_json
from ledger.journal import Entry, EntryKind, Leg

UNDO_ADMISSION = "undo_admission"
"""Kind of the outbox item that takes back an admission whose reply was lost."""
UNDO_AFTER = timedelta(minutes=1)
"""The admission may still be under way: a 2601 must not overtake it."""


@dataclass(frozen=True, slots=True, repr=False)
class Happened:
    """An event with what it brought: changed fields, message outcomes, raw bytes."""

    event: ClaimEvent
    changes: dict[str, Any] = field(default_factory=dict)
    exchanges: tuple[tuple[str, str, Exchange], ...] = ()
    """(msgid, outcome, raw bytes) in the order sent."""
    noted: dict[str, str] = field(default_factory=dict)
    """A person's decision, for the leaf: operator and reason."""


def record_event(
    books: Books, claim_id: str, happened: Happened, *, at: datetime, ids: Ids
) -> ClaimRecord:
    """Apply one event to the stored claim. Returns the claim as it now stands."""
    claim = books.claim(claim_id)
    if claim is None:
        raise InvariantViolated("an event for a claim that is not on record")
    for msgid, outcome, exchange in happened.exchanges:
        books.record_exchange(msgid, claim.subject_ref, outcome, exchange)
    if not allows(claim.state, happened.event):
        body = {"claim_id": claim.claim_id, "event": happened.event.value, "v": 1}
        opening = Opening(claim.subject_ref, canonical_json(body))
        books.append_evidence(ids.entry_id(), leaf_type="claim.late_answer", opening=opening, at=at)
        return claim
    moved, act = _with_outcomes(claim, happened).moved(happened.event, at=at, **happened.changes)
    moved = _enter(books, moved, act, at=at, ids=ids, noted=happened.noted)
    if act is LedgerAct.VOID and _admission_was_lost(moved, happened.event):
        due_at = at + UNDO_AFTER
        books.enqueue(
            OutboxItem(ids.outbox_id(), UNDO_ADMISSION, claim_id, claim.insured_region, due_at)
        )
    books.update_claim(moved, expected_version=claim.version)
    return moved


def _admission_was_lost(claim: ClaimRecord, event: ClaimEvent) -> bool:
    """A stay may be open at the region of which we only know the message that asked for it: it was
    not answered, or we died before anybody wrote down what became of it."""
    unheard = {"no_answer"} if event is ClaimEvent.NOT_SENT else {"no_answer", "planned"}
    return claim.visit_kind.is_inpatient and claim.messages[0].outcome in unheard


def _with_outcomes(claim: ClaimRecord, happened: Happened) -> ClaimRecord:
    outcomes = {msgid: outcome for msgid, outcome, _ in happened.exchanges}
    messages = tuple(
        replace(m, outcome=outcomes[m.msgid]) if m.msgid in outcomes else m for m in claim.messages
    )
    return replace(claim, messages=messages)


def record_intent(books: Books, claim: ClaimRecord, *, at: datetime, ids: Ids) -> ClaimRecord:
    """A new claim: its pending entry, its leaf and its messages, before the first byte leaves."""
    recorded = _enter(books, claim, LedgerAct.PEND, at=at, ids=ids)
    books.insert_claim(recorded)
    books.record_messages(recorded.claim_id, recorded.messages)
    return recorded


def _enter(
    books: Books,
    claim: ClaimRecord,
    act: LedgerAct,
    *,
    at: datetime,
    ids: Ids,
    noted: dict[str, str] | None = None,
) -> ClaimRecord:
    """The ledger's part of a transition, and whom to tell."""
    entry_id = ids.entry_id()
    entry = _entry(claim, act, entry_id)
    posts = act in (LedgerAct.POST, LedgerAct.POST_REVERSAL)
    window = at.astimezone(SHANGHAI).strftime("%Y-%m") if posts else None
    if act is LedgerAct.POST:
        claim = replace(claim, window=window or "")
    # A reversal falls into a window of its own: the settlement's may be closed by now.
    body = _opening_body(claim, act, entry_id, entry, at=at, window=window or claim.window)
    opening = Opening(
        claim.subject_ref, canonical_json(body | ({"decided": noted} if noted else {}))
    )
    if entry is None:
        books.append_evidence(
            entry_id, leaf_type=f"claim.{claim.state.value.lower()}", opening=opening, at=at
        )
        return claim
    index = books.append_entry(
        entry, leaf_type=f"entry.{entry.kind.value}", window=window, opening=opening, at=at
    )
    if posts:
        books.enqueue(_outbox_item(claim, act, at=at, ids=ids))
    return claim.with_entry(EntryRef(entry_id, entry.kind.value, index))


def _entry(claim: ClaimRecord, act: LedgerAct, entry_id: str) -> Entry | None:
    """The journal entry an act makes; None where the act moves nothing."""
    match act:
        case LedgerAct.NONE:
            return None
        case LedgerAct.PEND:
            return Entry(entry_id, EntryKind.PENDING, legs=_legs(claim, claim.computed))
        case LedgerAct.POST:
            return Entry(
                entry_id,
                EntryKind.POSTED,
                legs=_legs(claim, _settled(claim)),
                resolves=claim.open_entry_id,
            )
        case LedgerAct.VOID | LedgerAct.VOID_REVERSAL:
            return Entry(entry_id, EntryKind.VOIDED, resolves=claim.open_entry_id)
        case LedgerAct.PEND_REVERSAL:
            return Entry(
                entry_id, EntryKind.PENDING, legs=_mirrored(claim), reverses=claim.posted_entry_id
            )
        case LedgerAct.POST_REVERSAL:
            return Entry(
                entry_id,
                EntryKind.POSTED,
                legs=_mirrored(claim),
                resolves=claim.open_entry_id,
                reverses=claim.posted_entry_id,
            )


def _settled(claim: ClaimRecord) -> Breakdown:
    if claim.settled is None:
        raise InvariantViolated("nothing is posted without a region's yes")
    return claim.settled


def _legs(claim: ClaimRecord, breakdown: Breakdown) -> tuple[Leg, ...]:
    return settlement_legs(
        breakdown,
        visited_region=claim.visited_region,
        insured_region=claim.insured_region,
        institution=claim.institution_code,
    )


def _mirrored(claim: ClaimRecord) -> tuple[Leg, ...]:
    return tuple(leg.mirrored() for leg in _legs(claim, _settled(claim)))


def _outbox_item(claim: ClaimRecord, act: LedgerAct, *, at: datetime, ids: Ids) -> OutboxItem:
    kind = "visited_settlement" if act is LedgerAct.POST else "visited_reversal"
    return OutboxItem(ids.outbox_id(), kind, claim.claim_id, claim.visited_region, due_at=at)


def amounts(breakdown: Breakdown | None) -> dict[str, int] | None:
    """A breakdown as plain integers, for openings and receipts."""
    if breakdown is None:
        return None
    parts = {
        "total_fen": breakdown.total_fen,
        "own_pay_fen": breakdown.own_pay_fen,
        "over_limit_fen": breakdown.over_limit_fen,
        "pre_self_pay_fen": breakdown.pre_self_pay_fen,
        "in_scope_fen": breakdown.in_scope_fen,
        "deductible_fen": breakdown.deductible_fen,
        "fund_total_fen": breakdown.fund_total_fen,
        "account_fen": breakdown.account_fen,
        "family_account_fen": breakdown.family_account_fen,
        "cash_fen": breakdown.cash_fen,
        "hospital_fen": breakdown.hospital_fen,
    }
    return parts | {f"fund.{fund.value}_fen": amount for fund, amount in breakdown.funds}


def _opening_body(
    claim: ClaimRecord,
    act: LedgerAct,
    entry_id: str,
    entry: Entry | None,
    *,
    at: datetime,
    window: str,
) -> dict[str, Any]:
    """What the leaf commits to: every fact an auditor needs to say why this was posted."""
    reversal = claim.state in (
        ClaimState.REVERSING,
        ClaimState.REVERSED,
        ClaimState.REVERSAL_UNKNOWN,
    )
    body: dict[str, Any] = {
        "v": 1,
        "act": act.value,
        "state": claim.state.value,
        "claim_id": claim.claim_id,
        "entry_id": entry_id,
        "at": at.isoformat(),
        "institution": claim.institution_code,
        "visited_region": claim.visited_region,
        "insured_region": claim.insured_region,
        "visit_kind": claim.visit_kind.value,
        "scheme": claim.scheme.value,
        "subject_ref": claim.subject_ref,
        "request_hash": claim.request_hash,
        "messages": [[m.msgid, m.transaction, m.region, m.outcome] for m in claim.messages],
        "policy_rules": list(claim.policy_rules),
        "catalogue_version": claim.catalogue_version,
        "computed": amounts(claim.computed),
        "settled": amounts(claim.settled),
        "differences": [list(row) for row in claim.differences],
        "region_settlement_id": claim.region_settlement_id,
        "broken": list(claim.broken),
        "unknown_codes": list(claim.unknown_codes),
        "not_given": list(claim.not_given),
        "reversal": reversal,
        "window": window,
    }
    if claim.refusal is not None:
        body["refusal"] = [claim.refusal.by, claim.refusal.reason, claim.refusal.region_code]
    if claim.found is not None:
        body["statement"] = _statement(claim.found)
    if entry is not None:
        body["kind"] = entry.kind.value
        body["resolves"] = entry.resolves
        body["reverses"] = entry.reverses
        body["legs"] = [[leg.debit.code, leg.credit.code, leg.amount_fen] for leg in entry.legs]
    return body


def _statement(found: StatementFinding) -> dict[str, Any]:
    """对账结论: which statement decided, and by which rows."""
    return {
        "standing": found.standing.value,
        "msgids": list(found.msgids),
        "days": [found.first_day, found.last_day],
        "digest": found.digest,
        "at": found.at.isoformat(),
    }
