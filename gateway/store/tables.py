"""网关表: rows of our own state beside the ledger's. Rows only, never domain objects.

What identifies a person or tells about one lies in sealed columns (gateway/store/sealing.py); the
columns in clear are what has to be searched: states, regions, times and references. Times are
integer microseconds since 1970 UTC. What is evidence is insert-only and guarded by triggers.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

_Big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's rowid is spelled INTEGER


IS_PROVISIONAL = "state IN ('REVERSAL_SENT', 'REVERSAL_UNKNOWN', 'REVIEW', 'UNKNOWN')"
"""The states of gateway.domain.claim.PROVISIONAL, as text: a partial index serves only those who
say the same."""


class SubjectRow(SQLModel, table=True):
    """人员引用: a person as a random reference, with the key that everything of theirs is under.

    Erasing keeps the row and the reference, and nulls index, uid and key. The row `house` holds the
    key of what is about no person.
    """

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("index_epoch", "id_index", name="subject_id_index"),)

    subject_ref: str = Field(sa_column=Column(String(64), primary_key=True))
    id_index: bytes | None = Field(sa_column=Column(LargeBinary(16), nullable=True))
    """盲索引 of the identity number: a keyed hash."""
    index_epoch: int = Field(sa_column=Column(Integer, nullable=False))
    wrapped_uid: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    wrapped_dek: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    kek_id: str = Field(sa_column=Column(String(32), nullable=False))
    created_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    erased_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class ClaimRow(SQLModel, table=True):
    """结算单: the newest version of a claim. Its history is in the ledger."""

    __tablename__ = "claim"
    __table_args__ = (
        UniqueConstraint("institution_code", "request_id", name="claim_request"),
        Index("claim_listing", "institution_code", "created_us", "claim_id"),
        Index("claim_batch", "batch_index"),
        Index("claim_subject", "subject_ref"),
        Index(
            "claim_work",
            "work_due_us",
            sqlite_where=text("work_due_us IS NOT NULL"),
            postgresql_where=text("work_due_us IS NOT NULL"),
        ),
        Index(
            "claim_reconcile",
            "reconcile_due_us",
            sqlite_where=text("reconcile_due_us IS NOT NULL"),
            postgresql_where=text("reconcile_due_us IS NOT NULL"),
        ),
        Index(
            "claim_provisional",
            "claim_id",
            sqlite_where=text(IS_PROVISIONAL),
            postgresql_where=text(IS_PROVISIONAL),
        ),
        Index(
            "claim_reversed",
            "institution_code",
            "updated_us",
            sqlite_where=text("state = 'REVERSED'"),
            postgresql_where=text("state = 'REVERSED'"),
        ),
    )

    claim_id: str = Field(sa_column=Column(String(64), primary_key=True))
    institution_code: str = Field(sa_column=Column(String(12), nullable=False))
    request_id: str = Field(sa_column=Column(String(128), nullable=False))
    reversal_request_id: str | None = Field(sa_column=Column(String(128), nullable=True))
    """Of the newest reversal; all of them are in `reversal_request`."""
    state: str = Field(sa_column=Column(String(24), nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    visited_region: str = Field(sa_column=Column(String(6), nullable=False))
    insured_region: str = Field(sa_column=Column(String(6), nullable=False))
    visit_kind: str = Field(sa_column=Column(String(16), nullable=False))
    batch_index: bytes = Field(sa_column=Column(LargeBinary(16), nullable=False))
    """Keyed hash of institution, visit and batch number: hospital numbers often name a patient."""
    subject_ref: str = Field(sa_column=Column(String(64), nullable=False))
    clearing_window: str = Field(sa_column=Column(String(7), nullable=False))
    created_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    work_due_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    """When the worker looks at it again; null when there is nothing to do."""
    reconcile_due_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))
    """When its statement is asked for; null where none can tell more."""
    body: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    """The whole record, sealed; null once the person is erased."""
    answer: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    """What the caller gets, encoded once and sealed."""
    key_version: int = Field(sa_column=Column(Integer, nullable=False))


class ReversalRequestRow(SQLModel, table=True):
    """撤销请求: every request_id under which a reversal was recorded. Insert-only.

    A second reversal overwrites the first one's id in the claim; a repeat must find it for ever.
    """

    __tablename__ = "reversal_request"

    institution_code: str = Field(sa_column=Column(String(12), primary_key=True))
    request_id: str = Field(sa_column=Column(String(128), primary_key=True))
    claim_id: str = Field(sa_column=Column(String(64), nullable=False))
    request_hash: str = Field(sa_column=Column(String(64), nullable=False))
    """Keyed hash of the canonical request."""


class ClaimEntryRow(SQLModel, table=True):
    """Which ledger entries belong to which claim. Insert-only."""

    __tablename__ = "claim_entry"
    __table_args__ = (Index("claim_entry_claim", "claim_id"),)

    entry_id: str = Field(sa_column=Column(String(64), primary_key=True))
    claim_id: str = Field(sa_column=Column(String(64), nullable=False))
    kind: str = Field(sa_column=Column(String(8), nullable=False))
    leaf_index: int = Field(sa_column=Column(_Big, nullable=False))


class MessageRow(SQLModel, table=True):
    """报文: every msgid that may have an effect, before its first byte is sent. Insert-only."""

    __tablename__ = "message"
    __table_args__ = (Index("message_claim", "claim_id"),)

    msgid: str = Field(sa_column=Column(String(30), primary_key=True))
    claim_id: str = Field(sa_column=Column(String(64), nullable=False))
    transaction_code: str = Field(sa_column=Column(String(16), nullable=False))
    """交易编号, e.g. 2207A."""
    region: str = Field(sa_column=Column(String(6), nullable=False))


class ExchangeRow(SQLModel, table=True):
    """往来原文: the raw bytes of one call, sealed, as evidence. Insert-only."""

    __tablename__ = "exchange"
    __table_args__ = (Index("exchange_msgid", "msgid"),)

    exchange_id: str = Field(sa_column=Column(String(48), primary_key=True))
    msgid: str = Field(sa_column=Column(String(30), nullable=False))
    subject_ref: str = Field(sa_column=Column(String(64), nullable=False))
    transaction_code: str = Field(sa_column=Column(String(16), nullable=False))
    outcome: str = Field(sa_column=Column(String(16), nullable=False))
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reply: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    recorded_us: int = Field(sa_column=Column(BigInteger, nullable=False))


class MsgidSequenceRow(SQLModel, table=True):
    """报文序号: how far an institution has counted, per lane (gateway/store/msgids.py)."""

    __tablename__ = "msgid_sequence"
    __table_args__ = (CheckConstraint("lane IN (0, 1)", name="msgid_lane"),)

    institution_code: str = Field(sa_column=Column(String(12), primary_key=True))
    lane: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    next_number: int = Field(sa_column=Column(BigInteger, nullable=False))
    second: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Newest second stamped into a msgid, since 1970 UTC."""
    second_start: int = Field(sa_column=Column(BigInteger, nullable=False))
    """First number of that second."""


class OpeningRow(SQLModel, table=True):
    """开示: salt and body of a leaf, sealed. May be deleted (erasure), never changed."""

    __tablename__ = "opening"
    __table_args__ = (Index("opening_subject", "subject_ref"),)

    leaf_index: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    subject_ref: str = Field(sa_column=Column(String(64), nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class OutboxRow(SQLModel, table=True):
    """待发: what others have still to be told."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_due",
            "due_us",
            sqlite_where=text("done_us IS NULL"),
            postgresql_where=text("done_us IS NULL"),
        ),
    )

    item_id: str = Field(sa_column=Column(String(64), primary_key=True))
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    claim_id: str = Field(sa_column=Column(String(64), nullable=False))
    region: str = Field(sa_column=Column(String(6), nullable=False))
    due_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    last_error: str = Field(sa_column=Column(String(200), nullable=False))
    done_us: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class DictionaryLoadRow(SQLModel, table=True):
    """字典装载: one answer to 1901 that was taken over. Insert-only."""

    __tablename__ = "dictionary_load"
    __table_args__ = (Index("dictionary_load_kind", "region", "kind", "day"),)

    msgid: str = Field(sa_column=Column(String(30), primary_key=True))
    """Of the question."""
    region: str = Field(sa_column=Column(String(2), nullable=False))
    """First two digits of the area code."""
    kind: str = Field(sa_column=Column(String(30), nullable=False))
    day: str = Field(sa_column=Column(String(10), nullable=False))
    """yyyy-mm-dd: as of which day the region was asked."""
    codes: int = Field(sa_column=Column(Integer, nullable=False))
    """How many the answer named."""
    loaded_us: int = Field(sa_column=Column(BigInteger, nullable=False))


class DictionaryCodeRow(SQLModel, table=True):
    """字典代码: what a region says of a code from a day on. Insert-only: what it says later is a
    further row."""

    __tablename__ = "dictionary_code"

    region: str = Field(sa_column=Column(String(2), primary_key=True))
    kind: str = Field(sa_column=Column(String(30), primary_key=True))
    code: str = Field(sa_column=Column(String(), primary_key=True))
    valid_from: str = Field(sa_column=Column(String(10), primary_key=True))
    """yyyy-mm-dd, Asia/Shanghai."""
    label: str = Field(sa_column=Column(String(), nullable=False))
    parent: str = Field(sa_column=Column(String(), nullable=False))
    valid: int = Field(sa_column=Column(Integer, nullable=False))
    """0: withdrawn from that day on."""
    version: str = Field(sa_column=Column(String(), nullable=False))
    msgid: str = Field(sa_column=Column(String(30), nullable=False))
    """Of the load that brought it."""


class UnknownCodeRow(SQLModel, table=True):
    """未知代码: codes in answers that nobody here knows. No person: a text that is no code is kept
    as its length only (the claim has it sealed)."""

    __tablename__ = "unknown_code"

    region: str = Field(sa_column=Column(String(2), primary_key=True))
    field: str = Field(sa_column=Column(String(40), primary_key=True))
    code: str = Field(sa_column=Column(String(40), primary_key=True))
    kind: str = Field(sa_column=Column(String(30), nullable=False))
    first_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    msgid: str = Field(sa_column=Column(String(30), nullable=False))
    """Of the newest message that was answered so: `message` names its claim, if it had one."""


def _table(name: str) -> Table:
    table: Table = SQLModel.metadata.tables[name]
    return table


SUBJECT = _table("subject")
CLAIM = _table("claim")
CLAIM_ENTRY = _table("claim_entry")
REVERSAL_REQUEST = _table("reversal_request")
MESSAGE = _table("message")
EXCHANGE = _table("exchange")
MSGID_SEQUENCE = _table("msgid_sequence")
OPENING = _table("opening")
OUTBOX = _table("outbox")
DICTIONARY_LOAD = _table("dictionary_load")
DICTIONARY_CODE = _table("dictionary_code")
UNKNOWN_CODE = _table("unknown_code")
TABLES = (
    SUBJECT, CLAIM, REVERSAL_REQUEST, CLAIM_ENTRY, MESSAGE, EXCHANGE, MSGID_SEQUENCE, OPENING,
    OUTBOX, DICTIONARY_LOAD, DICTIONARY_CODE, UNKNOWN_CODE,
)  # fmt: skip
