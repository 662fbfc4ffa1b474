"""A kept yes is read again, in every province, without a byte being sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.registry import PROVINCES
from gateway.domain.bill import VisitKind
from gateway.ports import Accepted, KeptAnswer, NoAnswer
from tests.integration.conformance.world import accepted, world


@pytest.mark.parametrize("province", [name for name, _ in PROVINCES.values()])
async def test_a_kept_answer_says_what_it_said_and_only_to_whom_it_was_given(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        att, ctx = await w.ready(VisitKind.OUTPATIENT), w.ctx()
        answer = await w.client.settle(ctx, att)
        first = accepted(answer)
        assert isinstance(answer, Accepted)
        kept = KeptAnswer(ctx.msgid, att.person.person_no, att.region_visit_id, answer.exchange)
        assert accepted(w.client.read_again(kept)) == first
        strangers = replace(kept, msgid=w.ctx().msgid)
        assert isinstance(w.client.read_again(strangers), NoAnswer)
        for reply in ((kept.exchange.reply or b"")[:-9], b'{"infcode":-1,"output":{}}', None):
            other = replace(kept, exchange=replace(kept.exchange, reply=reply))
            assert isinstance(w.client.read_again(other), NoAnswer)
