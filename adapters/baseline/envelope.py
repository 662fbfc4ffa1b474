"""报文: the envelope around every transaction, out and back.

The request is built as text with `input` last and serialised once, so that what is signed is what
is sent. The reply keeps the raw bytes and the exact text of `output` for the same reason.
Not here: signatures, what an infcode means in one province, what a transaction carries.
Source: national interface, envelope (fields.csv, txn ENV).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.wire import Json, Members, Node, write

_MOST_DIGITS = 10
"""Of an infcode that is written as a number with decimals or an exponent."""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """One answer, read but not yet believed (the signature is the profile's business). No repr: it
    is about a person."""

    infcode: str
    """交易状态码 as text: number or string on the wire, "0" is success."""
    err_msg: str
    refmsgid: str
    """接收方报文ID, "" when not given."""
    output: Node
    """{} where the transaction has no output (2601) or it is null or ""."""
    output_text: str
    """The exact text of `output` as it stood in the body, "" when missing."""
    members: Node
    """All outermost members, for signatures (cainfo, signtype) and odd provinces."""
    raw: bytes


def build(fields: Mapping[str, str], last: str, last_text: str) -> bytes:
    """The fields in order, then `"<last>":<last_text>` as the last member, UTF-8.

    `last` is "input" for every national transaction; the text is what a signature covers.
    """
    head = write(dict(fields))
    comma = "" if head == "{}" else ","
    return f'{head[:-1]}{comma}"{last}":{last_text}}}'.encode()


def of(members: Members, body: bytes) -> Reply:
    """The outermost members of `body` → Reply. Raises BrokenAnswer without a readable infcode."""
    values = members.values
    output = values.get("output")
    if output is None or output == "":
        output = {}
    if not isinstance(output, dict):
        raise BrokenAnswer("output", "not an object")
    return Reply(
        infcode=_infcode(values.get("infcode")),
        err_msg=_text(values, "err_msg") or _text(values, "message"),
        refmsgid=_text(values, "inf_refmsgid"),
        output=output,
        output_text=members.texts.get("output", ""),
        members=values,
        raw=body,
    )


def _infcode(value: Json) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # The size first: 1e999999999 is a JSON number too, and as an integer it fills the memory.
    if isinstance(value, Decimal) and value.adjusted() <= _MOST_DIGITS and value == int(value):
        return str(int(value))
    raise BrokenAnswer("infcode", "missing or unreadable")


def _text(values: Node, name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
