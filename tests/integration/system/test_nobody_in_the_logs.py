"""Personal data (P3–P5) stand nowhere in clear: not in our database, our logs, nor our errors.

The stand-in platforms' own state is theirs and is left out; so is the hospital's side.
"""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tests.integration.system.world import (
    QINGPU,
    World,
    jiashan_outpatient,
    now,
    running,
)
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

pytestmark = pytest.mark.timeout(90)

ID_NUMBER = "003321198503120117"
MISTYPED = "003321198503120118"
REAL_SHAPED = "9" + ID_NUMBER[1:]
PERSON_NO = "33040000000000000000000001"
NAME = "测试丙一"
UNKNOWN_NAME = "欧阳测试某"
VISIT_NO, BATCH_NO = "OP-CANARY-77", "CANARY-77"
CANARIES = (ID_NUMBER, MISTYPED, REAL_SHAPED, PERSON_NO, NAME, UNKNOWN_NAME, VISIT_NO, BATCH_NO)


def canary(request_id: str, batch: str = BATCH_NO) -> claim_pb2.SettleClaimRequest:
    request = jiashan_outpatient(request_id, batch=batch)
    request.visit.visit_no = VISIT_NO
    return request


async def drive(world: World) -> list[str]:
    """Settle, lose, refuse, mistype, reverse; what every error said."""
    stub, said = world.claims(QINGPU), []

    async def call(request: claim_pb2.SettleClaimRequest) -> claim_pb2.Claim | None:
        try:
            claim: claim_pb2.Claim = (await stub.SettleClaim(request, timeout=10)).claim
        except grpc.aio.AioRpcError as error:
            said.append(f"{error.details()} {error.trailing_metadata()!r}")
            return None
        return claim

    settled = await call(canary("canary-0001"))
    assert settled is not None
    for number in (MISTYPED, REAL_SHAPED, "1" * 18):
        wrong = canary("canary-wrong")
        wrong.patient.id_number = wrong.patient.certificate_number = number
        wrong.patient.name = UNKNOWN_NAME
        assert await call(wrong) is None
    misnamed = canary("canary-misnamed", batch="CANARY-78")
    misnamed.patient.name = UNKNOWN_NAME
    await call(misnamed)
    world.sandboxes["zhejiang"].faults.arm("garbage@2207#1")
    await call(canary("canary-0002", batch="CANARY-79"))
    world.sandboxes["zhejiang"].faults.arm(f"refuse={NAME}不可结算@2207#1")
    await call(canary("canary-0003", batch="CANARY-80"))
    late = canary("canary-0004", batch="CANARY-81")
    late.visit.started_at.FromDatetime(now().replace(year=now().year + 1))
    await call(late)
    await stub.ReverseClaim(
        claim_pb2.ReverseClaimRequest(request_id="canary-R", claim_id=settled.claim_id),
        timeout=10,
    )
    await world.audit(QINGPU).GetReceipt(
        audit_pb2.GetReceiptRequest(claim_id=settled.claim_id, wait_for_checkpoint=True),
        timeout=10,
    )
    return said


def ours(root: Path) -> list[Path]:
    """Every file of the gateway's own; the platforms' state is theirs."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and "sandbox" not in path.relative_to(root).parts
    ]


async def test_no_person_is_found_in_our_database_our_logs_or_our_errors(tmp_path: Path) -> None:
    root = tmp_path / "data"
    async with running(root) as world:
        said = await drive(world)
        in_flight = {path: path.read_bytes() for path in ours(root)}
    assert said
    at_rest = {path: path.read_bytes() for path in ours(root)}
    assert any(path.name == "yrd.db" and data for path, data in at_rest.items())
    assert any(path.name == "gateway.jsonl" and data for path, data in at_rest.items())
    for word in CANARIES:
        for files in (in_flight, at_rest):
            found = [path.name for path, data in files.items() if word.encode() in data]
            assert found == [], f"a canary was found in {found}"
    for word in (ID_NUMBER, MISTYPED, REAL_SHAPED, PERSON_NO, NAME, UNKNOWN_NAME):
        assert not any(word in text or repr(word.encode())[2:-1] in text for text in said)


async def test_the_search_would_find_a_person_where_one_stands_in_clear(tmp_path: Path) -> None:
    root = tmp_path / "data"
    async with running(root) as world:
        await drive(world)
        states = list((root / "sandbox").rglob("*"))
    assert any(ID_NUMBER.encode() in path.read_bytes() for path in states if path.is_file())
