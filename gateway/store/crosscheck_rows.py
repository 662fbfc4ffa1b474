"""Persons, messages, exchanges and the outbox: the columns in clear against what is sealed.

What a column says and nothing else says is listed, with the reason, in docs/verify.md; the mutation
test reads that table.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, or_, select

from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated
from gateway.store.claims import _work_due_us as work_due_us
from gateway.store.claims import reconcile_due_us
from gateway.store.errors import SubjectErased, Undecipherable
from gateway.store.keyring import INDEX_EPOCH, Keyring
from gateway.store.prepared import Prepared
from gateway.store.sealing import Place, unseal
from gateway.store.subjects import HOUSE, Subjects
from gateway.store.tables import CLAIM, EXCHANGE, MESSAGE, OUTBOX, REVERSAL_REQUEST, SUBJECT
from ledger.report import INVESTIGATE, RESTORE, Findings

OUTCOMES = ("answered", "refused", "no_answer", "not_sent")
"""gateway.journeys.visit_sequence.outcome_of."""
UNDO_ADMISSION = "undo_admission"
KINDS = ("visited_settlement", "visited_reversal", UNDO_ADMISSION)
"""gateway.domain.claim_record.OutboxItem."""

_EXCHANGES = Prepared(
    select(EXCHANGE.c.msgid, EXCHANGE.c.outcome)
    .join(MESSAGE, MESSAGE.c.msgid == EXCHANGE.c.msgid)
    .where(MESSAGE.c.claim_id == bindparam("claim_id"))
)
_REVERSAL = Prepared(
    select(REVERSAL_REQUEST.c.request_hash).where(
        REVERSAL_REQUEST.c.institution_code == bindparam("institution"),
        REVERSAL_REQUEST.c.request_id == bindparam("request_id"),
    )
)
_ID_INDEX = Prepared(select(SUBJECT.c.id_index).where(SUBJECT.c.subject_ref == bindparam("ref")))
_DIFFERING: tuple[tuple[str, str, str, Select[Any]], ...] = (
    (
        "EXCHANGE_DIFFERS",
        "exchange",
        "it is of another person than its claim, or has an outcome that there is not",
        select(EXCHANGE.c.exchange_id)
        .join(MESSAGE, MESSAGE.c.msgid == EXCHANGE.c.msgid)
        .join(CLAIM, CLAIM.c.claim_id == MESSAGE.c.claim_id)
        .where(
            or_(
                CLAIM.c.subject_ref != EXCHANGE.c.subject_ref,
                EXCHANGE.c.outcome.not_in(OUTCOMES),
            )
        ),
    ),
    (
        "OUTBOX_DIFFERS",
        "outbox",
        "it is about no claim, or for a region that it does not concern",
        select(OUTBOX.c.item_id)
        .outerjoin(CLAIM, CLAIM.c.claim_id == OUTBOX.c.claim_id)
        .where(
            or_(
                CLAIM.c.claim_id.is_(None),
                case(
                    (OUTBOX.c.kind == UNDO_ADMISSION, CLAIM.c.insured_region),
                    else_=CLAIM.c.visited_region,
                )
                != OUTBOX.c.region,
                OUTBOX.c.kind.not_in(KINDS),
            )
        ),
    ),
)


def check_rows(connection: Connection, findings: Findings, keyring: Keyring) -> None:
    """Everything but the claims themselves."""
    for code, table, what, query in _DIFFERING:
        for key in connection.execute(query).scalars():
            findings.add(code, f"{table} {key}", what, INVESTIGATE)
    for row in connection.execute(select(SUBJECT), execution_options={"yield_per": 500}):
        findings.count("subjects")
        what = _wrong_with_subject(row, keyring)
        if what:
            findings.add("SUBJECT_DIFFERS", f"subject {row.subject_ref}", what, RESTORE)


def rows_of_claim(
    connection: Connection, row: Row[*tuple[Any, ...]], claim: ClaimRecord, keyring: Keyring
) -> list[tuple[str, str, str]]:
    """What the sealed record says of the claim's columns, answers, reversal and person."""
    found: list[tuple[str, str, str]] = []
    version = int.from_bytes(row.body[1:3], "big")
    due = (row.work_due_us, row.reconcile_due_us)
    if due != (work_due_us(claim), reconcile_due_us(claim)) or row.key_version != version:
        what = "column work_due_us, reconcile_due_us or key_version is not what the record says"
        found.append(("CLAIM_COLUMN_DIFFERS", what, INVESTIGATE))
    of_claim = {"claim_id": claim.claim_id}
    heard = {(m.msgid, m.outcome) for m in claim.messages if m.outcome != "planned"}
    if not heard <= {tuple(exchange) for exchange in _EXCHANGES.rows(connection, of_claim)}:
        what = "what a region answered to a message is not on record"
        found.append(("EXCHANGE_MISSING", what, RESTORE))
    if claim.reversal_request_id and not _reversal_fits(connection, claim):
        what = "the request of its newest reversal is on record with another content"
        found.append(("REVERSAL_DIFFERS", what, INVESTIGATE))
    index = _ID_INDEX.rows(connection, {"ref": claim.subject_ref}).scalar()
    if index != keyring.id_index(claim.id_number):
        what = "its person is not found by the number that the record holds"
        found.append(("SUBJECT_DIFFERS", what, RESTORE))
    return found


def _reversal_fits(connection: Connection, claim: ClaimRecord) -> bool:
    asked = {"institution": claim.institution_code, "request_id": claim.reversal_request_id}
    kept = _REVERSAL.rows(connection, asked).scalar()
    return kept is None or kept == claim.reversal_request_hash  # None: REVERSAL_NOT_RECORDED


def is_erased(subjects: Subjects, ref: str) -> bool:
    """The key of this person was destroyed, so that a claim may have lost its record."""
    try:
        subjects.cipher(ref)
    except SubjectErased:
        return True
    except InvariantViolated:
        return False
    return False


def _wrong_with_subject(row: Row[*tuple[Any, ...]], keyring: Keyring) -> str:
    erased = row.erased_us is not None
    parts = (row.wrapped_dek, row.wrapped_uid)
    if erased or any(part is None for part in parts):
        whole = erased and all(part is None for part in (*parts, row.id_index))
        return "" if whole else "it is erased in part"
    if row.kek_id != keyring.kek_id or row.index_epoch != INDEX_EPOCH:
        return "its keys are of another master key or epoch"
    ref = row.subject_ref
    try:
        unseal(keyring.kek, Place("subject", ref, "wrapped_dek"), row.wrapped_dek)
        uid = unseal(keyring.kek, Place("subject", ref, "wrapped_uid"), row.wrapped_uid)
    except Undecipherable:
        return "its keys do not open"
    if ref != HOUSE and keyring.subject_ref(uid) != ref:
        return "its reference is not derived from its uid"
    return ""
