"""One outpatient visit with a stand-in platform, recorded: six calls, their bytes and the answers.

The answers are then given again without a platform, so that what is timed is ours alone. The clock
stands still at the moment of the recording: an answer of then is an answer of now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.outcome import Delivered, Outcome
from adapters.transport import Call, Limits, Transport
from gateway.clock import SystemClock
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.target import Target
from gateway.domain.bill import VisitKind
from gateway.domain.msgid import compose
from gateway.domain.visit import Attendance, Diagnosis, Visit
from gateway.ids import SystemIds
from gateway.ports import Accepted, Answer, CallContext

T = TypeVar("T")
Ask = Callable[[NationalClient], Awaitable[Answer[object]]]
PATIENCE_S = 30.0


class RecordingFailed(Exception):
    """A call of the visit was not answered with yes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the visit."""

    infno: str
    ask: Ask
    """The same call once more, by any client of the same platform."""
    call: Call
    """What was sent, as far as the transport saw it."""
    headers: Mapping[str, str]
    """All of them, as they were signed."""
    answer: Delivered


@dataclass(frozen=True, slots=True)
class Recorded:
    """One province's visit."""

    province: str
    scheme: str
    """As the profile names it; `+SM4` where bodies are encrypted."""
    steps: tuple[Step, ...]
    client_over: Callable[[Transport], NationalClient]
    """A client with the same keys and the same standing clock."""


class _Recorder(Transport):
    """A transport that remembers the last call and its outcome."""

    last: tuple[Call, Outcome] | None = None

    async def send(self, call: Call) -> Outcome:
        outcome = await super().send(call)
        self.last = (call, outcome)
        return outcome


class Replay(Transport):
    """Answers what it was handed, after the headers were signed as for a sending."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", Limits(), SystemClock().monotonic)
        self.answer: Outcome | None = None

    async def send(self, call: Call) -> Outcome:
        call.sign()
        if self.answer is None:
            raise RecordingFailed("nothing to answer with")
        return self.answer


async def record(province: str, folder: Path) -> Recorded:
    """Raises RecordingFailed, SmUnavailable."""
    clock, ids = SystemClock(), SystemIds()
    moment = clock.now()
    clocks = Clocks(lambda: moment, clock.monotonic)
    async with on_sandbox(province, folder, clocks, ids.salt) as target:
        connection = Connection(target.url, target.secrets, profile_file=target.profile_file)
        made = target.connect(connection, clocks)
        await made.close()
        codec = made.codec_at(moment)

        def client_over(transport: Transport) -> NationalClient:
            return NationalClient(made.codec_at, transport, clocks.now)

        async with _Recorder(target.url, Limits(), clock.monotonic) as recorder:
            visit = _Visit(target, client_over(recorder), recorder)
            await visit.go(moment)
    sealed = "+SM4" if codec.profile.encryption else ""
    scheme = f"{codec.profile.signing.scheme}{sealed}"
    return Recorded(province, scheme, tuple(visit.steps), client_over)


class _Visit:
    """From 1101 to the settlement, remembering each call."""

    def __init__(self, target: Target, client: NationalClient, recorder: _Recorder) -> None:
        self._target, self._client, self._recorder = target, client, recorder
        self._numbers = count(1)
        self.steps: list[Step] = []

    async def go(self, moment: datetime) -> None:
        site, day = self._target.site, moment.date()
        contexts = iter([self._ctx(moment) for _ in range(6)])

        async def step(ask: Callable[[NationalClient, CallContext], Awaitable[Answer[T]]]) -> T:
            ctx = next(contexts)
            return await self._step(lambda client: ask(client, ctx))

        person = await step(lambda client, ctx: client.find_person(ctx, site.patient))
        rows = [row for row in person.insurances if row.active]
        insurance = next(row for row in rows if site.scheme in ("", row.scheme_code))
        await step(lambda client, ctx: client.accumulators(ctx, person, insurance, day))
        bill = site.bill("B1", moment)
        visit = Visit(
            VisitKind.OUTPATIENT, "V1", moment - timedelta(days=1), None, "0301", "内科", "D001",
            "测试医师", (Diagnosis("I10.x00", "高血压"),),
        )  # fmt: skip
        came = Attendance(
            patient=site.patient, person=person, insurance=insurance, bill=bill, visit=visit
        )
        visit_id = await step(lambda client, ctx: client.register(ctx, came))
        seen = replace(came, region_visit_id=visit_id)
        await step(lambda client, ctx: client.describe(ctx, seen))
        lines = await step(lambda client, ctx: client.upload_lines(ctx, seen, bill.lines))
        priced = replace(
            seen,
            own_pay_fen=sum(line.own_pay_fen for line in lines),
            over_limit_fen=sum(line.over_limit_fen for line in lines),
            pre_self_pay_fen=sum(line.pre_self_pay_fen for line in lines),
            in_scope_fen=sum(line.in_scope_fen for line in lines),
        )
        await step(lambda client, ctx: client.settle(ctx, priced))

    def _ctx(self, moment: datetime) -> CallContext:
        site = self._target.site
        return CallContext(
            msgid=compose(site.institution.code, moment, next(self._numbers)),
            institution=site.institution,
            visited_region=site.institution.region,
            insured_region=site.insured_region,
            sent_at=moment,
            timeout_s=PATIENCE_S,
        )

    async def _step(self, ask: Callable[[NationalClient], Awaitable[Answer[T]]]) -> T:
        answer = await ask(self._client)
        last = self._recorder.last
        if not isinstance(answer, Accepted) or last is None or not isinstance(last[1], Delivered):
            raise RecordingFailed(f"{self._target.profile}: {type(answer).__name__}")
        call, headers = last[0], {**last[0].headers, **last[0].sign()}
        self.steps.append(Step(answer.exchange.transaction, ask, call, headers, last[1]))
        return answer.value
