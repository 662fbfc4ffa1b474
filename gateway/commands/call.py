"""`yrd call`: one gRPC call with JSON in and JSON out, for whoever wants to try the API by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import typer
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from rich.table import Table
from rich.text import Text

from gateway.clock import SystemClock
from gateway.commands.connection import caller_of
from gateway.commands.terminal import notes, output, stop
from gateway.counter.client import TIMEOUT_S, Counter
from gateway.counter.failure import Failure, read_failure
from yrd.audit.v1 import audit_pb2
from yrd.claim.v1 import claim_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICES = {
    name: service
    for module in (claim_pb2, audit_pb2, health_pb2)
    for name, service in module.DESCRIPTOR.services_by_name.items()
}


def run(
    *, method: str, body: str, data: Path | None, caller: str, target: str, tls: Path | None
) -> None:
    """Call, and print the answer; exit code 1 for an error status."""
    if not method:
        _list()
        return
    found = _find(method)
    request = _request(found, _read(body))
    address, credentials = caller_of(data, caller, target, tls, command="call METHOD")
    unfit = credentials.unfit(SystemClock().now())
    if unfit is not None:
        _print_failure(unfit)
        raise typer.Exit(2)
    with Counter(address, credentials) as counter:
        try:
            answer = _send(counter.channel, found, request)
        except grpc.RpcError as error:
            _print_failure(read_failure(error))
            raise typer.Exit(1) from error
    print(json_format.MessageToJson(answer, preserving_proto_field_name=True, ensure_ascii=False))


def _list() -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("方法")
    table.add_column("请求", style="dim")
    for service in SERVICES.values():
        for found in service.methods:
            if not found.client_streaming and not found.server_streaming:
                table.add_row(f"{service.full_name}/{found.name}", found.input_type.name)
    output().print(table)


def _find(text: str) -> MethodDescriptor:
    """`GetClaim`, `ClaimService/GetClaim` or `yrd.claim.v1.ClaimService/GetClaim`."""
    wanted, _, name = text.strip("/").replace(".Get", "/Get").rpartition("/")
    hits: list[MethodDescriptor] = [
        found
        for service in SERVICES.values()
        if wanted in ("", service.name, service.full_name)
        for found in service.methods
        if found.name == name
    ]
    if len(hits) != 1:
        stop(f"没有方法 {text};不带参数运行 ./yrd call 可列出全部方法。")
    return hits[0]


def _read(body: str) -> str:
    """The request's JSON text: as given, from `@FILE`, or from standard input (`-`)."""
    try:
        if body == "-":
            return sys.stdin.read()
        return Path(body[1:]).read_text(encoding="utf-8-sig") if body.startswith("@") else body
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{body} 无法读取({error})。")


def _message(found: MethodDescriptor, which: Callable[[MethodDescriptor], Any]) -> type[Message]:
    pool = descriptor_pool.Default()
    descriptor = pool.FindMessageTypeByName(which(found).full_name)
    return message_factory.GetMessageClass(descriptor)


def _request(found: MethodDescriptor, text: str) -> Message:
    request = _message(found, lambda m: m.input_type)()
    try:
        json_format.Parse(text, request)
    except json_format.ParseError as error:
        stop(f"请求不是 {found.input_type.full_name} 的 JSON:{error}")
    return request


def _send(channel: grpc.Channel, found: MethodDescriptor, request: Message) -> Message:
    service: ServiceDescriptor = found.containing_service
    answer = _message(found, lambda m: m.output_type)
    send = channel.unary_unary(
        f"/{service.full_name}/{found.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    received: Message = send(request, timeout=TIMEOUT_S)
    return received


def _print_failure(failure: Failure) -> None:
    console = notes()
    console.print(Text(f"✗ {failure.status} [{failure.reason}] {failure.text_zh}", style="red"))
    for violation in failure.violations:
        text = f"    {violation.field}  {violation.text_zh} [{violation.reason}]"
        console.print(text, markup=False)
    if failure.retry_after_ms:
        console.print(f"    建议 {failure.retry_after_ms} 毫秒后重试。", style="dim")
    if failure.correlation_id:
        console.print(f"    编号 {failure.correlation_id}", style="dim", markup=False)
