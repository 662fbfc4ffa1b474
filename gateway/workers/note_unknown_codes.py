"""未知代码: codes in answers that nobody here knows, counted into the list that an operator reads.

The adapters tell of them while a claim is on its way: that costs a look into a dictionary of ours,
and a line in the log for the first of each. A round writes what has come since the last. What a
crash takes is a few counts: a code that decides a posting stands in its claim, which waits for a
person. A write that fails is tried again with the next round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from gateway.domain.dictionary import UnknownCode, code_in_clear
from gateway.telemetry import Logger

Key = tuple[str, str, str]
"""(province, field, code in clear)"""
DISTINCT_MAX = 1_000
"""Most different codes between two rounds, and most that get a log line of their own: a platform
that answers noise must not fill our memory."""

Note = Callable[[tuple[tuple[UnknownCode, int], ...]], Awaitable[None]]
"""Write (code, how often) into the list."""


class NoteUnknownCodes:
    """`seen` for the adapters; calling it is one round. Answers how many codes were written."""

    def __init__(self, *, logger: Logger) -> None:
        self._log = logger
        self._waiting: dict[Key, tuple[UnknownCode, int]] = {}
        self._told: set[Key] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._note: Note | None = None

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """(province, field) → how many since the start: for metrics."""
        return self._counts

    def write_with(self, note: Note) -> None:
        """Where the list is, once the store is open."""
        self._note = note

    def seen(self, code: UnknownCode) -> None:
        """Quick, and never raises."""
        key = (code.province, code.field, code_in_clear(code.code))
        self._counts[key[:2]] += 1
        if key in self._waiting or len(self._waiting) < DISTINCT_MAX:
            self._waiting[key] = (code, self._waiting.get(key, (code, 0))[1] + 1)
        if key not in self._told and len(self._told) < DISTINCT_MAX:
            self._told.add(key)
            self._log.warning(
                "unknown_code",
                region=code.province,
                transaction=code.transaction,
                msgid=code.msgid,
                kind=code.field,
                error_code=key[2],
            )

    async def __call__(self) -> int:
        if self._note is None or not self._waiting:
            return 0
        taken, self._waiting = self._waiting, {}
        try:
            await self._note(tuple(taken.values()))
        except BaseException:
            for key, (code, times) in taken.items():
                newer, more = self._waiting.get(key, (code, 0))
                self._waiting[key] = (newer, times + more)
            raise
        return len(taken)
