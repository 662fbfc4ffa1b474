"""判读: one HTTP outcome → accepted reply, refusal, no answer, or provably not delivered.

Pure. Only an answer that was read and verified decides; in doubt it is no answer, with the bytes
kept. The order is the order of trust: (1) the transport (2) the service gateway's own refusal
(3) the status (4) the encryption, then the shape (5) the signature (6) the time (7) the infcode.
Evidence keeps the plain envelope that was verified. Not here: what the output says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from adapters import outcome as told
from adapters.baseline import envelope, wire
from adapters.baseline.clock_text import read_milliseconds
from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.profile import Conventions, Profile
from adapters.signing.scheme import Answer, Scheme, Verdict
from adapters.signing.sm4_body import Sm4Body
from adapters.sm.sm4 import DecryptionFailed
from gateway.ports import Declined, Exchange, NoAnswer, NotDelivered

_SETTLEMENT = "setlinfo"
"""The node of an answer that says what was settled; a refusal has none."""

_OF_A_PLATFORM = frozenset({"infcode", "output", "cainfo"})
"""What only a platform writes: an answer with one of these went past the service gateway."""
_WORDS_MAX = 500
"""Characters of a refusal's words; the interface has 200."""
_CODE_MAX = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """What we sent, for the evidence and for the signature's clock."""

    infno: str
    body: bytes = field(repr=False)
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How this province's answers are opened and dated."""

    cipher: Sm4Body | None = None
    answers_encrypted: bool = False
    """A plain answer is then no answer."""
    answer_time: str = ""
    """The member that carries the answer's time, "" where none is judged."""
    skew_ms: int = 0


PLAIN = Reading()


def reading_of(profile: Profile, cipher: Sm4Body | None) -> Reading:
    """A province's way; `cipher` with its keys inside, None where bodies travel plain."""
    encryption, signing = profile.encryption, profile.signing
    return Reading(
        cipher,
        encryption is not None and encryption.answers_encrypted,
        signing.answer_time,
        signing.skew_ms,
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A verified reply that says yes; its output is still to be read."""

    reply: envelope.Reply
    exchange: Exchange


Judged: TypeAlias = Read | Declined | NoAnswer | NotDelivered


def judge(
    outcome: told.Outcome,
    sent: Sent,
    scheme: Scheme,
    conventions: Conventions,
    reading: Reading = PLAIN,
) -> Judged:
    """Never raises for what was received."""
    match outcome:
        case told.NotDelivered(cause=cause, detail=detail):  # (1)
            return NotDelivered(_cause(cause, detail), Exchange(sent.infno, sent.body, None))
        case told.NoAnswer(cause=cause, detail=detail, body=body):
            return NoAnswer(_cause(cause, detail), Exchange(sent.infno, sent.body, body or None))
        case told.Delivered():
            return _delivered(outcome, sent, scheme, conventions, reading)


def _delivered(
    outcome: told.Delivered,
    sent: Sent,
    scheme: Scheme,
    conventions: Conventions,
    reading: Reading,
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
        plain = _plain(members, outcome.body, reading)  # (4)
        if plain is not outcome.body:
            members, exchange = wire.read(plain), replace(exchange, reply=plain)
        reply = envelope.of(members, plain)
    except DecryptionFailed:
        return NoAnswer("encryption_wrong", exchange)
    except BrokenAnswer as broken:
        return NoAnswer(f"broken_answer {broken.path}: {broken.problem}", exchange)
    verdict = _verify(outcome, reply, sent, scheme)  # (5)
    if verdict in (Verdict.MISSING, Verdict.WRONG):
        return NoAnswer(f"signature_{verdict.value}", exchange)
    stale = _stale(reply, sent.clock_ms + outcome.elapsed_ms, reading)  # (6)
    if stale:
        return NoAnswer(stale, exchange)
    return _said(reply, exchange, conventions)  # (7)


def _said(reply: envelope.Reply, exchange: Exchange, conventions: Conventions) -> Judged:
    if reply.infcode in conventions.success:
        return Read(reply, exchange)
    if reply.infcode in conventions.refused:
        if reply.output.get(_SETTLEMENT):
            # No envelope signature covers infcode: this no may be a yes that was turned round, and
            # a claim that is taken for refused is never looked for in a statement.
            return NoAnswer("refusal_with_a_settlement", exchange)
        return Declined(reply.infcode, _words(reply.err_msg), exchange)
    kind = "system_error" if reply.infcode in conventions.system_errors else "unknown_infcode"
    return NoAnswer(f"{kind} {_words(reply.infcode)[:_CODE_MAX]}", exchange)


def _words(theirs: str) -> str:
    """What a far side wrote, fit for a claim, a counter and a terminal: one line of printable
    text, and not more than a person reads. The bytes are kept whole."""
    shown = theirs[:_WORDS_MAX]
    return "".join(mark if mark.isprintable() else " " for mark in shown).strip()


def _gateway_refusal(values: wire.Node, conventions: Conventions) -> str:
    """The service gateway's `{"code":401,"message":…}`: turned away before the platform saw it.

    "" for anything else. A bare status 401 without that shape could come from anywhere behind the
    gateway, so it is not enough.
    """
    code = values.get("code")
    if not _OF_A_PLATFORM.isdisjoint(values) or str(code) not in conventions.not_delivered_codes:
        return ""
    message = values.get("message")
    text = message if isinstance(message, str) else ""
    if any(said in text for said in conventions.replayed_texts):
        # Somebody on the way sent it twice: the first one may have taken effect.
        return ""
    return f"gateway_{code} {_words(text)}".strip()[:120]


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


def _plain(members: wire.Members, body: bytes, reading: Reading) -> bytes:
    """The body with the plain text of `output` in the place of its ciphertext.

    Whatever the ciphertext holds, it adds no second infcode: reading refuses a repeated name.
    """
    if reading.cipher is None:
        return body
    output = members.values.get("output")
    if isinstance(output, str) and output:
        texts = {**members.texts, "output": reading.cipher.open(output)}
        return "".join(
            ["{", ",".join(f"{wire.write(name)}:{text}" for name, text in texts.items()), "}"]
        ).encode()
    if reading.answers_encrypted:
        raise BrokenAnswer("output", "not encrypted")
    return body


def _stale(reply: envelope.Reply, now_ms: int, reading: Reading) -> str:
    """Why the answer's own time rules it out; "" where it does not, or none is given."""
    if not reading.answer_time:
        return ""
    try:
        told_ms = read_milliseconds(reply.members.get(reading.answer_time), reading.answer_time)
    except BrokenAnswer as broken:
        return f"broken_answer {broken.path}: {broken.problem}"
    if told_ms is None or abs(told_ms - now_ms) <= reading.skew_ms:
        return ""
    return f"stale_answer {reading.answer_time} {told_ms - now_ms:+d} ms"


def _cause(cause: told.Cause, detail: str) -> str:
    return f"{cause.value} {detail}".strip()
