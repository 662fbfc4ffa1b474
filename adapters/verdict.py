"""判读: one HTTP outcome → accepted reply, refusal, no answer, or provably not delivered.

Pure. Only an answer that was read and verified decides; in doubt it is no answer, with the bytes
kept. The order is the order of trust: (1) the transport (2) the service gateway's own refusal
(3) the status (4) the shape (5) the signature (6) the infcode. Not here: what the output says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adapters import outcome as told
from adapters.baseline import envelope, wire
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.profile import Conventions
from adapters.signing.scheme import Answer, Scheme, Verdict
from gateway.ports import Declined, Exchange, NoAnswer, NotDelivered


@dataclass(frozen=True, slots=True)
class Sent:
    """What we sent, for the evidence and for the signature's clock."""

    infno: str
    body: bytes
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Read:
    """A verified reply that says yes; its output is still to be read."""

    reply: envelope.Reply
    exchange: Exchange


Judged: TypeAlias = Read | Declined | NoAnswer | NotDelivered


def judge(outcome: told.Outcome, sent: Sent, scheme: Scheme, conventions: Conventions) -> Judged:
    """Never raises for what was received."""
    match outcome:
        case told.NotDelivered(cause=cause, detail=detail):  # (1)
            return NotDelivered(_cause(cause, detail), Exchange(sent.infno, sent.body, None))
        case told.NoAnswer(cause=cause, detail=detail, body=body):
            return NoAnswer(_cause(cause, detail), Exchange(sent.infno, sent.body, body or None))
        case told.Delivered():
            return _delivered(outcome, sent, scheme, conventions)


def _delivered(
    outcome: told.Delivered, sent: Sent, scheme: Scheme, conventions: Conventions
) -> Judged:
    exchange = Exchange(sent.infno, sent.body, outcome.body)
    try:
        members = wire.read(outcome.body)
    except BrokenAnswer as broken:
        if outcome.status != 200:
            return NoAnswer(f"http_{outcome.status}", exchange)
        return NoAnswer(f"broken_answer {broken.path}: {broken.problem}", exchange)
    turned_away = _gateway_refusal(members.values, conventions)  # (2)
    if turned_away:
        return NotDelivered(turned_away, exchange)
    if outcome.status != 200:  # (3)
        return NoAnswer(f"http_{outcome.status}", exchange)
    try:
        reply = envelope.of(members, outcome.body)  # (4)
    except BrokenAnswer as broken:
        return NoAnswer(f"broken_answer {broken.path}: {broken.problem}", exchange)
    verdict = _verify(outcome, reply, sent, scheme)  # (5)
    if verdict in (Verdict.MISSING, Verdict.WRONG):
        return NoAnswer(f"signature_{verdict.value}", exchange)
    if reply.infcode in conventions.success:  # (6)
        return Read(reply, exchange)
    if reply.infcode in conventions.refused:
        return Declined(reply.infcode, reply.err_msg, exchange)
    kind = "system_error" if reply.infcode in conventions.system_errors else "unknown_infcode"
    return NoAnswer(f"{kind} {reply.infcode[:8]}", exchange)


def _gateway_refusal(values: wire.Node, conventions: Conventions) -> str:
    """The service gateway's `{"code":401,"message":…}`: turned away before the platform saw it.

    "" for anything else. A bare status 401 without that shape could come from anywhere behind the
    gateway, so it is not enough.
    """
    code = values.get("code")
    if "infcode" in values or str(code) not in conventions.not_delivered_codes:
        return ""
    message = values.get("message")
    return f"gateway_{code} {message if isinstance(message, str) else ''}".strip()[:120]


def _verify(outcome: told.Delivered, reply: envelope.Reply, sent: Sent, scheme: Scheme) -> Verdict:
    def text(name: str) -> str:
        value = reply.members.get(name)
        return value if isinstance(value, str) else ""

    return scheme.verify(
        Answer(
            headers=outcome.headers,
            body=outcome.body,
            output_text=reply.output_text,
            signature=text("cainfo"),
            signature_type=text("signtype"),
            clock_ms=sent.clock_ms + outcome.elapsed_ms,
        )
    )


def _cause(cause: told.Cause, detail: str) -> str:
    return f"{cause.value} {detail}".strip()
