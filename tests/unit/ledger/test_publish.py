"""Nothing is signed that was not derived again, and nothing that contradicts what was signed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger import store
from ledger.checkpoint import issue_checkpoint, open_checkpoint
from ledger.merkle import leaf_hash
from ledger.outcomes import ForkDetected, LedgerDamaged, PublisherRaced, RollbackDetected
from ledger.publish import record_checkpoint, sign_checkpoint
from tests.unit.ledger.books import NOON, Books, evidence, pending, posted, signer


def flip(table: str, column: str, key: str) -> str:
    """SQL that changes the last byte of a blob."""
    return (
        f"UPDATE {table} SET {column} = CAST(substr({column}, 1, length({column}) - 1) || "
        f"CASE WHEN substr({column}, -1) = x'7d' THEN x'7c' ELSE x'7d' END AS BLOB) WHERE {key}"
    )


def test_a_checkpoint_covers_all_that_was_committed(books: Books) -> None:
    books.append(pending("e1"))
    signed = books.sign()
    assert signed is not None and signed.size == 1
    with books.engine.connect() as connection:
        assert signed.root == store.head(connection).root
        assert store.latest_note(connection) == signed.note
        assert store.note_covering(connection, 0) == signed.note
        assert store.note_covering(connection, 1) is None
    assert open_checkpoint(signed.note, books.signer.verifier) == signed


def test_nothing_new_is_not_signed_again(books: Books) -> None:
    assert books.sign() is None
    books.append(pending("e1"))
    assert books.sign() is not None
    assert books.sign() is None


def test_checkpoints_follow_the_log_across_tiles(books: Books) -> None:
    for count in (200, 56, 1, 300):
        books.fill(count)
        assert books.sign() is not None


def test_a_flipped_bit_in_a_leaf_stops_the_signing(books: Books) -> None:
    books.fill(3)
    books.tamper(flip("ledger_leaf", "leaf", "leaf_index = 1"))
    with pytest.raises(LedgerDamaged, match="leaf 1"):
        books.sign()


def test_text_where_bytes_belong_stops_the_signing(books: Books) -> None:
    books.fill(3)
    books.tamper("UPDATE ledger_leaf SET leaf = leaf || ' ' WHERE leaf_index = 1")
    with pytest.raises(LedgerDamaged):
        books.sign()


def test_a_leaf_changed_with_its_hash_does_not_fit_the_head(books: Books) -> None:
    books.fill(3)
    changed = evidence("forged").to_bytes()
    books.tamper(
        f"UPDATE ledger_leaf SET leaf = x'{changed.hex()}', "
        f"leaf_hash = x'{leaf_hash(changed).hex()}' WHERE leaf_index = 1"
    )
    with pytest.raises(LedgerDamaged, match="head"):
        books.sign()


def test_a_missing_leaf_stops_the_signing(books: Books) -> None:
    books.fill(3)
    books.tamper("DELETE FROM ledger_leaf WHERE leaf_index = 1")
    with pytest.raises(LedgerDamaged, match="leaf 1"):
        books.sign()


def test_a_damaged_head_stops_the_signing(books: Books) -> None:
    books.fill(3)
    books.tamper(flip("ledger_head", "compact_range", "head_id = 1"))
    with pytest.raises(LedgerDamaged, match="head"):
        books.sign()


def test_a_past_that_was_rewritten_is_a_fork(books: Books) -> None:
    books.fill(3)
    books.sign()
    books.fill(1)
    books.tamper(flip("ledger_leaf", "leaf_hash", "leaf_index = 1"))
    with pytest.raises(ForkDetected):
        books.sign()


def test_a_log_shorter_than_its_last_signature_was_rolled_back(books: Books) -> None:
    books.fill(3)
    books.sign()
    books.tamper(
        "DELETE FROM ledger_leaf WHERE leaf_index = 2",
        "UPDATE ledger_head SET size = 2, compact_range = zeroblob(32)",
    )
    with pytest.raises(RollbackDetected):
        books.sign()


def test_a_restored_backup_is_noticed_by_the_copy_outside(books: Books, tmp_path: Path) -> None:
    books.fill(2)
    backup = tmp_path / "backup.db"
    shutil.copy(books.path, backup)
    books.fill(2)
    outside = books.sign()
    assert outside is not None
    shutil.copy(backup, books.path)
    with pytest.raises(RollbackDetected, match="older database"):
        books.sign(outside=outside.note)


def test_another_history_of_the_same_length_is_a_fork(books: Books, tmp_path: Path) -> None:
    books.fill(2)
    backup = tmp_path / "backup.db"
    shutil.copy(books.path, backup)
    books.append(pending("e1"))
    outside = books.sign()
    assert outside is not None
    shutil.copy(backup, books.path)
    books.append(posted("e2"))
    with pytest.raises(ForkDetected):
        books.sign(outside=outside.note)


def test_the_copy_outside_of_this_very_history_is_no_obstacle(books: Books) -> None:
    books.fill(2)
    outside = books.sign()
    assert outside is not None
    books.fill(2)
    signed = books.sign(outside=outside.note)
    assert signed is not None and signed.size == 4


def test_the_copy_outside_of_another_log_is_refused(books: Books) -> None:
    books.fill(2)
    other = issue_checkpoint(1, bytes(32), signer("other.test/log"))
    with pytest.raises(LedgerDamaged, match="outside"):
        books.sign(outside=other.note)


def test_a_log_is_signed_by_one_key_only(books: Books) -> None:
    books.fill(1)
    books.sign()
    books.fill(1)
    with pytest.raises(LedgerDamaged), books.writing() as connection:
        sign_checkpoint(connection, signer("other.test/log"), at=NOON)


def test_of_two_publishers_the_slower_one_is_refused(books: Books) -> None:
    """Both looked when nothing was signed yet."""
    books.fill(2)
    books.sign()
    slower = issue_checkpoint(3, bytes(32), books.signer)
    with pytest.raises(PublisherRaced), books.writing() as connection:
        record_checkpoint(connection, slower, last_size=0, at=NOON)
