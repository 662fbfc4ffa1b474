"""The hospital's side: bills, and cashiers who repeat, give up, compete and change their minds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.errors import DomainError
from gateway.domain.visit import CertificateKind, Diagnosis, Institution, Patient, Visit
from gateway.journeys.commands import ReverseCommand, SettleCommand
from gateway.rpc.convert.claims import decode_claim
from tests.simulation.process import Process, together
from tests.simulation.virtual_time import BEGIN, passes
from yrd.claim.v1 import claim_pb2

HOSPITAL = Institution(
    "H00310000001", "示例青浦中心医院", "310118", HospitalLevel.TERTIARY, date(2023, 1, 1)
)
T = TypeVar("T")
OTHER = Institution(
    "H00310000002", "示例青浦社区医院", "310118", HospitalLevel.PRIMARY, date(2023, 1, 1)
)
REASON = "收费更正"


def hospital_of(number: int) -> Institution:
    """Whose batch it is."""
    return OTHER if number % 3 == 2 else HOSPITAL


def insured_in(number: int) -> str:
    """Two provinces pay; their statements are asked for separately."""
    return "320509" if number % 2 else "330421"


def settle_command(request_id: str, number: int, kind: VisitKind) -> SettleCommand:
    """A bill of two lines for a synthetic person."""
    start = BEGIN - timedelta(hours=2)
    line = BillLine("1001", "SYN-TA01-0001", "Y1", start, Decimal(1), Decimal("25.00"), 2500)
    other = BillLine(
        "1002", "SYN-XA01-0001", "Y2", start, Decimal(2 + number), Decimal("52.40"),
        5240 * (2 + number),
    )  # fmt: skip
    number_id = "003321198503120117"
    return SettleCommand(
        institution=hospital_of(number),
        visited_region="310118",
        insured_region=insured_in(number),
        patient=Patient(CertificateKind.ID_CARD, number_id, "", number_id, "测试丙一"),
        visit=Visit(
            kind, f"OP{number}", start, start + timedelta(hours=1), "A03", "内科", "D1",
            "测试医师", (Diagnosis("J06.900", "急性上呼吸道感染"),),
        ),
        bill=Bill(f"B{number}", (line, other)),
        request_id=request_id,
    )  # fmt: skip


@dataclass
class Call:
    """One call as its caller saw it end."""

    kind: str
    request_id: str
    answer: bytes | None = None
    error: DomainError | None = None
    """Neither: the connection was cut, the process died."""
    begun: float = 0.0
    ended: float = 0.0


async def heard(work: Awaitable[T]) -> T | DomainError | None:
    """What somebody outside hears of a call: its answer, an error, or nothing if the process died.

    Raises what no caller should ever see."""
    handler = asyncio.ensure_future(work)
    await asyncio.wait({handler})
    if handler.cancelled():
        return None
    error = handler.exception()
    if isinstance(error, DomainError):
        return error
    if error is not None:
        raise error
    return handler.result()


@dataclass
class Hospital:
    """All cashiers, what they asked and what they heard."""

    rng: random.Random
    process: Callable[[], Awaitable[Process]]
    calls: list[Call] = field(default_factory=list)

    async def one_batch(self, number: int) -> None:
        """A charging batch from its first call to its last."""
        rng = self.rng
        kind = rng.choice((VisitKind.OUTPATIENT, VisitKind.INPATIENT))
        await passes(rng.uniform(0, 40))
        requests = [f"r{number}"] + ([f"r{number}b"] if rng.random() < 0.4 else [])
        asked = [
            self._settle(settle_command(request_id, number, kind), rng.uniform(0, 3))
            for request_id in requests
            for _ in range(rng.choice((1, 1, 2, 3)))
        ]
        await together(*asked)
        for tries in range(rng.choice((0, 1, 3))):
            await passes(rng.uniform(0, 20))
            again = rng.choice((f"r{number}", f"r{number}c{tries}"))
            await self._settle(settle_command(again, number, kind), 0.0)
        claim = self._settled(number)
        if claim is None:
            return
        for attempt in rng.choice(((), (0,), (0, 1), (0, 1, 0), (0, 1, 2, 0, 1))):
            await passes(rng.uniform(0, 5))
            command = ReverseCommand(
                hospital_of(number), f"v{number}-{attempt}", claim.claim_id, REASON
            )
            await together(
                *(self._reverse(command, rng.uniform(0, 1)) for _ in range(rng.choice((1, 2))))
            )

    async def another_day(self, number: int, day: int) -> None:
        """The batch is tried again under a new request, or what was settled is to be cancelled."""
        rng = self.rng
        await passes(rng.uniform(0.0, 80_000.0))
        if rng.random() < 0.5:
            kind = rng.choice((VisitKind.OUTPATIENT, VisitKind.INPATIENT))
            await self._settle(settle_command(f"r{number}n{day}", number, kind), 0.0)
        claim = self._settled(number)
        if claim is not None and rng.random() < 0.5:
            code = hospital_of(number)
            command = ReverseCommand(code, f"v{number}-n{day}", claim.claim_id, REASON)
            await self._reverse(command, 0.0)

    def _settled(self, number: int) -> claim_pb2.Claim | None:
        answers = [decode_claim(call.answer) for call in self.calls if call.answer is not None]
        for claim in answers:
            if claim.batch_no == f"B{number}" and claim.region_settlement_id:
                return claim
        return None

    async def _settle(self, command: SettleCommand, later: float) -> None:
        await passes(later)
        process = await self.process()
        budget_s = self.rng.choice((0.2, 0.7, 1.5, 5.0, 20.0, 20.0, 20.0))
        await self._hear(
            Call("settle", command.request_id), process.settle(command, budget_s=budget_s)
        )

    async def _reverse(self, command: ReverseCommand, later: float) -> None:
        await passes(later)
        process = await self.process()
        budget_s = self.rng.choice((0.5, 2.0, 20.0))
        await self._hear(
            Call("reverse", command.request_id), process.reverse(command, budget_s=budget_s)
        )

    async def _hear(self, call: Call, work: Awaitable[bytes]) -> None:
        self.calls.append(call)
        loop = asyncio.get_running_loop()
        call.begun = loop.time()
        found = await heard(work)
        call.ended = loop.time()
        if isinstance(found, DomainError):
            call.error = found
        else:
            call.answer = found
