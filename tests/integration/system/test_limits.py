"""预付金 through the whole house: an agreement that blocks, one that warns, and what is told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from typer.testing import CliRunner

from gateway.agreement_files import load_agreements
from gateway.cli import app
from gateway.ids import SystemIds
from gateway.ports import Books, Opening
from gateway.store.unit_of_work import UnitOfWork
from ledger.commitment import canonical_json
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, now, running
from yrd.claim.v1 import claim_pb2

pytestmark = [pytest.mark.timeout(120), pytest.mark.every_database]
TIMEOUT = 15.0
FUND_FEN = 23_339
"""What the pooled fund of 嘉兴 bears of the first `jiashan_outpatient` of a year."""


def agreements_file(root: Path, enforcement: str, *, floor: str, paid: str = "") -> Path:
    """As an operator would write it; today and for a while."""
    parties = 'insured = "330400"\nvisited = "310000"\nfund = "pooled"\nsource = "SYNTHETIC"\n'
    since = (now() - timedelta(days=2)).date()
    text = (
        f'[[prepayment]]\nid = "syn-1"\n{parties}floor_yuan = "{floor}"\n'
        f'enforcement = "{enforcement}"\nvalid_from = {since}\n'
    )
    if paid:
        text += f'[[payment]]\nid = "syn-pay"\n{parties}amount_yuan = "{paid}"\npaid_on = {since}\n'
    path = root / f"agreements-{enforcement}-{paid or 'none'}.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def settle(world: World, request: claim_pb2.SettleClaimRequest) -> claim_pb2.Claim:
    reply = await world.claims(QINGPU).SettleClaim(request, timeout=TIMEOUT)
    claim: claim_pb2.Claim = reply.claim
    return claim


async def listed(world: World) -> int:
    stub = world.claims(QINGPU)
    return len((await stub.ListClaims(claim_pb2.ListClaimsRequest(), timeout=TIMEOUT)).claims)


def settlements(world: World) -> int:
    """In force at the insured region's platform, by its own state."""
    state: Any = world.sandboxes["zhejiang"].state()
    return int(state["effective_settlements"])


def told(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    """ErrorInfo's reason and the text for the counter."""
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    reason, text = "", ""
    for detail in status_pb2.Status.FromString(details).details:
        info, local = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage()
        if detail.Unpack(info):
            reason = info.reason
        if detail.Unpack(local):
            text = local.message
    return reason, text


def lines(world: World, event: str) -> list[dict[str, Any]]:
    written = (world.place.logs / "gateway.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, written) if line["event"] == event]


async def lend(world: World, path: Path) -> None:
    """The payments of this file, posted while the gateway runs."""
    opened = world.gateway._owner._opened
    assert opened is not None
    (payment,) = load_agreements(path).payments

    def post(books: Books) -> None:
        assert isinstance(books, UnitOfWork)
        opening = Opening(books.house_ref(), canonical_json({"v": 1, "id": SystemIds().entry_id()}))
        books.append_entry(
            payment.entry(), leaf_type="entry.posted", window=None, opening=opening, at=now()
        )

    await opened.store.write(post)


def shown(world: World, *options: str) -> tuple[int, str]:
    """Exit code and output of `yrd limits`, on the live database."""
    done = CliRunner().invoke(app, ["limits", "--data", str(world.place.root), *options])
    return done.exit_code, done.output


async def test_an_agreement_that_blocks_refuses_before_anything_is_sent(tmp_path: Path) -> None:
    path = agreements_file(tmp_path, "block", floor="100.00")
    async with running(tmp_path / "data", agreements=path) as world:
        request = jiashan_outpatient("req-limit-0001")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await settle(world, request)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        reason, text = told(caught.value)
        assert reason == "PREPAYMENT_BELOW_FLOOR"
        assert "没有发生结算" in text
        assert "先自费结算" in text
        assert await listed(world) == 0
        assert settlements(world) == 0
        code, text = shown(world)
        assert code == 1
        assert "嘉兴→上海 统筹基金 预付金" in text
        assert "低于下限(暂停新结算)" in text
        assert "未拨付" in text
        # Nothing of it was kept: with money there, the very same request settles.
        await lend(world, agreements_file(tmp_path, "block", floor="100.00", paid="1000.00"))
        claim = await settle(world, request)
        assert claim.state == claim_pb2.CLAIM_STATE_SETTLED
        assert (await listed(world), settlements(world)) == (1, 1)
        assert lines(world, "balance_below_floor") == []


async def test_an_agreement_that_warns_settles_and_the_crossing_is_told_once(
    tmp_path: Path,
) -> None:
    path = agreements_file(tmp_path, "warn", floor="900.00", paid="1000.00")
    async with running(tmp_path / "data", agreements=path) as world:
        for number in range(3):
            request = jiashan_outpatient(f"req-limit-000{number}", batch=f"B00{number}")
            claim = await settle(world, request)
            assert claim.state == claim_pb2.CLAIM_STATE_SETTLED
        (line,) = lines(world, "balance_below_floor")
        assert (line["level"], line["limit_id"]) == ("warning", "syn-1")
        assert (line["available_fen"], line["floor_fen"]) == (100_000 - FUND_FEN, 90_000)
        code, text = shown(world, "--json")
        assert code == 1
        (row,) = json.loads(text)["limits"]
        assert (row["state"], row["balance_fen"]) == ("below_warns", 100_000)
        assert row["available_fen"] < 100_000 - FUND_FEN
        assert row["used_permille"] == (100_000 - row["available_fen"]) // 100


async def test_what_is_not_drawn_upon_is_enough(tmp_path: Path) -> None:
    path = agreements_file(tmp_path, "block", floor="200.00", paid="1000.00")
    async with running(tmp_path / "data", agreements=path) as world:
        await settle(world, jiashan_outpatient("req-limit-0009"))
        code, text = shown(world)
        assert code == 0
        assert "充足" in text
        assert "23.3%" in text
        assert "766.61" in text
