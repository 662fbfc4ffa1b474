"""One process answers by way of another: what travels, what does not, and what a death leaves open.

The other tests of this folder run by way of a forwarding process too (conftest.py): answers,
refusals, deadlines and health are the same there. Here is what only forwarding has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.domain.errors import (
    Conflict,
    InvariantViolated,
    Malformed,
    Overloaded,
    RegionUnavailable,
    StorageUnavailable,
    Violation,
)
from gateway.ports import Signing
from gateway.rpc.convert.claims import encode_claim
from gateway.rpc.forward import WAITING_MAX
from gateway.rpc.forward_link import OwnerLink
from gateway.rpc.forward_socket import SocketFolder, UnsafeSocket
from gateway.rpc.health import SIGNING
from gateway.rpc.identity import FORWARDED_METADATA, Context
from gateway.rpc.services import METHODS
from tests.integration.rpc.authority import Authority
from tests.integration.rpc.fakes import MemoryLogger
from tests.integration.rpc.house import (
    QINGPU_URN,
    SOCKET,
    WAIT_S,
    House,
    audit,
    claims,
    failure,
    make_server,
    running,
    running_behind,
)
from tests.unit.rpc import samples
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2 as pb

Code = grpc.StatusCode
SETTLE = "/yrd.claim.v1.ClaimService/SettleClaim"
REQUEST_ID = (("x-request-id", "the-same-for-both"),)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """The owner, and the same house by way of another process."""
    async with running(tmp_path / "ca") as owner, running_behind(owner, tmp_path) as behind:
        yield owner, behind


async def wire(house: House, error: Exception) -> tuple[Any, ...]:
    """Everything that a caller gets of an error."""
    house.journeys.fail = error
    async with house.channel(house.ca.client(QINGPU_URN)) as channel:
        call = claims(channel).SettleClaim(samples.settle_request(), timeout=5, metadata=REQUEST_ID)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    told = caught.value
    return told.code(), told.details(), sorted(told.trailing_metadata() or ())


VIOLATION = Violation("bill.lines[3].unit_price", "TOO_MANY_DECIMALS", "小数位数过多")


@pytest.mark.parametrize(
    "error",
    [
        Malformed("wrong", violations=(VIOLATION,)),
        RegionUnavailable("no route"),
        StorageUnavailable("the disk is full"),
        Conflict(metadata={"claim_id": "clm_01"}),
        Overloaded(),
        InvariantViolated("nobody outside hears this"),
        RuntimeError("nor this"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_comes_back_the_same_byte_for_byte(
    both: tuple[House, House], error: Exception
) -> None:
    own, forwarded = [await wire(house, error) for house in both]
    assert forwarded == own
    assert {"grpc-status-details-bin", "x-request-id"} == {key for key, _ in own[2]}


async def test_an_answer_and_its_trailing_metadata_come_back_the_same(
    both: tuple[House, House],
) -> None:
    seen = []
    for house in both:
        async with house.channel(house.ca.client(QINGPU_URN)) as channel:
            raw: Any = channel.unary_unary(SETTLE)
            call = raw(samples.settle_request().SerializeToString(), timeout=5, metadata=REQUEST_ID)
            seen.append((await call, tuple(await call.trailing_metadata())))
    assert seen[0] == seen[1]
    assert encode_claim(samples.claim()) in seen[0][0]
    assert seen[0][1] == REQUEST_ID


async def test_a_caller_that_leaves_is_told_on_to_the_owner(both: tuple[House, House]) -> None:
    owner, behind = both
    owner.journeys.hold = asyncio.Event()
    async with behind.channel(behind.ca.client(QINGPU_URN)) as channel:
        call = claims(channel).SettleClaim(samples.settle_request(), timeout=WAIT_S)
        await asyncio.wait_for(owner.journeys.entered.wait(), WAIT_S)
        call.cancel()
        async with asyncio.timeout(WAIT_S):
            while not owner.logger.calls():
                await asyncio.sleep(0.01)
    assert owner.logger.calls()[0]["status"] == "CANCELLED"
    owner.journeys.hold.set()


async def test_a_caller_cannot_name_itself_in_metadata_at_the_owner_nor_behind_it(
    both: tuple[House, House],
) -> None:
    wujiang = f"urn:yrd:institution:{samples.WUJIANG.code}".encode()
    for house in both:
        for claimed in (wujiang, QINGPU_URN.encode(), b"urn:yrd:role:auditor", b""):
            async with house.channel(house.ca.client(QINGPU_URN)) as channel:
                told = await failure(
                    claims(channel).SettleClaim(
                        samples.settle_request(),
                        timeout=5,
                        metadata=((FORWARDED_METADATA, claimed),),
                    )
                )
            assert (told.code, told.reason) == (Code.UNAUTHENTICATED, "IDENTITY_IN_METADATA")
            assert told.zh
    assert both[0].journeys.settled == []


async def test_a_certificate_without_our_name_gains_nothing_by_metadata(
    both: tuple[House, House],
) -> None:
    for house in both:
        async with house.channel(house.ca.client(dns="nobody.example")) as channel:
            forged = ((FORWARDED_METADATA, QINGPU_URN.encode()),)
            call = claims(channel).SettleClaim(samples.settle_request(), timeout=5, metadata=forged)
            assert (await failure(call)).code is Code.UNAUTHENTICATED
    assert both[0].journeys.settled == []


async def test_who_is_refused_or_sends_too_much_never_reaches_the_owner(
    both: tuple[House, House],
) -> None:
    owner, behind = both
    too_much = samples.settle_request()
    too_much.visit.doctor_name = "x" * 1_100_000
    async with behind.channel(behind.ca.client("urn:yrd:institution:H00310000999")) as channel:
        told = await failure(claims(channel).SettleClaim(samples.settle_request(), timeout=5))
        assert told.reason == "INSTITUTION_UNKNOWN"
    async with behind.channel(behind.ca.client(QINGPU_URN)) as channel:
        told = await failure(claims(channel).SettleClaim(too_much, timeout=5))
        assert told.reason == "MESSAGE_TOO_LARGE"
    assert owner.logger.calls() == []


async def test_the_private_socket_wants_to_know_who_calls(both: tuple[House, House]) -> None:
    folder = SocketFolder(both[1].ca.root.parents[1] / "yrd.db")
    async with grpc.aio.insecure_channel(folder.target(SOCKET)) as channel:
        told = await failure(audit(channel).GetCheckpoint(audit_pb2.GetCheckpointRequest()))
    folder.close()
    assert (told.code, told.reason) == (Code.UNAUTHENTICATED, "NO_IDENTITY")


async def test_an_auditor_is_one_behind_the_owner_too(both: tuple[House, House]) -> None:
    async with both[1].channel(both[1].ca.client("urn:yrd:role:auditor")) as channel:
        answer = await audit(channel).GetCheckpoint(audit_pb2.GetCheckpointRequest(), timeout=5)
    assert answer.tree_size == 5


async def test_health_is_well_only_while_the_owner_answers(both: tuple[House, House]) -> None:
    owner, behind = both
    seen = []
    async with behind.channel(behind.ca.client(QINGPU_URN)) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=WAIT_S
        )
        async for update in watching:
            seen.append(update.status)
            if len(seen) == 2:
                break
            await owner.server.stop(0)
        watching.cancel()
    status = health_pb2.HealthCheckResponse
    assert seen == [status.SERVING, status.NOT_SERVING]


async def test_whether_the_log_is_signed_is_asked_of_the_owner(both: tuple[House, House]) -> None:
    owner, behind = both
    status = health_pb2.HealthCheckResponse
    request = health_pb2.HealthCheckRequest(service=SIGNING)
    async with behind.channel(behind.ca.client(QINGPU_URN)) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=WAIT_S)
        seen = []
        async for update in watching:
            seen.append(update.status)
            if len(seen) == 2:
                break
            owner.log.state = Signing("LOG_KEY_OUT_OF_DATE")
        watching.cancel()
    assert seen == [status.SERVING, status.NOT_SERVING]


class MortalOwner:
    """Owners that hear a call and end before they answer, each on a socket of its own."""

    def __init__(
        self, folder: SocketFolder, lives: int, last_words: grpc.StatusCode | None
    ) -> None:
        """The last of them says `last_words` instead, if it has any, and lives on."""
        self._folder, self._lives, self._last_words = folder, lives, last_words
        self.heard = 0
        self.name = ""
        self._server: grpc.aio.Server | None = None

    async def rise(self) -> None:
        """The next one, if there is to be one; it is announced once it listens."""
        if self._lives == 0:
            self.name = ""
            return
        self._lives -= 1
        server = grpc.aio.server()
        handler: Any = grpc.unary_unary_rpc_method_handler(self._hear)
        service, _, method = SETTLE[1:].partition("/")
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        servicer = health.aio.HealthServicer()
        for asked in ("", SIGNING):
            await servicer.set(asked, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        name = f"owner-life{self._lives}.sock"
        server.add_insecure_port(self._folder.target(name))
        self._folder.make_private(name)
        await server.start()
        self._server, self.name = server, name

    async def end(self) -> None:
        """Now."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)

    async def _hear(self, request: bytes, context: Context) -> bytes:
        self.heard += 1
        if self._lives == 0 and self._last_words is not None:
            await context.abort(self._last_words, "said", REQUEST_ID)
        dying = asyncio.ensure_future(self._die())
        await asyncio.Event().wait()
        await dying
        return b""

    async def _die(self) -> None:
        await self.end()
        await self.rise()


@asynccontextmanager
async def behind_mortals(
    folder: Path, lives: int, last_words: grpc.StatusCode | None = None
) -> AsyncIterator[tuple[MortalOwner, grpc.aio.Channel]]:
    """A forwarding process whose owners die at every call, and a hospital's channel to it."""
    authority = Authority(folder / "ca")
    sockets = SocketFolder(folder / "yrd.db")
    mortal = MortalOwner(sockets, lives, last_words)
    await mortal.rise()
    link = OwnerLink(folder=sockets, socket=lambda: mortal.name, logger=MemoryLogger())
    server = make_server(authority, MemoryLogger())
    server.forward(link)

    async def watch() -> None:
        while True:
            await link.look()
            await asyncio.sleep(0.02)

    watching = asyncio.ensure_future(watch())
    pair = authority.client(QINGPU_URN)
    credentials = grpc.ssl_channel_credentials(
        authority.root.read_bytes(), pair.key.read_bytes(), pair.certificate.read_bytes()
    )
    address = f"127.0.0.1:{await server.start()}"
    try:
        async with grpc.aio.secure_channel(address, credentials) as channel:
            yield mortal, channel
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        await server.stop(0)
        await mortal.end()
        await link.close()
        sockets.close()


def retry_s(error: grpc.aio.AioRpcError) -> float:
    """What RetryInfo says, seconds."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                delay = details.RetryInfo()
                if packed.Unpack(delay):
                    return float(delay.retry_delay.ToTimedelta().total_seconds())
    raise LookupError("no RetryInfo")


async def test_a_call_whose_owner_died_is_sent_once_more_and_never_a_third_time(
    tmp_path: Path,
) -> None:
    async with behind_mortals(tmp_path, lives=5) as (mortal, channel):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await claims(channel).SettleClaim(samples.settle_request(), timeout=WAIT_S)
        assert mortal.heard == 2
        told = await failure(claims(channel).SettleClaim(samples.settle_request(), timeout=WAIT_S))
    assert caught.value.code() is Code.UNAVAILABLE and retry_s(caught.value) > 0
    assert told.reason == "OWNER_LOST" and "请求号" in told.zh


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE),
        (Code.UNAVAILABLE, Code.UNAVAILABLE),
        (Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE),
        (Code.INTERNAL, Code.UNAVAILABLE),
        (Code.ALREADY_EXISTS, Code.ALREADY_EXISTS),
        (Code.FAILED_PRECONDITION, Code.FAILED_PRECONDITION),
    ],
)
async def test_an_owner_that_did_not_look_for_the_first_try_leaves_its_outcome_open(
    tmp_path: Path, words: grpc.StatusCode, heard: grpc.StatusCode
) -> None:
    async with behind_mortals(tmp_path, lives=2, last_words=words) as (mortal, channel):
        told = await failure(claims(channel).SettleClaim(samples.settle_request(), timeout=WAIT_S))
    assert mortal.heard == 2
    assert (told.code, told.reason) == (heard, "OWNER_LOST" if heard is Code.UNAVAILABLE else "")


async def test_a_call_that_finds_no_new_owner_hears_so_before_its_time_is_over(
    tmp_path: Path,
) -> None:
    async with behind_mortals(tmp_path, lives=1) as (mortal, channel):
        told = await failure(claims(channel).SettleClaim(samples.settle_request(), timeout=1))
        assert (told.code, told.reason, mortal.heard) == (Code.UNAVAILABLE, "OWNER_LOST", 1)
        told = await failure(claims(channel).SettleClaim(samples.settle_request(), timeout=1))
        assert (told.code, told.reason, mortal.heard) == (Code.UNAVAILABLE, "OWNER_ABSENT", 1)


async def test_more_calls_than_may_wait_for_an_owner_are_told_to_come_back(
    tmp_path: Path,
) -> None:
    async with behind_mortals(tmp_path, lives=0) as (_, channel):
        request = pb.GetClaimRequest(claim_id="clm_01")
        await failure(claims(channel).GetClaim(request, timeout=1))
        calls = [
            failure(claims(channel).GetClaim(request, timeout=4)) for _ in range(WAITING_MAX + 40)
        ]
        told = await asyncio.gather(*calls)
    assert {"OWNER_ABSENT", "OVERLOADED"} <= {one.reason for one in told}
    assert sum(one.reason == "OVERLOADED" for one in told) == 40


def test_the_socket_of_another_mode_or_kind_is_not_connected_to(tmp_path: Path) -> None:
    folder = SocketFolder(tmp_path / "yrd.db")
    (folder.path / "owner-file.sock").write_text("")
    (folder.path / "owner-link.sock").symlink_to(tmp_path)
    for name in ("owner-file.sock", "owner-link.sock"):
        with pytest.raises(UnsafeSocket, match="0600"):
            folder.check(name)
    with pytest.raises(FileNotFoundError):
        folder.check("owner-gone.sock")
    folder.close()


async def test_socket_and_folder_are_for_our_user_alone(both: tuple[House, House]) -> None:
    folder = both[0].ca.root.parents[1] / "forward"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / SOCKET).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "forward").mkdir(mode=0o755)
    with pytest.raises(UnsafeSocket, match="0700"):
        SocketFolder(tmp_path / "yrd.db")


async def test_a_data_directory_with_a_long_path_forwards_as_well(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    async with (
        running(tmp_path / "ca") as owner,
        running_behind(owner, deep) as behind,
        behind.channel(behind.ca.client(QINGPU_URN)) as channel,
    ):
        await claims(channel).SettleClaim(samples.settle_request(), timeout=5)
    assert len(owner.journeys.settled) == 1


def test_all_our_methods_take_one_message_and_answer_one() -> None:
    services = [
        file.services_by_name[name]
        for file, name in ((pb.DESCRIPTOR, "ClaimService"), (audit_pb2.DESCRIPTOR, "AuditService"))
    ]
    streaming = [
        m.full_name for s in services for m in s.methods if m.client_streaming or m.server_streaming
    ]
    assert streaming == []
    assert len(METHODS) == sum(len(s.methods) for s in services)
