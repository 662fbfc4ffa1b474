"""A log that cannot go on under its key goes on under another, and nothing is hushed up."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.ids import SystemIds
from gateway.store.backup import BackupOrder, back_up
from gateway.store.engine import read_engine, write_engine
from gateway.store.errors import StoreRefused
from gateway.store.lock import WriterLock
from gateway.store.log import KEY_OUT_OF_DATE
from gateway.store.log_key import LogKey, known_log_keys, write_log_key
from gateway.store.log_trouble import Trouble
from gateway.store.lost_leaves import lost_leaves
from gateway.store.open_store import OpenStore, open_store
from gateway.store.restart import Restarted, RestartOrder, restart_log
from gateway.store.restore import RestoreOrder, restore
from gateway.store.tile_mirror import TileMirror
from gateway.store.verify_store import StoreReport, verify_store
from gateway.telemetry import ALLOWED_FIELDS
from ledger.checkpoint import NoteSigner, NoteVerifier, issue_checkpoint, open_checkpoint
from ledger.history import RESTARTED, ClosedLog, closed_logs, commitment_of, record_closed
from ledger.leaf import Leaf
from ledger.policy import KeyDates
from ledger.publish import sign_checkpoint
from ledger.receipt import ReceiptInvalid, make_receipt, verify_receipt
from ledger.store import append_leaf, size
from tests.integration.store.house import (
    NOON,
    ORIGIN,
    Intent,
    StandingClock,
    encode,
    opened,
    options,
    prepare,
    unguarded,
)


def order(directory: Path, **changes: object) -> RestartOrder:
    here = options(directory)
    assert here.outside_checkpoint is not None
    made = RestartOrder(
        database=here.database,
        keys_dir=here.keys_dir,
        log_origin=here.log_origin,
        outside_checkpoint=here.outside_checkpoint,
        vkey_file=directory / "vkey",
        published=(directory / "log", directory / "log-entries"),
        reason="恢复旧备份",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names real fields


def restart(directory: Path, *, days: float = 0, **changes: object) -> Restarted:
    clock = StandingClock(NOON + timedelta(days=days))
    return restart_log(order(directory, **changes), clock=clock, ids=SystemIds())


def verified(directory: Path) -> StoreReport:
    here, vkey = options(directory), (directory / "vkey").read_text(encoding="ascii").strip()
    return verify_store(here.database, here.keys_dir, vkey, production=False)


def housed(directory: Path) -> str:
    """Keys, database, and the vkey beside them."""
    vkey = prepare(directory)
    (directory / "vkey").write_text(vkey + "\n", encoding="ascii")
    return vkey


async def written(house: OpenStore, *names: str) -> None:
    for name in names:
        await house.store.write(Intent(name))
    await house.log.publish()


async def receipt(house: OpenStore, index: int) -> bytes:
    """Of a leaf, under the checkpoint that covers it."""
    covering = await house.log.covering(index)
    assert covering is not None
    (leaf,) = await house.log.leaves(index, 1)
    proof = await house.log.inclusion_proof(index, covering.tree_size)
    return make_receipt(leaf=leaf, index=index, proof=proof, checkpoint=covering.note).to_bytes()


async def rolled_back(directory: Path) -> tuple[str, bytes]:
    """Two claims kept as a backup, three more written and signed, the backup restored. Answers the
    newest checkpoint and a receipt of the first claim."""
    database = options(directory).database
    assert isinstance(database, Path)
    async with opened(directory) as house:
        await written(house, "r-1", "r-2")
        old = await receipt(house, 0)
    shutil.copy(database, directory / "backup.db")
    async with opened(directory) as house:
        await written(house, "r-3", "r-4", "r-5")
        mirror = TileMirror(
            house.store.snapshots.engine, directory / "log", entries=directory / "log-entries"
        )
        assert await mirror() > 0
    for tail in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (database.parent / (database.name + tail)).unlink()
    shutil.copy(directory / "backup.db", database)
    return (directory / "checkpoint.txt").read_text(encoding="utf-8"), old


@pytest.mark.sqlite
async def test_a_restored_backup_goes_on_under_a_new_origin_and_says_what_is_lost(
    tmp_path: Path,
) -> None:
    vkey = housed(tmp_path)
    newest, old = await rolled_back(tmp_path)
    with pytest.raises(StoreRefused) as refused:
        open_store(options(tmp_path), encode=encode, clock=StandingClock(), ids=SystemIds())
    assert refused.value.reason == "LOG_ROLLED_BACK" and "log restart" in str(refused.value)

    made = restart(tmp_path)
    assert made.trouble is Trouble.ROLLED_BACK
    assert made.closed.lost == range(2, 5) and made.closed.seen is not None
    assert made.closed.seen.note == newest and made.closed.reason.endswith("恢复旧备份")
    assert made.checkpoint.origin == f"{ORIGIN}-2" and made.checkpoint.size == 3
    # The files of the closed log name what is lost; they were moved aside, not deleted.
    assert [path.name.partition(".")[0] for path in made.moved] == [
        "checkpoint", "log", "log-entries",
    ]  # fmt: skip
    gone = lost_leaves(made.moved[2], made.closed.lost)
    assert [one.index for one in gone] == [2, 3, 4]
    assert {one.leaf.type for one in gone} == {"entry.pending"}

    async with opened(tmp_path) as house:
        await written(house, "r-3 again", "r-6")
        newest_now = await house.log.checkpoint()
        assert newest_now is not None and newest_now.vkey == house.log.vkey != vkey
        assert (newest_now.tree_size, newest_now.in_force) == (5, True)
        before = await house.log.checkpoint(2)
        assert before is not None and before.vkey == vkey and not before.in_force
        # Whoever asks now gets a receipt under the key in force, of an old leaf as well.
        now = await receipt(house, 0)
        verify_receipt(now, house.log.vkey)
        mirror = TileMirror(
            house.store.snapshots.engine, tmp_path / "log", entries=tmp_path / "log-entries"
        )
        assert await mirror() > 0
    verify_receipt(old, vkey)
    with pytest.raises(ReceiptInvalid):
        verify_receipt(old, made.closed.successor.vkey)
    open_checkpoint(newest, NoteVerifier.from_vkey(vkey))
    report = verified(tmp_path)
    assert report.ok and report.ledger.checked["logs_closed"] == 1


@pytest.mark.sqlite
async def test_a_backup_that_grew_again_is_a_fork_and_may_be_restarted_too(tmp_path: Path) -> None:
    housed(tmp_path)
    await rolled_back(tmp_path)
    async with opened(tmp_path, outside_checkpoint=None) as house:
        for name in ("a", "b", "c", "d"):
            await house.store.write(Intent(name))
    made = restart(tmp_path)
    assert made.trouble is Trouble.FORKED and not made.closed.lost
    async with opened(tmp_path) as house:
        await written(house, "e")
    assert verified(tmp_path).ok


@pytest.mark.sqlite
async def test_a_backup_from_before_a_restart_is_restarted_again(tmp_path: Path) -> None:
    housed(tmp_path)
    await rolled_back(tmp_path)
    first = restart(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-7")
    database = options(tmp_path).database
    assert isinstance(database, Path)
    for tail in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (database.parent / (database.name + tail)).unlink()
    shutil.copy(tmp_path / "backup.db", database)
    with pytest.raises(StoreRefused) as refused:
        open_store(options(tmp_path), encode=encode, clock=StandingClock(), ids=SystemIds())
    assert refused.value.reason == "OUTSIDE_CHECKPOINT_INVALID"
    again = restart(tmp_path)
    assert again.trouble is Trouble.OLDER_THAN_RESTART
    assert again.closed.seen is not None and again.closed.seen.key == first.closed.successor
    assert again.checkpoint.origin == f"{ORIGIN}-3" and again.closed.lost == range(2, 4)
    async with opened(tmp_path) as house:
        await written(house, "r-8")
    assert verified(tmp_path).ok


async def test_a_log_in_order_is_not_restarted_unless_a_person_insists(tmp_path: Path) -> None:
    vkey = housed(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-1", "r-2")
    keys = sorted((tmp_path / "keys").iterdir())
    with pytest.raises(StoreRefused) as refused:
        restart(tmp_path)
    assert refused.value.reason == "LOG_NOT_IN_TROUBLE"
    assert sorted((tmp_path / "keys").iterdir()) == keys
    made = restart(tmp_path, force=True, reason="私钥泄露", origin="yrd.example/other-log")
    assert made.trouble is Trouble.ORDERED and not made.closed.lost
    assert made.checkpoint.origin == "yrd.example/other-log"
    assert (tmp_path / "vkey").read_text(encoding="ascii").strip() != vkey
    async with opened(tmp_path) as house:
        await written(house, "r-3")
    # The first log's own origin still names this database in the settings, and so does the new one.
    async with opened(tmp_path, log_origin="yrd.example/other-log") as house:
        assert await house.log.publish() is None
    with pytest.raises(StoreRefused) as refused:
        async with opened(tmp_path, log_origin="yrd.example/a-third"):
            pass
    assert refused.value.reason == "LOG_ORIGIN_DIFFERS"
    assert verified(tmp_path).ok


def date_key(directory: Path, last: date) -> None:
    """The log's key is good until the end of this day."""
    (key,) = known_log_keys(directory / "keys")
    dated = LogKey(key.signer, KeyDates.of_days(None, last), "test", "test")
    (directory / "keys" / "log-signing").write_text(dated.to_text(), encoding="utf-8")


async def test_a_key_past_its_date_signs_nothing_and_nothing_is_lost(tmp_path: Path) -> None:
    housed(tmp_path)
    date_key(tmp_path, date(2026, 11, 24))
    clock = StandingClock()
    async with opened(tmp_path, clock=clock) as house:
        await written(house, "r-1")
        assert house.log.signing().refused == ""
        clock.advance(86_400)
        await house.store.write(Intent("r-2"))
        assert await house.log.publish() is None
        assert house.log.signing().refused == KEY_OUT_OF_DATE
        assert await house.log.covering(1) is None and await house.log.size() == 2
        await house.log.health()
        clock.advance(-86_400)  # a clock that was wrong is no reason to stay silent
        assert await house.log.publish() == 2
        clock.advance(86_400)
        await house.store.write(Intent("r-3"))
        assert await house.log.publish() is None
    made = restart(
        tmp_path, days=1, reason="密钥到期", dates=KeyDates.of_days(None, date(2028, 11, 24))
    )
    assert made.trouble is Trouble.KEY_OUT_OF_DATE and not made.closed.lost
    async with opened(tmp_path, clock=clock) as house:
        covering = await house.log.covering(2)
        assert covering is not None and covering.tree_size == 4 and covering.in_force
        await written(house, "r-4")
    assert verified(tmp_path).ok
    assert [key.dates.days()[1] for key in known_log_keys(tmp_path / "keys")] == [
        "2026-11-24", "2028-11-24",
    ]  # fmt: skip


async def test_what_was_signed_past_the_date_is_found(tmp_path: Path) -> None:
    housed(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-1")
    date_key(tmp_path, date(2026, 11, 23))
    report = verified(tmp_path)
    assert [problem.code for problem in report.ledger.problems] == ["LOG_KEY_OUT_OF_DATE"]


async def test_the_end_of_a_key_is_announced_thirty_days_before(tmp_path: Path) -> None:
    housed(tmp_path)
    date_key(tmp_path, date(2026, 12, 20))
    clock = StandingClock()
    with capture_logs() as lines:
        async with opened(tmp_path, clock=clock) as house:
            for _ in range(3):
                await house.log.publish()
            clock.advance(86_400)
            await house.log.publish()
            clock.advance(40 * 86_400)
            for _ in range(3):
                await house.log.publish()
            clock.advance(-40 * 86_400)
            await house.log.publish()
    said = [line for line in lines if line["event"].startswith("log_")]
    assert [(line["log_level"], line["event"]) for line in said] == [
        ("warning", "log_key_ends_soon"),
        ("warning", "log_key_ends_soon"),
        ("error", "log_is_not_signed"),
        ("info", "log_is_signed_again"),
    ]
    assert [line["count"] for line in said[:2]] == [26, 25]
    assert all("log restart" in line["cause"] for line in said[:3])
    assert all(line.keys() - {"log_level"} <= ALLOWED_FIELDS for line in said)
    assert restart(tmp_path).trouble is Trouble.KEY_ENDS_SOON


async def test_a_new_key_that_is_not_good_today_is_refused(tmp_path: Path) -> None:
    housed(tmp_path)
    with pytest.raises(StoreRefused) as refused:
        restart(tmp_path, force=True, dates=KeyDates.of_days(date(2027, 1, 1), None))
    assert refused.value.reason == "KEY_DATES"


@pytest.mark.parametrize("origin", [ORIGIN, "two words", "plus+sign", ""])
async def test_a_new_log_has_a_name_of_its_own(tmp_path: Path, origin: str) -> None:
    housed(tmp_path)
    if not origin:
        assert restart(tmp_path, force=True).checkpoint.origin == f"{ORIGIN}-2"
        assert restart(tmp_path, force=True).checkpoint.origin == f"{ORIGIN}-3"
        return
    with pytest.raises(StoreRefused) as refused:
        restart(tmp_path, force=True, origin=origin)
    assert refused.value.reason == "LOG_ORIGIN"


async def test_a_strangers_checkpoint_is_told_apart(tmp_path: Path) -> None:
    housed(tmp_path)
    other = NoteSigner.from_seed("other.example/log", SystemIds().salt())
    found = tmp_path / "found.txt"
    found.write_text(issue_checkpoint(9, bytes(32), other).note, encoding="utf-8")
    for checkpoints, reason in (
        ((found,), "CHECKPOINT_INVALID"),
        ((tmp_path / "nowhere",), "CHECKPOINT_MISSING"),
    ):
        with pytest.raises(StoreRefused) as refused:
            restart(tmp_path, force=True, checkpoints=checkpoints)
        assert refused.value.reason == reason


async def test_a_checkpoint_from_elsewhere_tells_what_the_copy_beside_does_not(
    tmp_path: Path,
) -> None:
    housed(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-1")
    (key,) = known_log_keys(tmp_path / "keys")
    kept = tmp_path / "kept.txt"
    kept.write_text(issue_checkpoint(7, bytes(32), key.signer).note, encoding="utf-8")
    made = restart(tmp_path, checkpoints=(kept,))
    assert made.trouble is Trouble.ROLLED_BACK and made.closed.lost == range(1, 7)
    async with opened(tmp_path) as house:
        await written(house, "r-2")
    assert verified(tmp_path).ok


async def test_a_ledger_that_contradicts_itself_is_not_restarted(tmp_path: Path) -> None:
    housed(tmp_path)
    async with opened(tmp_path) as house:
        await house.store.write(Intent("r-1"))
    engine = write_engine(options(tmp_path).database)
    unguarded(engine, "UPDATE ledger_leaf SET leaf = x'20'")
    engine.dispose()
    before = sorted((tmp_path / "keys").iterdir())
    with pytest.raises(StoreRefused) as refused:
        restart(tmp_path, force=True)
    assert refused.value.reason == "LEDGER_DAMAGED"
    assert sorted((tmp_path / "keys").iterdir()) == before
    assert not list(tmp_path.glob("vkey.*"))


async def test_nobody_serves_while_a_log_is_restarted(tmp_path: Path) -> None:
    housed(tmp_path)
    database = options(tmp_path).database
    if isinstance(database, Path):
        lock = WriterLock(database)
        with pytest.raises(StoreRefused) as refused:
            restart(tmp_path, force=True)
        lock.release()
    else:
        async with opened(tmp_path):
            with pytest.raises(StoreRefused) as refused:
                restart(tmp_path, force=True)
    assert refused.value.reason == "DATABASE_IN_USE"


def closed_elsewhere(directory: Path) -> NoteSigner:
    """The log is closed by somebody whom the running gateway does not see; answers who goes on."""
    engine = write_engine(options(directory).database)
    successor = NoteSigner.from_seed(f"{ORIGIN}-2", SystemIds().salt())
    (key,) = known_log_keys(directory / "keys")
    with engine.connect() as connection, connection.begin():
        closed = ClosedLog(
            leaf_index=size(connection), key=key.signer.verifier, dates=key.dates,
            successor=successor.verifier, closed_us=0, reason="elsewhere", seen=None,
        )  # fmt: skip
        leaf = Leaf(type=RESTARTED, entry_id="ent_r", commitment=commitment_of(closed, bytes(32)))
        append_leaf(connection, leaf)
        record_closed(connection, closed, salt=bytes(32))
        sign_checkpoint(connection, successor, at=NOON)
    engine.dispose()
    return successor


async def test_a_gateway_whose_log_was_closed_elsewhere_settles_and_signs_nothing(
    tmp_path: Path,
) -> None:
    housed(tmp_path)
    async with opened(tmp_path, outside_checkpoint=None) as house:
        await written(house, "r-1")
        successor = closed_elsewhere(tmp_path)
        await house.store.write(Intent("r-2"))
        assert await house.log.publish() is None
        assert house.log.signing().refused == "LOG_CLOSED"
        shown = await house.log.checkpoint()
        assert shown is not None and shown.vkey == successor.vkey and shown.tree_size == 2
    with pytest.raises(StoreRefused) as refused:
        async with opened(tmp_path):
            pass
    assert refused.value.reason == "LOG_ORIGIN_DIFFERS" and "复制" in str(refused.value)
    write_log_key(tmp_path / "keys", LogKey(successor))
    async with opened(tmp_path) as house:
        assert await house.log.publish() == 3


async def test_a_restart_that_was_killed_before_its_files_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    vkey = housed(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-1")
    before = (tmp_path / "checkpoint.txt").read_text(encoding="utf-8")
    made = restart(tmp_path, force=True)
    # As it was when the transaction had been committed, and nothing else done.
    (tmp_path / "vkey").write_text(vkey + "\n", encoding="ascii")
    (tmp_path / "checkpoint.txt").write_text(before, encoding="utf-8")
    made.moved[0].unlink()
    async with opened(tmp_path) as house:
        await written(house, "r-2")
    with pytest.raises(StoreRefused) as refused:
        restart(tmp_path)
    assert refused.value.reason == "LOG_NOT_IN_TROUBLE"
    assert (tmp_path / "vkey").read_text(encoding="ascii").strip() == made.closed.successor.vkey
    engine = read_engine(options(tmp_path).database)
    with engine.connect() as connection, connection.begin():
        assert closed_logs(connection) == (made.closed,)
    engine.dispose()
    assert verified(tmp_path).ok


@pytest.mark.sqlite
async def test_a_backup_from_before_a_restart_is_put_in_place_and_known_to_be_old(
    tmp_path: Path,
) -> None:
    vkey = housed(tmp_path)
    async with opened(tmp_path) as house:
        await written(house, "r-1", "r-2", "r-3")
    here = options(tmp_path)
    asked = BackupOrder(
        database=here.database, keys_dir=here.keys_dir, production=False, vkey=vkey,
        outside_checkpoint=here.outside_checkpoint,
    )  # fmt: skip
    back_up(asked, tmp_path / "yrd.tar", at=NOON, stage=lambda what, done, total: None)
    made = restart(tmp_path, force=True)
    put_back = RestoreOrder(
        backup=tmp_path / "yrd.tar", directory=tmp_path / "new", keys_dir=tmp_path / "keys",
        newest_checkpoint=tmp_path / "checkpoint.txt",
    )  # fmt: skip
    restored = restore(put_back, stage=lambda what, done, total: None)
    assert restored.rolled_back and restored.later_origin == made.checkpoint.origin
    new = tmp_path / "new"
    places: dict[str, Any] = {
        "database": new / "yrd.db",
        "keys_dir": new / "keys",
        "outside_checkpoint": new / "checkpoint.txt",
    }
    with pytest.raises(StoreRefused) as refused:
        async with opened(tmp_path, **places):
            pass
    assert refused.value.reason == "OUTSIDE_CHECKPOINT_INVALID"
    again = restart(tmp_path, **places, vkey_file=new / "vkey", published=())
    assert again.trouble is Trouble.OLDER_THAN_RESTART and again.closed.lost == range(3, 4)
    async with opened(tmp_path, **places) as house:
        await written(house, "r-4")
