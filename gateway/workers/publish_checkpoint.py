"""签发检查点: sign a checkpoint whenever the log grew."""

from __future__ import annotations

from gateway.ports import Log


class PublishCheckpoint:
    """One round. Answers the size of the new checkpoint, or 0."""

    def __init__(self, *, log: Log) -> None:
        self._log = log

    async def __call__(self) -> int:
        return await self._log.publish() or 0
