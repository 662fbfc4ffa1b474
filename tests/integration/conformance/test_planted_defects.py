"""The suite fails on each planted defect, and the rule that fails is the one that is about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.sandbox.context import Rules
from adapters.sandbox.gates import Gatekeeper
from adapters.sandbox.platform import Platform
from adapters.sandbox.transactions.settle import settle
from gateway.conformance.rule import Outcome
from gateway.conformance.rules import ALL
from gateway.conformance.target import Connect
from tests.integration.conformance import planted_adapters as a
from tests.integration.conformance import planted_platforms as p
from tests.integration.conformance.trials import told, trial


@dataclass(frozen=True)
class Defect:
    """One thing wrong, at a platform or in an adapter, and the rules that must fail."""

    what: str
    province: str
    fails: tuple[str, ...]
    platform: type[Platform] = Platform
    gatekeeper: type[Gatekeeper] = Gatekeeper
    connect: Connect | None = None
    rules: Rules | None = None


SH, JS, ZJ, AH = "shanghai", "jiangsu", "zhejiang", "anhui"
PLATFORMS = [
    Defect("everybody is turned away", ZJ, ("C01",), gatekeeper=p.Nobody),
    Defect("nobody is known", ZJ, ("C10",), p.with_(_1101=p.refusal)),
    Defect("any signature is let through", JS, ("C02",), gatekeeper=p.AnySignature),
    Defect("a changed body is let through", ZJ, ("C06",), gatekeeper=p.AnySignature),
    Defect("an old timestamp is let through", JS, ("C03",), gatekeeper=p.AnyTime),
    Defect("an early timestamp is let through", ZJ, ("C04",), gatekeeper=p.EarlyTime),
    Defect("an unknown caller is let through", JS, ("C05",), gatekeeper=p.AnyCaller),
    Defect("a pre-settlement takes effect", JS, ("C11",), p.with_(_2206=settle)),
    Defect("amounts do not add up", SH, ("C11",), p.with_(_2207=p.settlement_that_does_not_add_up)),
    Defect("the answer is another message's", JS, ("C24",), p.AnswersTheOneBefore),
    Defect(
        "a cancellation is a fen short", JS, ("C12",), p.with_(_2208=p.cancellation_a_fen_short)
    ),
    Defect(
        "a cancellation is words only", SH, ("C12",), p.with_(_2208=p.cancellation_in_words_only)
    ),
    Defect(
        "a cancelled stay is words only", ZJ, ("C14",), p.with_(_2305=p.cancellation_in_words_only)
    ),
    Defect(
        "accumulators are not given back",
        JS,
        ("C13",),
        p.with_(_2208=p.cancellation_keeps_accumulators),
    ),
    Defect("a refusal keeps its effect", JS, ("C15",), p.RefusesAndBooks),
    Defect("a refusal says nothing", ZJ, ("C15",), p.RefusesWithoutAWord),
    Defect("a repeat settles twice", JS, ("C07", "C25", "C50"), p.Forgetful),
    Defect("a msgid serves two messages", ZJ, ("C51",), p.ReusesMsgids),
    Defect(
        "a batch is settled twice",
        JS,
        ("C16", "C52"),
        p.with_(_2207=p.settlement_of_settled_lines),
    ),
    Defect("2601 is words only", JS, ("C21", "C60"), p.with_(_2601=p.reversal_in_words_only)),
    Defect("2601 twice counts twice", JS, ("C61",), p.with_(_2601=p.reversal_again_and_again)),
    Defect(
        "2601 for nothing ends the visit",
        SH,
        ("C20", "C62"),
        p.with_(_2601=p.reversal_that_ends_the_visit),
    ),
    Defect(
        "a late original cannot be reversed",
        JS,
        ("C63",),
        p.with_(_2601=p.reversal_only_the_first_time),
        rules=Rules(late_original="accept"),
    ),
    Defect("2601 of a 2601 restores", JS, ("C64",), p.with_(_2601=p.reversal_of_anything)),
    Defect(
        "2601 of a cancellation is words only",
        ZJ,
        ("C65",),
        p.with_(_2601=p.reversal_of_a_cancellation_in_words_only),
    ),
    Defect(
        "a second cancellation counts", SH, ("C66",), p.with_(_2208=p.cancellation_again_and_again)
    ),
    Defect(
        "a cancellation after 2601 counts",
        JS,
        ("C67",),
        p.with_(_2208=p.cancellation_again_and_again),
    ),
    Defect("anybody may reverse", JS, ("C68",), p.with_(_2601=p.reversal_by_anybody)),
    Defect("lines may be reversed", JS, ("C69",), p.with_(_2601=p.reversal_of_lines)),
    Defect("an admission stays", ZJ, ("C70",), p.with_(_2601=p.reversal_only_once_known)),
    Defect("3201 balances anything", JS, ("C80",), p.with_(_3201=p.statement_always_balanced)),
    Defect(
        "3202 agrees with whatever is uploaded",
        SH,
        ("C82", "C83"),
        p.with_(_3202=p.statement_agrees_with_us),
    ),
    Defect("no dictionary is answered", ZJ, ("C86",), p.with_(_1901=p.refusal)),
    Defect("3202 lacks a row", SH, ("C81", "C85"), p.with_(_3202=p.statement_lacks_a_row)),
    Defect("3202 lacks refunds", ZJ, ("C84", "C85"), p.with_(_3202=p.statement_lacks_refunds)),
]
ADAPTERS = [
    Defect("an adapter verifies nothing", SH, ("C29",), connect=a.verifying_nothing(SH)),
    Defect(
        "an adapter takes silence for a no",
        JS,
        ("C20", "C21", "C35", "C36"),
        connect=a.over(JS, a.TakesSilenceForNo),
    ),
    Defect(
        "an adapter takes a 5xx for a no",
        ZJ,
        ("C30", "C31"),
        connect=a.over(ZJ, a.TakesServerErrorsForNo),
    ),
    Defect(
        "an adapter takes a time-out for a no",
        JS,
        ("C22",),
        connect=a.over(JS, a.TakesTimeOutsForNo),
    ),
    Defect(
        "an adapter takes garbage for a no",
        JS,
        ("C26", "C27", "C28", "C48"),
        connect=a.over(JS, a.TakesGarbageForNo),
    ),
    Defect(
        "an adapter takes any 401 for a no",
        JS,
        ("C32", "C33"),
        connect=a.over(JS, a.TakesStrangeStatusForNo),
    ),
    Defect("an adapter settles again", JS, ("C20",), connect=a.over(JS, a.SettlesAgain)),
    Defect(
        "an adapter reads anybody's answer",
        JS,
        ("C23",),
        connect=a.reading(JS, a.ReadsAnybodysAnswer),
    ),
    Defect("an adapter asks twice", JS, ("C34",), connect=a.over(JS, a.AsksTwice)),
    Defect(
        "an adapter reads numeric codes only",
        ZJ,
        ("C43",),
        connect=a.reading(ZJ, a.ReadsNumericCodesOnly),
    ),
    Defect("an adapter rounds", JS, ("C44",), connect=a.reading(JS, a.RoundsAmounts)),
    Defect(
        "an adapter reads nothing as zero",
        JS,
        ("C45", "C46"),
        connect=a.reading(JS, a.ReadsNothingAsZero),
    ),
    Defect(
        "an adapter reads numbers only", ZJ, ("C40",), connect=a.reading(ZJ, a.ReadsNumbersOnly)
    ),
    Defect("an adapter reads texts only", JS, ("C41",), connect=a.reading(JS, a.ReadsTextsOnly)),
    Defect(
        "an adapter wants two decimals", ZJ, ("C42",), connect=a.reading(ZJ, a.WantsTwoDecimals)
    ),
    Defect(
        "an adapter refuses what it does not know",
        JS,
        ("C47",),
        connect=a.misled(JS, a.refusing_the_unknown),
    ),
    Defect(
        "an adapter takes a nonce that was seen for a message that was not",
        AH,
        ("C25",),
        connect=a.misled(AH, a.forgetting_replays),
    ),
]


def name(defect: Defect) -> str:
    return defect.what


@pytest.mark.parametrize("defect", [*PLATFORMS, *ADAPTERS], ids=name)
async def test_a_planted_defect_is_found_by_its_rule(defect: Defect, tmp_path: Path) -> None:
    report = await trial(
        defect.province,
        tmp_path,
        *defect.fails,
        connect=defect.connect,
        rules=defect.rules,
        platform=defect.platform,
        gatekeeper=defect.gatekeeper,
    )
    assert not report.conforms
    assert {f.rule.id for f in report.of(Outcome.BROKEN)} == {*defect.fails}, told(report)
    assert "检验中断" not in "".join(told(report))


def test_every_rule_can_fail() -> None:
    found = {rule for defect in (*PLATFORMS, *ADAPTERS) for rule in defect.fails}
    assert found == {rule.id for rule in ALL}


def test_at_least_twenty_defects_are_planted_on_either_side() -> None:
    assert len({defect.what for defect in PLATFORMS}) >= 20
    assert len({defect.what for defect in ADAPTERS}) >= 10
