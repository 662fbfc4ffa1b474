"""The watchers are watched: each promise that the simulation checks can be seen to break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from tests.simulation.campaign import follow
from tests.simulation.invariants import broken, unresolved
from tests.simulation.region import AtRegion, RegionState
from tests.unit.rpc.samples import breakdown
from tests.unit.rpc.samples import claim as sample

PIVOT, KEY = "H00310000001202611241015000003", ("11", "330400")


def claim(state: ClaimState) -> ClaimRecord:
    return replace(sample(state), pivot_msgid=PIVOT, settled=breakdown())


def region(standing: str = "", *, fen: int = 0) -> RegionState:
    """What it has under the pivot's msgid: nothing, or a settlement that differs by so much."""
    state = RegionState(yes={PIVOT: "S1"})
    if standing:
        theirs = replace(breakdown(), cash_fen=breakdown().cash_fen + fen)
        state.settlements["S1"] = AtRegion(PIVOT, theirs, KEY, standing)
    return state


@pytest.mark.parametrize(
    ("state", "at_region", "wrong"),
    [
        (ClaimState.SETTLED, region("effective"), ""),
        (ClaimState.SETTLED, region("cancelled"), "the ledger is not what the region has"),
        (ClaimState.SETTLED, region("effective", fen=1), "the ledger is not what the region has"),
        (ClaimState.VOIDED, region(), ""),
        (ClaimState.VOIDED, region("reversed"), ""),
        (ClaimState.VOIDED, region("effective"), "the ledger is not what the region has"),
        (ClaimState.UNKNOWN, region(), "is left in UNKNOWN"),
        (ClaimState.REVERSAL_SENT, region(), "is left in REVERSAL_SENT"),
        (ClaimState.REVIEW, region("effective"), "is left in REVIEW"),
        (ClaimState.REVERSAL_UNKNOWN, region("cancelled"), "is left in REVERSAL_UNKNOWN"),
    ],
)
def test_what_reconciliation_leaves_behind_is_seen(
    state: ClaimState, at_region: RegionState, wrong: str
) -> None:
    found = list(unresolved([claim(state)], at_region))
    assert any(wrong in sentence for sentence in found) if wrong else found == []


def test_a_settlement_that_no_claim_knows_is_seen() -> None:
    assert "nobody's" in "".join(unresolved([], region("effective")))


def test_two_settlements_in_force_and_money_without_a_yes_are_seen() -> None:
    one, other = (
        claim(ClaimState.SETTLED),
        replace(claim(ClaimState.SETTLED), claim_id="clm_02", pivot_msgid=PIVOT[:-1] + "9"),
    )
    state = region("effective")
    state.settlements["S2"] = AtRegion(other.pivot_msgid, breakdown(), KEY)
    found = "; ".join(broken([one, other], state, []))
    assert "B001 is settled 2 times" in found
    assert "clm_02 is posted without a region's yes" in found


def test_a_campaign_names_the_seed_that_failed_and_the_command_that_runs_it_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert follow(iter([(0, []), (1, [])]), 2) == 0
    assert follow(iter([(0, []), (7, ["B1 is settled 2 times"])]), 2) == 1
    told = capsys.readouterr().out
    assert "seed 7: B1 is settled 2 times" in told
    assert "YRD_SEED=7 ./yrd test tests/simulation/test_simulation.py" in told
    assert "2 of 2 seeds, 1 failed" in told
