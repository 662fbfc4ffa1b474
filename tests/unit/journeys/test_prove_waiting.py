"""Who waits for a receipt waits for the witnesses too, but not for long and never in vain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gateway.journeys.prove_entry import WITNESSES_S, NotSigned, NotYetCovered, ProveEntry
from gateway.ports import CheckpointView, Signing
from tests.integration.store.house import NOON, StandingClock

VIEW = CheckpointView("note", 9, bytes(32), "vkey", NOON, witnessed=False)


@dataclass
class ComingLog:
    """A log whose checkpoint is signed and cosigned at given seconds; the rest is not asked."""

    clock: StandingClock
    signed_at: float
    witnessed_at: float
    refused: str = ""

    def signing(self) -> Signing:
        return Signing(self.refused)

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        now = self.clock.monotonic() - NOON.timestamp()
        if now < self.signed_at:
            return None
        return replace(VIEW, witnessed=now >= self.witnessed_at)


async def waited(signed_at: float, witnessed_at: float, wait_s: float) -> tuple[bool, float]:
    """(whether witnessed, after how many seconds)."""
    clock = StandingClock()
    log = ComingLog(clock, signed_at, witnessed_at)
    prove = ProveEntry(store=None, log=log, clock=clock)  # type: ignore[arg-type]  # only these are asked
    found = await prove._covering(0, wait_s)
    return found.witnessed, round(clock.monotonic() - NOON.timestamp(), 2)


async def test_witnesses_that_come_soon_are_waited_for() -> None:
    assert await waited(0.1, 0.4, wait_s=20) == (True, 0.4)


async def test_witnesses_that_are_away_cost_a_second() -> None:
    found, after = await waited(0.1, 999, wait_s=20)
    assert not found and after <= 0.15 + WITNESSES_S + 0.05


async def test_at_most_half_of_what_is_left_goes_on_witnesses() -> None:
    found, after = await waited(0, 999, wait_s=0.4)
    assert not found and after <= 0.25


async def test_who_does_not_wait_gets_what_is_there() -> None:
    assert await waited(0, 999, wait_s=0) == (False, 0.0)


async def test_without_a_checkpoint_there_is_no_receipt() -> None:
    with pytest.raises(NotYetCovered):
        await waited(999, 999, wait_s=0.2)


async def test_nobody_waits_for_a_checkpoint_that_nobody_will_sign() -> None:
    clock = StandingClock()
    log = ComingLog(clock, 999, 999, refused="LOG_KEY_OUT_OF_DATE")
    prove = ProveEntry(store=None, log=log, clock=clock)  # type: ignore[arg-type]  # only these are asked
    with pytest.raises(NotSigned, match="LOG_KEY_OUT_OF_DATE"):
        await prove._covering(0, 20)
    assert clock.now() == NOON
