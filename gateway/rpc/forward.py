"""转发: calls answered by another process of ours, the one that owns the database.

Here the caller's certificate, registration and limits are checked; then the bytes of the request go
to the owner as they came, with who calls, the request id and the time that is left, and the answer
or the error comes back as it is: status, details, trailing metadata. A caller that leaves is told
on. Whole calls travel and not statements, since a transaction is a closure over our own objects
(docs/adr/0014).

An owner that dies leaves calls of which nothing is known. Each method of ours may be repeated
(money by its request_id, the others change nothing), so such a call is sent once more, to an owner
that has answered since; never a third time. After that the caller hears OWNER_LOST.
"""

from __future__ import annotations

from typing import Any, cast

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from gateway import telemetry
from gateway.domain.errors import Overloaded, StorageUnavailable
from gateway.ports import Clock
from gateway.rpc.deadline import LEAST_S, SHAVE_S, budget_s
from gateway.rpc.errors import Relayed
from gateway.rpc.forward_link import Line, OwnerLink
from gateway.rpc.identity import FORWARDED_METADATA, Callers, Context
from gateway.rpc.services import METHODS, Handler

REPEATABLE = frozenset({
    # Idempotent by request_id: a repeat answers the claim's present state.
    "/yrd.claim.v1.ClaimService/SettleClaim",
    "/yrd.claim.v1.ClaimService/ReverseClaim",
    # Without effect.
    "/yrd.claim.v1.ClaimService/PredetermineClaim",
    "/yrd.claim.v1.ClaimService/GetClaim",
    "/yrd.claim.v1.ClaimService/ListClaims",
    "/yrd.audit.v1.AuditService/GetCheckpoint",
    "/yrd.audit.v1.AuditService/GetInclusionProof",
    "/yrd.audit.v1.AuditService/GetConsistencyProof",
    "/yrd.audit.v1.AuditService/ListEntries",
    "/yrd.audit.v1.AuditService/GetReceipt",
    "/yrd.audit.v1.AuditService/GetStatus",
    "/yrd.audit.v1.AuditService/ListAttention",
})  # fmt: skip
"""A method that is not named here is never sent twice."""
WAIT_MAX_S = 10.0
"""Longest wait for an owner. A new one takes less than a second after a death; after an orderly end
as long as the calls that the last one still finishes."""
WAITING_MAX = 512
"""Calls that wait for an owner at once; more are told to come back."""
REQUEST_ID = "x-request-id"
STATUS_DETAILS = "grpc-status-details-bin"
LOST = frozenset({
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
})  # fmt: skip
"""What gRPC says for an owner that is gone. The owner itself always sends a request id with it."""


UNDECIDED = LOST | {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
"""What an owner may say without having looked whether a call was made before."""


class OwnerAbsent(StorageUnavailable):
    """No process owns the database at present; nothing was sent. → UNAVAILABLE + RetryInfo."""

    reason = "OWNER_ABSENT"
    text_zh = "写入数据库的进程正在交接,请求未送出;请稍后以同一请求号重试。"


class OwnerLost(StorageUnavailable):
    """The owner died during the call: what became of it is not known. → UNAVAILABLE + RetryInfo.

    The one error after which something may have been sent to a region. The same request_id again
    is safe, and answers what is on record.
    """

    reason = "OWNER_LOST"
    text_zh = "写入数据库的进程在处理中结束,结果未知;请以同一请求号重试,不会重复结算。"


class Forward:
    """Our methods, each answered by the owner."""

    def __init__(self, *, callers: Callers, link: OwnerLink, clock: Clock) -> None:
        self._callers, self._link, self._clock = callers, link, clock
        self._waiting = 0

    def handlers(self) -> dict[str, Handler]:
        """Path → what forwards it, bytes in and bytes out."""
        return {path: self._handler(path) for path in METHODS}

    def _handler(self, path: str) -> Handler:
        async def forward(request: bytes, context: Context) -> bytes:
            names = self._callers.anyone(context).names()
            budget_s(context)
            metadata = (
                (REQUEST_ID, telemetry.request_id_var.get()),
                *((FORWARDED_METADATA, name.encode()) for name in names),
            )
            return await self._call(path, request, context, metadata)

        return grpc.unary_unary_rpc_method_handler(forward)

    async def _call(
        self, path: str, request: bytes, context: Context, metadata: tuple[Any, ...]
    ) -> bytes:
        line = await self._line(context)
        if line is None:
            raise OwnerAbsent("no process owns the database at present")
        answer = await self._ask(line, path, request, context, metadata)
        if answer is None and path in REPEATABLE:
            answer = await self._repeat(path, request, context, metadata)
        if answer is None:
            raise OwnerLost("the owner of the database ended during the call; its outcome is open")
        return answer

    async def _repeat(
        self, path: str, request: bytes, context: Context, metadata: tuple[Any, ...]
    ) -> bytes | None:
        """The answer of the next owner; None if it does not tell what became of the first try."""
        try:
            line = await self._line(context)
            if line is None or _left_s(context) < LEAST_S:
                return None
            return await self._ask(line, path, request, context, metadata)
        except Overloaded:
            return None
        except Relayed as told:
            # "Nothing was sent" is said of this try; it may not even have looked for the first.
            if told.code in UNDECIDED:
                return None
            raise

    async def _line(self, context: Context) -> Line | None:
        """An owner, if one is there before the caller gives up."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded("too many calls wait for an owner of the database")
        self._waiting += 1
        try:
            return await self._link.line(min(WAIT_MAX_S, _left_s(context) - SHAVE_S))
        finally:
            self._waiting -= 1

    async def _ask(
        self, line: Line, path: str, request: bytes, context: Context, metadata: tuple[Any, ...]
    ) -> bytes | None:
        """The owner's answer; None if it is gone. Raises Relayed: the owner's error."""
        method: Any = line.channel.unary_unary(path)
        call = method(request, timeout=context.time_remaining(), metadata=metadata)
        try:
            answer = cast("bytes", await call)
        except grpc.aio.AioRpcError as error:
            relayed = _relayed(error)
            if relayed is not None:
                raise relayed from error
            self._link.lost(line)
            return None
        context.set_trailing_metadata(tuple(await call.trailing_metadata()))
        return answer


def _left_s(context: Context) -> float:
    # The published types forget that there may be no deadline.
    left = cast("float | None", context.time_remaining())
    return WAIT_MAX_S + SHAVE_S if left is None else left


def _relayed(error: grpc.aio.AioRpcError) -> Relayed | None:
    """The error as the owner told it; None if it is the line's own."""
    trailers = tuple((key, value) for key, value in error.trailing_metadata() or ())
    found = dict(trailers)
    if REQUEST_ID not in found and error.code() in LOST:
        return None
    packed = found.get(STATUS_DETAILS, b"")
    info = details.ErrorInfo()
    for detail in status_pb2.Status.FromString(cast("bytes", packed)).details:
        detail.Unpack(info)
    return Relayed(error.code(), error.details() or "", trailers, info.reason)
