"""What a platform or a network can do wrong: each has one answer, and none costs money twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import PROVINCES
from gateway.demo.dev_keys import dev_key
from gateway.domain.bill import VisitKind
from gateway.ports import Declined, NoAnswer, NotDelivered
from tests.integration.conformance.world import accepted, world
from tests.stand_in_secrets import our_secrets

pytestmark = pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
KINDS = [VisitKind.OUTPATIENT, VisitKind.INPATIENT]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "effective"),
    [
        ("lose-reply=1", 1),
        ("lose-request=1", 0),
        ("garbage=1", 1),
        ("http500=1", 1),
    ],
)
async def test_a_lost_or_unreadable_reply_is_no_answer(
    province: str, kind: VisitKind, fault: str, effective: int, tmp_path: Path
) -> None:
    async with world(province, tmp_path, fault) as w:
        att = await w.ready(kind)
        answer = await w.client.settle(w.ctx(), att)
        assert isinstance(answer, NoAnswer)
        assert answer.exchange.request
        # Sent once and never again: a settlement is not repeated by the transport.
        assert w.effective() == effective


async def test_a_slow_reply_past_the_deadline_is_no_answer(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, "delay=2s@2207") as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        answer = await w.client.settle(w.ctx(timeout_s=0.2), att)
        assert isinstance(answer, NoAnswer)
        assert answer.cause.startswith("timeout")
        assert w.effective() == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_is_a_value_with_its_reason(
    province: str, kind: VisitKind, tmp_path: Path
) -> None:
    number = "2304" if kind.is_inpatient else "2207"
    async with world(province, tmp_path, f"refuse={number}") as w:
        att = await w.ready(kind)
        answer = await w.client.settle(w.ctx(), att)
        assert isinstance(answer, Declined)
        assert answer.text
        assert w.effective() == 0


async def test_another_figure_is_taken_as_the_region_s(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, "differ=100@2207") as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        foreseen = accepted(await w.client.predetermine(w.ctx(), att)).breakdown
        settled = accepted(await w.client.settle(w.ctx(), att))
        assert settled.broken == ()
        assert settled.breakdown.fund_total_fen == foreseen.fund_total_fen - 100


async def test_amounts_that_do_not_add_up_are_named_and_not_mended(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path, "broken=1@2207") as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        settled = accepted(await w.client.settle(w.ctx(), att))
        assert "I1" in settled.broken
        assert "I3" in settled.broken


async def test_a_wrong_signature_is_never_believed(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, "wrong-signature=1") as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        answer = await w.client.settle(w.ctx(), att)
        if province == "shanghai":  # signs its answers: the effect may be there
            assert isinstance(answer, NoAnswer)
            assert answer.cause == "signature_wrong"
            assert w.effective() == 1
        else:  # does not: the fault is the gateway's 401 instead
            assert isinstance(answer, NotDelivered)
            assert w.effective() == 0


async def test_our_own_wrong_key_is_not_delivered(province: str, tmp_path: Path) -> None:
    ours = our_secrets(province)
    wrong = [replace(ours, secret=b"another")]
    if ours.sm2 is not None:  # whoever can encrypt cannot therefore sign
        stranger = dev_key(lambda: bytes([7]) * 32)
        wrong.append(replace(ours, sm2=replace(ours.sm2, ours=stranger)))
    for secrets in wrong:
        async with world(province, tmp_path, secrets=secrets) as w:
            answer = await w.client.find_person(w.ctx(), w.patient())
            assert isinstance(answer, NotDelivered)
            assert answer.cause == "gateway_401 签名不一致!"


async def test_a_clock_that_runs_ahead_is_not_delivered(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, skew=timedelta(minutes=31)) as w:
        answer = await w.client.find_person(w.ctx(), w.patient())
        if province == "shanghai":  # its signature carries no time, its answer does
            assert isinstance(answer, NoAnswer)
            assert answer.cause.startswith("stale_answer respond_time -1860")
        else:
            assert isinstance(answer, NotDelivered)
            assert "签名时间戳超时" in answer.cause


async def test_the_same_msgid_twice_takes_effect_once(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        ctx = w.ctx()
        first = accepted(await w.client.settle(ctx, att))
        again = accepted(await w.client.settle(ctx, att))
        assert first == again
        assert w.effective() == 1


async def test_the_reply_to_another_msgid_is_no_answer(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        await w.settled(VisitKind.OUTPATIENT)
        second = await w.ready(VisitKind.OUTPATIENT)
        w.sandbox.faults.arm("repeat=1@2207")
        answer = await w.client.settle(w.ctx(), second)
        assert isinstance(answer, NoAnswer)
        assert answer.cause.startswith("AnotherReply")


async def test_a_dead_platform_is_not_delivered_and_opens_the_breaker(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        await w.sandbox.stop()
        causes = []
        for _ in range(6):
            answer = await w.client.find_person(w.ctx(), w.patient())
            assert isinstance(answer, NotDelivered)
            assert answer.exchange.reply is None
            causes.append(answer.cause)
        assert causes[0].startswith("connection_refused")
        assert causes[-1] == "breaker_open"
        assert w.client.health() == "open"


async def test_a_platform_that_dies_on_an_open_connection_leaves_it_unknown(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        att = await w.ready(VisitKind.OUTPATIENT)
        await w.sandbox.stop()
        # Bytes may have been written into a connection that was open a moment ago.
        assert isinstance(await w.client.settle(w.ctx(), att), NoAnswer)
        assert isinstance(await w.client.settle(w.ctx(), att), NotDelivered)


async def test_a_lost_read_is_asked_once_more(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path, "lose-reply=1@1101") as w:
        found = accepted(await w.client.find_person(w.ctx(), w.patient()))
        calls: Any = w.sandbox.state()["calls"]
    assert found.person_no
    assert calls["1101"] == 2


async def test_a_field_of_ours_that_is_too_long_never_leaves(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        att = await w.attendance(VisitKind.OUTPATIENT)
        att = replace(att, visit=replace(att.visit, doctor_name="医" * 51))
        answer = await w.client.register(w.ctx(), att)
        assert isinstance(answer, NotDelivered)
        assert answer.cause == "unsendable 2201 data.dr_name: longer than 50"
