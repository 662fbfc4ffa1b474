"""Published files against the leaves: each flipped bit is found, each file too few or too many."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import store
from ledger.checkpoint import issue_checkpoint
from ledger.published import survey
from ledger.report import Report
from ledger.tile_files import TileFiles
from ledger.verify_files import verify_files
from tests.unit.ledger.books import Books, signer

LONG = os.environ.get("YRD_TEST_CAMPAIGN") == "long"
FLIPS = 5000 if LONG else 400
"""Bits tried; the seed is the number."""


class House:
    """Books whose log is published, with a partial tile of an older size kept."""

    def __init__(self, root: Path) -> None:
        self.books = Books(root)
        self.log, self.entries = root / "log", root / "entries"
        for count in (530, 20):
            self.books.fill(count)
            self.books.sign()
            note = self.books.cosign("one.test/w", "two.test/w")
            with self.books.engine.connect() as connection:
                TileFiles(self.log, entries=self.entries).publish(connection, note)
        (self.log / "vkey").write_text(self.books.signer.vkey + "\n")

    def files(self) -> list[Path]:
        roots = (self.log, self.entries)
        return sorted(path for root in roots for path in root.rglob("*") if path.is_file())


def check(house: House, log: Path | None = None, entries: Path | None = None) -> Report:
    root = log or house.log
    seen = survey(root, entries or (house.entries if log is None else None))
    with house.books.engine.connect() as connection:
        return verify_files(connection, house.books.signer.vkey, seen)


def codes(report: Report) -> list[str]:
    return [problem.code for problem in report.problems]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("published"))
    yield made
    made.books.close()


@pytest.fixture
def own(house: House, tmp_path: Path) -> House:
    """Files of one's own, to ruin."""
    copy = object.__new__(House)
    copy.books = house.books
    copy.log, copy.entries = tmp_path / "log", tmp_path / "entries"
    shutil.copytree(house.log, copy.log)
    shutil.copytree(house.entries, copy.entries)
    return copy


def test_what_was_published_is_found_right(house: House) -> None:
    report = check(house)
    assert report.problems == ()
    # Two full tiles and two open ones of the first level, one open of the second; bundles alike.
    assert report.checked == {"tiles": 5, "bundles": 4, "checkpoints": 1, "vkeys": 1}


def test_every_flipped_bit_of_every_file_is_found(house: House) -> None:
    files = house.files()
    for number in range(FLIPS):
        chance = random.Random(f"file bit {number}")
        # Files in turn, so that small ones get as many as large ones.
        path = files[number % len(files)]
        right = path.read_bytes()
        at = chance.randrange(len(right) * 8)
        if path.name == "vkey" and at // 8 == len(right) - 1:
            continue  # the line's end is no part of the key
        flipped = bytearray(right)
        flipped[at // 8] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            assert not check(house).ok, f"flip {number}: bit {at} of {path}"
        finally:
            path.write_bytes(right)
    assert check(house).ok


RUINS: dict[str, tuple[Callable[[House], object], str]] = {
    "a tile cut off": (
        lambda h: _cut(h.log / "tile" / "0" / "000", 8191), "FILE_TRUNCATED",
    ),
    "a partial tile cut off": (
        lambda h: _cut(h.log / "tile" / "0" / "002.p" / "38", 32), "FILE_TRUNCATED",
    ),
    "an empty bundle": (
        lambda h: _cut(h.entries / "tile" / "entries" / "001", 0), "FILE_TRUNCATED",
    ),
    "a bundle with more": (
        lambda h: _add(h.entries / "tile" / "entries" / "001"), "FILE_DIFFERS",
    ),
    "a full tile gone": (
        lambda h: (h.log / "tile" / "0" / "001").unlink(), "FILE_MISSING",
    ),
    "the open tile gone": (
        lambda h: (h.log / "tile" / "1" / "000.p" / "2").unlink(), "FILE_MISSING",
    ),
    "a bundle gone": (
        lambda h: (h.entries / "tile" / "entries" / "002.p" / "38").unlink(), "FILE_MISSING",
    ),
    "a tile of a larger tree": (
        lambda h: shutil.copy(h.log / "tile/0/001", h.log / "tile/0/007"), "FILE_SURPLUS",
    ),
    "a wider partial tile": (
        lambda h: shutil.copy(h.log / "tile/0/001", h.log / "tile/0/002.p/39"), "FILE_SURPLUS",
    ),
    "a name that is none": (
        lambda h: (h.log / "tile" / "0" / "01").write_bytes(b""), "FILE_SURPLUS",
    ),
    "bundles among the public files": (
        lambda h: shutil.copytree(h.entries / "tile/entries", h.log / "tile/entries"),
        "FILE_SURPLUS",
    ),
    "a directory for a tile": (
        lambda h: _directory(h.log / "tile" / "0" / "001"), "FILE_UNREADABLE",
    ),
    "swapped tiles": (
        lambda h: shutil.copy(h.log / "tile/0/001", h.log / "tile/0/000"), "FILE_DIFFERS",
    ),
    "no checkpoint": (
        lambda h: (h.log / "checkpoint").unlink(), "FILE_CHECKPOINT_MISSING",
    ),
    "half a checkpoint": (
        lambda h: _cut(h.log / "checkpoint", 60), "FILE_CHECKPOINT_INVALID",
    ),
    "bytes for a checkpoint": (
        lambda h: (h.log / "checkpoint").write_bytes(b"\xff" * 90), "FILE_CHECKPOINT_INVALID",
    ),
    "another log's checkpoint": (
        lambda h: _sign(h, "strange.test/log", 550), "FILE_OTHER_LOG",
    ),
    "a checkpoint that nobody recorded": (
        lambda h: _sign(h, "", 540), "FILE_CHECKPOINT_UNKNOWN",
    ),
    "a forked checkpoint": (lambda h: _sign(h, "", 540), "LOG_FORKED"),
    "a checkpoint of a larger log": (lambda h: _sign(h, "", 551), "LOG_ROLLED_BACK"),
    "another key": (
        lambda h: (h.log / "vkey").write_text(signer("strange.test/log").vkey),
        "FILE_VKEY_DIFFERS",
    ),
    "nothing at all": (lambda h: shutil.rmtree(h.log), "FILE_CHECKPOINT_MISSING"),
}  # fmt: skip


@pytest.mark.parametrize("ruin", RUINS)
def test_a_ruined_directory_is_named_file_by_file(own: House, ruin: str) -> None:
    harm, code = RUINS[ruin]
    harm(own)
    report = check(own)
    assert code in codes(report)
    assert all(problem.where and problem.what and problem.do for problem in report.problems)


def test_another_origin_names_both_logs(own: House) -> None:
    _sign(own, "strange.test/log", 550)
    (problem,) = check(own).problems
    assert "strange.test/log" in problem.what and own.books.signer.name in problem.what


def test_a_round_that_is_not_finished_is_no_finding(own: House) -> None:
    """Tiles beyond the checkpoint that the leaves do give, and a torn draft."""
    (own.log / "tile" / "0" / "002.p" / "38.new").write_bytes(b"torn")
    own.books.fill(1)
    own.books.sign()
    later = own.log.with_name("later")
    with own.books.engine.connect() as connection:
        note = store.latest_note(connection)
        assert note is not None
        TileFiles(later).publish(connection, note)
    shutil.copytree(later / "tile", own.log / "tile", dirs_exist_ok=True)
    assert check(own).problems == ()


def test_bundles_may_lie_with_the_tiles_or_nowhere(own: House) -> None:
    assert check(own, log=own.log).ok
    shutil.copytree(own.entries / "tile", own.log / "tile", dirs_exist_ok=True)
    report = check(own, log=own.log, entries=own.log)
    assert report.ok and report.checked["bundles"] == 4


def _cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def _add(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\x00\x01x")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sign(house: House, name: str, size: int) -> None:
    key = signer(name) if name else house.books.signer
    note = issue_checkpoint(size, bytes(32), key).note
    (house.log / "checkpoint").write_text(note, encoding="utf-8")
