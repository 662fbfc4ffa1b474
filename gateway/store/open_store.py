"""开库: the store of one process, from settings to parts that are ready, and back to closed files.

The only file that knows every part of gateway/store. Refuses what cannot be served: an unmigrated
or newer database, keys that do not fit, a second writer, a log that was rolled back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine, select

from gateway.database import Database, Postgresql
from gateway.domain.agreement import Agreements
from gateway.domain.dictionary import Dictionaries, UnknownCode
from gateway.ports import Books, BooksReader, ClaimEncoder, Clock, Ids
from gateway.store.agreements import record_agreements
from gateway.store.appends import Appends
from gateway.store.batch import Batch
from gateway.store.dictionaries import note_unknown, read_dictionaries
from gateway.store.engine import read_engine, write_engine
from gateway.store.errors import StoreRefused
from gateway.store.integrator import Sign, apart, by_writer
from gateway.store.keyring import Keyring, load_keyring
from gateway.store.lock import WriterLock
from gateway.store.log import TransparencyLog
from gateway.store.log_key import LogKey, load_log_key
from gateway.store.migrate import refuse_unmigrated
from gateway.store.msgids import MsgidBlocks
from gateway.store.outside import read_outside, refuse_rollback
from gateway.store.postgresql import (
    integrator_engine,
    refuse_strong_role,
    refuse_unfit,
    refuse_unreachable,
)
from gateway.store.snapshots import Snapshots
from gateway.store.subjects import CipherCache
from gateway.store.tables import SUBJECT
from gateway.store.unit_of_work import Snapshot, Tools, UnitOfWork
from gateway.store.writer import BATCH_MAX, QUEUE_MAX, GroupWriter
from ledger.history import LogHistory, closed_logs
from ledger.known import LimitBook
from ledger.note import LineSigner
from ledger.outcomes import LedgerDamaged

T = TypeVar("T")
_log = structlog.get_logger("yrd.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Where the store lives and how it may be used."""

    database: Database
    keys_dir: Path
    log_origin: str
    """Origin and key name of the log, a schema-less URL."""
    production: bool
    """True refuses file keys."""
    agreements: Agreements = field(default_factory=Agreements)
    """Recorded before anybody is served, where the ledger does not have them yet."""
    also_sign: Callable[[str], LineSigner] | None = None
    """Who signs checkpoints beside the log's key: asked once, for the log of this origin."""
    outside_checkpoint: Path | None = None
    """fsynced copy of the newest checkpoint; None keeps none (tests)."""
    queue_max: int = QUEUE_MAX
    batch_max: int = BATCH_MAX


class ClaimStore:
    """Implements ports.Store."""

    def __init__(self, writer: GroupWriter[UnitOfWork], snapshots: Snapshots, tools: Tools) -> None:
        self.writer = writer
        self.snapshots = snapshots
        self.tools = tools

    async def write(self, work: Callable[[Books], T]) -> T:
        return await self.writer.submit(work)

    async def read(self, work: Callable[[BooksReader], T]) -> T:
        def run(connection: Connection) -> T:
            snapshot = Snapshot(connection, self.tools)
            result = work(snapshot)
            snapshot.subjects.remember()
            return result

        return await self.snapshots.read(run)


class OpenStore:
    """What `open_store` gives: the ports, ready. Close it exactly once."""

    def __init__(
        self,
        *,
        store: ClaimStore,
        log: TransparencyLog,
        appends: Appends,
        msgids: MsgidBlocks,
        hasher: Keyring,
        closing: Callable[[], None],
    ) -> None:
        self.store = store
        self.log = log
        self.appends = appends
        self.msgids = msgids
        self.hasher = hasher
        self._closing = closing

    def dictionaries(self) -> Dictionaries:
        """The regions' own, as loaded by now. Blocks."""
        with self.store.snapshots.engine.connect() as connection, connection.begin():
            return read_dictionaries(connection)

    async def note_unknown(self, found: tuple[tuple[UnknownCode, int], ...]) -> None:
        """Count codes that came in an answer and that nobody here knows."""
        at = self.store.tools.clock.now()
        await self.store.writer.submit(lambda unit: note_unknown(unit.connection, found, at=at))

    async def close(self) -> None:
        """Finish what waits, then close the files and let another process write."""
        await asyncio.to_thread(self._closing)


def open_store(
    options: StoreOptions,
    *,
    encode: ClaimEncoder,
    clock: Clock,
    ids: Ids,
    lock: WriterLock | None = None,
) -> OpenStore:
    """Open for writing. `lock` of a SQLite database where it is held already: it goes with the
    store, also if this raises StoreRefused, whose text says what to do."""
    try:
        return _open(options, encode, clock, ids, lock)
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _open(
    options: StoreOptions, encode: ClaimEncoder, clock: Clock, ids: Ids, lock: WriterLock | None
) -> OpenStore:
    keyring = load_keyring(options.keys_dir, production=options.production)
    held, writing, reading = _hold(options.database, lock)
    kept_outside = read_outside(options.outside_checkpoint)
    try:
        with reading.connect() as connection, connection.begin():
            if isinstance(options.database, Postgresql):
                refuse_unfit(connection)
            refuse_unmigrated(connection)
            if isinstance(options.database, Postgresql):
                refuse_strong_role(connection, production=options.production)
            refuse_other_keys(connection, keyring)
            key, history = key_in_force(connection, options.keys_dir, options.log_origin)
            refuse_rollback(connection, history, options.outside_checkpoint, kept_outside)
    except BaseException:
        held.close()
        raise
    # With other processes beside us a key in memory may be one that was destroyed meanwhile.
    ciphers = CipherCache() if isinstance(options.database, Path) else CipherCache(maximum=0)
    tools, limits = Tools(keyring, ciphers, encode, clock, ids), LimitBook()
    try:
        _record(writing, options.agreements, tools, limits)
    except BaseException:
        held.close()
        raise
    writer: GroupWriter[UnitOfWork] = GroupWriter(
        writing,
        shared=lambda connection: Batch(connection, tools, limits),
        queue_max=options.queue_max,
        batch_max=options.batch_max,
    )
    snapshots = Snapshots(reading)
    log = TransparencyLog(
        writer=writer,
        sign=_signing(options.database, writer, held),
        snapshots=snapshots,
        tools=tools,
        key=key,
        history=history,
        clock=clock,
        outside=options.outside_checkpoint,
        others=[options.also_sign(key.signer.name)] if options.also_sign else (),
    )

    async def reserve(institution: str, count: int) -> tuple[str, ...]:
        return await writer.submit(lambda unit: unit.reserve_msgids(institution, count))

    def close() -> None:
        writer.close()
        snapshots.close()
        held.close()

    _log.info("store_opened", database=options.database.name)
    return OpenStore(
        store=ClaimStore(writer, snapshots, tools),
        log=log,
        appends=Appends(writer),
        msgids=MsgidBlocks(reserve, clock),
        hasher=keyring,
        closing=close,
    )


def key_in_force(
    connection: Connection, keys_dir: Path, log_origin: str
) -> tuple[LogKey, LogHistory]:
    """The key that signs now: the successor that the database names, else the settings' own.

    `log_origin` is that of the first log, or of any that followed. Raises StoreRefused.
    """
    try:
        closed = closed_logs(connection)
    except LedgerDamaged as error:
        raise StoreRefused(
            "LOG_HISTORY_DAMAGED", f"日志沿革已损坏({error}):请执行 ./yrd verify。"
        ) from error
    if closed:
        origins = [log.key.name for log in closed] + [closed[-1].successor.name]
        if log_origin not in origins:
            raise StoreRefused(
                "LOG_ORIGIN_DIFFERS",
                f"数据库中的日志是 {'、'.join(origins)},而配置的 log_origin 是 {log_origin}。",
            )
        log_origin = origins[-1]
    key = load_log_key(keys_dir, origin=log_origin)
    if closed and key.signer.verifier != closed[-1].successor:
        raise StoreRefused(
            "LOG_KEY_DIFFERS",
            f"密钥目录 {keys_dir} 中 {log_origin} 的密钥不是数据库所记的那一把"
            f"({closed[-1].successor.vkey}):请放回正确的密钥文件。",
        )
    return key, LogHistory(closed, key.signer.verifier, key.dates)


def refuse_other_keys(connection: Connection, keyring: Keyring) -> None:
    """Raises StoreRefused if anything was sealed under another KEK than the one we hold."""
    others = (
        select(SUBJECT.c.kek_id)
        .where(SUBJECT.c.kek_id != keyring.kek_id, SUBJECT.c.wrapped_dek.is_not(None))
        .limit(1)
    )
    if connection.execute(others).scalar() is not None:
        raise StoreRefused(
            "KEYS_DIFFER", "密钥目录与数据库不匹配:数据由另一把主密钥加密,请指定正确的 keys_dir。"
        )


def refuse_missing(database: Path) -> None:
    """Raises StoreRefused if there is no such file: serving does not make one."""
    if not database.exists():
        raise StoreRefused("DATABASE_MISSING", f"数据库 {database} 不存在:请先执行 ./yrd migrate。")


def _hold(database: Database, lock: WriterLock | None) -> tuple[ExitStack, Engine, Engine]:
    """The engines that write and read, and what closes them. Raises StoreRefused."""
    held = ExitStack()
    if isinstance(database, Path):
        refuse_missing(database)
        held.callback((lock or WriterLock(database)).release)
    writing, reading = write_engine(database), read_engine(database)
    held.callback(reading.dispose)
    held.callback(writing.dispose)
    if isinstance(database, Postgresql):
        try:
            refuse_unreachable(reading, database)
        except StoreRefused:
            held.close()
            raise
    return held, writing, reading


def _record(writing: Engine, agreements: Agreements, tools: Tools, limits: LimitBook) -> None:
    """What is new of the agreements, in one transaction. Raises StoreRefused."""
    if agreements == Agreements():
        return
    with writing.connect() as connection, connection.begin():
        batch = Batch(connection, tools, limits)
        unit = batch.unit()
        record_agreements(unit, agreements, at=tools.clock.now(), ids=tools.ids)
        batch.accept(unit)
        batch.flush()
    unit.committed()


def _signing(database: Database, writer: GroupWriter[UnitOfWork], held: ExitStack) -> Sign:
    if isinstance(database, Path):
        return by_writer(writer)
    engine = integrator_engine(database)
    held.callback(engine.dispose)
    return apart(engine)
