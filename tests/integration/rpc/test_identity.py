"""Who may speak: certificates over a real mTLS connection."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from gateway.clock import SystemClock
from gateway.domain.person import IdMode
from gateway.rpc import server as rpc_server
from tests.integration.rpc.authority import Authority
from tests.integration.rpc.fakes import MemoryLogger
from tests.integration.rpc.house import QINGPU_URN, House, audit, claims, failure, running
from tests.unit.rpc import samples
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2 as pb

GET = pb.GetClaimRequest(claim_id="clm_01")
CHECKPOINT = audit_pb2.GetCheckpointRequest()


async def test_the_certificate_says_which_institution_speaks(
    house: House, qingpu: grpc.aio.Channel
) -> None:
    await claims(qingpu).SettleClaim(samples.settle_request(), timeout=5)
    assert house.journeys.settled[0].institution is samples.QINGPU


async def test_metadata_cannot_say_otherwise(house: House, qingpu: grpc.aio.Channel) -> None:
    claimed = (("x-yrd-institution", samples.WUJIANG.code),)
    await claims(qingpu).SettleClaim(samples.settle_request(), timeout=5, metadata=claimed)
    assert house.journeys.settled[0].institution is samples.QINGPU


async def test_a_certificate_without_our_name_is_nobody(house: House) -> None:
    # A DNS name that reads like ours is not a URI.
    pair = house.ca.client(dns="urn.yrd.institution.H00310000001")
    async with house.channel(pair) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert (told.code, told.reason) == (grpc.StatusCode.UNAUTHENTICATED, "NO_IDENTITY")


async def test_a_certificate_of_two_institutions_is_nobody(house: House) -> None:
    pair = house.ca.client(QINGPU_URN, "urn:yrd:institution:H00320000001")
    async with house.channel(pair) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert (told.code, told.reason) == (grpc.StatusCode.UNAUTHENTICATED, "AMBIGUOUS_IDENTITY")


@pytest.mark.parametrize(
    ("code", "reason"),
    [("H00310000999", "INSTITUTION_UNKNOWN"), (samples.ENDED.code, "INSTITUTION_NOT_VALID")],
)
async def test_an_institution_that_is_not_registered_today_is_refused(
    house: House, code: str, reason: str
) -> None:
    async with house.channel(house.ca.client(f"urn:yrd:institution:{code}")) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, reason)
    assert told.zh


async def test_an_expired_certificate_gets_no_connection(house: House) -> None:
    async with house.channel(house.ca.client(QINGPU_URN, expired=True)) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert told.code is grpc.StatusCode.UNAVAILABLE
    assert house.logger.calls() == []


async def test_a_certificate_of_a_foreign_authority_gets_no_connection(
    house: House, tmp_path: Path
) -> None:
    pair = Authority(tmp_path / "foreign", "foreign ca").client(QINGPU_URN)
    async with house.channel(pair) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert told.code is grpc.StatusCode.UNAVAILABLE
    assert house.logger.calls() == []


async def test_no_certificate_gets_no_connection(house: House) -> None:
    credentials = grpc.ssl_channel_credentials(house.ca.root.read_bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{house.port}", credentials) as channel:
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert told.code is grpc.StatusCode.UNAVAILABLE


async def test_an_auditor_sees_the_log_and_no_claims(house: House) -> None:
    async with house.channel(house.ca.client("urn:yrd:role:auditor")) as channel:
        assert (await audit(channel).GetCheckpoint(CHECKPOINT, timeout=5)).tree_size == 5
        told = await failure(claims(channel).GetClaim(GET, timeout=5))
        assert (told.code, told.reason) == (
            grpc.StatusCode.PERMISSION_DENIED, "NOT_AN_INSTITUTION",
        )  # fmt: skip
        receipt = audit_pb2.GetReceiptRequest(claim_id="clm_01")
        told = await failure(audit(channel).GetReceipt(receipt, timeout=5))
        assert told.code is grpc.StatusCode.PERMISSION_DENIED


async def test_another_role_is_nobody(house: House) -> None:
    async with house.channel(house.ca.client("urn:yrd:role:visitor")) as channel:
        told = await failure(audit(channel).GetCheckpoint(CHECKPOINT, timeout=5))
    assert told.code is grpc.StatusCode.UNAUTHENTICATED


async def test_plaintext_takes_the_institution_from_metadata(tmp_path: Path) -> None:
    async with running(tmp_path, plaintext=True) as house:
        target = f"127.0.0.1:{house.port}"
        async with grpc.aio.insecure_channel(target) as channel:
            named = (("x-yrd-institution", samples.QINGPU.code),)
            await claims(channel).GetClaim(GET, timeout=5, metadata=named)
            told = await failure(claims(channel).GetClaim(GET, timeout=5))
    assert told.code is grpc.StatusCode.UNAUTHENTICATED


async def test_no_tls_needs_an_explicit_word() -> None:
    with pytest.raises(ValueError, match="plaintext"):
        rpc_server.RpcServer(
            listen="127.0.0.1:0", tls=None, institutions={}, id_mode=IdMode.DEMO,
            clock=SystemClock(), make_request_id=lambda: "req_00000001", logger=MemoryLogger(),
        )  # fmt: skip
