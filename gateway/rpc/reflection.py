"""Server reflection, so that a client that was not written here can ask what we speak.

The library serves v1alpha; v1 has the same messages and gets the same servicer under its own name.
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1 = "grpc.reflection.v1.ServerReflection"
_ALPHA = "grpc.reflection.v1alpha"


def _describe_v1() -> None:
    """A service that is listed must also be described: clients look up all that they are told."""
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    text = text_format.MessageToString(file).replace(_ALPHA, "grpc.reflection.v1")
    v1 = text_format.Parse(text, descriptor_pb2.FileDescriptorProto())
    v1.name = "grpc/reflection/v1/reflection.proto"
    descriptor_pool.Default().AddSerializedFile(v1.SerializeToString())


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Serve both versions, naming `services` and reflection itself."""
    _describe_v1()
    names = (*services, reflection.SERVICE_NAME, V1)
    reflection.enable_server_reflection(names, server)
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler}),)
    )
