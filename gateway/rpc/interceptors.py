"""Around every call of ours: a request id, one line in the access log, one translation of errors.

Each method is wrapped once, when it is settled who answers it, since wrapping anew on each call
costs a fifth of the throughput. Calls that are not ours (health, reflection) stay as they are. Only
allowed fields are logged, never metadata as a whole.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from gateway import telemetry
from gateway.domain.errors import DomainError, Malformed
from gateway.rpc.convert.unknown_fields import refuse_unknown_fields
from gateway.rpc.errors import MessageTooLarge, Relayed, abort, is_internal, status_code
from gateway.rpc.identity import Context

MESSAGE_MAX = 1024 * 1024
"""Largest request in bytes: three times the longest bill."""
OUR_METHODS = "/yrd."

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

Handler = Any
"""grpc.RpcMethodHandler, which has no types worth the name."""


class Edge:
    """Request id, access log, error translation."""

    def __init__(
        self,
        *,
        logger: telemetry.Logger,
        monotonic: Callable[[], float],
        make_request_id: Callable[[], str],
    ) -> None:
        self._logger, self._monotonic = logger, monotonic
        self._make_request_id = make_request_id

    def wrap(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """The same methods, each with all this around it."""
        return {method: self._wrap(method, handler) for method, handler in handlers.items()}

    def _wrap(self, method: str, handler: Handler) -> Handler:
        behaviour = handler.unary_unary
        rpc = method.removeprefix(OUR_METHODS)

        async def call(request: Any, context: Context) -> Any:
            request_id = self._enter(context)
            began = self._monotonic()
            status, error_code = "OK", None
            try:
                if isinstance(request, DomainError):
                    raise request
                return await behaviour(request, context)
            except asyncio.CancelledError:
                status = "CANCELLED"
                raise
            except Relayed as told:
                status, error_code = told.code.name, told.reason
                await context.abort(told.code, told.details, trailing_metadata=told.trailers)
            except Exception as error:
                status, error_code = self._told(error)
                await abort(context, error, request_id=request_id)
            finally:
                took_ms = int((self._monotonic() - began) * 1000)
                self._logger.info(
                    "call", rpc=rpc, status=status, error_code=error_code, duration_ms=took_ms
                )

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=_reader(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _enter(self, context: Context) -> str:
        """Take the caller's x-request-id if it is a fit one, else make one; send it back."""
        offered = next(
            (v for k, v in context.invocation_metadata() or () if k == "x-request-id"), ""
        )
        fit = isinstance(offered, str) and _REQUEST_ID.fullmatch(offered)
        # A person's number is no request id: it would be in every line of the log.
        request_id = (
            offered
            if fit and isinstance(offered, str) and telemetry.redact(offered) == offered
            else self._make_request_id()
        )
        telemetry.request_id_var.set(request_id)
        telemetry.institution_var.set("")
        context.set_trailing_metadata((("x-request-id", request_id),))
        return request_id

    def _told(self, error: Exception) -> tuple[str, str]:
        """(status, reason) for the access log; what broke inside us is logged in full, here."""
        if is_internal(error):
            self._logger.error("call failed inside", exc_info=error)
        if isinstance(error, DomainError):
            return status_code(error).name, error.code
        return "INTERNAL", "INTERNAL"


def _reader(parse: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Parse a request, or answer the error that the call ends with: rich, unlike gRPC's own.

    Without `parse` the bytes are for somebody else to read.
    """

    def read(raw: bytes) -> Any:
        if len(raw) > MESSAGE_MAX:
            return MessageTooLarge(metadata={"size": str(len(raw)), "max": str(MESSAGE_MAX)})
        if parse is None:
            return raw
        try:
            request = parse(raw)
            refuse_unknown_fields(request)
        except DecodeError:
            return Malformed("the bytes are no message of this method", reason="UNDECODABLE")
        except Malformed as refused:
            return refused
        return request

    return read
