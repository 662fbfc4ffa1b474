"""待处理清单: the claims of which neither success nor failure may be assumed, and what may be done.

Reads only. Each with its reason in Chinese and the acts in the order in which they make sense.
Nothing about the person: amounts, messages and references are what an operator and the region's
people talk about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.business_day import SHANGHAI, business_day
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import Attention, ClaimRecord
from gateway.domain.dictionary import finding_in_clear
from gateway.journeys.read_again import may_read_again
from gateway.journeys.take_back import may_take_back
from gateway.ports import AttentionQuery, Store

SCAN = 200
"""Claims read at once."""


class Act(StrEnum):
    """What may be done about a claim."""

    WAIT = "wait"
    WAIT_STATEMENT = "wait_statement"
    TAKE_BACK = "take_back"
    READ_AGAIN = "read_again"
    PHONE_REGION = "phone_region"


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a claim stands where it stands."""

    reason: str
    """For machines, UPPER_SNAKE."""
    text_zh: str
    needs_person: bool
    may_do: tuple[Act, ...]


@dataclass(frozen=True, slots=True, repr=False)
class AttentionItem:
    """One provisional claim, and what is to be known about it."""

    claim: ClaimRecord
    standing: Standing
    since: datetime
    """Since when its outcome is open."""
    statement_day: date
    """Day of the centre on which the settlement took effect, if it did."""


@dataclass(frozen=True, slots=True, repr=False)
class AttentionPage:
    """One page, by claim id, and where the next begins."""

    items: tuple[AttentionItem, ...]
    next_after: str


_WAITS = (Act.WAIT_STATEMENT,)
_UNANSWERED = (Act.PHONE_REGION, Act.TAKE_BACK, Act.WAIT_STATEMENT)

BY_ATTENTION: Mapping[Attention, Standing] = MappingProxyType(
    {
        Attention.DECIDE: Standing(
            "DECIDE",
            "对账确认参保地已生效,而其答复的金额或代码不能入账:请决定撤回,或补充字典对照后重新读取。",
            True,
            (),
        ),
        Attention.STILL_EFFECTIVE: Standing(
            "STILL_EFFECTIVE",
            "已多次撤回,对账仍显示参保地有效:请凭报文编号联系参保地,再决定是否重新撤回。",
            True,
            (Act.PHONE_REGION, Act.TAKE_BACK),
        ),
        Attention.AMBIGUOUS: Standing(
            "AMBIGUOUS",
            "对账明细彼此矛盾或与本系统记录矛盾,不作推断:请凭报文编号与参保地核实。",
            True,
            (Act.PHONE_REGION, Act.TAKE_BACK, Act.WAIT_STATEMENT),
        ),
        Attention.NO_STATEMENT: Standing(
            "NO_STATEMENT",
            "多次未能取得对账明细,系统每日继续索取:请联系参保地平台查明原因。",
            True,
            (Act.PHONE_REGION, Act.WAIT_STATEMENT),
        ),
    }
)
"""What reconciliation has said a person has to look at."""


def findings_of(claim: ClaimRecord) -> tuple[str, ...]:
    """What was wrong with its answer. An unknown code may be anything, a person's number even: as
    written it stands in the claim alone."""
    return tuple(finding_in_clear(found) for found in (*claim.broken, *claim.unknown_codes))


def standing_of(claim: ClaimRecord) -> Standing:
    """The reason, and the acts that the claim allows as it stands."""
    found = _standing(claim)
    forbidden = set() if may_take_back(claim) else {Act.TAKE_BACK}
    if not may_read_again(claim):
        forbidden.add(Act.READ_AGAIN)
    if claim.reconcile_due is None:
        forbidden.add(Act.WAIT_STATEMENT)
    return replace(found, may_do=tuple(act for act in found.may_do if act not in forbidden))


def _standing(claim: ClaimRecord) -> Standing:
    found = BY_ATTENTION.get(claim.attention)
    if found is not None:
        decides = claim.attention is Attention.DECIDE
        return replace(found, may_do=_decides(claim)) if decides else found
    match claim.state:
        case ClaimState.UNKNOWN:
            text = "结算请求已发出,未得到可读的答复,可能已生效:系统将按原报文编号发出冲正。"
            return Standing("NO_ANSWER", text, False, (Act.WAIT,))
        case ClaimState.REVERSAL_SENT:
            return _reversal(claim)
        case ClaimState.REVIEW:
            wrong = "、".join(findings_of(claim)) or "金额与本单不符"
            text = f"参保地答复已结算,但不能入账({wrong}):待对账确认是否生效,也可现在处理。"
            return Standing("BROKEN_ANSWER", text, True, (*_decides(claim), *_WAITS))
        case _:
            text = "撤销请求未得到可读的答复,是否生效待对账确认;在此之前请勿退费。"
            return Standing("CANCEL_NO_ANSWER", text, False, _WAITS)


def _decides(claim: ClaimRecord) -> tuple[Act, ...]:
    """Reading again helps first of all where a code was not known."""
    if claim.unknown_codes:
        return Act.READ_AGAIN, Act.TAKE_BACK, Act.PHONE_REGION
    return Act.PHONE_REGION, Act.TAKE_BACK, Act.READ_AGAIN


def _reversal(claim: ClaimRecord) -> Standing:
    if claim.reversal_answered:
        text = "冲正已获答复(暂定):以当日对账为准。"
        return Standing("REVERSAL_ANSWERED", text, False, _WAITS)
    if claim.work_due_at is None:
        text = f"冲正已发出 {claim.reversal_attempts} 次,均无答复,不再重发:待对账,可先联系参保地。"
        return Standing("REVERSAL_UNANSWERED", text, True, _UNANSWERED)
    at = claim.work_due_at.astimezone(SHANGHAI)
    text = f"冲正尚无答复(已发 {claim.reversal_attempts} 次),系统将于 {at:%m-%d %H:%M} 后重发。"
    return Standing("REVERSAL_RETRIED", text, False, (Act.WAIT, *_WAITS))


def item_of(claim: ClaimRecord) -> AttentionItem:
    """A provisional claim as the list shows it."""
    cancelling = claim.state is ClaimState.REVERSAL_UNKNOWN
    since = claim.updated_at if cancelling else claim.created_at
    return AttentionItem(claim, standing_of(claim), since, business_day(since))


class ListAttention:
    """ListAttention(query, needs_person=…) → one page."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def __call__(self, query: AttentionQuery, *, needs_person: bool) -> AttentionPage:
        """A page may be shorter than asked for: what needs nobody is left out after reading."""
        asked = replace(query, limit=SCAN if needs_person else query.limit)
        claims = await self._store.read(lambda reader: reader.provisional_claims(asked))
        items: list[AttentionItem] = []
        last = ""
        for claim in claims:
            item = item_of(claim)
            last = claim.claim_id
            if item.standing.needs_person or not needs_person:
                items.append(item)
            if len(items) == query.limit:
                break
        whole = len(claims) < asked.limit and (not claims or last == claims[-1].claim_id)
        return AttentionPage(tuple(items), "" if whole else last)
