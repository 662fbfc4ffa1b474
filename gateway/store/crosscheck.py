"""对账自查: does our own state agree with the ledger beside it?

`ledger.verify` shows that the books agree with themselves; this shows that every claim has its
entries and every entry its claim, that each opening opens its leaf, and that what is sealed still
opens and says what the columns say. Reads one snapshot with flat memory, changes nothing. Part of
`yrd verify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, or_, select
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import InvariantViolated
from gateway.store.crosscheck_claims import CheckAnswer, check_claims
from gateway.store.crosscheck_rows import check_rows
from gateway.store.erasure import SHREDDED
from gateway.store.errors import SubjectErased, Undecipherable
from gateway.store.keyring import Keyring
from gateway.store.sealing import Place, unseal
from gateway.store.subjects import HOUSE, Subjects
from gateway.store.tables import CLAIM, CLAIM_ENTRY, EXCHANGE, MESSAGE, OPENING, REVERSAL_REQUEST
from ledger.commitment import SALT_SIZE, commit
from ledger.history import RESTARTED
from ledger.leaf import Leaf, LeafError
from ledger.limit_store import LIMIT_SET
from ledger.outcomes import LedgerError
from ledger.report import INVESTIGATE, RESTORE, Findings, Progress, Report, silent
from ledger.tables import ENTRY, LEAF

_STREAM = {"yield_per": 500}
_IN_LEDGER = frozenset({LIMIT_SET, RESTARTED})
"""Leaves whose salt and body are the ledger's own rows; ledger.verify opens them."""

_ORPHANS: tuple[tuple[str, str, str, Select[Any]], ...] = (
    (
        "ENTRY_WITHOUT_CLAIM",
        "ledger_entry",
        "no claim owns this journal entry",
        # What the house appends by itself (prepayments, expiries) is about no person: its opening
        # lies under the house's key, and opens under no other.
        select(ENTRY.c.entry_id)
        .outerjoin(CLAIM_ENTRY, CLAIM_ENTRY.c.entry_id == ENTRY.c.entry_id)
        .outerjoin(OPENING, OPENING.c.leaf_index == ENTRY.c.leaf_index)
        .where(
            CLAIM_ENTRY.c.entry_id.is_(None),
            or_(OPENING.c.subject_ref.is_(None), OPENING.c.subject_ref != HOUSE),
        ),
    ),
    (
        "CLAIM_ENTRY_DIFFERS",
        "claim_entry",
        "the journal has no such entry, or another kind or leaf for it",
        select(CLAIM_ENTRY.c.entry_id)
        .outerjoin(ENTRY, ENTRY.c.entry_id == CLAIM_ENTRY.c.entry_id)
        .where(
            or_(
                ENTRY.c.entry_id.is_(None),
                ENTRY.c.kind != CLAIM_ENTRY.c.kind,
                ENTRY.c.leaf_index != CLAIM_ENTRY.c.leaf_index,
            )
        ),
    ),
    (
        "CLAIM_WITHOUT_ENTRY",
        "claim",
        "no journal entry belongs to this claim",
        select(CLAIM.c.claim_id)
        .outerjoin(CLAIM_ENTRY, CLAIM_ENTRY.c.claim_id == CLAIM.c.claim_id)
        .where(CLAIM_ENTRY.c.entry_id.is_(None)),
    ),
    (
        "CLAIM_MISSING",
        "claim_entry",
        "the claim of this entry is not there",
        select(CLAIM_ENTRY.c.entry_id)
        .outerjoin(CLAIM, CLAIM.c.claim_id == CLAIM_ENTRY.c.claim_id)
        .where(CLAIM.c.claim_id.is_(None)),
    ),
    (
        "MESSAGE_WITHOUT_CLAIM",
        "message",
        "the claim of this message is not there",
        select(MESSAGE.c.msgid)
        .outerjoin(CLAIM, CLAIM.c.claim_id == MESSAGE.c.claim_id)
        .where(
            CLAIM.c.claim_id.is_(None),
            # A statement (3201, 3202) is about many claims: its bytes are the house's.
            ~exists().where(EXCHANGE.c.msgid == MESSAGE.c.msgid, EXCHANGE.c.subject_ref == HOUSE),
        ),
    ),
    (
        "EXCHANGE_WITHOUT_MESSAGE",
        "exchange",
        "no message of this msgid and transaction is on record",
        select(EXCHANGE.c.exchange_id)
        .outerjoin(
            MESSAGE,
            and_(
                MESSAGE.c.msgid == EXCHANGE.c.msgid,
                MESSAGE.c.transaction_code == EXCHANGE.c.transaction_code,
            ),
        )
        .where(MESSAGE.c.msgid.is_(None)),
    ),
    (
        "REVERSAL_WITHOUT_CLAIM",
        "reversal_request",
        "the claim that this reversal was asked for is not there",
        select(REVERSAL_REQUEST.c.request_id)
        .outerjoin(CLAIM, CLAIM.c.claim_id == REVERSAL_REQUEST.c.claim_id)
        .where(CLAIM.c.claim_id.is_(None)),
    ),
    (
        "REVERSAL_NOT_RECORDED",
        "claim",
        "the request of its newest reversal is not on record as its own",
        select(CLAIM.c.claim_id)
        .outerjoin(
            REVERSAL_REQUEST,
            and_(
                REVERSAL_REQUEST.c.institution_code == CLAIM.c.institution_code,
                REVERSAL_REQUEST.c.request_id == CLAIM.c.reversal_request_id,
                REVERSAL_REQUEST.c.claim_id == CLAIM.c.claim_id,
            ),
        )
        .where(CLAIM.c.reversal_request_id.is_not(None), REVERSAL_REQUEST.c.claim_id.is_(None)),
    ),
)


def crosscheck(
    connection: Connection,
    keyring: Keyring,
    *,
    subjects: Subjects,
    check_answer: CheckAnswer | None = None,
    progress: Progress | None = None,
) -> Report:
    """Compare state and ledger on one snapshot. `check_answer` raises ValueError for bytes that are
    no encoded claim."""
    findings = Findings(progress or silent)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("claim_entry", lambda: _check_orphans(connection, findings)),
        ("leaf", lambda: _check_openings(connection, findings, subjects)),
        ("exchange", lambda: _check_exchanges(connection, findings, subjects)),
        ("claim", lambda: check_claims(connection, findings, keyring, subjects, check_answer)),
        ("subject", lambda: check_rows(connection, findings, keyring)),
    )
    findings.expected = sum(_rows(connection, table) for table in (LEAF, EXCHANGE, CLAIM))
    for table, step in steps:
        try:
            step()
        except (DBAPIError, LedgerError, TypeError, ValueError, OverflowError) as error:
            # A row so damaged that it cannot be read ends this step; the others still run.
            what = f"rows cannot be read ({type(error).__name__})"
            findings.add("UNREADABLE", table, what, RESTORE)
    findings.finish()
    return findings.report()


def _check_orphans(connection: Connection, findings: Findings) -> None:
    for code, table, what, query in _ORPHANS:
        for key in connection.execute(query).scalars():
            findings.add(code, f"{table} {key}", what, INVESTIGATE)


def _rows(connection: Connection, table: Any) -> int:
    count: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return count


def _opened_by_ledger(data: Any) -> bool:
    try:
        return Leaf.parse(bytes(data)).type in _IN_LEDGER
    except LeafError:
        return False


def _check_openings(connection: Connection, findings: Findings, subjects: Subjects) -> None:
    """Each leaf has an opening that fits it, or an erasure that names it."""
    query = (
        select(LEAF.c.leaf_index, LEAF.c.leaf, OPENING.c.subject_ref, OPENING.c.sealed)
        .outerjoin(OPENING, OPENING.c.leaf_index == LEAF.c.leaf_index)
        .order_by(LEAF.c.leaf_index)
    )
    missing: set[int] = set()
    erased: set[int] = set()
    for index, data, ref, sealed in connection.execute(query, execution_options=_STREAM):
        findings.step()
        if sealed is None:
            if not _opened_by_ledger(data):
                missing.add(index)
            continue
        findings.count("openings")
        try:
            place = Place("opening", str(index), "sealed")
            value = unseal(subjects.cipher(ref), place, sealed)
            leaf = Leaf.parse(bytes(data))
        except (Undecipherable, SubjectErased, InvariantViolated):
            findings.add("OPENING_SEALED", f"opening {index}", "it does not open", RESTORE)
            continue
        except LeafError:
            continue  # ledger.verify reports it
        if commit(value[:SALT_SIZE], value[SALT_SIZE:]).hex() != leaf.commitment:
            what = "its salt and body are not what the leaf commits to"
            findings.add("OPENING_DIFFERS", f"opening {index}", what, INVESTIGATE)
        elif leaf.type == SHREDDED:
            erased.update(json.loads(value[SALT_SIZE:])["leaves"])
    findings.count("openings_erased", len(missing & erased))
    for index in sorted(missing - erased):
        what = "it is gone, and no erasure names it"
        findings.add("OPENING_MISSING", f"opening {index}", what, RESTORE)


def _check_exchanges(connection: Connection, findings: Findings, subjects: Subjects) -> None:
    for row in connection.execute(select(EXCHANGE), execution_options=_STREAM):
        findings.step()
        try:
            cipher = subjects.cipher(row.subject_ref)
            unseal(cipher, Place("exchange", row.exchange_id, "request"), row.request)
            if row.reply is not None:
                unseal(cipher, Place("exchange", row.exchange_id, "reply"), row.reply)
        except SubjectErased:
            findings.count("exchanges_erased")
            continue
        except (Undecipherable, InvariantViolated):
            where = f"exchange {row.exchange_id}"
            findings.add("EXCHANGE_SEALED", where, "its raw bytes do not open", RESTORE)
        findings.count("exchanges")
