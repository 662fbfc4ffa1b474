"""透明日志: the log of our own database as journeys and the audit service see it (ports.Log).

Signs one at a time (gateway/store/integrator.py), reads through snapshots, and keeps the newest
checkpoint in a file outside the database (gateway/store/outside.py), so that a restored backup or a
fork is noticed. A key past its date, or of a log that was closed, signs nothing: that is said
loudly, and the gateway goes on settling; what was acknowledged is proven by the next key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection, bindparam, select

from gateway.domain.errors import InvariantViolated, StorageUnavailable
from gateway.ports import CheckpointView, Clock, Signing
from gateway.store.errors import SubjectErased
from gateway.store.integrator import Sign
from gateway.store.log_key import LogKey
from gateway.store.outside import read_outside, write_outside
from gateway.store.snapshots import Snapshots
from gateway.store.unit_of_work import Snapshot, Tools, UnitOfWork
from gateway.store.writer import GroupWriter
from ledger.checkpoint import Checkpoint, NoteInvalid, open_checkpoint, parse_checkpoint
from ledger.history import LogClosed, LogHistory, begins_at, closed_logs
from ledger.note import LineSigner
from ledger.outcomes import LedgerDamaged, PublisherRaced
from ledger.publish import sign_checkpoint
from ledger.reads import from_us
from ledger.store import (
    consistency_proof,
    head,
    inclusion_proof,
    latest_note,
    leaves,
    size,
)
from ledger.tables import CHECKPOINT

LEAVES_MAX = 1_000
"""Most leaves of one answer."""
WARN_BEFORE = timedelta(days=30)
"""So long before its last day the key's end is announced, once a day."""
KEY_OUT_OF_DATE, CLOSED = "LOG_KEY_OUT_OF_DATE", "LOG_CLOSED"
"""Why nothing is signed."""
RESTART = "换新密钥:停止网关,执行 ./yrd log restart;期间结算照常,凭证待换密钥后再取。"

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
        key: LogKey,
        history: LogHistory,
        clock: Clock,
        outside: Path | None,
        others: Sequence[LineSigner] = (),
    ) -> None:
        """`history` ends with this key; `others` sign beside it."""
        self._writer = writer
        self._sign_in = sign
        self._snapshots = snapshots
        self._tools = tools
        self._key, self._signer, self._others = key, key.signer, tuple(others)
        self._history = history
        self._refused = ""
        self._warned: date | None = None
        self._clock = clock
        self._outside = outside
        self._kept = read_outside(outside)
        self._publishing = asyncio.Lock()

    @property
    def vkey(self) -> str:
        """The public key by which others check the log."""
        return self._signer.vkey

    def signing(self) -> Signing:
        """As of the last round."""
        return Signing(self._refused, _moment(self._key.dates.last))

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        return await self._snapshots.read(
            lambda c: (
                self._view(c, _OF_SIZE, size=tree_size) if tree_size else self._view(c, _NEWEST)
            )
        )

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        """By the log in force: it covers the leaves of those before it as well."""

        def read(connection: Connection) -> CheckpointView | None:
            # A checkpoint of n leaves is the present log's if n is above where that begins.
            least = max(leaf_index, begins_at(connection))
            return self._view(connection, _COVERING, leaf_index=least)

        return await self._snapshots.read(read)

    async def publish(self) -> int | None:
        """Raises InvariantViolated if the log is damaged or rolled back: nothing is signed."""
        async with self._publishing:
            grown, note = await self._snapshots.read(self._grown, urgent=True)
            signed = await self._sign() if self._may_sign() and grown else None
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
        """Whether the tree has leaves that the log in force has not signed, and its last note."""
        note = latest_note(connection)
        last = None if note is None else self._open(connection, note)
        if last is None or last.origin != self._signer.name:
            return size(connection) > 0, None
        return size(connection) != last.size, note

    def _may_sign(self) -> bool:
        """Says so, once until it changes, if it may not."""
        now, dates = self._clock.now(), self._key.dates
        if self._refused == CLOSED:
            return False
        if not dates.hold(int(now.timestamp())):
            self._refuse(KEY_OUT_OF_DATE, f"the key of {self._signer.name} is good for {dates}")
            return False
        if self._refused:
            self._refused = ""
            _log.info("log_is_signed_again")
        last = _moment(dates.last)
        if last is not None and last - now < WARN_BEFORE and self._warned != now.date():
            self._warned = now.date()
            cause = f"the key of {self._signer.name} is good for {dates}. {RESTART}"
            _log.warning("log_key_ends_soon", count=(last - now).days, cause=cause)
        return True

    def _refuse(self, reason: str, cause: str) -> None:
        if self._refused != reason:
            self._refused = reason
            _log.error("log_is_not_signed", reason=reason, cause=f"{cause}. {RESTART}")

    async def _sign(self) -> Checkpoint | None:
        outside, at = self._kept, self._clock.now()
        try:
            return await self._sign_in(
                lambda connection: sign_checkpoint(
                    connection, self._signer, at=at, outside=outside, others=self._others
                )
            )
        except PublisherRaced:  # somebody else signed it; the next round shows theirs
            return None
        except LogClosed as error:  # restarted elsewhere, while we were running
            self._refuse(CLOSED, str(error))
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
        checkpoint = self._open(connection, row.note)
        history = self._known(connection)
        return CheckpointView(
            note=row.note,
            tree_size=checkpoint.size,
            root_hash=checkpoint.root,
            vkey=history.key_of(checkpoint.size).vkey,
            signed_at=from_us(row.signed_us),
            in_force=checkpoint.size > history.begins,
        )

    def _open(self, connection: Connection, note: str) -> Checkpoint:
        try:
            key = self._known(connection).key_of(parse_checkpoint(note).size)
            return open_checkpoint(note, key)
        except NoteInvalid as error:
            raise InvariantViolated("a stored checkpoint does not open: run verify") from error

    def _known(self, connection: Connection) -> LogHistory:
        """The logs as this snapshot has them: another process may have restarted ours."""
        if begins_at(connection) != self._history.begins:
            closed = closed_logs(connection)
            if closed:
                self._history = LogHistory(closed, closed[-1].successor)
        return self._history


def _moment(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)
