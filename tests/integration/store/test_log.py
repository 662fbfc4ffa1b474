"""The log through its port: signed in turn, proven, kept outside, and refused when rolled back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from gateway.domain.errors import InvariantViolated, StorageUnavailable
from gateway.ids import SystemIds
from gateway.store.engine import write_engine
from gateway.store.errors import StoreRefused
from gateway.store.open_store import open_store
from ledger.checkpoint import NoteVerifier, open_checkpoint
from ledger.commitment import commit
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.note import signature_line
from tests.integration.store.house import (
    NOON,
    ORIGIN,
    Intent,
    StandingClock,
    encode,
    numbered,
    opened,
    options,
    prepare,
    unguarded,
)


async def test_what_is_written_is_signed_once_and_every_leaf_is_proven(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        assert await house.log.checkpoint() is None
        assert await house.log.publish() is None
        for number in range(5):
            await house.store.write(Intent(numbered("r", number)))
        assert await house.log.covering(0) is None
        assert await house.log.publish() == 5
        assert await house.log.publish() is None
        for number in range(5, 300):
            await house.store.write(Intent(numbered("r", number)))
        sizes = await asyncio.gather(*(house.log.publish() for _ in range(5)))
        assert sorted(size or 0 for size in sizes) == [0, 0, 0, 0, 300]

        first, newest = await house.log.covering(4), await house.log.checkpoint()
        assert first is not None and newest is not None
        assert (first.tree_size, newest.tree_size, newest.signed_at) == (5, 300, NOON)
        assert await house.log.checkpoint(5) == first
        assert await house.log.checkpoint(6) is None
        assert await house.log.size() == 300
        assert open_checkpoint(newest.note, NoteVerifier.from_vkey(vkey)).root == newest.root_hash
        assert (tmp_path / "checkpoint.txt").read_text(encoding="utf-8") == newest.note

        proof = await house.log.consistency_proof(5, 300)
        verify_consistency(5, 300, proof, first.root_hash, newest.root_hash)
        leaves = await house.log.leaves(0, 300)
        for index in (0, 4, 255, 256, 299):
            path = await house.log.inclusion_proof(index, 300)
            verify_inclusion(leaf_hash(leaves[index]), index, 300, path, newest.root_hash)


async def test_an_opening_opens_its_leaf(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        made = await house.store.write(Intent("r-1"))
        (data,) = await house.log.leaves(made.entries[0].leaf_index, 1)
        opening = await house.log.opening(made.entries[0].leaf_index)
        assert opening is not None
        assert Leaf.parse(data).commitment == commit(*opening).hex()
        assert await house.log.opening(99) is None


async def test_an_outside_copy_that_was_lost_is_written_again(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
        await house.log.publish()
    (tmp_path / "checkpoint.txt").unlink()
    async with opened(tmp_path) as house:
        assert await house.log.publish() is None
    assert (tmp_path / "checkpoint.txt").exists()


async def test_an_outside_copy_that_cannot_be_written_is_no_silence(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path, outside_checkpoint=tmp_path / "nowhere" / "copy") as house:
        await house.store.write(Intent("r-1"))
        with pytest.raises(StorageUnavailable):
            await house.log.publish()


@pytest.mark.sqlite
async def test_a_restored_backup_is_refused_at_start(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
    database = options(tmp_path).database
    assert isinstance(database, Path)
    shutil.copy(database, tmp_path / "backup.db")
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-2"))
        await house.log.publish()
    shutil.copy(tmp_path / "backup.db", database)
    with pytest.raises(StoreRefused) as refused:
        open_store(options(tmp_path), encode=encode, clock=StandingClock(), ids=SystemIds())
    assert refused.value.reason == "LOG_ROLLED_BACK"
    # A backup that has grown again is as long as what was signed, and still another log.
    async with opened(tmp_path, outside_checkpoint=None) as house:
        await house.store.write(Intent("r-3"))
    with pytest.raises(StoreRefused) as refused:
        open_store(options(tmp_path), encode=encode, clock=StandingClock(), ids=SystemIds())
    assert refused.value.reason == "LOG_FORKED"


async def test_a_damaged_leaf_is_never_signed(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
    engine = write_engine(options(tmp_path).database)
    unguarded(engine, "UPDATE ledger_leaf SET leaf = x'20'")
    engine.dispose()
    async with opened(tmp_path) as house:
        with pytest.raises(InvariantViolated):
            await house.log.publish()
        assert await house.log.checkpoint() is None


async def test_health_goes_through_writer_and_reader(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        await house.log.health()
    with pytest.raises(StorageUnavailable):
        await house.log.health()


class Moody:
    """A second signer that cannot sign until it can. Implements ledger.note.LineSigner."""

    def __init__(self) -> None:
        self.cannot = True

    def signature_line(self, text: str) -> str:
        if self.cannot:
            raise ArithmeticError("no SM2 today")
        return signature_line("second.test", b"1234", text.encode())


async def test_a_second_signer_that_cannot_sign_holds_up_checkpoints_and_nothing_else(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    moody = Moody()
    also = {ORIGIN: moody}
    async with opened(tmp_path, also_sign=also.__getitem__) as house:
        await house.store.write(Intent("r-1"))
        with pytest.raises(ArithmeticError, match="no SM2 today"):
            await house.log.publish()
        await house.store.write(Intent("r-2"))
        assert await house.log.checkpoint() is None and await house.log.size() == 2
        moody.cannot = False
        assert await house.log.publish() == 2
        newest = await house.log.checkpoint()
        assert newest is not None and "\u2014 second.test " in newest.note
