"""失败: an error status as the caller of a gRPC method got it, unpacked from its rich details.

ErrorInfo.reason, the zh-CN LocalizedMessage, field violations and RetryInfo (AIP-193). An error
from SettleClaim means that nothing was sent to any region, except where `undecided` is True.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

STATUS_DETAILS = "grpc-status-details-bin"

UNDECIDED = frozenset({
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
})  # fmt: skip
"""Codes that gRPC itself makes when a connection or the time runs out."""
OWNER_LOST = "OWNER_LOST"
"""The gateway lost sight of the call itself: the process that worked on it died."""


@dataclass(frozen=True, slots=True)
class FieldFailure:
    """One violation of one field of the request."""

    field: str
    reason: str
    text_zh: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one call."""

    status: str
    """e.g. INVALID_ARGUMENT."""
    reason: str
    """ErrorInfo.reason, e.g. UNKNOWN_ITEM; the status where there was none."""
    text_zh: str
    violations: tuple[FieldFailure, ...] = ()
    retry_after_ms: int = 0
    correlation_id: str = ""
    undecided: bool = False
    """True when the answer was lost on the way: the gateway may have done what was asked."""


def read_failure(error: grpc.RpcError) -> Failure:
    """Unpack one error. Works without details too (a cut connection has none)."""
    code = error.code()
    found = _status(error)
    info = details.ErrorInfo()
    localized = details.LocalizedMessage()
    bad = details.BadRequest()
    retry = details.RetryInfo()
    for packed in found.details:
        for message in (info, localized, bad, retry):
            if packed.Is(message.DESCRIPTOR):
                packed.Unpack(message)
    fields = tuple(FieldFailure(v.field, v.reason, _text(v)) for v in bad.field_violations)
    delay = retry.retry_delay
    return Failure(
        status=code.name,
        reason=info.reason or code.name,
        text_zh=localized.message or _without_details(code, error.details() or ""),
        violations=fields,
        retry_after_ms=delay.seconds * 1000 + delay.nanos // 1_000_000,
        correlation_id=info.metadata.get("request_id", ""),
        undecided=code in UNDECIDED and info.reason in ("", OWNER_LOST),
    )


def _status(error: grpc.RpcError) -> status_pb2.Status:
    for pair in error.trailing_metadata() or ():
        if pair.key == STATUS_DETAILS and isinstance(pair.value, bytes):
            return status_pb2.Status.FromString(pair.value)
    return status_pb2.Status()


def _text(violation: details.BadRequest.FieldViolation) -> str:
    return str(violation.localized_message.message or violation.description)


def _without_details(code: grpc.StatusCode, detail: str) -> str:
    known = {
        grpc.StatusCode.UNAVAILABLE: "无法连接网关,或连接中断。请确认网关已启动、地址与证书正确。",
        grpc.StatusCode.DEADLINE_EXCEEDED: "网关未在时限内答复。",
        grpc.StatusCode.RESOURCE_EXHAUSTED: "请求过大或系统繁忙。",
        grpc.StatusCode.UNIMPLEMENTED: "网关没有这个方法,请核对方法名。",
    }
    return known.get(code, detail or code.name)
