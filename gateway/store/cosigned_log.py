"""见证日志: the log with the cosignatures of its witnesses; ports.Log and ports.Cosignatures.

Everything of the log itself is asked of the log; this adds who has cosigned, and prefers the
checkpoints that enough of them have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.ports import CheckpointView, Clock, Signing
from gateway.store.log import TransparencyLog
from gateway.store.snapshots import Snapshots
from gateway.store.unit_of_work import UnitOfWork
from gateway.store.writer import GroupWriter
from ledger.cosignature import Cosignature
from ledger.cosigned import (
    add_cosignatures,
    cosigned_note,
    first_witnessed,
    is_witnessed,
    last_cosigned,
)
from ledger.history import begins_at


class CosignedLog:
    """Implements ports.Log and ports.Cosignatures."""

    def __init__(
        self,
        *,
        log: TransparencyLog,
        writer: GroupWriter[UnitOfWork],
        snapshots: Snapshots,
        clock: Clock,
        witnesses: Sequence[str],
        quorum: int,
    ) -> None:
        """`witnesses` are vkeys; `quorum` of them make a checkpoint witnessed."""
        self._log, self._writer, self._snapshots, self._clock = log, writer, snapshots, clock
        self._witnesses, self._quorum = tuple(witnesses), quorum

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        return await self._cosigned(await self._log.checkpoint(tree_size))

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        """The smallest that enough witnesses have cosigned, else the smallest there is."""
        if self._quorum:
            size = await self._snapshots.read(
                lambda c: first_witnessed(
                    c, self._witnesses, self._quorum, above=max(leaf_index, begins_at(c))
                )
            )
            if size is not None:
                return await self.checkpoint(size)
        return await self._cosigned(await self._log.covering(leaf_index))

    async def publish(self) -> int | None:
        return await self._log.publish()

    async def inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, ...]:
        return await self._log.inclusion_proof(leaf_index, tree_size)

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]:
        return await self._log.consistency_proof(first, second)

    async def leaves(self, start: int, limit: int) -> tuple[bytes, ...]:
        return await self._log.leaves(start, limit)

    async def size(self) -> int:
        return await self._log.size()

    async def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        return await self._log.opening(leaf_index)

    def signing(self) -> Signing:
        return self._log.signing()

    async def health(self) -> None:
        await self._log.health()

    async def last_cosigned(self, vkey: str) -> int:
        """Of the log in force; what it cosigned of one that was closed is another log's."""

        def read(connection: Connection) -> int:
            found = last_cosigned(connection, vkey)
            return found if found > begins_at(connection) else 0

        return await self._snapshots.read(read)

    async def add_cosignatures(self, tree_size: int, given: tuple[Cosignature, ...]) -> int:
        at = self._clock.now()
        return await self._writer.submit(
            lambda unit: add_cosignatures(unit.connection, tree_size, given, at=at)
        )

    async def _cosigned(self, view: CheckpointView | None) -> CheckpointView | None:
        if view is None:
            return None
        signed, size = view, view.tree_size

        def read(connection: Connection) -> CheckpointView:
            enough = is_witnessed(connection, size, self._witnesses, self._quorum)
            note = cosigned_note(connection, signed.note, size)
            return replace(signed, note=note, witnessed=enough)

        return await self._snapshots.read(read)
