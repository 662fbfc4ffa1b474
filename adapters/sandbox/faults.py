"""故障: what a platform can be told to do wrong, as text `name[=value][@infno][#count]`.

Pure bookkeeping; the server acts on it. Deterministic: a percentage is decided by the msgid, so the
same traffic meets the same faults. Several faults are separated by commas.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SETTLE = frozenset({"2207", "2304"})
PRE_SETTLE = frozenset({"2206", "2303"})
_SHAPE = re.compile(
    r"(?P<name>[a-z0-9-]+)(=(?P<value>[^@#]+))?(@(?P<infno>[0-9]{4}A?|\*))?(#(?P<count>[0-9]+))?"
)
_DURATION = re.compile(r"([0-9]+)(?:\.([0-9]{1,3}))?(ms|s)")


class FaultName(StrEnum):
    """The kinds, each with the moment at which it acts."""

    DELAY = "delay"
    """the answer leaves late; the effect is already committed"""
    DELAY_REQUEST = "delay-request"
    """the request is processed late: a 2601 may overtake it"""
    REFUSE = "refuse"
    """a business refusal (infcode −1) without effect; value = infno"""
    LOSE_REPLY = "lose-reply"
    """effect committed, connection cut without an answer"""
    LOSE_REQUEST = "lose-request"
    """connection cut before any effect"""
    REPEAT = "repeat"
    """effect committed, but answered with the previous answer of the same transaction"""
    DIFFER = "differ"
    """pooled fund lower and cash higher by value fen, identities kept, booked so"""
    BROKEN = "broken"
    """the answer violates I1 and I3 by a fen or two"""
    GARBAGE = "garbage"
    """effect committed, the answer is not JSON"""
    HTTP500 = "http500"
    """effect committed, answered with status 500"""
    WRONG_SIGNATURE = "wrong-signature"
    """the answer's signature is wrong; where answers are unsigned: 401 before any effect"""


_COUNTED = frozenset(
    {
        FaultName.LOSE_REPLY,
        FaultName.LOSE_REQUEST,
        FaultName.REPEAT,
        FaultName.BROKEN,
        FaultName.GARBAGE,
        FaultName.HTTP500,
        FaultName.WRONG_SIGNATURE,
    }
)
_ANY_TRANSACTION = frozenset({FaultName.DELAY, FaultName.DELAY_REQUEST})


class FaultSpecError(ValueError):
    """The fault text cannot be understood; the message says what would be."""


@dataclass(slots=True)
class Fault:
    """One armed fault."""

    name: FaultName
    scope: frozenset[str] | None
    """Transaction numbers without their A; None = every transaction."""
    remaining: int | None
    """How many more times; None = until cleared."""
    delay_ms: int = 0
    differ_fen: int = 0
    percent: int | None = None

    def hits(self, infno: str, msgid: str) -> bool:
        if self.remaining == 0 or (self.scope is not None and infno.rstrip("A") not in self.scope):
            return False
        if self.percent is None:
            return True
        draw = hashlib.sha256(f"{self.name}:{msgid}".encode()).digest()
        return int.from_bytes(draw[:4]) % 100 < self.percent


def parse_fault(text: str) -> Fault:
    """One fault from its text. Without `@infno`: settlements (2207, 2304); delays hit everything.

    Raises FaultSpecError, naming the part that is wrong.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise FaultSpecError(f"{text!r}: expected name[=value][@infno][#count]")
    try:
        name = FaultName(match["name"])
    except ValueError as error:
        known = ", ".join(sorted(FaultName))
        raise FaultSpecError(f"{match['name']!r} is no fault; known: {known}") from error
    value, count = match["value"], match["count"]
    fault = Fault(name, _scope(name, match["infno"], value), int(count) if count else None)
    _apply_value(fault, value, text)
    return fault


def _scope(name: FaultName, infno: str | None, value: str | None) -> frozenset[str] | None:
    if infno is None and name is FaultName.REFUSE and value:
        infno = value
    if infno == "*" or (infno is None and name in _ANY_TRANSACTION):
        return None
    if infno is not None:
        return frozenset({infno.rstrip("A")})
    return SETTLE | PRE_SETTLE if name is FaultName.DIFFER else SETTLE


def _apply_value(fault: Fault, value: str | None, text: str) -> None:
    if fault.name in (FaultName.DELAY, FaultName.DELAY_REQUEST):
        fault.delay_ms = _milliseconds(value, text)
    elif fault.name is FaultName.DIFFER:
        if value is None or not value.isdecimal():
            raise FaultSpecError(f"{text!r}: differ needs fen, e.g. differ=100")
        fault.differ_fen = int(value)
    elif fault.name in _COUNTED and value is not None:
        if not value.rstrip("%").isdecimal():
            raise FaultSpecError(f"{text!r}: expected a count or a percentage, e.g. =1 or =20%")
        if value.endswith("%"):
            fault.percent = int(value[:-1])
        elif fault.remaining is None:
            fault.remaining = int(value)


def _milliseconds(value: str | None, text: str) -> int:
    match = _DURATION.fullmatch(value or "")
    if match is None or (match[3] == "ms" and match[2]):
        raise FaultSpecError(f"{text!r}: expected a duration, e.g. delay=0.5s or delay=500ms")
    if match[3] == "ms":
        return int(match[1])
    return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))


def parse_faults(text: str) -> list[Fault]:
    return [parse_fault(part) for part in text.split(",") if part.strip()]


class FaultBox:
    """The armed faults of one platform."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._armed = list(faults)

    def arm(self, text: str) -> None:
        self._armed.extend(parse_faults(text))

    def clear(self) -> None:
        self._armed.clear()

    def describe(self) -> list[str]:
        return [f"{fault.name}#{fault.remaining}" for fault in self._armed]

    def take(self, infno: str, msgid: str, extra: Iterable[Fault] = ()) -> dict[FaultName, Fault]:
        """Faults that hit this message, at most one of a name; uses up their counts."""
        hit: dict[FaultName, Fault] = {}
        for fault in [*extra, *self._armed]:
            if fault.name not in hit and fault.hits(infno, msgid):
                hit[fault.name] = fault
                if fault.remaining is not None:
                    fault.remaining -= 1
        self._armed = [fault for fault in self._armed if fault.remaining != 0]
        return hit
