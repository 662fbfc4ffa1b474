"""A settlement whose reply was lost is found by each stand-in's statement, and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.registry import PROVINCES
from gateway.domain.bill import VisitKind
from gateway.domain.claim import ClaimEvent, ClaimState
from gateway.domain.claim_record import ClaimRecord, PlannedMessage, Standing
from gateway.domain.visit import Attendance
from gateway.ids import SystemIds
from gateway.journeys.reconcile_unknown import Outcome, ReconcileUnknown
from gateway.journeys.record_event import Happened, record_event, record_intent
from gateway.journeys.resolve_unknown import ResolveTimings, ResolveUnknown
from gateway.journeys.statement_span import StatementRules, question
from gateway.ports import Books, RegionGateway
from gateway.store.open_store import OpenStore
from tests.integration.conformance.world import NOW, World, world
from tests.integration.store.house import StandingClock, claim, opened, prepare

AT = NOW + timedelta(seconds=20)
"""Of our own messages: the world's are stamped with its own second."""


class One:
    """Implements ports.Regions: this platform for everybody."""

    def __init__(self, platform: RegionGateway) -> None:
        self._platform = platform

    def of(self, region: str) -> RegionGateway:
        return self._platform


class House:
    """A store with one claim in it, and what is done about it."""

    def __init__(self, w: World, house: OpenStore) -> None:
        clock, ids = StandingClock(AT), SystemIds()
        codes = {w.home.hospital.code: w.home.hospital}
        self.store, self.ids = house.store, ids
        self.resolve = ResolveUnknown(
            store=house.store, regions=One(w.client), institutions=codes, clock=clock, ids=ids,
            timings=ResolveTimings(timedelta(0), timedelta(seconds=1), 3),
        )  # fmt: skip
        self.reconcile = ReconcileUnknown(
            store=house.store, regions=One(w.client), institutions=codes, clock=clock, ids=ids,
            msgids=house.msgids, rules=StatementRules(),
        )  # fmt: skip

    async def lost(self, w: World, att: Attendance, msgid: str) -> ClaimRecord:
        """The claim as our books have it when its answer was lost."""
        number = w.home.settle[att.visit.kind]

        def write(books: Books) -> ClaimRecord:
            made = replace(
                claim("r-1", ids=self.ids, subject_ref=books.subject_ref("003321198503120117")),
                institution_code=w.home.hospital.code,
                visited_region=w.home.hospital.region,
                insured_region=w.home.insured_region,
                visit_kind=att.visit.kind,
                person_no=att.person.person_no,
                region_visit_id=att.region_visit_id,
                messages=(PlannedMessage(msgid, number, w.home.insured_region),),
                pivot_msgid=msgid,
                pivot_transaction=number,
                created_at=NOW,
                attempt_deadline=NOW,
            )
            record_intent(books, made, at=NOW, ids=self.ids)
            happened = Happened(ClaimEvent.NO_ANSWER, {"work_due_at": NOW})
            return record_event(books, made.claim_id, happened, at=NOW, ids=self.ids)

        return await self.store.write(write)

    async def asked(self, waiting: ClaimRecord) -> tuple[Outcome, ClaimRecord]:
        """What the statement of its day made of it."""
        outcome = await self.reconcile(question(waiting, self.reconcile.rules), [waiting])
        return outcome, await self.now(waiting)

    async def now(self, waiting: ClaimRecord) -> ClaimRecord:
        found = await self.store.read(lambda reader: reader.claim(waiting.claim_id))
        assert found is not None
        return found


def said(found: ClaimRecord) -> Standing:
    assert found.found is not None
    return found.found.standing


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", [VisitKind.OUTPATIENT, VisitKind.INPATIENT])
@pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
async def test_what_took_effect_without_our_knowing_is_found_and_taken_back(
    province: str, kind: VisitKind, tmp_path: Path
) -> None:
    prepare(tmp_path / "house")
    async with world(province, tmp_path) as w, opened(tmp_path / "house") as opened_house:
        house = House(w, opened_house)
        att, ctx = await w.ready(kind), w.ctx()
        await w.client.settle(ctx, att)
        assert w.effective() == 1
        waiting = await house.lost(w, att, ctx.msgid)
        outcome, waiting = await house.asked(waiting)
        assert outcome == Outcome(moved=1)
        assert (waiting.state, said(waiting)) == (ClaimState.UNKNOWN, Standing.EFFECTIVE)
        waiting = await house.resolve(waiting)
        assert waiting.state is ClaimState.REVERSAL_SENT
        assert waiting.reversal_answered
        assert w.effective() == 0
        outcome, waiting = await house.asked(waiting)
        assert outcome == Outcome(moved=1)
        assert waiting.state is ClaimState.VOIDED
        assert said(waiting) in (Standing.TAKEN_BACK, Standing.ABSENT)


@pytest.mark.sqlite
@pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
async def test_what_never_arrived_is_absent(province: str, tmp_path: Path) -> None:
    prepare(tmp_path / "house")
    async with world(province, tmp_path) as w, opened(tmp_path / "house") as opened_house:
        house = House(w, opened_house)
        att, ctx = await w.ready(VisitKind.OUTPATIENT), w.ctx()
        outcome, waiting = await house.asked(await house.lost(w, att, ctx.msgid))
        assert outcome == Outcome(moved=1)
        assert (waiting.state, said(waiting)) == (ClaimState.VOIDED, Standing.ABSENT)
