"""地区平台客户端: ports.RegionGateway over one province's codec and one transport.

Thin: codec → transport → verdict → codec. Knows no field, no code and no province. A message of
ours that breaks the field table is NotDelivered (cause `unsendable …`): provably nothing left us.
Only the journey may shield a call from cancellation; nothing here outlives its caller.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TypeVar

from adapters import outcome as told
from adapters.answers import unreadable, unsendable, value_of
from adapters.baseline import envelope, wire
from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.envelope import Reply
from adapters.baseline.errors import BrokenAnswer, UnsendableMessage
from adapters.baseline.settlement import Expected, scheme_sent
from adapters.connection import tell_nobody
from adapters.outcome import Outcome
from adapters.signing.scheme import Outgoing
from adapters.statement_dialogue import StatementDialogue
from adapters.transport import Call, Health, Transport
from adapters.verdict import Judged, Read, Sent, judge, reading_of
from gateway.domain.benefits import Accumulators
from gateway.domain.bill import BillLine, VisitKind
from gateway.domain.dictionary import DictionaryRow, UnknownCode
from gateway.domain.visit import Attendance, Insurance, Patient, PersonFound
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    CancelOrder,
    KeptAnswer,
    NoAnswer,
    PlannedCall,
    RegionLine,
    RegionSettlement,
    ReversalOrder,
    SettlementQuery,
    SettlementRecord,
    StatementOrder,
    StatementRow,
    StatementTotals,
    StatementVerdict,
    Verb,
    VisitedRow,
)

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTENT_TYPE = "application/json; charset=utf-8"
_RESULT_CODES_TOLD = 20
"""Of one result file: it may be full of nonsense."""


class NationalClient:
    """One province's platform, as the journeys see it."""

    def __init__(
        self,
        codec_at: Callable[[datetime], NationalCodec],
        transport: Transport,
        now: Callable[[], datetime],
        tell_unknown: Callable[[UnknownCode], None] = tell_nobody,
    ) -> None:
        """`codec_at(moment)` gives the codec whose profile is valid on that day in Shanghai;
        `tell_unknown` is told of each unknown code in an answer that was read."""
        self._codec_at = codec_at
        self._transport = transport
        self._now = now
        self._tell_unknown = tell_unknown
        self._sendings = count()
        """No two sendings of this client carry the same number."""

    # --- for trials of an adapter --------------------------------------------------------

    @property
    def codec_at(self) -> Callable[[datetime], NationalCodec]:
        """The codec valid at a moment."""
        return self._codec_at

    def reading_with(self, codec_at: Callable[[datetime], NationalCodec]) -> NationalClient:
        """A client of the same connection that speaks by other codecs."""
        twin = copy.copy(self)
        twin._codec_at = codec_at
        return twin

    # --- what a visit's messages are -----------------------------------------------------

    def plan(self, kind: VisitKind, line_count: int) -> tuple[PlannedCall, ...]:
        """register → describe → lines, or admit → lines by the hundred → discharge; then settle."""
        codec = self._codec_at(self._now())

        def call(verb: Verb, first: int = 0, end: int = 0) -> PlannedCall:
            return PlannedCall(verb, codec.number(verb, kind), first, end)

        if not kind.is_inpatient:
            # 2204 takes all rows of one charging batch in one call.
            return (
                call(Verb.REGISTER),
                call(Verb.DESCRIBE),
                call(Verb.UPLOAD_LINES, 0, line_count),
                call(Verb.SETTLE),
            )
        most = codec.profile.wire.lines_per_upload
        uploads = tuple(
            call(Verb.UPLOAD_LINES, first, min(first + most, line_count))
            for first in range(0, line_count, most)
        )
        return (call(Verb.REGISTER), *uploads, call(Verb.DISCHARGE), call(Verb.SETTLE))

    def transaction(self, verb: Verb, kind: VisitKind) -> str:
        return self._codec_at(self._now()).number(verb, kind)

    def health(self) -> str:
        return self._transport.health().breaker.value

    def line(self) -> Health:
        """The whole state of the line to the platform."""
        return self._transport.health()

    async def close(self) -> None:
        """Close the connections; later calls are NotDelivered."""
        await self._transport.close()

    # --- reads ---------------------------------------------------------------------------

    async def find_person(self, ctx: CallContext, patient: Patient) -> Answer[PersonFound]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.person(ctx, patient),
            lambda reply, _: codec.read_person(reply, patient),
            repeatable=True,
        )

    async def accumulators(
        self, ctx: CallContext, person: PersonFound, insurance: Insurance, day: date
    ) -> Answer[Accumulators]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.accumulators(ctx, person, day),
            lambda reply, _: codec.read_accumulators(reply, insurance),
            repeatable=True,
        )

    async def dictionary(
        self, ctx: CallContext, kind: str, day: date
    ) -> Answer[tuple[DictionaryRow, ...]]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.dictionary(ctx, kind, day),
            lambda reply, _: codec.read_dictionary(reply, kind),
            repeatable=True,
        )

    # --- the steps of a visit ------------------------------------------------------------

    async def register(self, ctx: CallContext, att: Attendance) -> Answer[str]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.register(ctx, att),
            lambda reply, _: codec.read_visit_id(reply, att),
        )

    async def describe(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(ctx, codec, lambda: codec.describe(ctx, att), _nothing)

    async def upload_lines(
        self, ctx: CallContext, att: Attendance, lines: tuple[BillLine, ...]
    ) -> Answer[tuple[RegionLine, ...]]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.lines(ctx, att, lines),
            lambda reply, _: codec.read_lines(reply, lines),
        )

    async def discharge(self, ctx: CallContext, att: Attendance) -> Answer[None]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(ctx, codec, lambda: codec.discharge(ctx, att), _nothing)

    async def predetermine(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        codec = self._codec_at(ctx.sent_at)
        expected = _expected(ctx, att, effective=False)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.predetermine(ctx, att),
            lambda reply, message: codec.read_settlement(reply, message, expected),
        )

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        codec = self._codec_at(ctx.sent_at)
        expected = _expected(ctx, att, effective=True)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.settle(ctx, att),
            lambda reply, message: codec.read_settlement(reply, message, expected),
        )

    def read_again(self, kept: KeptAnswer) -> Answer[RegionSettlement]:
        """What was kept is the plain envelope that was verified when it came."""
        codec, exchange = self._codec_at(self._now()), kept.exchange
        body = exchange.reply or b""
        try:
            reply = envelope.of(wire.read(body), body)
        except BrokenAnswer as broken:
            return unreadable(broken, exchange)
        if reply.infcode not in codec.profile.conventions.success:
            return NoAnswer("not_a_yes", exchange)
        message = Message(exchange.transaction, "", {}, exchange.request)
        expected = Expected(
            kept.msgid,
            kept.person_no,
            kept.visit_id,
            effective=True,
            scheme_code=scheme_sent(exchange.request),
        )
        return value_of(
            Read(reply, exchange), lambda read: codec.read_settlement(read, message, expected)
        )

    # --- taking back ---------------------------------------------------------------------

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        codec = self._codec_at(ctx.sent_at)
        expected = Expected(
            ctx.msgid, order.person_no, order.visit_id, effective=True, cancels=True
        )
        return await self._ask(
            ctx,
            codec,
            lambda: codec.cancel(ctx, order),
            lambda reply, message: codec.read_settlement(reply, message, expected),
        )

    async def reverse(self, ctx: CallContext, order: ReversalOrder) -> Answer[None]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(ctx, codec, lambda: codec.reverse(ctx, order), _nothing)

    async def tell_visited(self, ctx: CallContext, row: VisitedRow) -> Answer[None]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(ctx, codec, lambda: codec.visited_notice(ctx, row), _nothing)

    # --- statements ----------------------------------------------------------------------

    async def statement_totals(
        self, ctx: CallContext, totals: StatementTotals
    ) -> Answer[StatementVerdict]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.statement_totals(ctx, totals),
            lambda reply, _: codec.read_statement_totals(reply, totals),
            repeatable=True,
        )

    async def statement_detail(
        self, ctx: CallContext, order: StatementOrder
    ) -> Answer[tuple[StatementRow, ...]]:
        codec = self._codec_at(ctx.sent_at)

        async def send(step: CallContext, message: Message) -> tuple[Outcome, Judged]:
            return await self._judged(step, codec, message, repeatable=True)

        dialogue = StatementDialogue(codec, send, self._transport.monotonic)
        answer = await dialogue.detail(ctx, order)
        if isinstance(answer, Accepted):
            unknown = sorted({row.result_code for row in answer.value if row.result is None})
            for code in unknown[:_RESULT_CODES_TOLD]:
                kind, msgid = "stmt_rslt", order.msgids[1]
                self._tell_unknown(
                    UnknownCode(codec.profile.province, kind, kind, code, "3202", msgid)
                )
        return answer

    async def settlement_record(
        self, ctx: CallContext, query: SettlementQuery
    ) -> Answer[SettlementRecord]:
        codec = self._codec_at(ctx.sent_at)
        return await self._ask(
            ctx,
            codec,
            lambda: codec.settlement_record(ctx, query),
            lambda reply, _: codec.read_settlement_record(reply, query),
            repeatable=True,
        )

    # --- one call ------------------------------------------------------------------------

    async def _ask(
        self,
        ctx: CallContext,
        codec: NationalCodec,
        build: Callable[[], Message],
        read: Callable[[Reply, Message], T],
        *,
        repeatable: bool = False,
    ) -> Answer[T]:
        try:
            message = build()
        except UnsendableMessage as wrong:
            return unsendable(wrong)
        _, judged = await self._judged(ctx, codec, message, repeatable=repeatable)

        def read_and_tell(reply: Reply) -> T:
            value = read(reply, message)
            self._tell_of_codes(ctx, codec, reply, message)
            return value

        return value_of(judged, read_and_tell)

    async def _judged(
        self, ctx: CallContext, codec: NationalCodec, message: Message, *, repeatable: bool
    ) -> tuple[Outcome, Judged]:
        outcome, sent = await self._send(ctx, codec, message, repeatable=repeatable)
        # Asked again: keys that were changed while we waited are live for the answer.
        codec = self._codec_at(ctx.sent_at)
        reading = reading_of(codec.profile, codec.cipher)
        return outcome, judge(outcome, sent, codec.scheme, codec.profile.conventions, reading)

    def _tell_of_codes(
        self, ctx: CallContext, codec: NationalCodec, reply: Reply, message: Message
    ) -> None:
        """An unknown code in an answer is kept as it is, and told."""
        province = codec.profile.province
        for found in codec.unknown(reply, message):
            self._tell_unknown(
                UnknownCode(province, found.field, found.kind, found.code, message.infno, ctx.msgid)
            )

    async def _send(
        self, ctx: CallContext, codec: NationalCodec, message: Message, *, repeatable: bool = False
    ) -> tuple[Outcome, Sent]:
        """Signed for each sending anew, within the platform's window or not at all."""
        sent = Sent(message.infno, message.body, _milliseconds(ctx.sent_at))
        late_ms = _milliseconds(self._now()) - sent.clock_ms
        if abs(late_ms) > codec.profile.signing.skew_ms:
            return told.NotDelivered(told.Cause.STALE_REQUEST, f"{late_ms:+d} ms"), sent

        def sign() -> Mapping[str, str]:
            sending = next(self._sendings)
            return codec.scheme.headers(
                Outgoing(message.infno, message.sent, sent.clock_ms, ctx.msgid, sending)
            )

        limit_s = codec.profile.timeout_ms(message.infno) / 1000
        call = Call(
            path=message.path,
            headers={"Content-Type": _CONTENT_TYPE},
            sign=sign,
            body=message.sent,
            timeout_s=min(ctx.timeout_s, limit_s),
            repeatable=repeatable,
        )
        return await self._transport.send(call), sent


def _nothing(reply: Reply, message: Message) -> None:
    """For transactions whose yes is all they say."""


def _expected(ctx: CallContext, att: Attendance, *, effective: bool) -> Expected:
    return Expected(
        ctx.msgid,
        att.person.person_no,
        att.region_visit_id,
        effective=effective,
        scheme_code=att.insurance.scheme_code,
    )


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
