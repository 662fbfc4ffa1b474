"""`yrd claims`, as an operator types it, against a running system."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.house.command import yrd
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, running
from yrd.claim.v1 import claim_pb2

REASON = "金额不平,已与参保地核实"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path / "data") as made:
        yield made


async def asked(world: World, *words: str) -> tuple[int, str]:
    """The command on a thread of its own: the gateway lives in this one."""
    where = ("--target", f"localhost:{world.port}", "--tls", str(world.place.tls))
    return await asyncio.to_thread(yrd, "claims", *words, *where)


async def in_review(world: World) -> str:
    """A claim whose amounts do not add up."""
    world.sandboxes["zhejiang"].faults.arm("broken@2207#1")
    answer = await world.claims(QINGPU).SettleClaim(jiashan_outpatient("review-01"), timeout=10)
    assert answer.claim.state == claim_pb2.CLAIM_STATE_REVIEW
    claim_id: str = answer.claim.claim_id
    return claim_id


async def shown(world: World, claim_id: str) -> dict[str, Any]:
    code, said = await asked(world, "show", claim_id, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(said)
    return found


async def test_nothing_to_do_is_said_so(world: World) -> None:
    code, said = await asked(world, "attention")
    assert code == 0 and "没有等待人工处理的结算单" in said


async def test_what_needs_a_person_is_listed_with_reason_amounts_and_acts(world: World) -> None:
    claim_id = await in_review(world)
    code, said = await asked(world, "attention", "--region", "33")
    assert code == 1
    for word in (claim_id, "待人工核对", "嘉善参保", "待对账确认", f"take-back {claim_id}", "1 笔"):
        assert word in said
    assert "测试" not in said and "003321198503120117" not in said
    code, said = await asked(world, "attention", "--region", "31")
    assert code == 0
    code, said = await asked(world, "show", claim_id)
    assert code == 0
    for word in ("医疗费总额", "2207A", "已答复", "报文编号", "账户与现金之和(I3)", "(I1)"):
        assert word in said
    code, said = await asked(world, "show", "clm_nobody")
    assert code == 1 and "不在待办清单中" in said


async def test_an_operator_takes_back_once_with_a_reason_and_the_gateway_sends_it(
    world: World,
) -> None:
    claim_id = await in_review(world)
    code, said = await asked(world, "take-back", claim_id, "--reason", REASON, "--as", "auditor")
    assert code == 1 and "NOT_AN_OPERATOR" in said
    code, said = await asked(world, "take-back", claim_id, "--reason", " ")
    assert code == 1 and "理由" in said
    code, said = await asked(world, "take-back", claim_id, "--reason", REASON)
    assert code == 0 and "已记录" in said
    async with asyncio.timeout(20):
        while (now := await shown(world, claim_id))["reason"] != "REVERSAL_ANSWERED":
            await asyncio.sleep(0.1)
    assert not now["needs_person"]
    assert now["messages"][-1]["outcome"] in ("answered", "refused")
    code, said = await asked(world, "take-back", claim_id, "--reason", REASON)
    assert code == 1 and "NOTHING_TO_DECIDE" in said
    code, said = await asked(world, "attention")
    assert code == 0
    code, said = await asked(world, "attention", "--all", "--json")
    (row,) = json.loads(said)["claims"]
    assert (code, row["claim_id"], row["state"]) == (0, claim_id, "CLAIM_STATE_REVERSAL_SENT")


async def test_an_identity_number_is_no_reason(world: World) -> None:
    claim_id = await in_review(world)
    reason = "患者003321198503120117已离院"
    code, said = await asked(world, "take-back", claim_id, "--reason", reason)
    assert code == 1 and "PERSONAL_DATA" in said


async def test_an_answer_that_still_does_not_add_up_is_not_settled_by_reading_it_again(
    world: World,
) -> None:
    claim_id = await in_review(world)
    code, said = await asked(world, "read-again", claim_id, "--reason", REASON)
    assert code == 1 and "STILL_BROKEN" in said
    assert (await shown(world, claim_id))["state"] == "CLAIM_STATE_REVIEW"
