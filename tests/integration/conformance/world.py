"""One province's stand-in platform and our client of it, over a real socket, with a fixed clock.

Everybody is synthetic. The patient is insured in the province under test and treated in another.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from pathlib import Path
from typing import TypeVar

from adapters import registry
from adapters.connection import Clocks, Connection, tell_nobody
from adapters.sandbox import Sandbox
from adapters.signing.scheme import Secrets
from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.dictionary import UnknownCode
from gateway.domain.msgid import compose
from gateway.domain.visit import (
    Attendance,
    CertificateKind,
    Diagnosis,
    Institution,
    Patient,
    Visit,
)
from gateway.ports import Accepted, Answer, CallContext, RegionGateway, RegionSettlement, Verb
from tests.stand_in_secrets import our_secrets, platform_secrets

T = TypeVar("T")
POLICIES = Path(__file__).parents[3] / "gateway" / "policies"
NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)
"""10:30 in Shanghai."""
LIMIT_S = 10.0


@dataclass(frozen=True)
class Home:
    """A province under test: whom it insures, and where they fall ill."""

    province: str
    insured_region: str
    id_number: str
    name: str
    hospital: Institution
    settle: dict[VisitKind, str]
    cancel: dict[VisitKind, str]


def hospital(code: str, name: str, region: str) -> Institution:
    return Institution(code, name, region, HospitalLevel.TERTIARY, date(2023, 1, 1))


QINGPU = hospital("H00310000001", "示例青浦中心医院", "310118")
WUJIANG = hospital("H00320000001", "示例吴江中心医院", "320509")
_PLAIN = {VisitKind.OUTPATIENT: "2207", VisitKind.EMERGENCY: "2207", VisitKind.INPATIENT: "2304"}
_CANCEL = {VisitKind.OUTPATIENT: "2208", VisitKind.EMERGENCY: "2208", VisitKind.INPATIENT: "2305"}
HOMES = {
    "shanghai": Home(
        "shanghai", "310118", "003118198503120118", "测试甲一", WUJIANG, _PLAIN, _CANCEL
    ),
    "jiangsu": Home("jiangsu", "320509", "003209198503120117", "测试乙一", QINGPU, _PLAIN, _CANCEL),
    "zhejiang": Home(
        "zhejiang",
        "330421",
        "003321198503120117",
        "测试丙一",
        QINGPU,
        {kind: number + "A" for kind, number in _PLAIN.items()},
        _CANCEL,
    ),
    "anhui": Home(
        "anhui",
        "348801",
        "003488198503120113",
        "测试丁一",
        QINGPU,
        {kind: "2304" if kind.is_inpatient else "2207A" for kind in _PLAIN},
        _CANCEL,
    ),
}


@dataclass
class World:
    """A running platform, our client, and fresh message ids."""

    home: Home
    sandbox: Sandbox
    client: RegionGateway
    now: datetime = NOW
    _sequence: count[int] = field(default_factory=lambda: count(1))

    def ctx(self, *, timeout_s: float = LIMIT_S) -> CallContext:
        code = self.home.hospital.code
        return CallContext(
            msgid=compose(code, self.now, next(self._sequence)),
            institution=self.home.hospital,
            visited_region=self.home.hospital.region,
            insured_region=self.home.insured_region,
            sent_at=self.now,
            timeout_s=timeout_s,
        )

    def patient(self, id_number: str = "", name: str = "") -> Patient:
        number = id_number or self.home.id_number
        return Patient(CertificateKind.ID_CARD, number, "", number, name or self.home.name)

    async def attendance(self, kind: VisitKind, bill: Bill | None = None) -> Attendance:
        """Who came, as far as 1101 tells; not registered yet."""
        patient = self.patient()
        person = accepted(await self.client.find_person(self.ctx(), patient))
        ended = NOW if kind.is_inpatient else None
        return Attendance(
            patient=patient,
            person=person,
            insurance=person.insurances[0],
            bill=bill or BILL,
            visit=Visit(
                kind,
                f"V{next(self._sequence):05d}",
                NOW - timedelta(days=3),
                ended,
                "0301",
                "内科",
                "D001",
                "测试医师",
                (Diagnosis("I10.x00", "高血压"),),
            ),
        )

    async def ready(self, kind: VisitKind, bill: Bill | None = None) -> Attendance:
        """Everything of the plan but the pivot, as a journey would do it."""
        att = await self.attendance(kind, bill)
        for step in self.client.plan(kind, len(att.bill.lines))[:-1]:
            match step.verb:
                case Verb.REGISTER:
                    visit_id = accepted(await self.client.register(self.ctx(), att))
                    att = replace(att, region_visit_id=visit_id)
                case Verb.DESCRIBE:
                    accepted(await self.client.describe(self.ctx(), att))
                case Verb.UPLOAD_LINES:
                    part = att.bill.lines[step.first_line : step.end_line]
                    rows = accepted(await self.client.upload_lines(self.ctx(), att, part))
                    att = replace(
                        att,
                        own_pay_fen=att.own_pay_fen + sum(r.own_pay_fen for r in rows),
                        over_limit_fen=att.over_limit_fen + sum(r.over_limit_fen for r in rows),
                        pre_self_pay_fen=(
                            att.pre_self_pay_fen + sum(r.pre_self_pay_fen for r in rows)
                        ),
                        in_scope_fen=att.in_scope_fen + sum(r.in_scope_fen for r in rows),
                    )
                case Verb.DISCHARGE:
                    accepted(await self.client.discharge(self.ctx(), att))
                case _:
                    raise AssertionError(step.verb)
        return att

    async def settled(self, kind: VisitKind) -> tuple[Attendance, RegionSettlement]:
        att = await self.ready(kind)
        return att, accepted(await self.client.settle(self.ctx(), att))

    def effective(self) -> int:
        """Settlements that count at the platform now."""
        found = self.sandbox.state()["effective_settlements"]
        if not isinstance(found, int):
            raise AssertionError(found)
        return found


def accepted(answer: Answer[T]) -> T:
    if isinstance(answer, Accepted):
        return answer.value
    raise AssertionError(f"{type(answer).__name__}: {answer}")


def line(no: int, item: str, quantity: str, price: str, refund_of: str | None = None) -> BillLine:
    exact = Decimal(quantity) * Decimal(price) * 100
    return BillLine(
        str(no),
        item,
        f"H{item}",
        NOW - timedelta(days=1),
        Decimal(quantity),
        Decimal(price),
        int(exact.quantize(Decimal(1), ROUND_HALF_UP)),
        refund_of=refund_of,
    )


BILL = Bill(
    "B0001",
    (
        line(1, "SYN-XA01-0001", "9", "285.505"),
        line(2, "SYN-XB01-0001", "2", "312.40"),
        line(3, "SYN-XC01-0001", "1", "58.00"),
        line(4, "SYN-XB02-0002", "1", "1180.00"),
    ),
)


@asynccontextmanager
async def world(
    province: str,
    state_dir: Path,
    *faults: str,
    secrets: Secrets | None = None,
    platform: Mapping[str, str] | None = None,
    profile_file: Path | None = None,
    skew: timedelta = timedelta(0),
    tell_unknown: Callable[[UnknownCode], None] = tell_nobody,
) -> AsyncIterator[World]:
    """`secrets`, `platform`: ours and the platform's keys, where they are not those that fit each
    other; `profile_file`: a site's own sections of the profile; `skew`: how far our clock runs
    ahead of the platform's; `tell_unknown` is told of codes in answers that our profile lacks."""
    sandbox = Sandbox(
        province=province,
        state_dir=state_dir,
        policies_dir=POLICIES,
        secrets=platform or platform_secrets(province),
        faults=faults,
        clock=lambda: NOW,
    )
    url = await sandbox.start()
    # Real intervals: time-outs must run out while a test waits for them.
    clocks = Clocks(now=lambda: NOW + skew, monotonic=time.monotonic)
    connection = Connection(
        url,
        secrets or our_secrets(province),
        profile_file=profile_file,
        tell_unknown=tell_unknown,
    )
    regions = registry.connect({province: connection}, clocks)
    home = HOMES[province]
    try:
        yield World(home, sandbox, regions.of(home.insured_region), NOW + skew)
    finally:
        await regions.close()
        await sandbox.stop()
