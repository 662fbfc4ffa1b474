"""Files that appear together: no name stands for bytes that a power cut can take away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.tile_writing import BATCH, DRAFT, FileBatch, make_durable


class Disk:
    """What was flushed, and what could be seen under its name by then."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.flushed: list[set[str]] = []
        self.seen: list[set[str]] = []

    def __call__(self, paths: Sequence[Path]) -> None:
        files = {p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()}
        self.flushed.append({p.relative_to(self.root).as_posix() for p in paths})
        self.seen.append({name for name in files if not name.endswith(DRAFT)})


def test_a_file_has_its_name_only_when_its_bytes_are_on_the_disk(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    files = FileBatch(disk)
    files.add(tmp_path / "tile" / "0" / "000", b"one", 0o644)
    files.add(tmp_path / "tile" / "1" / "000.p" / "1", b"two", 0o644)
    files.settle()
    names = {"tile/0/000", "tile/1/000.p/1"}
    assert disk.flushed[0] == {name + DRAFT for name in names}
    assert disk.seen == [set(), names]
    # Then their names: every directory that holds a new one, up to the first that was there.
    assert disk.flushed[1] == {".", "tile", "tile/0", "tile/1", "tile/1/000.p"}


def test_a_large_batch_waits_for_the_disk_in_parts(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    files = FileBatch(disk)
    for number in range(BATCH + 3):
        files.add(tmp_path / str(number), b"x", 0o600)
    files.settle()
    assert [len(paths) for paths in disk.flushed] == [BATCH, 3, 1]
    assert len(list(tmp_path.iterdir())) == BATCH + 3


def test_a_torn_draft_is_written_over(tmp_path: Path) -> None:
    (tmp_path / f"000{DRAFT}").write_bytes(b"torn, and longer than what follows")
    files = FileBatch()
    files.add(tmp_path / "000", b"whole", 0o644)
    files.settle()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("000", b"whole")]


def test_few_files_and_many_reach_the_disk(tmp_path: Path) -> None:
    for count in (1, 40):
        paths = [tmp_path / str(number) for number in range(count)]
        for path in paths:
            path.write_bytes(b"x")
        make_durable(paths)
        assert [path.read_bytes() for path in paths] == [b"x"] * count


def test_what_is_not_there_cannot_be_made_durable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_durable([tmp_path / "missing"])
