"""Static files: what a tlog client needs is there, whole, and nothing published ever changes."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from gateway.demo.stranger import Mirror
from ledger import store
from ledger.outcomes import ForkDetected, LedgerDamaged, RollbackDetected
from ledger.tile_files import TileFiles, tiles_due
from ledger.tiles import WIDTH, Tile, tiles_of
from tests.unit.ledger.books import Books, signer


def publish(books: Books, files: TileFiles) -> int:
    """Sign and publish; answers how many files were written."""
    books.sign()
    with books.engine.connect() as connection:
        note = store.latest_note(connection)
        assert note is not None
        return files.publish(connection, note)


def names(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 70_000), (69_999, 70_000), (0, 256), (255, 257), (65_535, 65_536), (65_000, 66_000)],
)
def test_what_is_due_is_what_the_larger_tree_has_and_the_smaller_one_lacks(
    start: int, end: int
) -> None:
    assert set(tiles_due(start, end)) == set(tiles_of(end)) - set(tiles_of(start))
    assert set(tiles_due(0, end)) == set(tiles_of(end))


def test_every_size_that_was_signed_keeps_its_partial_tiles_until_the_full_one_is_there() -> None:
    due = set(tiles_due(250, 600, [255, 256, 300, 520, 520, 590]))
    assert due == {
        Tile(0, 0), Tile(0, 1),
        Tile(0, 2, 520 % WIDTH), Tile(0, 2, 590 % WIDTH), Tile(0, 2, 600 % WIDTH),
        Tile(1, 0, 1), Tile(1, 0, 2),
    }  # fmt: skip


def test_a_log_grows_as_files_and_a_stranger_can_check_them(books: Books, tmp_path: Path) -> None:
    public, private = tmp_path / "log", tmp_path / "entries"
    files = TileFiles(public, entries=private)
    previous = None
    for count in (1, 4, 250, 1, 1, 300):
        books.fill(count)
        assert publish(books, files) > 0
        mirror = Mirror(public, private, books.signer.vkey)
        mirror.check(previous)
        previous = mirror.checkpoint()
    assert names(public) == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/45",
        "tile/1/000.p/1", "tile/1/000.p/2",
    }  # fmt: skip
    assert names(private) == {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/45"}
    assert publish(books, files) == 0


def test_entries_are_not_among_the_public_files(books: Books, tmp_path: Path) -> None:
    books.fill(3)
    publish(books, TileFiles(tmp_path / "log", entries=tmp_path / "entries"))
    assert not (tmp_path / "log" / "tile" / "entries").exists()
    bundle = tmp_path / "entries" / "tile" / "entries" / "000.p" / "3"
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    publish(books, TileFiles(tmp_path / "bare"))
    assert names(tmp_path / "bare") == {"checkpoint", "tile/0/000.p/3"}


def test_bundles_switched_on_later_begin_at_the_beginning(books: Books, tmp_path: Path) -> None:
    books.fill(300)
    publish(books, TileFiles(tmp_path / "log"))
    books.fill(1)
    publish(books, TileFiles(tmp_path / "log", entries=tmp_path / "entries"))
    Mirror(tmp_path / "log", tmp_path / "entries", books.signer.vkey).check()


def test_one_killed_half_way_is_finished_by_the_next(books: Books, tmp_path: Path) -> None:
    """Every prefix of what a run writes, with a torn draft beside it, is a place to go on from."""
    public = tmp_path / "log"
    books.fill(200)
    publish(books, TileFiles(public))
    before = tmp_path / "before"
    shutil.copytree(public, before)
    books.fill(400)
    publish(books, TileFiles(public))
    written = sorted(names(public) - names(before))
    for done in range(len(written) + 1):
        torn = tmp_path / f"torn-{done}"
        shutil.copytree(before, torn)
        for name in written[:done]:
            (torn / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(public / name, torn / name)
        (torn / "tile" / "0" / "001.new").write_bytes(b"torn")
        (torn / "checkpoint.new").write_bytes(b"torn")
        publish(books, TileFiles(torn))
        assert names(torn) - {"tile/0/001.new"} >= names(public)
        Mirror(torn, None, books.signer.vkey).check()


def test_full_tiles_are_never_written_again(books: Books, tmp_path: Path) -> None:
    books.fill(300)
    publish(books, TileFiles(tmp_path / "log"))
    tile = tmp_path / "log" / "tile" / "0" / "000"
    number = tile.stat().st_ino
    (tmp_path / "log" / "checkpoint").unlink()
    publish(books, TileFiles(tmp_path / "log"))
    assert tile.stat().st_ino == number


def test_a_full_tile_with_other_bytes_stops_the_publishing(books: Books, tmp_path: Path) -> None:
    books.fill(300)
    publish(books, TileFiles(tmp_path / "log"))
    (tmp_path / "log" / "checkpoint").unlink()
    tile = tmp_path / "log" / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(ForkDetected, match="other bytes"):
        publish(books, TileFiles(tmp_path / "log"))
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_cosignatures_that_come_later_are_published_with_the_same_tree(
    books: Books, tmp_path: Path
) -> None:
    books.fill(3)
    files = TileFiles(tmp_path / "log")
    publish(books, files)
    note = books.cosign("one.test/w")
    with books.engine.connect() as connection:
        assert files.publish(connection, note) == 1
    assert (tmp_path / "log" / "checkpoint").read_text(encoding="utf-8") == note


def test_a_shorter_database_is_not_published_over_a_longer_log(
    books: Books, tmp_path: Path
) -> None:
    books.fill(2)
    backup = tmp_path / "backup.db"
    shutil.copy(books.path, backup)
    books.fill(3)
    publish(books, TileFiles(tmp_path / "log"))
    shutil.copy(backup, books.path)
    with pytest.raises(RollbackDetected, match="older database"):
        publish(books, TileFiles(tmp_path / "log"))


def test_another_history_is_not_published_over_ours(books: Books, tmp_path: Path) -> None:
    books.fill(2)
    backup = tmp_path / "backup.db"
    shutil.copy(books.path, backup)
    books.fill(3)
    publish(books, TileFiles(tmp_path / "log"))
    shutil.copy(backup, books.path)
    books.append_evidence("another")
    books.fill(7)
    with pytest.raises(ForkDetected, match="differ from what is published"):
        publish(books, TileFiles(tmp_path / "log"))


def test_another_log_is_not_published_over_ours(books: Books, tmp_path: Path) -> None:
    books.fill(2)
    publish(books, TileFiles(tmp_path / "log"))
    other = tmp_path / "other"
    other.mkdir()
    strangers = Books(other)
    strangers.signer = signer("other.test/log")
    strangers.fill(3)
    with pytest.raises(LedgerDamaged, match="use another one"):
        publish(strangers, TileFiles(tmp_path / "log"))
    strangers.close()


def test_a_ruined_checkpoint_file_says_what_to_do(books: Books, tmp_path: Path) -> None:
    books.fill(2)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "checkpoint").write_bytes(b"\x00" * 80)
    with pytest.raises(LedgerDamaged, match="move the directory away"):
        publish(books, TileFiles(tmp_path / "log"))


def test_a_damaged_leaf_hash_is_not_published(books: Books, tmp_path: Path) -> None:
    books.fill(3)
    books.sign()
    books.tamper("UPDATE ledger_leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 1")
    with books.engine.connect() as connection:
        note = store.latest_note(connection)
        assert note is not None
        with pytest.raises(LedgerDamaged, match="signed root"):
            TileFiles(tmp_path / "log").publish(connection, note)
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE level = 0 AND tile_index = 1",
        "UPDATE ledger_tile SET hashes = zeroblob(31) WHERE level = 0 AND tile_index = 1",
        "UPDATE ledger_tile SET root = zeroblob(32) WHERE level = 0 AND tile_index = 0",
        "DELETE FROM ledger_tile WHERE level = 0 AND tile_index = 1",
        "UPDATE ledger_leaf SET leaf = CAST(leaf || ' ' AS BLOB) WHERE leaf_index = 300",
    ],
)
def test_what_does_not_lead_to_the_signed_root_is_not_published(
    books: Books, tmp_path: Path, damage: str
) -> None:
    books.fill(600)
    books.sign()
    books.tamper(damage)
    with books.engine.connect() as connection:
        note = store.latest_note(connection)
        assert note is not None
        with pytest.raises(LedgerDamaged, match="run verify"):
            TileFiles(tmp_path / "log", entries=tmp_path / "e").publish(connection, note)
    assert not (tmp_path / "log" / "checkpoint").exists()
