"""THE one table from an error of ours to what a caller of gRPC gets.

A family decides the status; the error's own `code` becomes ErrorInfo.reason in the domain "yrd".
Every answer also carries a zh-CN LocalizedMessage for the counter, field violations as BadRequest,
and RetryInfo where waiting helps. What broke inside us is told as a correlation id, nothing else.
Model: google.rpc error details (AIP-193). Subclasses are found by their family.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from gateway import telemetry
from gateway.domain import errors
from gateway.domain.errors import DomainError, Violation
from gateway.rpc.convert.paths import caller_path

ERROR_DOMAIN = "yrd"
MESSAGE_MAX = 300
"""Most characters of the developers' message; it travels as a header."""
VIOLATIONS_BYTES_MAX = 3_000
"""Most bytes of field violations: the details travel as a trailer, and clients refuse more than
8 KiB of headers. How many there were in all is in ErrorInfo.metadata["violations"]."""

Code = grpc.StatusCode


class MessageTooLarge(DomainError):
    """The request is larger than one bill can be: the caller splits or corrects it."""

    reason = "MESSAGE_TOO_LARGE"
    text_zh = "请求报文过大;单次请求不得超过1MiB,请检查费用明细是否重复。"


class Relayed(Exception):
    """Another process of ours has told the caller's error: it is passed on as it came."""

    def __init__(
        self,
        code: grpc.StatusCode,
        details: str,
        trailers: tuple[tuple[str, str | bytes], ...],
        reason: str,
    ) -> None:
        super().__init__(code.name)
        self.code, self.details, self.trailers = code, details, trailers
        self.reason = reason
        """ErrorInfo.reason, for our own log; "" where there is none."""


STATUS: MappingProxyType[type[DomainError], grpc.StatusCode] = MappingProxyType(
    {
        errors.Malformed: Code.INVALID_ARGUMENT,
        errors.Refused: Code.FAILED_PRECONDITION,
        errors.NotFound: Code.NOT_FOUND,
        errors.Conflict: Code.ABORTED,
        errors.RequestIdReused: Code.ALREADY_EXISTS,
        errors.Forbidden: Code.PERMISSION_DENIED,
        errors.Unauthenticated: Code.UNAUTHENTICATED,
        errors.Overloaded: Code.RESOURCE_EXHAUSTED,
        errors.DeadlinePassed: Code.DEADLINE_EXCEEDED,
        errors.RegionUnavailable: Code.UNAVAILABLE,
        errors.StorageUnavailable: Code.UNAVAILABLE,
        errors.InvariantViolated: Code.INTERNAL,
        MessageTooLarge: Code.RESOURCE_EXHAUSTED,
    }
)


def family_of(kind: type[DomainError]) -> type[DomainError] | None:
    """The nearest ancestor (or itself) that the table names; None where there is none."""
    return next((c for c in kind.__mro__ if c in STATUS), None)


def status_code(error: DomainError) -> grpc.StatusCode:
    """The status of an error; INTERNAL where the table does not know its family."""
    family = family_of(type(error))
    return STATUS[family] if family else Code.INTERNAL


def is_internal(error: BaseException) -> bool:
    """Whether the detail has to stay in our own log."""
    return not isinstance(error, DomainError) or status_code(error) is Code.INTERNAL


def to_status(error: BaseException, *, request_id: str) -> status_pb2.Status:
    """The whole google.rpc.Status of any exception. `request_id` is the correlation id.

    Every text is redacted: what a colleague put into a message does not leave with a person in it.
    """
    if not isinstance(error, DomainError) or is_internal(error):
        return _withheld(request_id)
    code = status_code(error)
    status = status_pb2.Status(code=code.value[0], message=_developer_message(error))
    info = details.ErrorInfo(reason=error.code, domain=ERROR_DOMAIN)
    for key, value in error.metadata.items():
        info.metadata[key] = telemetry.redact(str(value))
    info.metadata["request_id"] = request_id
    if error.violations:
        info.metadata["violations"] = str(len(error.violations))
    status.details.add().Pack(info)
    if error.violations:
        status.details.add().Pack(_bad_request(error.violations))
    retry_after_ms = getattr(error, "retry_after_ms", 0)
    if retry_after_ms:
        seconds, milliseconds = divmod(int(retry_after_ms), 1000)
        delay = Duration(seconds=seconds, nanos=milliseconds * 1_000_000)
        status.details.add().Pack(details.RetryInfo(retry_delay=delay))
    text = telemetry.redact(error.zh)
    status.details.add().Pack(details.LocalizedMessage(locale="zh-CN", message=text))
    return status


def _developer_message(error: DomainError) -> str:
    text = str(error)
    if text == error.zh:
        # Headers are percent-encoded, nine bytes a Chinese character; that text goes once, as such.
        text = error.code
    return telemetry.redact(f"{error.code}: {text}" if text != error.code else text)[:MESSAGE_MAX]


def _withheld(request_id: str) -> status_pb2.Status:
    status = status_pb2.Status(
        code=Code.INTERNAL.value[0], message=f"internal error, correlation id {request_id}"
    )
    info = details.ErrorInfo(reason="INTERNAL", domain=ERROR_DOMAIN)
    info.metadata["request_id"] = request_id
    status.details.add().Pack(info)
    text = f"{DomainError.text_zh}(编号 {request_id})"
    status.details.add().Pack(details.LocalizedMessage(locale="zh-CN", message=text))
    return status


def _bad_request(violations: tuple[Violation, ...]) -> details.BadRequest:
    bad = details.BadRequest()
    for violation in violations:
        bad.field_violations.add(
            field=caller_path(violation.field),
            reason=violation.reason,
            description=telemetry.redact(violation.text_zh),
        )
        if bad.ByteSize() > VIOLATIONS_BYTES_MAX and len(bad.field_violations) > 1:
            del bad.field_violations[-1]
            break
    return bad


async def abort(
    context: grpc.aio.ServicerContext[object, object], error: BaseException, *, request_id: str
) -> NoReturn:
    """End the call with the error's status and details."""
    status = to_status(error, request_id=request_id)
    code = next(c for c in Code if c.value[0] == status.code)
    trailers = (
        ("grpc-status-details-bin", status.SerializeToString()),
        ("x-request-id", request_id),
    )
    await context.abort(code, status.message, trailing_metadata=trailers)
