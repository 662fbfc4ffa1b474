"""检验台: what one rule works with: our adapter behind the relay, fresh visits, and the count.

Speaks to the platform only through our adapter (ports.RegionGateway), as a journey would, so that
what is tried is the pair. Keeps no money and no state beyond one rule, but what the platform itself
is known by. Cleans up after each rule: what it settled is reversed by its msgid.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from adapters.baseline.profile import Assumptions, Profile
from adapters.connection import Clocks, Connection
from adapters.national_client import NationalClient
from adapters.signing.scheme import Scheme, Secrets
from gateway.conformance.alter import Cipher
from gateway.conformance.answers import yes
from gateway.conformance.count import StateCount, StatementCount, Visited
from gateway.conformance.known import Known
from gateway.conformance.relay import Relay
from gateway.conformance.resigned import believing
from gateway.conformance.rule import Broken, Difference, NotRun
from gateway.domain.bill import VisitKind
from gateway.domain.msgid import compose
from gateway.domain.visit import Attendance, Diagnosis, Insurance, PersonFound, Visit
from gateway.ports import (
    Accepted,
    Answer,
    CallContext,
    CancelOrder,
    RegionGateway,
    RegionSettlement,
    ReversalOrder,
    Verb,
)

T = TypeVar("T")
PATIENCE_S = 20.0
"""Longest wait for one answer; the profile's own limit may be shorter."""
HASTE_S = 0.3
"""Deadline of a call whose reply is held back."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of a rule that may have had an effect."""

    ctx: CallContext
    att: Attendance
    transaction: str


class Stand:
    """Made anew for each rule, so that no connection, breaker or retry budget is left over."""

    def __init__(self, known: Known, relay: Relay, relay_url: str) -> None:
        self._known = known
        self._url = relay_url
        self._opened: list[NationalClient] = []
        self._sent: list[Sent] = []
        self.relay = relay
        self.target = known.target
        self.differences: list[Difference] = []
        self.client = self.connected()
        self.statement = StatementCount(self.client, self.ctx, known.statement_keys)

    # --- clients -------------------------------------------------------------------------

    def connected(
        self, secrets: Secrets | None = None, ahead: timedelta = timedelta(0)
    ) -> NationalClient:
        """Another client of the same platform, through the relay; its clock may run ahead."""
        target = self.target
        connection = Connection(
            self._url, secrets or target.secrets, profile_file=target.profile_file
        )
        clocks = Clocks(lambda: target.clocks.now() + ahead, target.clocks.monotonic)
        client = target.connect(connection, clocks)
        self._opened.append(client)
        return client

    def believing(self) -> NationalClient:
        """A client that asks for no signature: for answers that were altered on the way."""
        return believing(self.connected())

    def scheme(self, client: NationalClient | None = None) -> Scheme:
        """How a client signs now."""
        return (client or self.client).codec_at(self.target.now).scheme

    async def close(self) -> None:
        for client in self._opened:
            await client.close()

    @property
    def profile(self) -> Profile:
        """The adapter's, valid now."""
        return self.client.codec_at(self.target.now).profile

    @property
    def cipher(self) -> Cipher | None:
        """How bodies are encrypted here; None where they travel plain."""
        return self.client.codec_at(self.target.now).cipher

    @property
    def assumed(self) -> Assumptions:
        """What the profile says of this platform where no document does."""
        return self.profile.assumptions

    # --- messages ------------------------------------------------------------------------

    def ctx(
        self, *, timeout_s: float = PATIENCE_S, sent_at: datetime | None = None, msgid: str = ""
    ) -> CallContext:
        """A fresh message of the trial's institution."""
        site, now = self.target.site, self.target.now
        msgid = msgid or compose(site.institution.code, now, self._known.number())
        self._known.msgids.add(msgid)
        return CallContext(
            msgid=msgid,
            institution=site.institution,
            visited_region=site.institution.region,
            insured_region=site.insured_region,
            sent_at=sent_at or now,
            timeout_s=timeout_s,
        )

    async def person(self) -> PersonFound:
        """The test person, asked once."""
        if self._known.person is None:
            answer = await self.client.find_person(self.ctx(), self.target.site.patient)
            self._known.person = yes(answer, "查询人员(1101)")
        return self._known.person

    async def attendance(self, kind: VisitKind = VisitKind.OUTPATIENT) -> Attendance:
        """Who came; not registered yet."""
        person, now, number = await self.person(), self.target.now, self._known.number()
        inpatient = kind.is_inpatient
        return Attendance(
            patient=self.target.site.patient,
            person=person,
            insurance=self.insurance(person),
            bill=self.target.site.bill(f"B{number:05}", now),
            visit=Visit(
                kind=kind,
                visit_no=f"Y{now:%m%d%H%M%S}{number:05}",
                started_at=now - timedelta(days=3),
                ended_at=now if inpatient else None,
                department_code="0301",
                department_name="内科",
                doctor_code="D001",
                doctor_name="测试医师",
                diagnoses=(Diagnosis("I10.x00", "高血压"),),
            ),
        )

    def insurance(self, person: PersonFound) -> Insurance:
        """The one row that settles. Raises Broken unless there is exactly one."""
        wanted = self.target.site.scheme
        rows = [r for r in person.insurances if r.active and wanted in ("", r.scheme_code)]
        if len(rows) != 1:
            raise Broken(f"测试人员应恰有一条有效参保信息,平台给出 {len(rows)} 条")
        return rows[0]

    async def ready(self, kind: VisitKind = VisitKind.OUTPATIENT) -> Attendance:
        """Everything of a visit but its settlement, as a journey would do it."""
        att = await self.attendance(kind)
        for step in self.client.plan(kind, len(att.bill.lines))[:-1]:
            match step.verb:
                case Verb.REGISTER:
                    ctx = self.ctx()
                    visit_id = yes(await self.client.register(ctx, att), "登记")
                    att = replace(att, region_visit_id=visit_id)
                case Verb.DESCRIBE:
                    yes(await self.client.describe(self.ctx(), att), "就诊信息")
                case Verb.UPLOAD_LINES:
                    part = att.bill.lines[step.first_line : step.end_line]
                    rows = yes(await self.client.upload_lines(self.ctx(), att, part), "费用明细")
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
                    yes(await self.client.discharge(self.ctx(), att), "出院")
                case _:
                    raise Broken(f"本适配器的就诊步骤里有检验不认识的一步:{step.verb}")
        return att

    async def admitted(self) -> tuple[Attendance, Sent]:
        """An admission and nothing more, with the message that made it."""
        att, ctx = await self.attendance(VisitKind.INPATIENT), self.ctx()
        att = replace(att, region_visit_id=yes(await self.client.register(ctx, att), "入院"))
        number = self.client.transaction(Verb.REGISTER, VisitKind.INPATIENT)
        return att, Sent(ctx, att, number)

    # --- money ---------------------------------------------------------------------------

    async def settle(
        self, att: Attendance, ctx: CallContext | None = None, client: RegionGateway | None = None
    ) -> Answer[RegionSettlement]:
        """One settlement; whatever it is answered, it is remembered for the count."""
        ctx, client = ctx or self.ctx(), client or self.client
        self._sent.append(Sent(ctx, att, client.transaction(Verb.SETTLE, att.visit.kind)))
        answer = await client.settle(ctx, att)
        if isinstance(answer, Accepted):
            self.statement.learn(answer.value, att, self.target.now)
        return answer

    async def settled(
        self, kind: VisitKind = VisitKind.OUTPATIENT
    ) -> tuple[Sent, RegionSettlement]:
        """A visit from beginning to end."""
        att = await self.ready(kind)
        value = yes(await self.settle(att), "结算")
        return self._sent[-1], value

    async def cancel(
        self, sent: Sent, settlement: RegionSettlement, ctx: CallContext | None = None
    ) -> Answer[RegionSettlement]:
        att, ctx, kind = sent.att, ctx or self.ctx(), sent.att.visit.kind
        order = CancelOrder(
            kind, att.person.person_no, settlement.visit_id, settlement.settlement_id
        )
        self._sent.append(Sent(ctx, att, self.client.transaction(Verb.CANCEL, kind)))
        return await self.client.cancel(ctx, order)

    async def reverse(
        self, sent: Sent, *, person_no: str = "", transaction: str = ""
    ) -> Answer[None]:
        """2601 of one message, under a msgid of its own."""
        att, ctx = sent.att, self.ctx()
        order = ReversalOrder(
            person_no or att.person.person_no,
            sent.ctx.msgid,
            transaction or sent.transaction,
        )
        reversal = self.client.transaction(Verb.REVERSE, att.visit.kind)
        self._sent.append(Sent(ctx, att, reversal))
        return await self.client.reverse(ctx, order)

    @property
    def msgids(self) -> Set[str]:
        """Of this whole trial, all rules."""
        return self._known.msgids

    @property
    def last(self) -> Sent:
        """The last message with an effect that this rule sent."""
        return self._sent[-1]

    def settling(self, att: Attendance) -> Sent:
        """The last settlement of one visit that this rule sent."""
        number = self.client.transaction(Verb.SETTLE, att.visit.kind)
        ours = [s for s in self._sent if s.att is att and s.transaction == number]
        return ours[-1]

    # --- what the platform holds ---------------------------------------------------------

    async def effective(self, *visits: Attendance) -> int:
        """Settlements of these visits (of one kind) that count at the platform now."""
        found = await self.by_statement(*visits)
        if self.target.state is not None:
            books = await self.by_books(*visits)
            if books != found:
                raise Broken(f"平台账面上有效结算 {books} 笔,它的对账单(3202)却说 {found} 笔")
        return found

    async def by_statement(self, *visits: Attendance) -> int:
        """By 3202, as any platform can be asked."""
        await self.relay.quiet()
        await self.learn_key(visits[0].visit.kind)
        return await self.statement.effective(self._visited(*visits))

    async def by_books(self, *visits: Attendance) -> int:
        """By a stand-in's own state. Raises NotRun for a platform that shows none."""
        if self.target.state is None:
            raise NotRun("只有仿真平台给出账面")
        return await StateCount(self.target.state).effective(self._visited(*visits))

    def _visited(self, *visits: Attendance) -> Visited:
        visit_ids = frozenset(att.region_visit_id for att in visits)
        msgids = frozenset(s.ctx.msgid for s in self._sent if s.att.region_visit_id in visit_ids)
        return Visited(visit_ids, msgids, visits[0].visit.kind.is_inpatient)

    async def holds(self, number: int, when_zh: str, *visits: Attendance) -> None:
        """Raises Broken unless the platform holds exactly so many settlements of the visits."""
        found = await self.effective(*visits)
        if found != number:
            raise Broken(f"{when_zh},平台上有效结算应为 {number} 笔,实为 {found} 笔")

    async def learn_key(self, kind: VisitKind = VisitKind.OUTPATIENT) -> None:
        """A statement needs 清算类别 and 经办机构 as the platform writes them: settle once."""
        if self.statement.knows(inpatient=kind.is_inpatient):
            return
        sent, _ = await self.settled(kind)
        yes(await self.reverse(sent), "冲正(2601)")

    # --- what came of it -----------------------------------------------------------------

    def differs(self, text_zh: str, key: str) -> None:
        """The platform does otherwise than we assume, and no money is at risk."""
        self.differences.append(Difference(text_zh, key))

    async def tidy(self) -> None:
        """Take back what this rule may have left, so that the next finds the person as before.

        Not checked: a platform that cannot be tidied has failed a rule already.
        """
        await self.relay.reset()
        settling = {self.client.transaction(Verb.SETTLE, kind) for kind in VisitKind}
        settled = [s for s in self._sent if s.transaction in settling]
        for visit_id in dict.fromkeys(s.att.region_visit_id for s in settled):
            of_visit = [s for s in settled if s.att.region_visit_id == visit_id]
            if await self._stands(of_visit[0].att):
                for sent in of_visit:
                    await self.reverse(sent)

    async def _stands(self, att: Attendance) -> bool:
        """Whether anything is to be taken back: asked, so that nothing is taken back twice."""
        ask = self.by_statement if self.target.state is None else self.by_books
        try:
            return await ask(att) > 0
        except (Broken, NotRun):
            return True
