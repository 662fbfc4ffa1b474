"""加密销毁: erase a person by destroying their key; the log and its proofs stay whole.

What goes: the person's key, uid and index, the salts and bodies of their leaves, the records and
answers of their claims. What stays: commitments, postings without a person, and raw exchanges that
nobody can open.
That it was done is itself a leaf. Source: security.md §7. Copies in backups live on until those
expire: say so to whoever asks for the erasure.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import bindparam, delete, func, select, update

from gateway.domain.claim import RESTING
from gateway.domain.errors import NotFound, Refused
from gateway.ports import Opening
from gateway.store.engine import drop_old_pages
from gateway.store.open_store import ClaimStore
from gateway.store.tables import CLAIM, OPENING, OUTBOX, SUBJECT
from gateway.store.unit_of_work import UnitOfWork
from ledger.commitment import canonical_json
from ledger.reads import to_us

SHREDDED = "subject.shredded"
"""Leaf type of an erasure; its opening lists the leaves whose openings are gone."""

_REF = bindparam("ref", type_=SUBJECT.c.subject_ref.type)
_ERASED = select(SUBJECT.c.erased_us).where(SUBJECT.c.subject_ref == _REF)
_UNDECIDED = (
    select(func.count())
    .select_from(CLAIM)
    .where(CLAIM.c.subject_ref == _REF, CLAIM.c.state.not_in([state.value for state in RESTING]))
)
_UNTOLD = (
    select(func.count())
    .select_from(OUTBOX.join(CLAIM, CLAIM.c.claim_id == OUTBOX.c.claim_id))
    .where(CLAIM.c.subject_ref == _REF, OUTBOX.c.done_us.is_(None))
)
_LEAVES = select(OPENING.c.leaf_index).where(OPENING.c.subject_ref == _REF)
_DELETE_OPENINGS = delete(OPENING).where(OPENING.c.subject_ref == _REF)
_EMPTY_CLAIMS = (
    update(CLAIM)
    .where(CLAIM.c.subject_ref == _REF)
    .values(body=None, answer=None, work_due_us=None)
)
_DESTROY = (
    update(SUBJECT)
    .where(SUBJECT.c.subject_ref == _REF)
    .values(wrapped_dek=None, wrapped_uid=None, id_index=None, erased_us=bindparam("at_us"))
)


async def erase_subject(store: ClaimStore, subject_ref: str, *, legal_basis: str) -> int:
    """Erase one person; answers the index of the leaf that says so.

    The caller has checked that no retention duty runs. Raises NotFound for an unknown or erased
    subject, Refused while a claim of theirs is undecided or still to be told.
    """
    index = await store.writer.submit(lambda unit: _erase(unit, store, subject_ref, legal_basis))
    await asyncio.to_thread(drop_old_pages, store.snapshots.engine)
    return index


def _erase(unit: UnitOfWork, store: ClaimStore, ref: str, legal_basis: str) -> int:
    connection, clock, ids = unit.connection, store.tools.clock, store.tools.ids
    row = connection.execute(_ERASED, {"ref": ref}).one_or_none()
    if row is None or row.erased_us is not None:
        raise NotFound("there is no such subject, or it is erased already")
    if connection.execute(_UNDECIDED, {"ref": ref}).scalar_one():
        raise Refused(
            "a claim of this subject is undecided", text_zh="该人员尚有未决结算,暂不能删除。"
        )
    if connection.execute(_UNTOLD, {"ref": ref}).scalar_one():
        raise Refused(
            "the visited region has not been told of a claim of this subject",
            text_zh="该人员的结算尚未全部通知就医地,暂不能删除。",
        )
    at = clock.now()
    body = canonical_json(
        {
            "v": 1,
            "subject_ref": ref,
            "legal_basis": legal_basis,
            "at": at.isoformat(),
            "leaves": sorted(connection.execute(_LEAVES, {"ref": ref}).scalars()),
        }
    )
    opening = Opening(unit.house_ref(), body)
    index = unit.append_evidence(ids.entry_id(), leaf_type=SHREDDED, opening=opening, at=at)
    connection.execute(_DELETE_OPENINGS, {"ref": ref})
    connection.execute(_EMPTY_CLAIMS, {"ref": ref})
    connection.execute(_DESTROY, {"ref": ref, "at_us": to_us(at)})
    unit.forget_subject(ref)
    return index
