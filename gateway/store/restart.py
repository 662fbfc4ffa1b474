"""日志重启: a log that cannot go on under its key goes on under another, over the same leaves.

For three troubles: an older database was restored (what was signed later is lost, and signing on
would be a fork), the key's date has passed, the key came into strange hands. Offline: nobody serves
meanwhile. New key beside the old, then one transaction: the leaf that commits to all of it, the row
of the closed log, and the first checkpoint of the new one, for which all leaves since the last are
derived again. Then the files: what the closed log had published is moved aside, not deleted; it may
hold what was lost. Killed in between, the next restart sets the files right.
Source: ledger.md §2 (one key for one log), §3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from gateway.database import Database
from gateway.domain.errors import DomainError
from gateway.ports import Clock, Ids, Opening
from gateway.store.engine import read_engine, write_engine
from gateway.store.errors import StoreRefused
from gateway.store.evidence import Evidence
from gateway.store.keyring import Keyring, load_keyring
from gateway.store.lock import WriterLock
from gateway.store.log_key import LogKey, known_log_keys, write_log_key
from gateway.store.log_trouble import Diagnosis, Trouble, diagnose
from gateway.store.migrate import refuse_unmigrated
from gateway.store.open_store import key_in_force, refuse_missing, refuse_other_keys
from gateway.store.outside import read_outside, replace_durably
from gateway.store.postgresql import refuse_in_use, refuse_unreachable
from gateway.store.subjects import CipherCache, Subjects
from ledger.checkpoint import Checkpoint, NoteSigner, NoteVerifier
from ledger.history import RESTARTED, ClosedLog, LogHistory, record_closed
from ledger.note import KeyMalformed, LineSigner
from ledger.outcomes import LedgerError
from ledger.policy import ALWAYS, KeyDates
from ledger.publish import lock_signing, sign_checkpoint
from ledger.reads import latest_note, to_us
from ledger.tail import Tail


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartOrder:
    """What is to be restarted, and how it goes on."""

    database: Database
    keys_dir: Path
    log_origin: str
    """Of the settings."""
    outside_checkpoint: Path
    vkey_file: Path
    published: Sequence[Path] = ()
    """Directories of the log as files."""
    checkpoints: Sequence[Path] = ()
    """Further checkpoints that were found elsewhere."""
    reason: str
    source: str = ""
    """The document by which the new key has its dates."""
    origin: str = ""
    """Of the new log; empty makes one."""
    dates: KeyDates = ALWAYS
    """Of the new key."""
    force: bool = False
    production: bool = False
    also_sign: Callable[[str], LineSigner] | None = None
    """Who signs the new log's checkpoints beside its key, asked by its origin."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was done."""

    trouble: Trouble
    closed: ClosedLog
    checkpoint: Checkpoint
    """The new log's first."""
    key_file: Path
    moved: tuple[Path, ...]
    """What the closed log had published, where it lies now."""


def restart_log(order: RestartOrder, *, clock: Clock, ids: Ids) -> Restarted:
    """Raises StoreRefused; then database and keys are as they were. After any other error of the
    database the outcome is not known: the key stays, and asking again tells."""
    keyring = load_keyring(order.keys_dir, production=order.production)
    now = clock.now()
    if not order.dates.hold(int(now.timestamp())):
        raise StoreRefused("KEY_DATES", f"新密钥的有效期 {order.dates} 不含今天,无法签发。")
    with ExitStack() as held:
        _hold(order.database, held)
        history, found = _look(order, keyring, clock)  # (1)
        trouble = found.trouble or (Trouble.ORDERED if order.force else None)
        if trouble is None:
            raise StoreRefused(
                "LOG_NOT_IN_TROUBLE",
                "日志没有回退,密钥也未到期:不需要重启。"
                "若密钥已泄露或另有缘由,加 --force 并写明 --reason。",
            )
        origin = _new_origin(order, history)
        key = LogKey(
            NoteSigner.from_seed(origin, ids.salt()), order.dates, order.source, order.reason
        )
        closed = ClosedLog(
            leaf_index=found.size,
            key=history.present,
            dates=history.dates,
            successor=key.signer.verifier,
            closed_us=to_us(now),
            reason=f"{trouble}: {order.reason}",
            seen=found.seen,
        )
        path = write_log_key(order.keys_dir, key)  # (2)
        try:
            checkpoint = _write(order, closed, key.signer, keyring, clock, ids)  # (3)
        except StoreRefused:  # before the commit; of anything else the outcome is not known
            path.unlink()
            raise
        moved = _set_files_right(order, closed, checkpoint.note)  # (4)
    return Restarted(trouble, closed, checkpoint, path, moved)


def _hold(database: Database, held: ExitStack) -> None:
    """Nobody else writes while we do."""
    if isinstance(database, Path):
        refuse_missing(database)
        held.callback(WriterLock(database).release)
        return
    engine = read_engine(database)
    try:
        refuse_unreachable(engine, database)
        with engine.connect() as connection, connection.begin():
            refuse_in_use(connection)
    finally:
        engine.dispose()


def _look(order: RestartOrder, keyring: Keyring, clock: Clock) -> tuple[LogHistory, Diagnosis]:
    """What the database and all checkpoints at hand say. Sets files right that a restart left."""
    notes = _notes(order)
    own = [key.signer.verifier for key in known_log_keys(order.keys_dir)]
    engine = read_engine(order.database)
    try:
        with engine.connect() as connection, connection.begin():
            refuse_unmigrated(connection)
            refuse_other_keys(connection, keyring)
            _, history = key_in_force(connection, order.keys_dir, order.log_origin)
            _finish_the_last(order, connection, history)
            found = diagnose(connection, history, notes=notes, own=own, now=clock.now())
    except LedgerError as error:
        raise StoreRefused(
            "LEDGER_DAMAGED", f"账本不能读取({error}):请先执行 ./yrd verify。"
        ) from error
    finally:
        engine.dispose()
    return history, found


def _notes(order: RestartOrder) -> list[str]:
    """The copy outside, and what was found elsewhere."""
    notes = []
    try:
        for path in (order.outside_checkpoint, *order.checkpoints):
            note = read_outside(path)
            if note is not None:
                notes.append(note)
            elif path in order.checkpoints:
                raise StoreRefused("CHECKPOINT_MISSING", f"检查点 {path} 不存在。")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreRefused("CHECKPOINT_MISSING", f"检查点无法读取:{error}。") from error
    return notes


def _new_origin(order: RestartOrder, history: LogHistory) -> str:
    """Asked for, or the first log's with a number; never one that was there before."""
    used = {key.signer.name for key in known_log_keys(order.keys_dir)}
    used |= {history.present.name, *(log.key.name for log in history.closed)}
    first = history.closed[0].key.name if history.closed else history.present.name
    number = len(history.closed) + 2
    while not order.origin and f"{first}-{number}" in used:
        number += 1
    origin = order.origin or f"{first}-{number}"
    try:
        NoteVerifier(origin, bytes(32))
    except KeyMalformed as error:
        raise StoreRefused("LOG_ORIGIN", f"--origin {origin!r} 不能用作日志名:{error}。") from error
    if origin in used:
        raise StoreRefused("LOG_ORIGIN", f"日志名 {origin} 已经用过:一个日志一把密钥,请另起一个。")
    return origin


def _write(
    order: RestartOrder,
    closed: ClosedLog,
    signer: NoteSigner,
    keyring: Keyring,
    clock: Clock,
    ids: Ids,
) -> Checkpoint:
    engine = write_engine(order.database)
    try:
        with engine.connect() as connection, connection.begin():
            lock_signing(connection)
            tail = Tail(connection)
            subjects = Subjects(connection, keyring, CipherCache(maximum=0), ids.salt)
            evidence = Evidence(connection, subjects, ids.salt, tail)
            opening = Opening(subjects.house(clock), closed.body())
            index = evidence.append_evidence(
                ids.entry_id(), leaf_type=RESTARTED, opening=opening, at=clock.now()
            )
            tail.write()
            kept = evidence.opening(index)
            if index != closed.leaf_index or kept is None:
                raise StoreRefused("DATABASE_IN_USE", "有别的进程正在写入:请先停止所有网关。")
            record_closed(connection, closed, salt=kept[0])
            others = [order.also_sign(signer.name)] if order.also_sign else []
            checkpoint = sign_checkpoint(connection, signer, at=clock.now(), others=others)
            if checkpoint is None:
                raise StoreRefused("DATABASE_IN_USE", "有别的进程正在签发:请先停止所有网关。")
            return checkpoint
    except (LedgerError, DomainError) as error:
        raise StoreRefused(
            "LEDGER_DAMAGED",
            f"账本自相矛盾,什么都没有改变({error}):请先执行 ./yrd verify,修复后再重启日志。",
        ) from error
    finally:
        engine.dispose()


def _finish_the_last(order: RestartOrder, connection: Connection, history: LogHistory) -> None:
    """Files that a restart which was killed left as they were before it."""
    note = latest_note(connection)
    if history.closed and note is not None:
        said = order.vkey_file.read_text(encoding="ascii").strip()
        if said in {log.key.vkey for log in history.closed}:
            _set_files_right(order, history.closed[-1], note)


def _set_files_right(order: RestartOrder, closed: ClosedLog, note: str) -> tuple[Path, ...]:
    """Copy outside, vkey and published files are of the new log; what was there is beside them.

    The vkey comes last: it tells that all is done.
    """
    suffix, moved = closed.key.key_id.hex(), []
    for path in (order.outside_checkpoint, *order.published):
        aside = path.with_name(f"{path.name}.{suffix}")
        if path.exists() and not aside.exists():
            path.rename(aside)
            moved.append(aside)
    replace_durably(order.outside_checkpoint, note)
    replace_durably(order.vkey_file, closed.successor.vkey + "\n")
    return tuple(moved)
