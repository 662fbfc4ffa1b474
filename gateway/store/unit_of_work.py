"""One transaction: state, journal, leaf and outbox change together or not at all.

`UnitOfWork` is what a writing journey is given (ports.Books), `Snapshot` what a reading one is
given (ports.BooksReader). Both are thin: each part lies in its own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, OutboxItem, PlannedMessage
from gateway.domain.errors import InvariantViolated
from gateway.ports import (
    ANY_STATE,
    AskedReversal,
    AttentionQuery,
    Awaiting,
    ClaimPage,
    ClaimQuery,
    Clock,
    Exchange,
    Ids,
    Opening,
    OutboxCount,
    ProvisionalCount,
)
from gateway.store.claims import Claims, Encode
from gateway.store.evidence import Evidence
from gateway.store.floors import tell_crossed
from gateway.store.keyring import Keyring
from gateway.store.msgids import MsgidCounters
from gateway.store.outbox import Outbox
from gateway.store.reconciliation import Reconciliation
from gateway.store.reversals import Reversals
from gateway.store.subjects import CipherCache, Subjects
from gateway.store.waiting import Waiting
from ledger.journal import Entry
from ledger.tail import Tail


@dataclass(frozen=True, slots=True, repr=False)
class Tools:
    """What every transaction of one store shares."""

    keyring: Keyring
    ciphers: CipherCache
    encode: Encode
    clock: Clock
    ids: Ids


class UnitOfWork:
    """Implements ports.Books on an open write transaction."""

    def __init__(
        self, connection: Connection, tools: Tools, tail: Tail, msgids: MsgidCounters
    ) -> None:
        """`tail` and `msgids` are this unit's forks of what its commit shares."""
        self.connection = connection
        self.tail = tail
        self.msgids = msgids
        self._tools = tools
        salt = tools.ids.salt
        self.subjects = Subjects(connection, tools.keyring, tools.ciphers, salt)
        self.claims = Claims(
            connection, self.subjects, tools.keyring, encode=tools.encode, salt=salt
        )
        self._evidence = Evidence(connection, self.subjects, salt, tail)
        self._outbox = Outbox(connection)
        self._reversals = Reversals(connection)

        self._forgotten: list[str] = []

    def committed(self) -> None:
        self.subjects.remember()
        tell_crossed(self._evidence.warnings)
        for ref in self._forgotten:
            self._tools.ciphers.forget(ref)

    def forget_subject(self, ref: str) -> None:
        """After the commit nobody finds this key in memory."""
        self._forgotten.append(ref)

    def claim(self, claim_id: str) -> ClaimRecord | None:
        return self.claims.by_id(claim_id)

    def claim_by_request(self, institution: str, request_id: str) -> ClaimRecord | None:
        return self.claims.by_request(institution, request_id)

    def claim_by_reversal(self, institution: str, request_id: str) -> AskedReversal | None:
        return _asked(self.claims, self._reversals, institution, request_id)

    def record_reversal_request(
        self, institution: str, request_id: str, claim_id: str, request_hash: str
    ) -> None:
        self._reversals.record(institution, request_id, claim_id, request_hash)

    def live_claims_of_batch(
        self, institution: str, visit_no: str, batch_no: str
    ) -> tuple[ClaimRecord, ...]:
        # Safe against races: nobody else writes between this look-up and our commit, be it another
        # process (SQLite's BEGIN IMMEDIATE, PostgreSQL's lock at the beginning).
        return self.claims.live_of_batch(institution, visit_no, batch_no)

    def insert_claim(self, claim: ClaimRecord) -> None:
        self.claims.insert(claim)

    def update_claim(self, claim: ClaimRecord, *, expected_version: int) -> None:
        self.claims.update(claim, expected_version=expected_version)

    def subject_ref(self, id_number: str) -> str:
        return self.subjects.find_or_make(id_number, self._tools.clock)

    def house_ref(self) -> str:
        """The subject of evidence about no person."""
        return self.subjects.house(self._tools.clock)

    def next_msgids(self, institution: str, count: int, at: datetime) -> tuple[str, ...]:
        return self.msgids.next_msgids(institution, count, at)

    def reserve_msgids(self, institution: str, count: int) -> tuple[str, ...]:
        """A block of the probe lane (gateway/store/msgids.py)."""
        return self.msgids.reserve(institution, count, self._tools.clock.now())

    def record_messages(self, claim_id: str, messages: tuple[PlannedMessage, ...]) -> None:
        self._evidence.record_messages(claim_id, messages)

    def record_exchange(
        self, msgid: str, subject_ref: str, outcome: str, exchange: Exchange
    ) -> None:
        at = self._tools.clock.now()
        self._evidence.record_exchange(msgid, subject_ref, outcome, exchange, at)

    def append_entry(
        self,
        entry: Entry,
        *,
        leaf_type: str,
        window: str | None,
        opening: Opening,
        at: datetime,
        funds: tuple[str, ...] | None = None,
    ) -> int:
        return self._evidence.append_entry(
            entry, leaf_type=leaf_type, window=window, opening=opening, at=at, funds=funds
        )

    def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        """(salt, body) of a leaf."""
        return self._evidence.opening(leaf_index)

    def append_evidence(
        self, entry_id: str, *, leaf_type: str, opening: Opening, at: datetime
    ) -> int:
        return self._evidence.append_evidence(entry_id, leaf_type=leaf_type, opening=opening, at=at)

    def enqueue(self, item: OutboxItem) -> None:
        self._outbox.enqueue(item)

    def take_outbox(
        self, at: datetime, limit: int, *, until: datetime, region: str = ""
    ) -> tuple[OutboxItem, ...]:
        return self._outbox.take(at, limit, until, region=region)

    def finish_outbox(self, item_id: str, at: datetime) -> None:
        self._outbox.finish(item_id, at)

    def postpone_outbox(self, item_id: str, attempts: int, due_at: datetime, error: str) -> None:
        self._outbox.postpone(item_id, attempts, due_at, error)


class Snapshot:
    """Implements ports.BooksReader on an open read transaction."""

    def __init__(self, connection: Connection, tools: Tools) -> None:
        self.connection = connection
        salt = tools.ids.salt
        self.subjects = Subjects(connection, tools.keyring, tools.ciphers, salt)
        self.claims = Claims(
            connection, self.subjects, tools.keyring, encode=tools.encode, salt=salt
        )
        self._evidence = Evidence(connection, self.subjects, salt)
        self._outbox = Outbox(connection)
        self._waiting = Waiting(connection, self.claims)
        self._reconciliation = Reconciliation(connection, self.claims)
        self._reversals = Reversals(connection)

    def claim(self, claim_id: str) -> ClaimRecord | None:
        return self.claims.by_id(claim_id)

    def claim_by_request(self, institution: str, request_id: str) -> ClaimRecord | None:
        return self.claims.by_request(institution, request_id)

    def claim_by_reversal(self, institution: str, request_id: str) -> AskedReversal | None:
        return _asked(self.claims, self._reversals, institution, request_id)

    def answer(self, claim_id: str) -> bytes | None:
        return self.claims.answer(claim_id)

    def list_answers(self, query: ClaimQuery) -> ClaimPage:
        return self.claims.page(query)

    def claims_needing_work(
        self,
        at: datetime,
        limit: int,
        *,
        region: str = "",
        states: frozenset[ClaimState] = ANY_STATE,
        left_out: frozenset[str] = frozenset(),
    ) -> tuple[ClaimRecord, ...]:
        return self.claims.needing_work(at, limit, region=region, states=states, left_out=left_out)

    def exchange(self, msgid: str) -> Exchange | None:
        return self._evidence.exchange(msgid)

    def claims_to_reconcile(self, at: datetime, limit: int) -> tuple[ClaimRecord, ...]:
        return self._reconciliation.due(at, limit)

    def claims_of_statement(
        self, institution: str, pooling_region: str, first: date, last: date
    ) -> tuple[ClaimRecord, ...]:
        return self._reconciliation.of_statement(institution, pooling_region, first, last)

    def awaiting_reconciliation(self, institution: str) -> tuple[Awaiting, ...]:
        return self._waiting.awaiting(institution)

    def provisional_counts(self) -> tuple[ProvisionalCount, ...]:
        return self._waiting.counts()

    def outbox_counts(self) -> tuple[OutboxCount, ...]:
        return self._outbox.counts()

    def provisional_claims(self, query: AttentionQuery) -> tuple[ClaimRecord, ...]:
        return self._waiting.listed(query)

    def due_outbox(self, at: datetime, limit: int, *, region: str = "") -> tuple[OutboxItem, ...]:
        return self._outbox.due(at, limit, region=region)

    def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        """(salt, body) of a leaf; None where it was erased."""
        return self._evidence.opening(leaf_index)


def _asked(
    claims: Claims, reversals: Reversals, institution: str, request_id: str
) -> AskedReversal | None:
    found = reversals.find(institution, request_id)
    if found is None:
        return None
    claim_id, request_hash = found
    claim = claims.by_id(claim_id)
    if claim is None:
        raise InvariantViolated("a reversal was recorded of a claim that is not there")
    return AskedReversal(claim, request_hash)
