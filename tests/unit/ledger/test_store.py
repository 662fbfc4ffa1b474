"""Appending: all or nothing, each repeat by its name, and rows that nobody can change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from ledger import store
from ledger.journal import Entry, EntryKind, reversal
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.outcomes import (
    AlreadyReversed,
    EntryExists,
    EntryExistsWithDifferent,
    HeadMoved,
    LeafMismatch,
    LedgerDamaged,
    LedgerNotInstalled,
    NotPending,
    PendingAlreadyResolved,
    PendingNotFound,
    ReversedNotFound,
    ReversedNotPosted,
    ReversesDiffers,
)
from ledger.tables import (
    IMMUTABLE,
    immutability_ddl,
    immutability_ddl_0002,
    immutability_ddl_0003,
    immutability_ddl_0004,
)
from tests.unit.ledger.books import (
    HOSPITAL,
    INSURED,
    NOON,
    VISITED,
    Books,
    evidence,
    leaf_for,
    pending,
    posted,
    prepayment_limit,
    salt_for,
    voided,
)
from tests.unit.ledger.trees import Tree

PAYABLE = f"{INSURED}/payable/{VISITED}/pooled"


def balance(books: Books, code: str) -> tuple[int, int, int, int]:
    with books.engine.connect() as connection:
        found = {line.account.code: line for line in store.balances(connection)}[code]
    return (
        found.pending_debit_fen,
        found.pending_credit_fen,
        found.posted_debit_fen,
        found.posted_credit_fen,
    )


def size(books: Books) -> int:
    with books.engine.connect() as connection:
        return store.size(connection)


def test_an_empty_log_has_no_leaf_and_the_empty_root(books: Books) -> None:
    with books.engine.connect() as connection:
        assert store.head(connection).root == Tree([]).root(0)
        assert store.size(connection) == 0
        assert store.leaf_at(connection, 0) is None


def test_an_entry_is_in_the_log_where_it_was_said_to_be(books: Books) -> None:
    first, second = books.append(pending("e1")), books.append(posted("e2", resolves="e1"))
    assert (first.index, second.index) == (0, 1)
    with books.engine.connect() as connection:
        stored = store.leaf_at(connection, 1)
        assert stored is not None and stored.data == second.leaf
        assert stored.leaf_hash == second.leaf_hash == leaf_hash(second.leaf)
        found = store.find_entry(connection, "e2")
        assert found is not None
        assert found.entry == posted("e2", resolves="e1")
        assert found.index == 1
        assert found.recorded_at > NOON and found.recorded_at.utcoffset() is not None
        assert [item.entry.entry_id for item in store.entries(connection, 0, 9)] == ["e1", "e2"]
        assert store.resolution_of(connection, "e1") == "e2"


def test_a_pending_amount_becomes_posted_as_the_region_decides(books: Books) -> None:
    books.append(pending("e1", 10_000))
    assert balance(books, PAYABLE) == (0, 10_000, 0, 0)
    books.append(posted("e2", resolves="e1", amount_fen=9_950))
    assert balance(books, PAYABLE) == (0, 0, 0, 9_950)


@pytest.mark.parametrize("kind", [EntryKind.VOIDED, EntryKind.EXPIRED])
def test_a_pending_amount_that_came_to_nothing_is_gone(books: Books, kind: EntryKind) -> None:
    books.append(pending("e1", 10_000))
    books.append(Entry(entry_id="e2", kind=kind, resolves="e1"))
    assert balance(books, PAYABLE) == (0, 0, 0, 0)


def test_a_reversal_leaves_both_sides_on_record(books: Books) -> None:
    books.append(posted("e1", amount_fen=500))
    books.append(reversal(posted("e1", amount_fen=500), entry_id="e2"))
    assert balance(books, PAYABLE) == (0, 0, 500, 500)
    with books.engine.connect() as connection:
        assert store.reversal_of(connection, "e1") == "e2"


def test_balances_of_one_book_are_only_its_own(books: Books) -> None:
    books.append(posted("e1"))
    with books.engine.connect() as connection:
        codes = [line.account.code for line in store.balances(connection, VISITED)]
    assert codes == [
        f"{VISITED}/hospital_payable/{HOSPITAL}/pooled",
        f"{VISITED}/receivable/{INSURED}/pooled",
    ]


def test_the_same_entry_again_is_told_where_it_is(books: Books) -> None:
    first = books.append(pending("e1"))
    with pytest.raises(EntryExists) as again:
        books.append(pending("e1"))
    assert (again.value.index, again.value.leaf_hash) == (0, first.leaf_hash)
    assert size(books) == 1


@pytest.mark.parametrize(
    ("entry", "leaf", "field"),
    [
        (pending("e2", 1), None, "kind"),
        (posted("e2", amount_fen=1), None, "resolves"),
        (posted("e2", resolves="e1", amount_fen=2), None, "legs"),
        (posted("e2", resolves="e1", amount_fen=1), {"window": "2026-12"}, "window"),
        (posted("e2", resolves="e1", amount_fen=1), {"funds": ()}, "funds"),
        (posted("e2", resolves="e1", amount_fen=1), {"commitment": "0" * 64}, "commitment"),
    ],
)
def test_another_entry_under_a_used_id_is_told_what_differs(
    books: Books, entry: Entry, leaf: dict[str, object] | None, field: str
) -> None:
    books.append(pending("e1", 1))
    books.append(posted("e2", resolves="e1", amount_fen=1))
    changed = replace(leaf_for(entry), **(leaf or {}))  # type: ignore[arg-type]  # fields by name
    with pytest.raises(EntryExistsWithDifferent) as refused, books.writing() as connection:
        store.append_entry(connection, entry, changed, at=NOON)
    assert refused.value.field == field
    assert size(books) == 2


def test_a_pending_entry_is_resolved_once(books: Books) -> None:
    books.append(pending("e1"))
    books.append(posted("e2", resolves="e1"))
    with pytest.raises(PendingAlreadyResolved) as refused:
        books.append(voided("e3", resolves="e1"))
    assert (refused.value.resolved_by, refused.value.kind) == ("e2", "posted")


def test_only_what_is_there_and_pending_is_resolved(books: Books) -> None:
    books.append(posted("e1"))
    with pytest.raises(NotPending):
        books.append(voided("e2", resolves="e1"))
    with pytest.raises(PendingNotFound):
        books.append(voided("e3", resolves="e9"))
    assert size(books) == 1


def test_only_what_took_effect_is_reversed_and_only_once(books: Books) -> None:
    books.append(posted("e1"))
    books.append(pending("e2"))
    with pytest.raises(ReversedNotFound):
        books.append(Entry(entry_id="e3", kind=EntryKind.POSTED, reverses="e9"))
    with pytest.raises(ReversedNotPosted):
        books.append(Entry(entry_id="e3", kind=EntryKind.POSTED, reverses="e2"))
    books.append(reversal(posted("e1"), entry_id="e4"))
    with pytest.raises(AlreadyReversed) as refused:
        books.append(reversal(posted("e1"), entry_id="e5"))
    assert refused.value.reversed_by == "e4"


def test_a_reversal_may_wait_for_the_regions_answer(books: Books) -> None:
    books.append(posted("e1"))
    books.append(reversal(posted("e1"), entry_id="e2", kind=EntryKind.PENDING))
    with pytest.raises(ReversesDiffers):
        books.append(posted("e3", resolves="e2"))
    books.append(voided("e4", resolves="e2"))
    books.append(reversal(posted("e1"), entry_id="e5", kind=EntryKind.PENDING))
    books.append(replace(reversal(posted("e1"), entry_id="e6"), resolves="e5"))
    assert balance(books, PAYABLE) == (0, 0, 65_432, 65_432)


def test_a_leaf_speaks_of_its_own_entry(books: Books) -> None:
    with books.writing() as connection:
        for leaf in (leaf_for(pending("e2")), leaf_for(posted("e1"))):
            with pytest.raises(LeafMismatch):
                store.append_entry(connection, pending("e1"), leaf, at=NOON)
        with pytest.raises(LeafMismatch):
            store.append_leaf(connection, leaf_for(pending("e1")))


def test_a_time_without_a_zone_is_refused(books: Books) -> None:
    with pytest.raises(ValueError), books.writing() as connection:
        naive = NOON.replace(tzinfo=None)
        store.append_entry(connection, pending("e1"), leaf_for(pending("e1")), at=naive)


def test_what_is_rolled_back_was_never_there(books: Books) -> None:
    books.append(pending("e1"))
    with books.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        store.append_entry(connection, pending("e2"), leaf_for(pending("e2")), at=NOON)
        assert store.size(connection) == 2
        connection.rollback()
    assert size(books) == 1
    assert books.append(pending("e2")).index == 1


def test_a_refusal_leaves_the_callers_transaction_usable(books: Books) -> None:
    with books.writing() as connection:
        store.append_leaf(connection, evidence("rcp_1"))
        with pytest.raises(PendingNotFound):
            entry = voided("e1", resolves="e0")
            store.append_entry(connection, entry, leaf_for(entry), at=NOON)
        store.append_leaf(connection, evidence("rcp_2"))
    assert size(books) == 2


def test_a_database_without_a_head_is_not_a_ledger(books: Books) -> None:
    books.tamper("DELETE FROM ledger_head")
    with pytest.raises(LedgerNotInstalled):
        books.append(pending("e1"))


def test_rows_that_cannot_be_read_are_said_to_be_damaged(books: Books) -> None:
    books.append(pending("e1"))
    books.tamper(
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE ledger_entry SET kind = 'x'",
        "UPDATE ledger_balance SET account = 'x' WHERE account LIKE '%/payable/%'",
    )
    with books.engine.connect() as connection:
        with pytest.raises(LedgerDamaged):
            store.find_entry(connection, "e1")
        with pytest.raises(LedgerDamaged):
            store.balances(connection)


def test_a_sealed_entry_says_so_in_its_leaf(books: Books) -> None:
    sealed = Leaf.parse(books.append(pending("e1")).leaf)
    assert sealed.seal is not None
    assert Leaf.parse(books.append(pending("e2"), sealed=False).leaf).seal is None


def test_every_proof_from_stored_hashes_verifies_across_tiles(books: Books) -> None:
    books.fill(600)
    with books.engine.connect() as connection:
        tree = Tree([leaf.data for leaf in store.leaves(connection, 0, 600)])
        for at in (1, 255, 256, 257, 511, 512, 513, 600):
            root = store.root_at(connection, at)
            assert root == tree.root(at)
            for index in {0, at // 2, at - 1}:
                proof = store.inclusion_proof(connection, index, at)
                verify_inclusion(tree.hashes[index], index, at, proof, root)
            path = store.consistency_proof(connection, at, 600)
            verify_consistency(at, 600, path, root, tree.root(600))


def test_no_proof_is_made_for_a_tree_that_is_not_there(books: Books) -> None:
    books.fill(3)
    with books.engine.connect() as connection:
        for index, at in ((3, 3), (0, 4), (-1, 3)):
            with pytest.raises(ValueError):
                store.inclusion_proof(connection, index, at)
        for first, second in ((0, 3), (0, 0), (3, 2), (2, 4)):
            with pytest.raises(ValueError):
                store.consistency_proof(connection, first, second)


DDL = (immutability_ddl, immutability_ddl_0002, immutability_ddl_0003, immutability_ddl_0004)
SEEDS = {
    "ledger_entry": (
        "recorded_us",
        "INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry",
    ),
    "ledger_leg": ("amount_fen", "INSERT OR REPLACE INTO ledger_leg SELECT * FROM ledger_leg"),
    "ledger_leaf": ("leaf_hash", "INSERT OR REPLACE INTO ledger_leaf SELECT * FROM ledger_leaf"),
    "ledger_tile": ("root", "INSERT OR REPLACE INTO ledger_tile SELECT * FROM ledger_tile"),
    "ledger_checkpoint": (
        "note",
        "INSERT OR REPLACE INTO ledger_checkpoint SELECT * FROM ledger_checkpoint",
    ),
    "ledger_cosignature": (
        "line",
        "INSERT OR REPLACE INTO ledger_cosignature SELECT * FROM ledger_cosignature",
    ),
    "ledger_limit": (
        "floor_fen",
        "INSERT OR REPLACE INTO ledger_limit SELECT * FROM ledger_limit",
    ),
}


@pytest.mark.parametrize("table", sorted(SEEDS))
def test_the_record_refuses_update_delete_and_replace(books: Books, table: str) -> None:
    books.fill(256)
    books.append(posted("e1"))
    books.sign()
    books.cosign("one.test/w")
    books.set_limit(prepayment_limit())
    column, replace_all = SEEDS[table]
    # Closed logs have a test of their own (test_history.py).
    assert set(SEEDS) == set(IMMUTABLE) - {"ledger_log"}
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        replace_all,
    ):
        with (
            pytest.raises(IntegrityError, match=f"{table} is append-only"),
            books.writing() as connection,
        ):
            connection.exec_driver_sql(statement)


def test_a_resolution_cannot_be_replaced_by_another(books: Books) -> None:
    books.append(pending("e1"))
    books.append(posted("e2", resolves="e1"))
    statement = (
        "INSERT OR REPLACE INTO ledger_entry "
        "(entry_id, kind, resolves, leaf_index, recorded_us) VALUES ('e3', 'voided', 'e1', 9, 0)"
    )
    with pytest.raises(IntegrityError, match="append-only"), books.writing() as connection:
        connection.exec_driver_sql(statement)


def test_postgresql_has_the_same_guards() -> None:
    statements = [line for ddl in DDL for line in ddl("postgresql")]
    for table in IMMUTABLE:
        mine = [line for line in statements if f" ON {table} " in line]
        assert any("BEFORE UPDATE OR DELETE" in line for line in mine)
        assert any("BEFORE TRUNCATE" in line for line in mine)


def test_a_database_of_another_kind_is_refused() -> None:
    for ddl in DDL:
        with pytest.raises(ValueError):
            ddl("mysql")


def test_the_salt_makes_two_seals_of_one_entry_differ(books: Books) -> None:
    with books.writing() as connection:
        entry = pending("e1")
        first = store.append_entry(
            connection, entry, leaf_for(entry), at=NOON, salt=salt_for("one")
        )
        connection.rollback()
    with books.writing() as connection:
        second = store.append_entry(
            connection, entry, leaf_for(entry), at=NOON, salt=salt_for("two")
        )
    assert first.leaf != second.leaf


def test_a_writer_that_was_overtaken_is_told_to_start_again(books: Books) -> None:
    """The head's old size is the fence: whoever moved it in between wins."""
    books.tamper(
        "CREATE TRIGGER overtaken AFTER INSERT ON ledger_leaf "
        "BEGIN UPDATE ledger_head SET size = size + 1; END"
    )
    with pytest.raises(HeadMoved):
        books.append(pending("e1"))
    assert size(books) == 0
