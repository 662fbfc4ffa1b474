"""证据: planned messages, raw exchanges, and ledger entries with their openings.

Insert-only. What a message said lies sealed under the key of the person it is about; what the log
says is a salted commitment, with salt and body sealed beside it, erasable.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.domain.claim_record import PlannedMessage
from gateway.domain.errors import InvariantViolated, StorageUnavailable
from gateway.ports import Exchange, Opening
from gateway.store.floors import below_floor
from gateway.store.prepared import Prepared
from gateway.store.sealing import Place, Salt, seal, unseal
from gateway.store.subjects import Subjects
from gateway.store.tables import EXCHANGE, MESSAGE, OPENING
from ledger.commitment import SALT_SIZE, commit
from ledger.journal import Entry
from ledger.leaf import Leaf, LeafError
from ledger.limits import Warned
from ledger.outcomes import BelowFloor, HeadMoved, LedgerError
from ledger.reads import to_us
from ledger.store import append_entry, append_leaf
from ledger.tail import Tail

_INSERT_MESSAGE = Prepared(insert(MESSAGE))
_INSERT_EXCHANGE = Prepared(insert(EXCHANGE))
_INSERT_OPENING = Prepared(insert(OPENING))
_NEWEST_EXCHANGE = (
    select(EXCHANGE)
    .where(EXCHANGE.c.msgid == bindparam("msgid"))
    .order_by(EXCHANGE.c.recorded_us.desc(), EXCHANGE.c.exchange_id.desc())
    .limit(1)
)
_OPENING = select(OPENING.c.subject_ref, OPENING.c.sealed).where(
    OPENING.c.leaf_index == bindparam("leaf_index")
)


class Evidence:
    """What one transaction adds to the evidence."""

    def __init__(
        self, connection: Connection, subjects: Subjects, salt: Salt, tail: Tail | None = None
    ) -> None:
        """Who shares a `tail` writes it before the commit."""
        self._connection = connection
        self._tail = tail
        self._subjects = subjects
        self._salt = salt
        self.warnings: list[Warned] = []
        """Limits that only warn, and that what was appended has passed."""

    def record_messages(self, claim_id: str, messages: tuple[PlannedMessage, ...]) -> None:
        """Each msgid once, for ever; raises InvariantViolated on a repeat."""
        if not messages:
            return
        rows = [
            {
                "msgid": message.msgid,
                "claim_id": claim_id,
                "transaction_code": message.transaction,
                "region": message.region,
            }
            for message in messages
        ]
        try:
            _INSERT_MESSAGE.write(self._connection, *rows)
        except IntegrityError as error:
            raise InvariantViolated("a msgid was planned twice") from error

    def record_exchange(
        self, msgid: str, subject_ref: str, outcome: str, exchange: Exchange, at: datetime
    ) -> None:
        """The raw bytes, sealed under the subject's key."""
        cipher = self._subjects.cipher(subject_ref)
        exchange_id = f"{msgid}-{self._salt()[:8].hex()}"
        request = Place("exchange", exchange_id, "request")
        reply = Place("exchange", exchange_id, "reply")
        _INSERT_EXCHANGE.write(
            self._connection,
            {
                "exchange_id": exchange_id,
                "msgid": msgid,
                "subject_ref": subject_ref,
                "transaction_code": exchange.transaction,
                "outcome": outcome,
                "request": seal(cipher, request, exchange.request, self._salt),
                "reply": None
                if exchange.reply is None
                else seal(cipher, reply, exchange.reply, self._salt),
                "recorded_us": to_us(at),
            },
        )

    def exchange(self, msgid: str) -> Exchange | None:
        """The newest one under this msgid, opened."""
        row = self._connection.execute(_NEWEST_EXCHANGE, {"msgid": msgid}).one_or_none()
        if row is None:
            return None
        cipher = self._subjects.cipher(row.subject_ref)
        request = Place("exchange", row.exchange_id, "request")
        reply = Place("exchange", row.exchange_id, "reply")
        return Exchange(
            row.transaction_code,
            unseal(cipher, request, row.request),
            None if row.reply is None else unseal(cipher, reply, row.reply),
        )

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
        """Journal entry, leaf and opening; answers the leaf index. `funds` of the leaf where the
        entry's own legs do not say them. Raises Refused if an agreement blocks."""
        salt = self._salt()
        if funds is None:
            funds = tuple(sorted({leg.debit.fund for leg in entry.legs}))
        leaf = self._leaf(leaf_type, entry.entry_id, salt, opening, window, funds)
        try:
            appended = append_entry(
                self._connection, entry, leaf, at=at, salt=self._salt(), tail=self._tail
            )
        except LedgerError as error:
            raise _in_our_terms(error) from error
        self.warnings += appended.warnings
        self._keep(appended.index, salt, opening)
        return appended.index

    def append_evidence(
        self, entry_id: str, *, leaf_type: str, opening: Opening, at: datetime
    ) -> int:
        """A leaf without postings. `at` belongs into the opening's body: a leaf has no time."""
        salt = self._salt()
        leaf = self._leaf(leaf_type, entry_id, salt, opening, None, ())
        try:
            index = append_leaf(self._connection, leaf, tail=self._tail).index
        except LedgerError as error:
            raise _in_our_terms(error) from error
        self._keep(index, salt, opening)
        return index

    def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        """(salt, body) of a leaf; None where it was erased or never was."""
        row = self._connection.execute(_OPENING, {"leaf_index": leaf_index}).one_or_none()
        if row is None:
            return None
        cipher = self._subjects.cipher(row.subject_ref)
        value = unseal(cipher, Place("opening", str(leaf_index), "sealed"), row.sealed)
        return value[:SALT_SIZE], value[SALT_SIZE:]

    def _leaf(
        self,
        leaf_type: str,
        entry_id: str,
        salt: bytes,
        opening: Opening,
        window: str | None,
        funds: tuple[str, ...],
    ) -> Leaf:
        try:
            return Leaf(
                type=leaf_type,
                entry_id=entry_id,
                commitment=commit(salt, opening.body).hex(),
                window=window or None,
                funds=funds,
            )
        except LeafError as error:
            raise InvariantViolated(f"no such leaf can be written: {error}") from error

    def _keep(self, index: int, salt: bytes, opening: Opening) -> None:
        cipher = self._subjects.cipher(opening.subject_ref)
        place = Place("opening", str(index), "sealed")
        _INSERT_OPENING.write(
            self._connection,
            {
                "leaf_index": index,
                "subject_ref": opening.subject_ref,
                "sealed": seal(cipher, place, salt + opening.body, self._salt),
            },
        )


def _in_our_terms(error: LedgerError) -> Exception:
    if isinstance(error, BelowFloor):
        return below_floor(error)
    if isinstance(error, HeadMoved):
        return StorageUnavailable("another writer appended in between")
    return InvariantViolated(f"the ledger refused an entry: {type(error).__name__}: {error}")
