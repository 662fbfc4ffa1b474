"""`yrd claims`: the claims that wait for something, why, and an operator's decisions about them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import grpc
import typer
from google.protobuf import json_format
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gateway.clock import SystemClock
from gateway.commands.connection import caller_of
from gateway.commands.terminal import notes, output, stop
from gateway.counter import attention_words as words
from gateway.counter import wording
from gateway.counter.client import TIMEOUT_S, Counter
from gateway.counter.failure import Failure, read_failure
from gateway.counter.tables import breakdown_table
from gateway.domain.business_day import SHANGHAI
from ledger.money import format_yuan
from yrd.audit.v1 import audit_pb2 as pb
from yrd.audit.v1 import audit_pb2_grpc
from yrd.claim.v1 import claim_pb2

T = TypeVar("T")
PAGE = 200


@dataclass(frozen=True, slots=True)
class Asking:
    """Which gateway, and in whose name."""

    data: Path | None
    target: str
    tls: Path | None
    caller: str


def attention(asking: Asking, *, everything: bool, region: str, as_json: bool) -> None:
    """List them; exit code 1 if one of them needs a person."""
    request = pb.ListAttentionRequest(
        page_size=PAGE, needs_person=not everything, insured_region=region
    )
    with _stub(asking) as stub:
        found = list(_pages(stub, request))
    if as_json:
        _print_json({"claims": [_plain(claim) for claim in found]})
    else:
        _show_list(output(), found, everything=everything)
    raise typer.Exit(1 if any(claim.needs_person for claim in found) else 0)


def show(asking: Asking, *, claim_id: str, as_json: bool) -> None:
    """One of them whole; exit code 1 if it is none."""
    with _stub(asking) as stub:
        found = list(_pages(stub, pb.ListAttentionRequest(claim_id=claim_id)))
    if not found:
        stop(f"{claim_id} 不在待办清单中:编号有误、不属于本机构,或结果已定(见 GetClaim)。", code=1)
    if as_json:
        _print_json(_plain(found[0]))
    else:
        _show_one(output(), found[0])


def take_back(asking: Asking, *, claim_id: str, reason: str, as_json: bool) -> None:
    """An operator has it taken back."""
    request = pb.TakeBackRequest(claim_id=claim_id, reason=reason)
    with _stub(asking) as stub:
        told = _ask(lambda: stub.TakeBack(request, timeout=TIMEOUT_S))
    _show_decision(told, claim_id, as_json=as_json)


def read_again(asking: Asking, *, claim_id: str, reason: str, as_json: bool) -> None:
    """An operator has the stored answer read again."""
    request = pb.ReadAgainRequest(claim_id=claim_id, reason=reason)
    with _stub(asking) as stub:
        told = _ask(lambda: stub.ReadAgain(request, timeout=TIMEOUT_S))
    _show_decision(told, claim_id, as_json=as_json)


@contextmanager
def _stub(asking: Asking) -> Iterator[Any]:
    address, credentials = caller_of(
        asking.data, asking.caller, asking.target, asking.tls, command="claims attention"
    )
    unfit = credentials.unfit(SystemClock().now())
    if unfit is not None:
        _refuse(unfit)
    with Counter(address, credentials) as counter:
        yield audit_pb2_grpc.AuditServiceStub(counter.channel)


def _pages(stub: Any, request: pb.ListAttentionRequest) -> Iterator[pb.AttentionClaim]:
    while True:
        page = _ask(lambda: stub.ListAttention(request, timeout=TIMEOUT_S))
        yield from page.claims
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _ask(send: Callable[[], T]) -> T:
    """Once: a decision whose answer was lost may have been taken; it is looked up, not repeated."""
    try:
        return send()
    except grpc.RpcError as error:
        _refuse(read_failure(error))
        raise typer.Exit(1) from error


def _refuse(failure: Failure) -> None:
    console = notes()
    console.print(Text(f"✗ {failure.text_zh} [{failure.reason}]", style="red"))
    for violation in failure.violations:
        console.print(Text(f"    {violation.field}  {violation.text_zh} [{violation.reason}]"))
    if failure.undecided:
        console.print("    是否已受理不明:请先用 ./yrd claims show 查看,再决定是否重试。")
    raise typer.Exit(1 if failure.status != "UNAUTHENTICATED" else 2)


def _plain(claim: pb.AttentionClaim) -> dict[str, Any]:
    plain: dict[str, Any] = json_format.MessageToDict(claim, preserving_proto_field_name=True)
    return plain | {"needs_person": claim.needs_person, "may_do_zh": words.acts(claim)}


def _print_json(document: dict[str, Any]) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    print(flush=True)


def _show_list(console: Console, found: list[pb.AttentionClaim], *, everything: bool) -> None:
    if not found:
        nobody = "没有暂定的结算单。"
        if not everything:
            nobody = "没有等待人工处理的结算单(--all 列出全部暂定的)。"
        console.print(nobody)
        return
    now = SystemClock().now()
    for claim in found:
        _show_head(console, claim, now)
        for text in words.acts(claim):
            console.print(Padding(Text(f"· {text}", style="dim", overflow="fold"), (0, 0, 0, 4)))
    people = sum(claim.needs_person for claim in found)
    console.print(Text(f"\n共 {len(found)} 笔,其中 {people} 笔需要人工处理。"))


def _show_head(console: Console, claim: pb.AttentionClaim, now: datetime) -> None:
    style = "bold yellow" if claim.needs_person else ""
    console.print(Text.assemble((words.state_zh(claim), style), "  ", claim.claim_id))
    at = words.since(claim).astimezone(SHANGHAI)
    line = (
        f"{wording.area_zh(claim.insured_region)}参保 · {wording.area_zh(claim.visited_region)}就医"
        f" · {claim.institution_code} · 自 {at:%m-%d %H:%M}(已{words.waited(claim, now)})"
    )
    console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 4)))
    console.print(Padding(Text(_amounts(claim), overflow="fold"), (0, 0, 0, 4)))
    console.print(Padding(Text(claim.why_zh, style=style, overflow="fold"), (0, 0, 0, 4)))


def _amounts(claim: pb.AttentionClaim) -> str:
    answered = claim.HasField("settled")
    known = claim.settled if answered else claim.computed
    parts = (
        ("总额", known.total_fen), ("基金", known.fund_total_fen), ("账户", known.account_fen),
        ("现金", known.cash_fen),
    )  # fmt: skip
    amounts = " · ".join(f"{name} {format_yuan(fen)}" for name, fen in parts)
    return f"{amounts}({'参保地答复' if answered else '网关核算'})"


def _show_one(console: Console, claim: pb.AttentionClaim) -> None:
    _show_head(console, claim, SystemClock().now())
    amounts = claim_pb2.Claim(computed=claim.computed)
    if claim.HasField("settled"):
        amounts.settled.CopyFrom(claim.settled)
    console.print(Padding(breakdown_table(amounts), (1, 0, 1, 4)))
    if claim.findings:
        console.print(Padding(Text("答复中的问题:"), (0, 0, 0, 4)))
        for text in words.findings(claim):
            console.print(Padding(Text(text, overflow="fold"), (0, 0, 0, 8)))
        console.print()
    console.print(Padding(_messages(claim), (0, 0, 1, 4)))
    if claim.HasField("next_try_at"):
        at = claim.next_try_at.ToDatetime(tzinfo=SHANGHAI)
        console.print(Padding(f"系统下次处理:{at:%m-%d %H:%M:%S}", (0, 0, 0, 4)))
    for text in words.acts(claim):
        console.print(Padding(Text(f"· {text}", overflow="fold"), (0, 0, 0, 4)))


def _messages(claim: pb.AttentionClaim) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("报文编号", "交易", "发往", "结果"):
        table.add_column(name, no_wrap=True)
    for message in claim.messages:
        outcome = wording.MESSAGE_OUTCOMES.get(message.outcome, message.outcome)
        table.add_row(message.msgid, message.transaction, message.region, outcome)
    return table


def _show_decision(
    told: pb.TakeBackResponse | pb.ReadAgainResponse, claim_id: str, *, as_json: bool
) -> None:
    name = claim_pb2.ClaimState.Name(told.state).removeprefix("CLAIM_STATE_")
    if as_json:
        _print_json({"claim_id": claim_id, "state": name, "text_zh": told.text_zh})
        return
    state = wording.STATES.get(name, name)
    output().print(Text(f"✓ 已记录,{claim_id} 现为:{state}", style="green"))
    output().print(Padding(Text(told.text_zh, overflow="fold"), (0, 0, 0, 4)))
