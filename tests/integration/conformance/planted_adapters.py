"""Planted defects of adapters: our client with one thing wrong, for trials of the trials.

Subclasses put over the real adapter's client or codec, and profiles that say something else. Each
says in its docstring what is wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from adapters import registry
from adapters.baseline.codec import Message as OurMessage
from adapters.baseline.codec import NationalCodec
from adapters.baseline.envelope import Reply
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.profile import Conventions
from adapters.baseline.settlement import Expected
from adapters.baseline.wire import Json as OurJson
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from gateway.conformance.resigned import believing
from gateway.conformance.target import Connect
from gateway.domain.visit import Attendance, Patient, PersonFound
from gateway.ports import (
    Answer,
    CallContext,
    CancelOrder,
    Declined,
    NoAnswer,
    RegionSettlement,
)


def over(profile: str, adapter: type[NationalClient]) -> Connect:
    """The real adapter's client, with some methods of `adapter` over its own."""
    real = {name: make for name, make in registry.PROVINCES.values()}[profile]

    def connect(connection: Connection, clocks: Clocks) -> NationalClient:
        client: Any = real(connection, clocks)
        client.__class__ = adapter
        return cast(NationalClient, client)

    return connect


def reading(profile: str, codec: type[NationalCodec]) -> Connect:
    """The real adapter's client, with some methods of `codec` over its codec's."""
    real = {name: make for name, make in registry.PROVINCES.values()}[profile]

    def connect(connection: Connection, clocks: Clocks) -> NationalClient:
        client = real(connection, clocks)

        def codec_at(moment: datetime) -> NationalCodec:
            made: Any = copy.copy(client.codec_at(moment))
            made.__class__ = type("Planted", (codec, made.__class__), {})
            return cast(NationalCodec, made)

        return client.reading_with(codec_at)

    return connect


def verifying_nothing(profile: str) -> Connect:
    """Takes every answer for signed."""
    real = {name: make for name, make in registry.PROVINCES.values()}[profile]
    return lambda connection, clocks: believing(real(connection, clocks))


class TakesUnknownForNo(NationalClient):
    """Silence, in every form, is told as a refusal."""

    causes: tuple[str, ...] = ("",)

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        answer = await super().settle(ctx, att)
        if isinstance(answer, NoAnswer) and answer.cause.startswith(self.causes):
            return Declined("-1", answer.cause, answer.exchange)
        return answer


class TakesServerErrorsForNo(TakesUnknownForNo):
    """A 5xx is told as a refusal."""

    causes = ("server_error",)


class TakesTimeOutsForNo(TakesUnknownForNo):
    """A time-out is told as a refusal."""

    causes = ("timeout",)


class TakesGarbageForNo(TakesUnknownForNo):
    """What cannot be read is told as a refusal."""

    causes = ("broken_answer",)


class TakesStrangeStatusForNo(TakesUnknownForNo):
    """A status from anywhere is told as a refusal."""

    causes = ("http_",)


class AsksTwice(NationalClient):
    """Asks for a person twice, whatever it is answered."""

    async def find_person(self, ctx: CallContext, patient: Patient) -> Answer[PersonFound]:
        await super().find_person(ctx, patient)
        return await super().find_person(ctx, patient)


class SettlesAgain(NationalClient):
    """A settlement without an answer is sent once more."""

    async def settle(self, ctx: CallContext, att: Attendance) -> Answer[RegionSettlement]:
        answer = await super().settle(ctx, att)
        return await super().settle(ctx, att) if isinstance(answer, NoAnswer) else answer


class TakesSilenceForNo(TakesUnknownForNo):
    """A connection that was cut is told as a refusal, of a cancellation too."""

    causes = ("connection_lost",)

    async def cancel(self, ctx: CallContext, order: CancelOrder) -> Answer[RegionSettlement]:
        answer = await super().cancel(ctx, order)
        if isinstance(answer, NoAnswer):
            return Declined("-1", answer.cause, answer.exchange)
        return answer


class ReadsAnybodysAnswer(NationalCodec):
    """Does not ask whose answer it is."""

    def read_settlement(
        self, reply: Reply, message: OurMessage, expected: Expected
    ) -> RegionSettlement:
        return super().read_settlement(reply, message, replace(
            expected, msgid="", person_no="", visit_id=""))  # fmt: skip


_AMOUNTS = ("pay", "amt", "dedc")


class ReadsNumericCodesOnly(NationalCodec):
    """A code that is a text is no code."""

    def read_settlement(
        self, reply: Reply, message: OurMessage, expected: Expected
    ) -> RegionSettlement:
        if isinstance(reply.members["infcode"], str):
            raise BrokenAnswer("infcode", "not a number")
        return super().read_settlement(reply, message, expected)


class _Mending(NationalCodec):
    """Changes every amount before it is read."""

    def mended(self, value: OurJson) -> OurJson:
        return value

    def read_settlement(
        self, reply: Reply, message: OurMessage, expected: Expected
    ) -> RegionSettlement:
        return super().read_settlement(
            replace(reply, output=cast(Any, self._mended(reply.output))), message, expected
        )

    def _mended(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            name: self.mended(item) if name.endswith(_AMOUNTS) else self._mended(item)
            for name, item in value.items()
        }


class RoundsAmounts(_Mending):
    """A third decimal is rounded away."""

    def mended(self, value: OurJson) -> OurJson:
        return round(value, 2) if isinstance(value, Decimal) else value


class ReadsNothingAsZero(_Mending):
    """An amount that is empty or null is zero."""

    def mended(self, value: OurJson) -> OurJson:
        return Decimal(0) if value in ("", None) else value


class ReadsNumbersOnly(_Mending):
    """An amount that is a text is no amount."""

    def mended(self, value: OurJson) -> OurJson:
        if isinstance(value, str) and value:
            raise BrokenAnswer("output", "not a number")
        return value


class ReadsTextsOnly(_Mending):
    """An amount that is a number is no amount."""

    def mended(self, value: OurJson) -> OurJson:
        if isinstance(value, Decimal):
            raise BrokenAnswer("output", "not a text")
        return value


class WantsTwoDecimals(_Mending):
    """12.3 is no amount."""

    def mended(self, value: OurJson) -> OurJson:
        written = format(value, "f") if isinstance(value, int | Decimal) else ".00"
        if len(written.partition(".")[2]) != 2:
            raise BrokenAnswer("output", "not two decimals")
        return value


def misled(profile: str, change: Callable[[Conventions], Conventions]) -> Connect:
    """A profile that says something else of what codes and texts mean."""
    real = {name: make for name, make in registry.PROVINCES.values()}[profile]

    def connect(connection: Connection, clocks: Clocks) -> NationalClient:
        client = real(connection, clocks)

        def codec_at(moment: datetime) -> NationalCodec:
            made = copy.copy(client.codec_at(moment))
            words = change(made.profile.conventions)
            made.profile = replace(made.profile, conventions=words)
            return made

        return client.reading_with(codec_at)

    return connect


def refusing_the_unknown(words: Conventions) -> Conventions:
    """A code that nobody knows is a refusal."""
    return replace(words, refused=(*words.refused, "7"))


def forgetting_replays(words: Conventions) -> Conventions:
    """What a gateway says of a nonce that it has seen is like any other 401."""
    return replace(words, replayed_texts=())
