"""Tile coordinates and bytes, by the examples of C2SP tlog-tiles."""

from __future__ import annotations

import pytest

from ledger.tiles import (
    WIDTH,
    Tile,
    entries_path,
    locate,
    pack_entries,
    parse_path,
    tiles_of,
    unpack_entries,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999), "tile/1/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(63, 5, 1), "tile/63/005.p/1"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == ("tile", tile)


def test_entries_have_paths_of_their_own() -> None:
    assert entries_path(1234067) == "tile/entries/x001/x234/067"
    assert parse_path("tile/entries/273.p/112") == ("entries", Tile(0, 273, 112))


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/00/001",
        "tile/64/001",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/x001",
        "/tile/0/001",
        "tile/0/001\n",
        "tile/0/../001",
        "tile/entries/x0/001",
    ],
)
def test_no_tile_has_a_second_path(path: str) -> None:
    with pytest.raises(ValueError):
        parse_path(path)


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))
    assert sum(tile.level == 0 and tile.is_full for tile in tiles) == 273
    assert [tile for tile in tiles if not tile.is_full] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert [tile for tile in tiles if tile.level == 1 and tile.is_full] == [Tile(1, 0)]


def test_a_tree_of_256_has_a_full_tile_and_a_partial_one_above() -> None:
    assert list(tiles_of(WIDTH)) == [Tile(0, 0), Tile(1, 0, 1)]


def test_a_hash_is_found_in_its_tile() -> None:
    assert locate(0, 300) == (Tile(0, 1), 44, 45)
    assert locate(7, 2) == (Tile(0, 1), 0, 128)
    assert locate(8, 2) == (Tile(1, 0), 2, 3)


def test_a_bundle_gives_its_entries_back() -> None:
    entries = [b"", b"one", b"\x00" * 65_535]
    assert unpack_entries(pack_entries(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab"])
def test_a_bundle_that_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpack_entries(data)


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(ValueError):
        pack_entries([b"\x00" * 65_536])
