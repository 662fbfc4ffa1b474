"""故障: what a platform can be told to do wrong, as text `name[=value][@infno][#count]`.

Pure bookkeeping; spoiling.py and delivery.py act on it. Deterministic: a share is decided by the
msgid, so the same traffic meets the same faults. Several faults are separated by commas.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SETTLE = frozenset({"2207", "2304"})
PRE_SETTLE = frozenset({"2206", "2303"})
DELAY_MAX_MS = 600_000
_MILLION = 1_000_000
_SHAPE = re.compile(
    r"(?P<name>[a-z0-9-]+)(=(?P<value>[^@#]+))?(@(?P<infno>[0-9]{4}A?|\*))?(#(?P<count>[0-9]+))?"
)
_DURATION = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,3}))?(ms|s)")
_SHARE = re.compile(r"(?:([0-9]{1,3})%|0?\.([0-9]{1,6})|1\.0{1,6})")
_GRAMMAR = "名称[=值][@交易][#次数],多个以逗号分开,例如 lose-reply=0.1,delay=0.5s@2207"


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
    RESET = "reset"
    """effect committed, connection reset (RST) before the first header"""
    REPEAT = "repeat"
    """effect committed, but answered with the previous answer of the same transaction"""
    OTHER_MSGID = "other-msgid"
    """the answer, but medins_setl_id says that it is about another msgid"""
    DUPLICATE = "duplicate"
    """the whole HTTP answer comes twice on the connection"""
    DIFFER = "differ"
    """pooled fund lower and cash higher by value fen, identities kept, booked so"""
    BROKEN = "broken"
    """the answer violates I1 and I3 by a fen or two"""
    BLANK_NUMBERS = "blank-numbers"
    """numbers in the output are "" """
    NUMBER_AS_TEXT = "number-as-text"
    """numbers in the output are text: "12.30" """
    TEXT_AS_NUMBER = "text-as-number"
    """texts of digits in the output are numbers: 310"""
    GARBAGE = "garbage"
    """effect committed, the answer is not JSON"""
    TRUNCATE = "truncate"
    """effect committed, the second half of the answer is missing"""
    TRICKLE = "trickle"
    """effect committed, the answer comes in ten pieces over the time that is the value"""
    HTTP500 = "http500"
    """effect committed, answered with status 500"""
    HTTP502 = "http502"
    """effect committed, answered with a proxy's page of status 502"""
    WRONG_SIGNATURE = "wrong-signature"
    """the answer's signature is wrong; where answers are unsigned: 401 before any effect"""


_TIMED = frozenset({FaultName.DELAY, FaultName.DELAY_REQUEST, FaultName.TRICKLE})
_VALUED = _TIMED | {FaultName.DIFFER, FaultName.REFUSE}
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
    share_ppm: int | None = None
    """Parts of a million messages; None = all of them."""

    def hits(self, infno: str, msgid: str) -> bool:
        if self.remaining == 0 or (self.scope is not None and infno.rstrip("A") not in self.scope):
            return False
        if self.share_ppm is None:
            return True
        draw = hashlib.sha256(f"{self.name}:{msgid}".encode()).digest()
        return int.from_bytes(draw[:8]) % _MILLION < self.share_ppm


def parse_fault(text: str) -> Fault:
    """One fault from its text. Without `@infno`: settlements (2207, 2304); delays hit everything.

    Raises FaultSpecError, naming the part that is wrong and what would be right.
    """
    text = text.strip()
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise FaultSpecError(f"故障写法不对:{text!r}。应为 {_GRAMMAR}。")
    try:
        name = FaultName(match["name"])
    except ValueError as error:
        raise FaultSpecError(_unknown(match["name"])) from error
    value, count = match["value"], match["count"]
    fault = Fault(name, _scope(name, match["infno"], value), int(count) if count else None)
    _apply_value(fault, value, text)
    return fault


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, list(FaultName), n=1)
    meant = f"是否想写 {near[0]}?" if near else ""
    return f"没有故障 {name!r}。{meant}可用:{'、'.join(sorted(FaultName))}。"


def _scope(name: FaultName, infno: str | None, value: str | None) -> frozenset[str] | None:
    if infno is None and name is FaultName.REFUSE and value:
        infno = value
    if infno == "*" or (infno is None and name in _ANY_TRANSACTION):
        return None
    if infno is not None:
        return frozenset({infno.rstrip("A")})
    return SETTLE | PRE_SETTLE if name is FaultName.DIFFER else SETTLE


def _apply_value(fault: Fault, value: str | None, text: str) -> None:
    if fault.name in _TIMED:
        fault.delay_ms = _milliseconds(value, text, fault.name)
    elif fault.name is FaultName.DIFFER:
        if value is None or not (value.isascii() and value.isdecimal()):
            raise FaultSpecError(f"{text!r}:differ 要写分数目,例如 differ=100(1 元)。")
        fault.differ_fen = int(value)
    elif fault.name not in _VALUED and value is not None:
        _apply_count(fault, value, text)


def _apply_count(fault: Fault, value: str, text: str) -> None:
    """`=1` is a count, `=0.1` and `=10%` a share."""
    share = _SHARE.fullmatch(value)
    if share is not None:
        percent, fraction = share[1], share[2]
        ppm = int(percent) * 10_000 if percent else _MILLION
        fault.share_ppm = int(fraction.ljust(6, "0")) if fraction else ppm
        if not 0 < fault.share_ppm <= _MILLION:
            raise FaultSpecError(f"{text!r}:比例应大于 0,至多 100%。")
    elif not (value.isascii() and value.isdecimal()):
        raise FaultSpecError(f"{text!r}:应写次数(=1)或比例(=0.1、=10%)。")
    elif fault.remaining is None:
        fault.remaining = int(value)


def _milliseconds(value: str | None, text: str, name: FaultName) -> int:
    match = _DURATION.fullmatch(value or "")
    if match is None or (match[3] == "ms" and match[2]):
        raise FaultSpecError(f"{text!r}:{name} 要写时长,例如 {name}=0.5s 或 {name}=500ms。")
    whole = int(match[1])
    wanted = whole if match[3] == "ms" else whole * 1000 + int((match[2] or "").ljust(3, "0"))
    if wanted > DELAY_MAX_MS:
        raise FaultSpecError(f"{text!r}:时长至多 {DELAY_MAX_MS // 1000}s。")
    return wanted


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
