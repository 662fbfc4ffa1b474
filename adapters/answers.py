"""答复: a judged reply → what the port answers. Pure; not here: whether the reply is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapters.baseline.envelope import Reply
from adapters.baseline.errors import BrokenAnswer, UnsendableMessage
from adapters.verdict import Judged, Read
from gateway.ports import Accepted, Answer, Exchange, NoAnswer, NotDelivered

T = TypeVar("T")


def unsendable(wrong: UnsendableMessage) -> NotDelivered:
    """A message of ours that breaks the field table: provably nothing left us."""
    cause = f"unsendable {wrong.infno} {wrong.path}: {wrong.problem}"
    return NotDelivered(cause, Exchange(wrong.infno, b"", None))


def unreadable(broken: BrokenAnswer, exchange: Exchange) -> NoAnswer:
    """An answer that came and cannot be trusted."""
    return NoAnswer(f"{type(broken).__name__} {broken.path}: {broken.problem}", exchange)


def value_of(judged: Judged, read: Callable[[Reply], T]) -> Answer[T]:
    """What a yes says, read; anything else as it is."""
    if not isinstance(judged, Read):
        return judged
    try:
        return Accepted(read(judged.reply), judged.exchange)
    except BrokenAnswer as broken:
        return unreadable(broken, judged.exchange)
