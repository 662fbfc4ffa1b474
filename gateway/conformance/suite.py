"""检验过程: every rule against one platform, one after another, each on a stand of its own.

A rule that raises anything unforeseen does not hold: the report says what it was. Not here: what
the rules are, how the report looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.conformance.known import Known
from gateway.conformance.relay import Relay
from gateway.conformance.rule import Broken, Finding, NotRun, Outcome, Rule
from gateway.conformance.stand import Stand
from gateway.conformance.target import Target

RULE_LIMIT_S = 120.0
"""Longest one rule may take, seconds."""
Tell = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a trial came to."""

    profile: str
    platform_zh: str
    findings: tuple[Finding, ...]

    def of(self, outcome: Outcome) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.outcome is outcome)

    @property
    def conforms(self) -> bool:
        """Nothing is broken, and something was tried. A difference is no failure."""
        tried = len(self.findings) - len(self.of(Outcome.NOT_RUN))
        return tried > 0 and not self.of(Outcome.BROKEN)


def chosen(rules: Iterable[Rule], *, only: Sequence[str] = (), quick: bool = False) -> list[Rule]:
    """Rules by id, or the quick ones. Raises KeyError for an id that there is not."""
    rules = list(rules)
    unknown = sorted({*only} - {rule.id for rule in rules})
    if unknown:
        raise KeyError(unknown[0])
    if only:
        return [rule for rule in rules if rule.id in only]
    return [rule for rule in rules if rule.quick or not quick]


async def try_rules(target: Target, rules: Sequence[Rule], tell: Tell) -> Report:
    """`tell` hears each finding as it comes."""
    relay = Relay(target.url, target.tls)
    url = await relay.start()
    known = Known(target)
    findings: list[Finding] = []
    closed = ""
    try:
        for rule in rules:
            if closed:
                found = Finding(rule, Outcome.NOT_RUN, closed, (), 0)
            else:
                found = await _try(rule, known, relay, url)
            findings.append(found)
            tell(found)
            if rule.first and found.outcome is Outcome.BROKEN:
                closed = f"{rule.id} 不成立,其余无从检验"
    finally:
        await relay.stop()
    return Report(target.profile, target.site.name_zh, tuple(findings))


async def _try(rule: Rule, known: Known, relay: Relay, url: str) -> Finding:
    target = known.target
    if rule.sandbox_only and target.state is None:
        return Finding(rule, Outcome.NOT_RUN, "只对仿真平台执行", (), 0)
    await relay.reset()
    begun = target.clocks.monotonic()
    stand = Stand(known, relay, url)
    try:
        async with asyncio.timeout(RULE_LIMIT_S):
            outcome, text = await _outcome(rule, stand)
            await stand.tidy()
    except TimeoutError:
        outcome, text = Outcome.BROKEN, f"{RULE_LIMIT_S:.0f} 秒内没有做完"
    finally:
        await stand.close()
    elapsed_ms = int((target.clocks.monotonic() - begun) * 1000)
    return Finding(rule, outcome, text, tuple(stand.differences), elapsed_ms)


async def _outcome(rule: Rule, stand: Stand) -> tuple[Outcome, str]:
    try:
        await rule.trial(stand)
    except Broken as broken:
        return Outcome.BROKEN, str(broken)
    except NotRun as reason:
        return Outcome.NOT_RUN, str(reason)
    except TimeoutError:
        raise
    except Exception as error:
        return Outcome.BROKEN, f"检验中断:{type(error).__name__} {error}"
    if stand.differences:
        return Outcome.DIFFERS, ";".join(d.text_zh for d in stand.differences)
    return Outcome.PASSED, ""
