"""Claims as rows: one sealed record and one sealed answer each, with the columns that are searched.

`Claims` works inside a transaction it is given, for the writer and for snapshots alike. Optimistic:
an update names the version it read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Conflict, InvariantViolated, Malformed
from gateway.ports import (
    ANY_STATE,
    ClaimPage,
    ClaimQuery,
)
from gateway.store.errors import SubjectErased, Undecipherable
from gateway.store.keyring import Keyring
from gateway.store.outbox import codes_within
from gateway.store.prepared import Prepared
from gateway.store.record_codec import record_from_json, record_to_json
from gateway.store.sealing import KEY_VERSION, Place, Salt, seal, unseal
from gateway.store.subjects import Subjects
from gateway.store.tables import CLAIM, CLAIM_ENTRY
from ledger.reads import to_us

_log = structlog.get_logger("yrd.store")
PAGE_MAX = 500
"""Most claims of one page."""
ENDED = (ClaimState.REFUSED.value, ClaimState.VOIDED.value, ClaimState.REVERSED.value)

SEALED = (CLAIM.c.claim_id, CLAIM.c.subject_ref, CLAIM.c.body)
_BY_ID = Prepared(select(*SEALED).where(CLAIM.c.claim_id == bindparam("claim_id")))
_BY_REQUEST = Prepared(
    select(*SEALED).where(
        CLAIM.c.institution_code == bindparam("institution"),
        CLAIM.c.request_id == bindparam("request_id"),
    )
)
_LIVE_OF_BATCH = (
    select(*SEALED)
    .where(CLAIM.c.batch_index == bindparam("batch_index"), CLAIM.c.state.not_in(ENDED))
    .order_by(CLAIM.c.claim_id)
)
_NEEDING_WORK = (
    select(*SEALED)
    .where(
        CLAIM.c.work_due_us <= bindparam("at"),
        CLAIM.c.body.is_not(None),
        CLAIM.c.insured_region.between(bindparam("first"), bindparam("last")),
        CLAIM.c.state.in_(bindparam("states", expanding=True)),
        CLAIM.c.claim_id.not_in(bindparam("left_out", expanding=True)),
    )
    .order_by(CLAIM.c.work_due_us)
    .limit(bindparam("limit"))
)
_ANSWER = Prepared(
    select(CLAIM.c.claim_id, CLAIM.c.subject_ref, CLAIM.c.answer).where(
        CLAIM.c.claim_id == bindparam("claim_id")
    )
)
_INSERT = Prepared(insert(CLAIM))
_CHANGED = tuple(column.name for column in CLAIM.c if not column.primary_key)
_UPDATE = Prepared(
    update(CLAIM)
    .where(CLAIM.c.claim_id == bindparam("id_"), CLAIM.c.version == bindparam("version_"))
    .values({name: bindparam(f"{name}_new") for name in _CHANGED})
)
_ENTRY_COUNT = Prepared(
    select(func.count()).select_from(CLAIM_ENTRY).where(CLAIM_ENTRY.c.claim_id == bindparam("id_"))
)
_INSERT_ENTRY = Prepared(insert(CLAIM_ENTRY))

Encode = Callable[[ClaimRecord], bytes]


class Claims:
    """The claims as one transaction sees them."""

    def __init__(
        self,
        connection: Connection,
        subjects: Subjects,
        keyring: Keyring,
        *,
        encode: Encode,
        salt: Salt,
    ) -> None:
        self._connection = connection
        self._subjects = subjects
        self._keyring = keyring
        self._encode = encode
        self._salt = salt

    def by_id(self, claim_id: str) -> ClaimRecord | None:
        return self._one(_BY_ID, {"claim_id": claim_id})

    def by_request(self, institution: str, request_id: str) -> ClaimRecord | None:
        return self._one(_BY_REQUEST, {"institution": institution, "request_id": request_id})

    def live_of_batch(
        self, institution: str, visit_no: str, batch_no: str
    ) -> tuple[ClaimRecord, ...]:
        index = self._keyring.batch_index(institution, visit_no, batch_no)
        return self._all(_LIVE_OF_BATCH, {"batch_index": index})

    def needing_work(
        self,
        at: datetime,
        limit: int,
        *,
        region: str = "",
        states: frozenset[ClaimState] = ANY_STATE,
        left_out: frozenset[str] = frozenset(),
    ) -> tuple[ClaimRecord, ...]:
        """Those that do not open are left out: one damaged row must not hold up all the others."""
        values = {"at": to_us(at), "limit": limit, **codes_within(region)}
        names = sorted(state.value for state in states)
        ids = sorted(left_out)
        rows = self._connection.execute(_NEEDING_WORK, values | {"states": names, "left_out": ids})
        return self.readable(rows.all())

    def readable(self, rows: Sequence[Row[Any, *tuple[Any, ...]]]) -> tuple[ClaimRecord, ...]:
        found: list[ClaimRecord] = []
        for row in rows:
            try:
                found.append(self.open(row))
            except (Undecipherable, SubjectErased) as error:
                kind = type(error).__name__
                _log.error("claim_does_not_open", claim_id=row.claim_id, error_type=kind)
        return tuple(found)

    def insert(self, claim: ClaimRecord) -> None:
        """Raises Conflict if its id or one of its request ids is taken."""
        try:
            _INSERT.write(self._connection, self._values(claim))
        except IntegrityError as error:
            raise Conflict("the request_id or the claim id is taken") from error
        self._note_entries(claim, known=0)

    def update(self, claim: ClaimRecord, *, expected_version: int) -> None:
        """Raises Conflict if the stored version is another, or a reversal's request_id is taken."""
        if claim.version <= expected_version:
            raise InvariantViolated("an update needs a version of its own")
        values = {f"{name}_new": value for name, value in self._values(claim).items()}
        where = {"id_": claim.claim_id, "version_": expected_version}
        try:
            touched = _UPDATE.write(self._connection, values | where)
        except IntegrityError as error:
            raise Conflict("the request_id of the reversal is taken") from error
        if touched != 1:
            raise Conflict(f"the claim is no longer at version {expected_version}")
        if claim.entries:
            known = _ENTRY_COUNT.rows(self._connection, {"id_": claim.claim_id}).scalar_one()
            self._note_entries(claim, known=known)

    def answer(self, claim_id: str) -> bytes | None:
        """The encoded answer as it was stored; None for no such claim."""
        row = _ANSWER.rows(self._connection, {"claim_id": claim_id}).one_or_none()
        return None if row is None else self._open_answer(row)

    def page(self, query: ClaimQuery) -> ClaimPage:
        """Newest first. Claims of erased persons are left out."""
        limit = min(max(query.limit, 1), PAGE_MAX)
        rows = self._connection.execute(self._listing(query).limit(limit + 1)).all()
        shown = rows[:limit]
        return ClaimPage(
            answers=tuple(self._open_answer(row) for row in shown),
            next_before=shown[-1].claim_id if len(rows) > limit else "",
        )

    def open(self, row: Row[Any, *tuple[Any, ...]]) -> ClaimRecord:
        """The record of a row that has claim_id, subject_ref and body."""
        if row.body is None:
            raise SubjectErased
        cipher = self._subjects.cipher(row.subject_ref)
        return record_from_json(unseal(cipher, Place("claim", row.claim_id, "body"), row.body))

    def _open_answer(self, row: Row[Any, *tuple[Any, ...]]) -> bytes:
        if row.answer is None:
            raise SubjectErased
        cipher = self._subjects.cipher(row.subject_ref)
        return unseal(cipher, Place("claim", row.claim_id, "answer"), row.answer)

    def _one(self, query: Prepared, values: dict[str, Any]) -> ClaimRecord | None:
        row = query.rows(self._connection, values).one_or_none()
        return None if row is None else self.open(row)

    def _all(self, query: Select[Any], values: dict[str, Any]) -> tuple[ClaimRecord, ...]:
        return tuple(self.open(row) for row in self._connection.execute(query, values).all())

    def _values(self, claim: ClaimRecord) -> dict[str, Any]:
        cipher = self._subjects.cipher(claim.subject_ref)
        body = Place("claim", claim.claim_id, "body")
        answer = Place("claim", claim.claim_id, "answer")
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
            "batch_index": self._keyring.batch_index(
                claim.institution_code, claim.visit_no, claim.batch_no
            ),
            "subject_ref": claim.subject_ref,
            "clearing_window": claim.window,
            "created_us": to_us(claim.created_at),
            "updated_us": to_us(claim.updated_at),
            "work_due_us": _work_due_us(claim),
            "reconcile_due_us": reconcile_due_us(claim),
            "body": seal(cipher, body, record_to_json(claim), self._salt),
            "answer": seal(cipher, answer, self._encode(claim), self._salt),
            "key_version": KEY_VERSION,
        }

    def _note_entries(self, claim: ClaimRecord, *, known: int) -> None:
        """Entries are only ever added to a record, so the stored count says which are new."""
        rows = [
            {
                "entry_id": entry.entry_id,
                "claim_id": claim.claim_id,
                "kind": entry.kind,
                "leaf_index": entry.leaf_index,
            }
            for entry in claim.entries[known:]
        ]
        _INSERT_ENTRY.write(self._connection, *rows)

    def _listing(self, query: ClaimQuery) -> Select[Any]:
        found = (
            select(CLAIM.c.claim_id, CLAIM.c.subject_ref, CLAIM.c.answer)
            .where(CLAIM.c.institution_code == query.institution, CLAIM.c.answer.is_not(None))
            .order_by(CLAIM.c.created_us.desc(), CLAIM.c.claim_id.desc())
        )
        if query.states:
            found = found.where(CLAIM.c.state.in_(query.states))
        if query.insured_region_prefix:
            prefix = query.insured_region_prefix
            found = found.where(CLAIM.c.insured_region.startswith(prefix, autoescape=True))
        if query.created_from is not None:
            found = found.where(CLAIM.c.created_us >= to_us(query.created_from))
        if query.created_until is not None:
            found = found.where(CLAIM.c.created_us < to_us(query.created_until))
        if query.before_claim_id:
            at = self._created_us(query.institution, query.before_claim_id)
            same_moment = and_(CLAIM.c.created_us == at, CLAIM.c.claim_id < query.before_claim_id)
            found = found.where(or_(CLAIM.c.created_us < at, same_moment))
        return found

    def _created_us(self, institution: str, claim_id: str) -> int:
        at: int | None = self._connection.execute(
            select(CLAIM.c.created_us).where(
                CLAIM.c.claim_id == claim_id, CLAIM.c.institution_code == institution
            )
        ).scalar()
        if at is None:
            raise Malformed("the page token names no claim of this institution")
        return at


def reconcile_due_us(claim: ClaimRecord) -> int | None:
    """The column: when the claim's statement is asked for."""
    due = claim.reconcile_due
    return None if due is None else to_us(due)


def _work_due_us(claim: ClaimRecord) -> int | None:
    """When the worker has to look: the port's rule, once, at each change."""
    match claim.state:
        case ClaimState.RECORDED | ClaimState.REVERSING:
            due: datetime | None = claim.attempt_deadline
        case ClaimState.UNKNOWN:
            due = claim.work_due_at or claim.updated_at
        case ClaimState.REVERSAL_SENT:
            due = None if claim.reversal_answered else claim.work_due_at
        case _:
            due = None
    return None if due is None else to_us(due)
