"""失败: an error status is shown with its reason, its fields and its Chinese text."""

from __future__ import annotations

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from gateway.counter.failure import STATUS_DETAILS, read_failure
from gateway.rpc.forward import OwnerAbsent, OwnerLost


class Pair:
    """One trailing metadatum, as grpc hands it out."""

    def __init__(self, key: str, value: str | bytes) -> None:
        self.key, self.value = key, value


class Broken(grpc.RpcError):
    """An error as a stub raises it."""

    def __init__(self, code: grpc.StatusCode, status: status_pb2.Status | None) -> None:
        super().__init__()
        self._code, self._status = code, status

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "for developers"

    def trailing_metadata(self) -> tuple[Pair, ...]:  # type: ignore[override]  # grpc's own class is abstract
        if self._status is None:
            return ()
        return (Pair(STATUS_DETAILS, self._status.SerializeToString()),)


def rich() -> status_pb2.Status:
    status = status_pb2.Status(code=3, message="MALFORMED")
    bad = details.BadRequest()
    bad.field_violations.add(
        field="patient.id_number", reason="CHECK_DIGIT", description="身份号码的校验码不符"
    )
    for message in (
        details.ErrorInfo(reason="MALFORMED", domain="yrd", metadata={"request_id": "req_1"}),
        details.LocalizedMessage(locale="zh-CN", message="请求内容有误"),
        details.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
        bad,
    ):
        status.details.add().Pack(message)
    return status


def test_rich_details_are_unpacked() -> None:
    failure = read_failure(Broken(grpc.StatusCode.INVALID_ARGUMENT, rich()))
    assert (failure.status, failure.reason) == ("INVALID_ARGUMENT", "MALFORMED")
    assert failure.text_zh == "请求内容有误"
    assert failure.retry_after_ms == 1500
    assert failure.correlation_id == "req_1"
    (violation,) = failure.violations
    assert (violation.field, violation.reason) == ("patient.id_number", "CHECK_DIGIT")
    assert not failure.undecided


def test_a_cut_connection_is_undecided_because_the_gateway_may_have_done_it() -> None:
    failure = read_failure(Broken(grpc.StatusCode.UNAVAILABLE, None))
    assert failure.undecided
    assert "网关" in failure.text_zh


def test_an_unavailable_region_is_decided_because_the_gateway_said_so() -> None:
    status = status_pb2.Status(code=14)
    status.details.add().Pack(details.ErrorInfo(reason="REGION_UNAVAILABLE", domain="yrd"))
    assert not read_failure(Broken(grpc.StatusCode.UNAVAILABLE, status)).undecided


def test_a_gateway_that_lost_its_owner_leaves_the_outcome_open() -> None:
    def told(reason: str) -> status_pb2.Status:
        status = status_pb2.Status(code=14, message=reason)
        status.details.add().Pack(details.ErrorInfo(reason=reason, domain="yrd"))
        return status

    lost = read_failure(Broken(grpc.StatusCode.UNAVAILABLE, told(OwnerLost.reason)))
    absent = read_failure(Broken(grpc.StatusCode.UNAVAILABLE, told(OwnerAbsent.reason)))
    assert (lost.undecided, absent.undecided) == (True, False)
