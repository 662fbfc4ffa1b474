"""What comes broken is refused with a word on what to do: cut tiles, swapped leaves, and more.

Elsewhere: checkpoints of another origin (test_checkpoint, test_tile_files), keys past their dates
(test_policy_of_witnesses), proofs for a larger tree (test_receipt_witnesses).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.stranger import Mirror, MirrorError
from ledger import store
from ledger.outcomes import LedgerDamaged
from ledger.tile_files import TileFiles
from ledger.tiles import pack_entries, unpack_entries
from ledger.verify import verify
from tests.unit.ledger.books import Books


def published(books: Books, root: Path) -> Path:
    """Three hundred leaves as files; answers the directory of bundles."""
    books.fill(300)
    checkpoint = books.sign()
    assert checkpoint is not None
    with books.engine.connect() as connection:
        TileFiles(root, entries=root).publish(connection, checkpoint.note)
    Mirror(root, root, books.signer.vkey).check()
    return root / "tile" / "entries"


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
@pytest.mark.parametrize("cut", [1, 32])
def test_a_truncated_tile_is_not_believed(
    books: Books, tmp_path: Path, name: str, cut: int
) -> None:
    published(books, tmp_path / "log")
    tile = tmp_path / "log" / name
    tile.write_bytes(tile.read_bytes()[:-cut])
    with pytest.raises(MirrorError):
        Mirror(tmp_path / "log", None, books.signer.vkey).check()


def test_swapped_leaves_are_not_believed(books: Books, tmp_path: Path) -> None:
    bundle = published(books, tmp_path / "log") / "000"
    entries = unpack_entries(bundle.read_bytes())
    entries[7], entries[8] = entries[8], entries[7]
    bundle.write_bytes(pack_entries(entries))
    with pytest.raises(MirrorError, match="does not fit its hash"):
        Mirror(tmp_path / "log", tmp_path / "log", books.signer.vkey).check()


def test_a_truncated_bundle_is_not_believed(books: Books, tmp_path: Path) -> None:
    bundle = published(books, tmp_path / "log") / "000"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    with pytest.raises(MirrorError, match="truncated"):
        Mirror(tmp_path / "log", tmp_path / "log", books.signer.vkey).check()


def test_our_own_publisher_says_to_delete_a_truncated_tile(books: Books, tmp_path: Path) -> None:
    published(books, tmp_path / "log")
    tile = tmp_path / "log" / "tile" / "0" / "000"
    whole = tile.read_bytes()
    tile.write_bytes(whole[:-32])
    (tmp_path / "log" / "checkpoint").unlink()
    with books.engine.connect() as connection:
        note = store.latest_note(connection)
        assert note is not None
        with pytest.raises(LedgerDamaged, match="delete it"):
            TileFiles(tmp_path / "log").publish(connection, note)
        tile.unlink()
        TileFiles(tmp_path / "log").publish(connection, note)
    assert tile.read_bytes() == whole


def test_a_truncated_tile_in_the_database_makes_no_proof(books: Books) -> None:
    books.fill(300)
    books.sign()
    books.tamper("UPDATE ledger_tile SET hashes = substr(hashes, 1, 8160)")
    with books.engine.connect() as connection:
        with pytest.raises(LedgerDamaged, match="8160 bytes"):
            store.inclusion_proof(connection, 3, 300)
        codes = {problem.code for problem in verify(connection, books.signer.vkey).problems}
    assert "TILE_DIFFERS" in codes


def test_swapped_leaves_in_the_database_are_found(books: Books) -> None:
    books.fill(10)
    books.sign()
    books.tamper(
        "UPDATE ledger_leaf SET leaf_index = 99 WHERE leaf_index = 3",
        "UPDATE ledger_leaf SET leaf_index = 3 WHERE leaf_index = 4",
        "UPDATE ledger_leaf SET leaf_index = 4 WHERE leaf_index = 99",
    )
    with books.engine.connect() as connection:
        report = verify(connection, books.signer.vkey)
    assert "ROOT_DIFFERS" in {problem.code for problem in report.problems}
    assert all(problem.do for problem in report.problems)
