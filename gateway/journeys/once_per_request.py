"""幂等: the same request_id with the same body is one run and one answer, however often it comes.

Two nets: in this process callers with one key share one run (one_at_a_time.py); across processes
and restarts the record knows the request by its id and the keyed hash of its body. What a run does
is not known here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from gateway.domain.errors import DeadlinePassed, Overloaded, StorageUnavailable
from gateway.journeys.commands import ReverseCommand, SettleCommand
from gateway.journeys.fingerprint import fingerprint
from gateway.journeys.one_at_a_time import OneAtATime
from gateway.journeys.time_budget import RECORD_RESERVE_S
from gateway.ports import Clock, Hasher

C = TypeVar("C", bound=SettleCommand | ReverseCommand)


@dataclass(frozen=True, slots=True, repr=False)
class Request(Generic[C]):
    """One request as it came: what is asked, what makes it the same, and until when."""

    command: C
    body_hash: str
    """Keyed hash (hex) of the canonical body: the same id with another body is refused."""
    deadline: float
    """Monotonic; RECORD_RESERVE_S before the caller's own."""

    @property
    def key(self) -> tuple[str, str]:
        """(institution, request_id): unique for ever."""
        return self.command.institution.code, self.command.request_id

    def left_s(self, clock: Clock, *, at_least: float) -> float:
        """The seconds left. Raises DeadlinePassed where it is less: nothing may begin then."""
        left = self.deadline - clock.monotonic()
        if left < at_least:
            raise DeadlinePassed("too little time left; nothing was recorded")
        return left


class OncePerRequest(Generic[C]):
    """once(command, budget_s=…) → the encoded claim."""

    def __init__(
        self,
        *,
        find: Callable[[Request[C]], Awaitable[bytes | None]],
        run: Callable[[Request[C]], Awaitable[bytes]],
        clock: Clock,
        hasher: Hasher,
    ) -> None:
        """`find` reads the answer that an earlier request left on record; it raises RequestIdReused
        for another body. `run` looks there first itself."""
        self._find, self._run, self._clock, self._hasher = find, run, clock, hasher
        self.running = OneAtATime()

    async def __call__(self, command: C, *, budget_s: float) -> bytes:
        """Raises what `run` raised, or DeadlinePassed where nothing was begun."""
        deadline = self._clock.monotonic() + budget_s - RECORD_RESERVE_S
        request = Request(command, self._hasher.request_hash(fingerprint(command)), deadline)
        answer = await self.running(
            request.key,
            request.body_hash,
            partial(self._run, request),
            patience_s=budget_s,
            meanwhile=partial(self._as_it_stands, request),
        )
        if answer is None:
            raise DeadlinePassed("another body under this request_id is being worked on")
        return answer

    async def _as_it_stands(self, request: Request[C]) -> bytes | None:
        try:
            return await self._find(request)
        except (StorageUnavailable, Overloaded):
            return None  # not an answer: the run may have sent something
