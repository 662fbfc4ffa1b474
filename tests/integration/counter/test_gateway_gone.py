"""网关中断: a gateway that goes away in the middle of many files keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from gateway.clock import SystemClock
from gateway.commands.connection import Reached
from gateway.commands.settle_files import FileResult, Settler
from gateway.demo.dev_ca import DevCa, institution_uri
from tests.integration.demo.running import EXAMPLES
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

BILL = EXAMPLES / "01-jiashan-outpatient-in-qingpu.json"
CODE = "H00310000001"
RECONNECT_S = 0.5
FILES = 12


@dataclass
class Gateway:
    """Settles so many files and is gone with the next; one claim for each request."""

    settles: int
    server: grpc.Server | None = None
    asked: list[str] = field(default_factory=list)

    def settle(
        self, request: claim_pb2.SettleClaimRequest, context: grpc.ServicerContext
    ) -> claim_pb2.SettleClaimResponse:
        self.asked.append(request.request_id)
        if len(self.asked) > self.settles and self.server is not None:
            self.server.stop(grace=None)
        claim = claim_pb2.Claim(claim_id="clm_1", state=claim_pb2.CLAIM_STATE_SETTLED)
        return claim_pb2.SettleClaimResponse(claim=claim)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        settle = grpc.unary_unary_rpc_method_handler(
            self.settle,
            claim_pb2.SettleClaimRequest.FromString,
            claim_pb2.SettleClaimResponse.SerializeToString,
        )
        receipt = grpc.unary_unary_rpc_method_handler(
            lambda request, context: audit_pb2.GetReceiptResponse(receipt=b"{}"),
            audit_pb2.GetReceiptRequest.FromString,
            audit_pb2.GetReceiptResponse.SerializeToString,
        )
        return [
            grpc.method_handlers_generic_handler(
                "yrd.claim.v1.ClaimService", {"SettleClaim": settle}
            ),
            grpc.method_handlers_generic_handler(
                "yrd.audit.v1.AuditService", {"GetReceipt": receipt}
            ),
        ]


@contextmanager
def serving(gateway: Gateway, ca: DevCa, port: int = 0) -> Iterator[int]:
    pair = ca.server()
    credentials = grpc.ssl_server_credentials(
        [(pair.key, pair.certificate)], ca.certificate, require_client_auth=True
    )
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(gateway.handlers())
    bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    gateway.server = server
    server.start()
    try:
        yield bound
    finally:
        server.stop(grace=None).wait()


@pytest.fixture
def ca(tmp_path: Path) -> DevCa:
    made = DevCa(SystemClock().now(), days=1)
    (tmp_path / "ca.pem").write_bytes(made.certificate)
    made.client(CODE, institution_uri(CODE)).write(tmp_path, CODE)
    return made


def settle_all(place: Path, port: int) -> list[FileResult]:
    """The same file many times, one after another."""
    settler = Settler(reconnect_s=RECONNECT_S)
    results = [settler.read(BILL) for _ in range(FILES)]
    reached = Reached(f"127.0.0.1:{port}", place, "", place / "receipts")
    with settler.connect(reached):
        for result in results:
            settler.settle(result)
    return results


def reasons(results: list[FileResult]) -> list[str]:
    return [r.failure.reason if r.failure else "" for r in results]


def test_the_first_lost_connection_ends_it_for_every_file_that_waits(
    tmp_path: Path, ca: DevCa
) -> None:
    gateway = Gateway(settles=3)
    with serving(gateway, ca) as port:
        results = settle_all(tmp_path, port)
    assert reasons(results) == ["", "", "", "GATEWAY_LOST", *["GATEWAY_UNREACHABLE"] * (FILES - 4)]
    lost, held = results[3].failure, results[4].failure
    assert lost is not None and lost.undecided, "it may have been settled"
    assert held is not None and not held.undecided
    assert "未提交" in held.text_zh and "重新运行同一命令" in held.text_zh
    assert len(gateway.asked) == 4, "nothing was sent to a gateway that was gone"


def test_the_same_command_goes_on_once_the_gateway_is_back(tmp_path: Path, ca: DevCa) -> None:
    with serving(Gateway(settles=3), ca) as port:
        settle_all(tmp_path, port)
    again = Gateway(settles=FILES)
    with serving(again, ca, port):
        assert all(result.settled for result in settle_all(tmp_path, port))
    assert len(set(again.asked)) == 1, "one file asks under one request_id, however often"


def test_where_nothing_listens_nobody_waits_for_it(tmp_path: Path, ca: DevCa) -> None:
    with serving(Gateway(settles=0), ca) as port:
        pass
    results = settle_all(tmp_path, port)
    assert set(reasons(results)) == {"GATEWAY_UNREACHABLE"}


def test_a_gateway_that_does_not_know_our_authority_is_told_apart_from_one_that_is_gone(
    tmp_path: Path, ca: DevCa
) -> None:
    stranger = DevCa(SystemClock().now(), days=1)
    with serving(Gateway(settles=FILES), stranger) as port:
        result = Settler(reconnect_s=RECONNECT_S).read(BILL)
        settler = Settler(reconnect_s=RECONNECT_S)
        with settler.connect(Reached(f"127.0.0.1:{port}", tmp_path, "", tmp_path)):
            settler.settle(result)
    assert reasons([result]) == ["TLS_NOT_ESTABLISHED"]
    assert not settler.gone
