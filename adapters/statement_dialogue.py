"""对明细账的三步: (1) 9101 uploads our rows (2) 3202 has them compared (3) 9102 brings the result.

Each step is a message of its own with its own msgid, and all three share the caller's time. None
has an effect on money: what fails is asked again from the beginning, under new msgids. 9102's
answer is the file itself (a ZIP), or an envelope that says why there is none. A file carries no
signature in any published interface: for it TLS has to vouch (each province's README says so).
Not here: what the columns mean (baseline/statements.py). Source: national interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from adapters.answers import unreadable, unsendable, value_of
from adapters.baseline import txt_zip
from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.envelope import Reply
from adapters.baseline.errors import BrokenAnswer, UnsendableMessage
from adapters.outcome import Delivered, Outcome
from adapters.verdict import Judged, Read
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    Declined,
    Exchange,
    NoAnswer,
    NotDelivered,
    StatementOrder,
    StatementRow,
)

T = TypeVar("T")
Rows = tuple[StatementRow, ...]
Send = Callable[[CallContext, Message], Awaitable[tuple[Outcome, Judged]]]
"""Sends one message: what came back, and how it is judged as an envelope."""


@dataclass(frozen=True, slots=True)
class StatementDialogue:
    """With one province, on one day."""

    codec: NationalCodec
    send: Send
    monotonic: Callable[[], float]

    async def detail(self, ctx: CallContext, order: StatementOrder) -> Answer[Rows]:
        """Never raises for what was received; says which message it was that failed."""
        ends = self.monotonic() + ctx.timeout_s

        def step(number: int) -> CallContext:
            left_s = max(0.0, ends - self.monotonic())
            return replace(ctx, msgid=order.msgids[number - 1], timeout_s=left_s)

        try:
            return await self._steps(step, order)
        except UnsendableMessage as wrong:
            return unsendable(wrong)

    async def _steps(
        self, step: Callable[[int], CallContext], order: StatementOrder
    ) -> Answer[Rows]:
        codec = self.codec
        # (1) Packing takes a second for 100,000 rows: other calls go on meanwhile.
        message = await asyncio.to_thread(codec.statement_upload, step(1), order)
        uploaded = await self._asked(
            step(1), message, lambda reply: codec.read_statement_upload(reply, step(1))
        )
        if not isinstance(uploaded, Accepted):
            return _named("9101", uploaded)
        # (2)
        message = codec.statement_detail(step(2), order.totals, uploaded.value)
        compared = await self._asked(step(2), message, codec.read_statement_detail)
        if not isinstance(compared, Accepted):
            return _named("3202", compared)
        # (3)
        message = codec.statement_result(step(3), compared.value)
        fetched = await self._fetched(step(3), message)
        return fetched if isinstance(fetched, Accepted) else _named("9102", fetched)

    async def _asked(
        self, ctx: CallContext, message: Message, read: Callable[[Reply], T]
    ) -> Answer[T]:
        _, judged = await self.send(ctx, message)
        return value_of(judged, read)

    async def _fetched(self, ctx: CallContext, message: Message) -> Answer[Rows]:
        outcome, judged = await self.send(ctx, message)
        if isinstance(outcome, Delivered) and outcome.status == 200 and _is_file(outcome):
            exchange = Exchange(message.infno, message.body, outcome.body)
            try:
                rows = await asyncio.to_thread(self.codec.read_statement_result, outcome.body)
            except BrokenAnswer as broken:
                return unreadable(broken, exchange)
            return Accepted(rows, exchange)
        if isinstance(judged, Read):
            # A yes in an envelope: the interface has no place for a file in one.
            return NoAnswer("no file in the answer", judged.exchange)
        return judged


def _is_file(outcome: Delivered) -> bool:
    return txt_zip.is_zip(outcome.body)


def _named(
    infno: str, answer: Declined | NoAnswer | NotDelivered
) -> Declined | NoAnswer | NotDelivered:
    """The message that failed, in the words that a person reads; a refusal's words stay theirs."""
    if isinstance(answer, Declined):
        return answer
    return replace(answer, cause=f"{infno} {answer.cause}")
