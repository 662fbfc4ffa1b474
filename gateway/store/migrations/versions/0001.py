"""The first schema: journal, log, the gateway's tables, and the triggers that guard them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.guards import guard_ddl
from ledger.tables import immutability_ddl, initial_rows

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables, then triggers, then the head of an empty log."""
    for create in (
        _ledger_entry,
        _ledger_leg,
        _ledger_balance,
        _ledger_leaf,
        _ledger_tile,
        _ledger_head,
        _ledger_checkpoint,
        _subject,
        _claim,
        _reversal_request,
        _claim_entry,
        _message,
        _exchange,
        _msgid_sequence,
        _opening,
        _outbox,
    ):
        create()
    dialect = op.get_bind().dialect.name
    for statement in immutability_ddl(dialect) + guard_ddl(dialect) + initial_rows(dialect):
        op.get_bind().exec_driver_sql(statement)


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("resolves", sa.String(length=64), nullable=True),
        sa.Column("reverses", sa.String(length=64), nullable=True),
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("seal_salt", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint("kind IN ('pending', 'posted', 'voided', 'expired')", name="entry_kind"),
        sa.PrimaryKeyConstraint("entry_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_entry_leaf", "ledger_entry", ["leaf_index"], unique=True)
    op.create_index(
        "ledger_entry_resolves",
        "ledger_entry",
        ["resolves"],
        unique=True,
        sqlite_where=sa.text("resolves IS NOT NULL"),
        postgresql_where=sa.text("resolves IS NOT NULL"),
    )
    op.create_index(
        "ledger_entry_reverses",
        "ledger_entry",
        ["reverses"],
        unique=True,
        sqlite_where=sa.text("reverses IS NOT NULL AND kind = 'posted'"),
        postgresql_where=sa.text("reverses IS NOT NULL AND kind = 'posted'"),
    )


def _ledger_leg() -> None:
    op.create_table(
        "ledger_leg",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("leg_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("debit", sa.String(length=160), nullable=False),
        sa.Column("credit", sa.String(length=160), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="leg_amount"),
        sa.PrimaryKeyConstraint("entry_id", "leg_no"),
        sqlite_with_rowid=False,
    )


def _ledger_balance() -> None:
    op.create_table(
        "ledger_balance",
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("pending_debit_fen", sa.BigInteger(), nullable=False),
        sa.Column("pending_credit_fen", sa.BigInteger(), nullable=False),
        sa.Column("posted_debit_fen", sa.BigInteger(), nullable=False),
        sa.Column("posted_credit_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
        sqlite_with_rowid=False,
    )


def _ledger_leaf() -> None:
    op.create_table(
        "ledger_leaf",
        sa.Column(
            "leaf_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
    )


def _ledger_tile() -> None:
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "tile_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index"),
        sqlite_with_rowid=False,
    )


def _ledger_head() -> None:
    op.create_table(
        "ledger_head",
        sa.Column("head_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("compact_range", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("head_id = 1", name="one_head"),
        sa.PrimaryKeyConstraint("head_id"),
    )


def _ledger_checkpoint() -> None:
    op.create_table(
        "ledger_checkpoint",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("signed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )


def _subject() -> None:
    op.create_table(
        "subject",
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("id_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("index_epoch", sa.Integer(), nullable=False),
        sa.Column("wrapped_uid", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_dek", sa.LargeBinary(), nullable=True),
        sa.Column("kek_id", sa.String(length=32), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("subject_ref"),
        sa.UniqueConstraint("index_epoch", "id_index", name="subject_id_index"),
    )


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("institution_code", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("reversal_request_id", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visited_region", sa.String(length=6), nullable=False),
        sa.Column("insured_region", sa.String(length=6), nullable=False),
        sa.Column("visit_kind", sa.String(length=16), nullable=False),
        sa.Column("batch_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("clearing_window", sa.String(length=7), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("work_due_us", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("claim_id"),
        sa.UniqueConstraint("institution_code", "request_id", name="claim_request"),
    )
    op.create_index("claim_batch", "claim", ["batch_index"], unique=False)
    op.create_index(
        "claim_listing", "claim", ["institution_code", "created_us", "claim_id"], unique=False
    )
    op.create_index("claim_subject", "claim", ["subject_ref"], unique=False)
    op.create_index(
        "claim_work",
        "claim",
        ["work_due_us"],
        unique=False,
        sqlite_where=sa.text("work_due_us IS NOT NULL"),
        postgresql_where=sa.text("work_due_us IS NOT NULL"),
    )


def _reversal_request() -> None:
    op.create_table(
        "reversal_request",
        sa.Column("institution_code", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("institution_code", "request_id"),
    )


def _claim_entry() -> None:
    op.create_table(
        "claim_entry",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("claim_entry_claim", "claim_entry", ["claim_id"], unique=False)


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("transaction_code", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("msgid"),
    )
    op.create_index("message_claim", "message", ["claim_id"], unique=False)


def _exchange() -> None:
    op.create_table(
        "exchange",
        sa.Column("exchange_id", sa.String(length=48), nullable=False),
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("transaction_code", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id"),
    )
    op.create_index("exchange_msgid", "exchange", ["msgid"], unique=False)


def _msgid_sequence() -> None:
    op.create_table(
        "msgid_sequence",
        sa.Column("institution_code", sa.String(length=12), nullable=False),
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("second", sa.BigInteger(), nullable=False),
        sa.Column("second_start", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("lane IN (0, 1)", name="msgid_lane"),
        sa.PrimaryKeyConstraint("institution_code", "lane"),
    )


def _opening() -> None:
    op.create_table(
        "opening",
        sa.Column(
            "leaf_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    op.create_index("opening_subject", "opening", ["subject_ref"], unique=False)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=False),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["due_us"],
        unique=False,
        sqlite_where=sa.text("done_us IS NULL"),
        postgresql_where=sa.text("done_us IS NULL"),
    )
