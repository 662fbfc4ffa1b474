"""Our methods: which there are, and the handlers of a process that answers them itself."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

CLAIMS: ServiceDescriptor = claim_pb2.DESCRIPTOR.services_by_name["ClaimService"]
AUDIT: ServiceDescriptor = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
SERVICES = (CLAIMS.full_name, AUDIT.full_name)

Handler = Any
"""grpc.RpcMethodHandler, which has no types worth the name."""


def methods(service: ServiceDescriptor) -> dict[str, str]:
    """Path on the wire → name, of every method of a service."""
    return {f"/{service.full_name}/{m.name}": m.name for m in service.methods}


METHODS = tuple(methods(CLAIMS)) + tuple(methods(AUDIT))
"""Paths of all our methods. Each is one message in, one message out."""


def handlers(service: ServiceDescriptor, servicer: object) -> dict[str, Handler]:
    """Path → the servicer's method, with what reads its request and writes its answer."""
    return {
        path: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, name),
            request_deserializer=GetMessageClass(
                service.methods_by_name[name].input_type
            ).FromString,
            response_serializer=GetMessageClass(
                service.methods_by_name[name].output_type
            ).SerializeToString,
        )
        for path, name in methods(service).items()
    }


class Switch(grpc.GenericRpcHandler):
    """Hands each call to whoever answers it now; that may change while the server listens."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The handler of a call; None for a method that is not ours."""
        return self.handlers.get(handler_call_details.method)
