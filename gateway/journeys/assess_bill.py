"""Price a bill, ask the insured region who this is, and compute what its policy would pay.

Nothing here takes effect anywhere: reads only (1101, 5206), so every failure may be an error. The
computed amounts are for comparison and audit; the insured region decides (22号 第32条).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.accumulators import Accumulators
from gateway.domain.benefits import BenefitCase, compute
from gateway.domain.breakdown import Breakdown
from gateway.domain.business_day import business_day
from gateway.domain.catalogue import CatalogueBook
from gateway.domain.errors import (
    DeadlinePassed,
    Malformed,
    Refused,
    RegionUnavailable,
    Violation,
)
from gateway.domain.person import age_on, birth_date_of
from gateway.domain.person_category import PersonCategory, category_of
from gateway.domain.policy import PolicyBook
from gateway.domain.pricing import PreselfBasis, PricedBill, price
from gateway.domain.region import is_elsewhere, pooling_region_of, region_of
from gateway.domain.visit import Attendance, Insurance, PersonFound, Scheme
from gateway.journeys.commands import PredetermineCommand
from gateway.journeys.laps import Laps, unobserved
from gateway.journeys.time_budget import CALL_MIN_S
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    Clock,
    Declined,
    MsgidSource,
    PlannedCall,
    RegionGateway,
    Regions,
)


@dataclass(frozen=True, slots=True, repr=False)
class Assessment:
    """A bill with everything known about it before it is settled."""

    gateway: RegionGateway
    person: PersonFound
    insurance: Insurance
    scheme: Scheme
    priced: PricedBill
    computed: Breakdown
    policy_rules: tuple[str, ...]
    catalogue_version: str

    def plan(self, command: PredetermineCommand) -> tuple[PlannedCall, ...]:
        """The messages that settle it at this region, in order."""
        return self.gateway.plan(command.visit.kind, len(command.bill.lines))

    def attendance(self, command: PredetermineCommand, *, invoice_no: str = "") -> Attendance:
        """What those messages may need, before the region has given the visit an id."""
        return Attendance(
            patient=command.patient,
            person=self.person,
            insurance=self.insurance,
            visit=command.visit,
            bill=command.bill,
            own_pay_fen=self.priced.own_pay_fen,
            over_limit_fen=self.priced.over_limit_fen,
            pre_self_pay_fen=self.priced.pre_self_pay_fen,
            in_scope_fen=self.priced.in_scope_fen,
            use_account=command.use_account,
            invoice_no=invoice_no,
        )


class AssessBill:
    """AssessBill(command, deadline=…) → Assessment. `deadline` in monotonic seconds."""

    def __init__(
        self,
        *,
        regions: Regions,
        catalogues: CatalogueBook,
        policies: PolicyBook,
        clock: Clock,
        msgids: MsgidSource,
    ) -> None:
        self._regions, self._clock, self._msgids = regions, clock, msgids
        self._catalogues, self._policies = catalogues, policies

    async def __call__(
        self, command: PredetermineCommand, *, deadline: float, lap: Laps | None = None
    ) -> Assessment:
        """Raises Malformed (the whole bill's violations), Refused, RegionUnavailable."""
        lap = lap or Laps(self._clock, unobserved)
        _refuse_local(command)
        priced = self._price(command)
        lap("price")
        gateway = self._regions.of(command.insured_region)
        person, insurance = await self._person(gateway, command, deadline)
        accumulators = await self._accumulators(gateway, command, person, insurance, deadline)
        lap("look_up")
        case = self._case(command, person, insurance, priced, accumulators)
        result = compute(case, self._policies)
        lap("compute")
        return Assessment(
            gateway=gateway,
            person=person,
            insurance=insurance,
            scheme=case.scheme,
            priced=priced,
            computed=result.breakdown,
            policy_rules=(result.policy_version, *result.rule_ids),
            catalogue_version=priced.catalogue_version,
        )

    def _price(self, command: PredetermineCommand) -> PricedBill:
        visited = self._policies.of(command.visited_region)
        basis = PreselfBasis(visited.setting("preself_basis", PreselfBasis.BEFORE_LIMIT.value))
        catalogue = self._catalogues.of(command.visited_region)
        return price(command.bill, catalogue, preself_basis=basis)

    async def _ctx(self, command: PredetermineCommand, deadline: float) -> CallContext:
        left = deadline - self._clock.monotonic()
        if left < CALL_MIN_S:
            raise DeadlinePassed("no time left to ask the insured region")
        (msgid,) = await self._msgids.take(command.institution.code, 1)
        return CallContext(
            msgid=msgid,
            institution=command.institution,
            visited_region=command.visited_region,
            insured_region=command.insured_region,
            sent_at=self._clock.now(),
            timeout_s=left,
        )

    async def _person(
        self, gateway: RegionGateway, command: PredetermineCommand, deadline: float
    ) -> tuple[PersonFound, Insurance]:
        ctx = await self._ctx(command, deadline)
        answer = await gateway.find_person(ctx, command.patient)
        person: PersonFound = _yes(answer, command.insured_region, "PERSON_NOT_FOUND")
        if person.id_number and person.id_number != command.patient.id_number:
            raise Refused(
                "the region answered another person",
                reason="PERSON_MISMATCH",
                text_zh="参保地返回的人员与就诊人不一致,请核对证件。",
            )
        return person, _choose(person, command)

    async def _accumulators(
        self,
        gateway: RegionGateway,
        command: PredetermineCommand,
        person: PersonFound,
        insurance: Insurance,
        deadline: float,
    ) -> Accumulators:
        ctx = await self._ctx(command, deadline)
        day = business_day(command.visit.started_at)
        answer = await gateway.accumulators(ctx, person, insurance, day)
        found: Accumulators = _yes(answer, command.insured_region, "ACCUMULATORS_REFUSED")
        # 5206 knows no balance; the account's comes with the insurance (1101).
        return replace(found, account_balance_fen=insurance.account_fen or 0)

    @staticmethod
    def _case(
        command: PredetermineCommand,
        person: PersonFound,
        insurance: Insurance,
        priced: PricedBill,
        accumulators: Accumulators,
    ) -> BenefitCase:
        day = business_day(command.visit.started_at)
        scheme = _scheme(insurance)
        return BenefitCase(
            insured_region=insurance.insured_region,
            visited_region=command.institution.region,
            scheme=scheme,
            person=_category(command, person, insurance, scheme),
            kind=command.visit.kind,
            level=command.institution.level,
            service_day=day,
            totals=priced.totals,
            accumulators=accumulators,
            filing=command.filing,
            use_account=command.use_account,
        )


def _category(
    command: PredetermineCommand, person: PersonFound, insurance: Insurance, scheme: Scheme
) -> PersonCategory:
    # The register's birth date goes before the number's (domain rule: the register wins).
    birth = person.birth or birth_date_of(command.patient.id_number)
    age = age_on(birth, business_day(command.visit.started_at))
    return category_of(scheme, insurance.person_kind, age)


def _refuse_local(command: PredetermineCommand) -> None:
    """Both regions are served, and the visit is elsewhere: 异地 is what this service settles."""
    region_of(command.visited_region, field="visited_region")
    region_of(command.insured_region, field="insured_region")
    if not is_elsewhere(command.insured_region, command.visited_region):
        raise Refused(
            "visited and insured region pool together",
            reason="NOT_CROSS_REGION",
            text_zh="就医地与参保地属同一统筹区,请走本地医保结算。",
        )


def _yes(answer: Answer[Any], region: str, reason: str) -> Any:
    """The value of a look-up, or the error that says why there is none. Nothing was settled."""
    match answer:
        case Accepted(value=value):
            return value
        case Declined(code=code, text=text):
            raise Refused(
                f"the insured region declined: {code}",
                reason=reason,
                text_zh=f"参保地答复:{text}" if text else "参保地未能受理该人员的查询。",
                metadata={"region": region, "region_code": code},
            )
        case _:
            raise RegionUnavailable(
                f"no answer from {region}",
                metadata={"region": region, "cause": str(answer.cause)},
            )


def _choose(person: PersonFound, command: PredetermineCommand) -> Insurance:
    """The one active insurance in the asked region and scheme. More than one: the caller says."""
    pooling = pooling_region_of(command.insured_region)
    here = [i for i in person.insurances if pooling_region_of(i.insured_region) == pooling]
    usable = [i for i in here if i.scheme is not None and i.active]
    if command.scheme is not None:
        usable = [i for i in usable if i.scheme is command.scheme]
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise Malformed(
            "more than one insurance is active",
            reason="SCHEME_AMBIGUOUS",
            violations=(
                Violation(
                    "scheme",
                    "SCHEME_AMBIGUOUS",
                    "该人员在参保地有多个有效险种,请在 scheme 中指明按哪个险种结算。",
                ),
            ),
        )
    paused = any(not i.active for i in here)
    raise Refused(
        "no active insurance in the insured region",
        reason="INSURANCE_PAUSED" if paused else "NOT_INSURED_HERE",
        text_zh=(
            "该人员在参保地的医保已暂停,不能直接结算;请联系参保地经办机构。"
            if paused
            else "该人员在所填参保地没有可结算的医保,请核对参保地。"
        ),
        metadata={"region": command.insured_region},
    )


def _scheme(insurance: Insurance) -> Scheme:
    if insurance.scheme is None:
        raise Refused("unknown scheme code", reason="SCHEME_UNKNOWN", text_zh="险种无法识别。")
    return insurance.scheme
