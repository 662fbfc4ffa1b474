"""应答的判断: what a rule wants of an answer, and how an answer is told in Chinese.

Pure. Each of these raises Broken for any other answer than it names. Nothing personal is told: a
region's own words and our causes only.
"""

from __future__ import annotations

from typing import TypeVar

from gateway.conformance.rule import Broken
from gateway.ports import Accepted, Answer, Declined, NoAnswer, NotDelivered

T = TypeVar("T")


def yes(answer: Answer[T], what_zh: str) -> T:
    """The value of an accepted answer. Raises Broken for any other."""
    if isinstance(answer, Accepted):
        return answer.value
    raise Broken(f"{what_zh}应被受理,实为{said(answer)}")


def unknown(answer: Answer[T], what_zh: str) -> NoAnswer:
    """Raises Broken unless the answer is neither yes nor no."""
    if isinstance(answer, NoAnswer):
        return answer
    raise Broken(f"{what_zh}时结果应判为未知,实为{said(answer)}")


def refused(answer: Answer[T], what_zh: str) -> Declined:
    """Raises Broken unless the platform said no."""
    if isinstance(answer, Declined):
        return answer
    raise Broken(f"{what_zh}应被平台拒绝,实为{said(answer)}")


def turned_away(answer: Answer[T], what_zh: str) -> None:
    """Raises Broken unless the service gateway let nothing through."""
    if not isinstance(answer, NotDelivered):
        raise Broken(f"{what_zh}应在平台网关被拒(未送达),实为{said(answer)}")


def said(answer: Answer[object]) -> str:
    """An answer in words, without anything personal."""
    if isinstance(answer, Accepted):
        return "受理"
    text = getattr(answer, "text", "") or getattr(answer, "cause", "")
    words = {"Declined": "拒绝", "NoAnswer": "未知", "NotDelivered": "未送达"}
    return f"{words[type(answer).__name__]}({text})"
