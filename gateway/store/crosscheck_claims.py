"""Each claim against its own columns, its answer, its entries and the postings that it caused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated
from gateway.domain.posting import settlement_legs
from gateway.store.crosscheck_rows import is_erased, rows_of_claim
from gateway.store.errors import SubjectErased, Undecipherable
from gateway.store.keyring import Keyring
from gateway.store.prepared import Prepared
from gateway.store.record_codec import record_from_json
from gateway.store.sealing import Place, unseal
from gateway.store.subjects import Subjects
from gateway.store.tables import CLAIM, CLAIM_ENTRY, MESSAGE
from ledger.outcomes import LedgerDamaged
from ledger.reads import legs_of, to_us
from ledger.report import INVESTIGATE, RESTORE, Findings

CheckAnswer = Callable[[bytes], object]

_ENTRIES = Prepared(
    select(CLAIM_ENTRY.c.entry_id, CLAIM_ENTRY.c.kind, CLAIM_ENTRY.c.leaf_index).where(
        CLAIM_ENTRY.c.claim_id == bindparam("claim_id")
    )
)
_MESSAGES = Prepared(
    select(MESSAGE.c.msgid, MESSAGE.c.transaction_code, MESSAGE.c.region).where(
        MESSAGE.c.claim_id == bindparam("claim_id")
    )
)

_OPEN = frozenset({
    ClaimState.RECORDED, ClaimState.UNKNOWN, ClaimState.REVERSAL_SENT, ClaimState.REVIEW,
    ClaimState.REVERSING, ClaimState.REVERSAL_UNKNOWN,
})  # fmt: skip
"""States whose last entry is pending."""
_LAST_KIND = {
    ClaimState.REFUSED: ("voided",),
    ClaimState.VOIDED: ("voided",),
    # A cancellation that came to nothing leaves its voided entry behind the posted one.
    ClaimState.SETTLED: ("posted", "voided"),
    ClaimState.REVERSED: ("posted",),
}
_POSTED = {ClaimState.SETTLED: 1, ClaimState.REVERSING: 1, ClaimState.REVERSAL_UNKNOWN: 1}


def check_claims(
    connection: Connection,
    findings: Findings,
    keyring: Keyring,
    subjects: Subjects,
    check_answer: CheckAnswer | None,
) -> None:
    """Add to the findings whatever a claim contradicts."""
    for row in connection.execute(select(CLAIM), execution_options={"yield_per": 200}):
        findings.step()
        if row.body is None and is_erased(subjects, row.subject_ref):
            findings.count("claims_erased")
            continue
        findings.count("claims")
        for code, what, do in _problems(connection, row, keyring, subjects, check_answer):
            findings.add(code, f"claim {row.claim_id}", what, do)


def _problems(
    connection: Connection,
    row: Row[*tuple[Any, ...]],
    keyring: Keyring,
    subjects: Subjects,
    check_answer: CheckAnswer | None,
) -> list[tuple[str, str, str]]:
    try:
        cipher = subjects.cipher(row.subject_ref)
        body = Place("claim", row.claim_id, "body")
        claim = record_from_json(unseal(cipher, body, row.body or b""))
        answer = unseal(cipher, Place("claim", row.claim_id, "answer"), row.answer or b"")
    except (Undecipherable, SubjectErased, InvariantViolated):
        # InvariantViolated: the person that the row names is not there.
        return [("CLAIM_SEALED", "its record or answer does not open", RESTORE)]
    found = [
        ("CLAIM_COLUMN_DIFFERS", f"column {name} is not what the sealed record says", INVESTIGATE)
        for name, value in _columns(claim, keyring).items()
        if getattr(row, name) != value
    ]
    if check_answer is not None:
        try:
            check_answer(answer)
        except ValueError:
            found.append(("ANSWER_UNREADABLE", "its stored answer cannot be decoded", RESTORE))
    found += rows_of_claim(connection, row, claim, keyring)
    return found + _entry_problems(connection, claim)


def _columns(claim: ClaimRecord, keyring: Keyring) -> dict[str, object]:
    return {
        "claim_id": claim.claim_id,
        "institution_code": claim.institution_code,
        "request_id": claim.request_id,
        "reversal_request_id": claim.reversal_request_id or None,
        "state": claim.state.value,
        "version": claim.version,
        "visited_region": claim.visited_region,
        "insured_region": claim.insured_region,
        "visit_kind": claim.visit_kind.value,
        "batch_index": keyring.batch_index(claim.institution_code, claim.visit_no, claim.batch_no),
        "subject_ref": claim.subject_ref,
        "clearing_window": claim.window,
        "created_us": to_us(claim.created_at),
        "updated_us": to_us(claim.updated_at),
    }


def _entry_problems(connection: Connection, claim: ClaimRecord) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    of_claim = {"claim_id": claim.claim_id}
    stored = {tuple(row) for row in _ENTRIES.rows(connection, of_claim)}
    if stored != {(entry.entry_id, entry.kind, entry.leaf_index) for entry in claim.entries}:
        found.append(("CLAIM_ENTRIES_DIFFER", "its record names other entries", INVESTIGATE))
    sent = {(message.msgid, message.transaction, message.region) for message in claim.messages}
    if not sent <= {tuple(row) for row in _MESSAGES.rows(connection, of_claim)}:
        what = "a message it sent is not on record as it was sent"
        found.append(("MESSAGE_MISSING", what, INVESTIGATE))
    if not _kinds_fit(claim):
        what = f"its entries do not fit the state {claim.state}"
        found.append(("STATE_WITHOUT_ENTRY", what, INVESTIGATE))
    elif not _postings_fit(connection, claim):
        what = "what was posted is not what the region settled"
        found.append(("POSTING_DIFFERS", what, INVESTIGATE))
    return found


def _kinds_fit(claim: ClaimRecord) -> bool:
    """The entries are those that the life of a claim leaves behind in this state."""
    if not claim.entries:
        return False
    last = claim.entries[-1].kind
    expected = ("pending",) if claim.state in _OPEN else _LAST_KIND[claim.state]
    posted = sum(1 for entry in claim.entries if entry.kind == "posted")
    least = 2 if claim.state is ClaimState.REVERSED else _POSTED.get(claim.state, 0)
    return last in expected and posted == least


def _postings_fit(connection: Connection, claim: ClaimRecord) -> bool:
    """The first posted entry moved exactly what the settlement says."""
    posted = [entry.entry_id for entry in claim.entries if entry.kind == "posted"]
    if not posted or claim.settled is None:
        return not posted
    expected = settlement_legs(
        claim.settled,
        visited_region=claim.visited_region,
        insured_region=claim.insured_region,
        institution=claim.institution_code,
    )
    try:
        return legs_of(connection, posted[0]) == expected
    except LedgerDamaged:
        return True  # ledger.verify reports the leg itself
