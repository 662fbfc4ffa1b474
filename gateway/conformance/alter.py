"""改写应答: an answer as another platform might write it, or as a bad line leaves it. Pure.

Bytes in, bytes out. `output` stays the last member, as platforms write it. An amount is a number,
or a text, with exactly two decimals. Altered answers are read by a client that asks for no
signature (stand.py): the subject is how they are read, not whether they are believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from adapters.baseline import wire
from adapters.baseline.wire import Json, Node
from gateway.conformance.relay import Answered

_CODE, _OUTPUT = "infcode", "output"
_AMOUNT = re.compile(r"-?[0-9]{1,14}\.[0-9]{2}", re.ASCII)
_DIGIT = re.compile(rb"[0-9](?=[^0-9]*$)")

Change = Callable[[Decimal], Json]
"""An amount as it came → how it is to be written."""
Alteration = Callable[[Answered], Answered]


class Cipher(Protocol):
    """How a platform encrypts a member's text; the same key opens and seals."""

    def open(self, sealed: str) -> str: ...

    def seal(self, text: str) -> str: ...


def amounts(change: Change) -> Alteration:
    """Every amount below `output` written in another way."""

    def altered(answered: Answered) -> Answered:
        members = wire.read(answered.body).values
        output = _changed(members.get(_OUTPUT), change)
        return replace(answered, body=_body(members, output))

    return altered


def as_text(amount: Decimal) -> Json:
    """12.30 → "12.30"."""
    return format(amount, "f")


def as_number(amount: Decimal) -> Json:
    """ "12.30" → 12.30."""
    return amount


def shortest(amount: Decimal) -> Json:
    """12.30 → 12.3, 100.00 → 100."""
    return Decimal(format(amount.normalize(), "f"))


def third_decimal(amount: Decimal) -> Json:
    """12.30 → 12.305; 0.00 stays."""
    return Decimal(f"{amount:f}5") if amount else amount


def empty(_amount: Decimal) -> Json:
    """12.30 → "", as the interface writes a number that is not there."""
    return ""


def null(_amount: Decimal) -> Json:
    return None


def code_of_another_type(answered: Answered) -> Answered:
    """infcode 0 → "0" and "0" → 0."""
    members = dict(wire.read(answered.body).values)
    code = members[_CODE]
    members[_CODE] = int(code) if isinstance(code, str) else str(code)
    return replace(answered, body=_body(members, members.get(_OUTPUT)))


def unheard_of_code(answered: Answered) -> Answered:
    """infcode 7, which no document knows, and nothing that would say by itself what it means."""
    members = dict(wire.read(answered.body).values)
    members[_CODE] = "7" if isinstance(members[_CODE], str) else 7
    return replace(answered, body=_body(members, None))


def code_twice(answered: Answered) -> Answered:
    """Two members of one name, and two meanings: a yes and a no."""
    no = b'{"' + _CODE.encode() + b'":-1,'
    return replace(answered, body=no + answered.body.lstrip()[1:])


def truncated(answered: Answered) -> Answered:
    """The second half is missing, as after a proxy that counts wrongly."""
    return replace(answered, body=answered.body[: len(answered.body) // 2])


def tampered(answered: Answered) -> Answered:
    """One digit of the content is another; whoever signs what they say did not say this."""
    return replace(answered, body=other_digit(answered.body))


def other_digit(body: bytes) -> bytes:
    """The last digit is another: in a message it belongs to `input`, in an answer to `output`."""
    return _DIGIT.sub(lambda found: b"3" if found[0] == b"7" else b"7", body, count=1)


def within(cipher: Cipher | None, alteration: Alteration) -> Alteration:
    """The alteration done to the plain `output` of a platform that encrypts it."""
    if cipher is None:
        return alteration

    def altered(answered: Answered) -> Answered:
        members = wire.read(answered.body).values
        sealed = members.get(_OUTPUT)
        if not isinstance(sealed, str):
            return alteration(answered)
        text = cipher.open(sealed)
        plain = replace(answered, body=_body_of_text(members, text))
        after = wire.read(alteration(plain).body)
        again = wire.write(cipher.seal(after.texts[_OUTPUT]))
        return replace(answered, body=_body_of_text(after.values, again))

    return altered


def page(status: int, text: str) -> Alteration:
    """What a proxy in front of a platform answers."""

    def altered(_answered: Answered) -> Answered:
        return Answered(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())

    return altered


def another(earlier: Answered) -> Alteration:
    """The answer that another message got."""
    return lambda _answered: earlier


def _changed(value: Json, change: Change) -> Json:
    if isinstance(value, Decimal) and _AMOUNT.fullmatch(format(value, "f")):
        return change(value)
    if isinstance(value, str):
        return change(Decimal(value)) if _AMOUNT.fullmatch(value) else value
    if isinstance(value, Mapping):
        return {name: _changed(item, change) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_changed(item, change) for item in value]
    return value


def _body(members: Node, output: Json) -> bytes:
    return _body_of_text(members, wire.write(output))


def _body_of_text(members: Node, output_text: str) -> bytes:
    head = wire.write({name: value for name, value in members.items() if name != _OUTPUT})
    comma = "" if head == "{}" else ","
    return f'{head[:-1]}{comma}"{_OUTPUT}":{output_text}}}'.encode()
