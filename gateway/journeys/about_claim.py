"""往来报文: one more message about a claim on record: its plan, its context, its sender.

What journeys and workers share that go on with a claim. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.domain.errors import InvariantViolated, NotFound
from gateway.domain.visit import Institution
from gateway.ports import Books, CallContext, Regions, Store, Verb


async def claim_of(store: Store, item: OutboxItem) -> ClaimRecord:
    """The claim that an outbox item is about. Raises InvariantViolated if there is none."""
    claim = await store.read(lambda reader: reader.claim(item.claim_id))
    if claim is None:
        raise InvariantViolated("an outbox item without its claim")
    return claim


def registered(institutions: Mapping[str, Institution], claim: ClaimRecord) -> Institution:
    """The claim's institution, in whose name messages go. Raises NotFound."""
    institution = institutions.get(claim.institution_code)
    if institution is None:
        raise NotFound("the claim's institution is no longer in the register")
    return institution


def plan_message(
    books: Books, regions: Regions, claim: ClaimRecord, verb: Verb, at: datetime
) -> PlannedMessage:
    """Intent first: a msgid of its own, on disk with this transaction, before it is sent."""
    number = regions.of(claim.insured_region).transaction(verb, claim.visit_kind)
    (msgid,) = books.next_msgids(claim.institution_code, 1, at)
    message = PlannedMessage(msgid, number, claim.insured_region)
    books.record_messages(claim.claim_id, (message,))
    return message


def context_of(
    claim: ClaimRecord,
    msgid: str,
    institution: Institution,
    *,
    sent_at: datetime,
    timeout_s: float,
) -> CallContext:
    """Everything about the message that is not its content."""
    return CallContext(
        msgid=msgid,
        institution=institution,
        visited_region=claim.visited_region,
        insured_region=claim.insured_region,
        sent_at=sent_at,
        timeout_s=timeout_s,
    )
