"""检验规则: one thing that must hold between a platform and our adapter, and how trying it ended.

A rule is a function over a Stand. It ends quietly when what it says holds, raises Broken when it
does not, NotRun when it cannot be tried here; where a platform does otherwise than we assume and no
money is at risk, it tells the stand (`Stand.differs`) and goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.conformance.stand import Stand

Trial = Callable[["Stand"], Awaitable[None]]


class Group(StrEnum):
    """What a rule is about; the report stands in this order."""

    GATE = "门禁:签名、时间与接入方"
    PLAIN = "正常:一次就诊从头到尾"
    WAY = "途中:丢失、延迟、重复与损坏"
    SHAPE = "写法:数字、空值与状态码"
    REPEAT = "重复:同一报文与同一批费用"
    REVERSAL = "冲正与撤销"
    STATEMENT = "对账与字典"


class Outcome(StrEnum):
    """检验结果."""

    PASSED = "passed"
    """通过"""
    DIFFERS = "differs"
    """与假设不同: otherwise than we assume, no money at risk; the profile has to say so."""
    BROKEN = "broken"
    """不符"""
    NOT_RUN = "not_run"
    """未执行"""


class Broken(Exception):
    """The rule does not hold; `args[0]` says in Chinese what was expected and what was found."""


class NotRun(Exception):
    """The rule cannot be tried here; `args[0]` says in Chinese why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """与假设不同: what the platform does, and where that is to be written down."""

    text_zh: str
    key: str
    """The profile's key, e.g. `assumptions.late_original`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    """C01 …; kept for ever, so that reports of different days can be compared."""
    group: Group
    text_zh: str
    """What must hold, one sentence."""
    why_zh: str
    """Why it matters, with the source and its confidence."""
    does_zh: str
    """What is done to try it."""
    trial: Trial
    sandbox_only: bool = False
    quick: bool = False
    """Among the few that are tried where there is no time for all."""
    first: bool = False
    """Where it does not hold, nothing else can be tried."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What trying one rule came to."""

    rule: Rule
    outcome: Outcome
    text_zh: str
    """Empty for a rule that simply holds."""
    differences: tuple[Difference, ...]
    elapsed_ms: int


def rule(
    id: str,
    group: Group,
    text_zh: str,
    *,
    why: str,
    does: str,
    sandbox_only: bool = False,
    quick: bool = False,
    first: bool = False,
) -> Callable[[Trial], Rule]:
    """Makes a rule of a function."""

    def made(trial: Trial) -> Rule:
        return Rule(id, group, text_zh, why, does, trial, sandbox_only, quick, first)

    return made
