"""透明日志: the log of our own database as journeys and the audit service see it (ports.Log).

Signs one at a time (gateway/store/integrator.py), reads through snapshots, and keeps the newest
checkpoint in a file outside the database, fsynced, so that a restored backup or a fork is noticed
(ledger.md §3.4).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import structlog
from sqlalchemy import Connection, bindparam, select

from gateway.domain.errors import InvariantViolated, StorageUnavailable
from gateway.ports import CheckpointView, Clock
from gateway.store.errors import StoreRefused, SubjectErased
from gateway.store.integrator import Sign
from gateway.store.snapshots import Snapshots
from gateway.store.unit_of_work import Snapshot, Tools, UnitOfWork
from gateway.store.writer import GroupWriter
from ledger.checkpoint import Checkpoint, NoteInvalid, NoteSigner, open_checkpoint
from ledger.outcomes import LedgerDamaged, PublisherRaced
from ledger.publish import sign_checkpoint
from ledger.reads import from_us
from ledger.store import (
    consistency_proof,
    head,
    inclusion_proof,
    latest_note,
    leaves,
    root_at,
    size,
)
from ledger.tables import CHECKPOINT

LEAVES_MAX = 1_000
"""Most leaves of one answer."""

_log = structlog.get_logger("yrd.store")
_COLUMNS = (CHECKPOINT.c.note, CHECKPOINT.c.signed_us)
_NEWEST = select(*_COLUMNS).order_by(CHECKPOINT.c.size.desc()).limit(1)
_OF_SIZE = select(*_COLUMNS).where(CHECKPOINT.c.size == bindparam("size"))
_COVERING = (
    select(*_COLUMNS)
    .where(CHECKPOINT.c.size > bindparam("leaf_index"))
    .order_by(CHECKPOINT.c.size)
    .limit(1)
)


class TransparencyLog:
    """Implements ports.Log."""

    def __init__(
        self,
        *,
        writer: GroupWriter[UnitOfWork],
        sign: Sign,
        snapshots: Snapshots,
        tools: Tools,
        signer: NoteSigner,
        clock: Clock,
        outside: Path | None,
    ) -> None:
        self._writer = writer
        self._sign_in = sign
        self._snapshots = snapshots
        self._tools = tools
        self._signer = signer
        self._clock = clock
        self._outside = outside
        self._kept = read_outside(outside)
        self._publishing = asyncio.Lock()

    @property
    def vkey(self) -> str:
        """The public key by which others check the log."""
        return self._signer.vkey

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        return await self._snapshots.read(
            lambda c: (
                self._view(c, _OF_SIZE, size=tree_size) if tree_size else self._view(c, _NEWEST)
            )
        )

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        return await self._snapshots.read(lambda c: self._view(c, _COVERING, leaf_index=leaf_index))

    async def publish(self) -> int | None:
        """Raises InvariantViolated if the log is damaged or rolled back: nothing is signed."""
        async with self._publishing:
            grown, note = await self._snapshots.read(self._grown)
            signed = await self._sign() if grown else None
            note = signed.note if signed is not None else note
            if note is not None and note != self._kept:
                await asyncio.to_thread(self._keep, note)
            return signed.size if signed is not None else None

    async def inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, ...]:
        return await self._snapshots.read(lambda c: inclusion_proof(c, leaf_index, tree_size))

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]:
        return await self._snapshots.read(lambda c: consistency_proof(c, first, second))

    async def leaves(self, start: int, limit: int) -> tuple[bytes, ...]:
        end = start + min(limit, LEAVES_MAX)
        return await self._snapshots.read(lambda c: tuple(x.data for x in leaves(c, start, end)))

    async def size(self) -> int:
        return await self._snapshots.read(size)

    async def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        def read(connection: Connection) -> tuple[bytes, bytes] | None:
            try:
                return Snapshot(connection, self._tools).opening(leaf_index)
            except SubjectErased:
                return None

        return await self._snapshots.read(read)

    async def health(self) -> None:
        """Through the writer's connection and a reader's; commits nothing."""
        await self._writer.submit(lambda unit: head(unit.connection))
        await self._snapshots.read(latest_note)

    def _grown(self, connection: Connection) -> tuple[bool, str | None]:
        note = latest_note(connection)
        last = 0 if note is None else self._open(note).size
        return size(connection) != last, note

    async def _sign(self) -> Checkpoint | None:
        outside, at = self._kept, self._clock.now()
        try:
            return await self._sign_in(
                lambda connection: sign_checkpoint(connection, self._signer, at=at, outside=outside)
            )
        except PublisherRaced:  # somebody else signed it; the next round shows theirs
            return None
        except LedgerDamaged as error:
            _log.error("log_cannot_be_signed", error_type=type(error).__name__, cause=str(error))
            raise InvariantViolated(str(error)) from error

    def _keep(self, note: str) -> None:
        if self._outside is not None:
            try:
                write_outside(self._outside, note, self._signer)
            except OSError as error:
                raise StorageUnavailable("the outside checkpoint cannot be written") from error
        self._kept = note

    def _view(self, connection: Connection, query: object, **values: int) -> CheckpointView | None:
        row = connection.execute(query, values).one_or_none()  # type: ignore[call-overload]  # one of the three selects above
        if row is None:
            return None
        checkpoint = self._open(row.note)
        return CheckpointView(
            note=row.note,
            tree_size=checkpoint.size,
            root_hash=checkpoint.root,
            vkey=self._signer.vkey,
            signed_at=from_us(row.signed_us),
        )

    def _open(self, note: str) -> Checkpoint:
        try:
            return open_checkpoint(note, self._signer.verifier)
        except NoteInvalid as error:
            raise InvariantViolated("a stored checkpoint does not open: run verify") from error


def read_outside(path: Path | None) -> str | None:
    """The checkpoint kept outside the database, verbatim; None if there is none yet."""
    if path is None or not path.exists():
        return None
    return path.read_text(encoding="utf-8")


def write_outside(path: Path, note: str, signer: NoteSigner) -> None:
    """Replace the copy so that either the old or the new one survives a power failure.

    Never by an older one: several gateways on one machine may share the file.
    """
    lock = os.open(
        path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = read_outside(path)
        if kept is None or _size_of(kept, signer) < _size_of(note, signer):
            _replace_durably(path, note)
    finally:
        os.close(lock)


def _size_of(note: str, signer: NoteSigner) -> int:
    """0 for a copy that is not ours: it is replaced (at start it would have been refused)."""
    try:
        return open_checkpoint(note, signer.verifier).size
    except NoteInvalid:
        return 0


def _replace_durably(path: Path, note: str) -> None:
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def refuse_rollback(
    connection: Connection, signer: NoteSigner, outside: Path | None, note: str | None
) -> None:
    """At start: the database must hold all that was ever signed. Raises StoreRefused.

    `note` was read from `outside` before the connection's snapshot began: another gateway may be
    signing meanwhile.
    """
    if note is None:
        return
    try:
        kept = open_checkpoint(note, signer.verifier)
    except NoteInvalid as error:
        raise StoreRefused(
            "OUTSIDE_CHECKPOINT_INVALID", f"库外检查点 {outside} 不是本日志所签:{error}"
        ) from error
    known = size(connection)
    if kept.size > known:
        raise StoreRefused(
            "LOG_ROLLED_BACK",
            f"库外检查点有 {kept.size} 条,数据库只有 {known} 条:"
            "恢复的是旧备份,请找回较新的数据库。",
        )
    if root_at(connection, kept.size) != kept.root:
        raise StoreRefused(
            "LOG_FORKED", f"数据库前 {kept.size} 条与库外检查点不一致:请停止服务并核对数据库。"
        )
