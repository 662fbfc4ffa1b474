"""The life of a claim, explored in every order of what a region, a network and a crash can do."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pytest

from gateway.domain.claim import (
    TABLE,
    TERMINAL,
    ClaimEvent,
    ClaimState,
    LedgerAct,
    allows,
    next_steps,
    transition,
)
from gateway.domain.errors import InvariantViolated

S, E, L = ClaimState, ClaimEvent, LedgerAct


@dataclass(frozen=True, slots=True)
class World:
    """What is true at the region, beside what our claim believes."""

    state: ClaimState = S.RECORDED
    settle_sent: bool = False
    settle_arrived: bool = False
    """The region processed our settlement (it may still be under way while sent)."""
    effective: int = 0
    """Settlements in force at the region."""
    cancelled: bool = False
    reversal_under_way: bool = False
    cancel_under_way: bool = False
    posted: bool = False
    reversal_posted: bool = False
    pending: int = 1
    crashed: bool = False
    """Our process died: whatever was under way is nobody's any more."""


USED: set[tuple[ClaimState, ClaimEvent]] = set()
"""Rows of the table that the exploration went through."""


def apply(world: World, event: ClaimEvent) -> World:
    USED.add((world.state, event))
    found = transition(world.state, event)
    world = replace(world, state=found.to)
    match found.ledger:
        case L.POST:
            assert world.pending == 1
            assert not world.posted
            return replace(world, posted=True, pending=0)
        case L.VOID | L.VOID_REVERSAL:
            assert world.pending == 1
            return replace(world, pending=0)
        case L.PEND_REVERSAL:
            assert world.pending == 0
            assert world.posted
            return replace(world, pending=1)
        case L.POST_REVERSAL:
            assert world.pending == 1
            assert world.posted
            return replace(world, reversal_posted=True, pending=0)
        case _:
            return world


def moves(world: World) -> list[tuple[str, World]]:
    """Everything that can happen next, at the region, on the wire, or to us."""
    found: list[tuple[str, World]] = []
    # the wire and the region: a message under way may arrive now, late, or never
    if world.settle_sent and not world.settle_arrived:
        found.append(("settle takes effect", replace(world, settle_arrived=True, effective=1)))
        found.append(("settle is refused", replace(world, settle_arrived=True)))
    if world.reversal_under_way:
        gone = replace(world, reversal_under_way=False)
        found.append(("2601 takes effect", replace(gone, effective=0)))
        found.append(("2601 finds nothing", gone))
    if world.cancel_under_way:
        gone = replace(world, cancel_under_way=False)
        if world.effective:
            found.append(("cancel takes effect", replace(gone, effective=0, cancelled=True)))
        found.append(("cancel is lost", gone))
    # us
    match world.state:
        case S.RECORDED:
            if not world.settle_sent and not world.crashed:
                found.append(("send settle", replace(world, settle_sent=True)))
                found.append(("an earlier step fails", apply(world, E.NOT_SENT)))
            if world.settle_arrived and not world.crashed:
                event = E.REGION_SETTLED if world.effective else E.REGION_REFUSED
                found.append(("its answer is read", apply(world, event)))
                if world.effective:
                    broken = apply(world, E.REGION_SETTLED_BROKEN)
                    found.append(("its answer does not add up", broken))
            if world.settle_sent or world.crashed:
                found.append(("no answer", apply(world, E.NO_ANSWER)))
            if not world.crashed:
                found.append(("we crash", replace(world, crashed=True)))
        case S.UNKNOWN:
            sent = replace(apply(world, E.REVERSAL_BY_MSGID), reversal_under_way=True)
            found.append(("the worker sends 2601", sent))
            if world.settle_arrived and not world.crashed:
                event = E.REGION_SETTLED if world.effective else E.REGION_REFUSED
                found.append(("a late answer", apply(world, event)))
        case S.REVERSAL_SENT:
            sent = replace(apply(world, E.REVERSAL_BY_MSGID), reversal_under_way=True)
            found.append(("the worker sends it again", sent))
            found.append(("a person has it taken back again", apply(world, E.TAKE_BACK)))
        case S.SETTLED if not world.reversal_posted:
            asked = replace(apply(world, E.CANCEL_REQUESTED), cancel_under_way=True)
            found.append(("the hospital cancels", asked))
        case S.REVIEW:
            found.append(("a person has it taken back", apply(world, E.TAKE_BACK)))
            if world.effective:
                # Not after the next: who has it cancelled by telephone takes it back here.
                again = apply(world, E.REGION_SETTLED)
                found.append(("its kept answer is read again, whole", again))
                undone = replace(world, effective=0, cancelled=True)
                found.append(("a person has it cancelled at the region", undone))
        case S.REVERSING:
            if world.cancelled:
                found.append(("cancel answered yes", apply(world, E.CANCEL_ACCEPTED)))
            elif not world.cancel_under_way:
                found.append(("cancel answered no", apply(world, E.CANCEL_REFUSED)))
            found.append(("cancel not answered", apply(world, E.CANCEL_NO_ANSWER)))
    # reconciliation, when nothing of ours is under way any more
    if not (world.reversal_under_way or world.cancel_under_way) and (
        world.settle_arrived or not world.settle_sent
    ):
        event = E.FOUND_EFFECTIVE if world.effective else E.FOUND_ABSENT
        if allows(world.state, event):
            found.append((f"reconciliation: {event}", apply(world, event)))
        if allows(world.state, E.FOUND_AMBIGUOUS):
            found.append(("the statement is no clear one", apply(world, E.FOUND_AMBIGUOUS)))
    return found


def explore() -> dict[World, list[tuple[str, World]]]:
    graph: dict[World, list[tuple[str, World]]] = {}
    queue = deque([World()])
    while queue:
        world = queue.popleft()
        if world in graph:
            continue
        graph[world] = moves(world)
        queue.extend(after for _, after in graph[world])
    return graph


GRAPH = explore()


def test_the_exploration_reaches_every_state_and_every_row_of_the_table_but_repeats() -> None:
    repeats = {
        (S.UNKNOWN, E.NO_ANSWER),
        (S.UNKNOWN, E.NOT_SENT),
        (S.UNKNOWN, E.REGION_SETTLED_BROKEN),
        (S.REVERSAL_UNKNOWN, E.CANCEL_NO_ANSWER),
        (S.REVERSAL_UNKNOWN, E.CANCEL_REFUSED),
        (S.REVERSAL_UNKNOWN, E.CANCEL_ACCEPTED),
        (S.REVERSING, E.CANCEL_NOT_SENT),
    }
    assert {world.state for world in GRAPH} == set(ClaimState)
    assert set(TABLE) - USED <= repeats


def test_there_are_never_two_effective_settlements_for_one_claim() -> None:
    assert all(world.effective <= 1 for world in GRAPH)


def test_nothing_is_posted_without_the_regions_yes() -> None:
    for world in GRAPH:
        if world.posted:
            assert world.settle_arrived
            assert world.effective == 1 or world.cancelled


def test_when_nothing_is_under_way_the_books_agree_with_the_region() -> None:
    for world in GRAPH:
        under_way = world.settle_sent and not world.settle_arrived
        quiet = not (world.reversal_under_way or world.cancel_under_way or under_way)
        if world.state is S.SETTLED:
            assert world.posted
            assert not world.reversal_posted
        if world.state in TERMINAL and quiet:
            assert world.pending == 0
            assert world.effective == (1 if world.posted and not world.reversal_posted else 0)


def test_a_claim_that_ended_without_money_stays_without_money_at_the_region() -> None:
    for world in GRAPH:
        if world.state is S.VOIDED and not (world.settle_sent and not world.settle_arrived):
            assert world.effective == 0


def test_every_state_can_still_end() -> None:
    ends = {w for w in GRAPH if w.state in TERMINAL or (w.state is S.SETTLED)}
    reaches = set(ends)
    changed = True
    while changed:
        changed = False
        for world, after in GRAPH.items():
            if world not in reaches and any(w in reaches for _, w in after):
                reaches.add(world)
                changed = True
    assert reaches == set(GRAPH)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_no_event_leads_out_of_a_terminal_state(state: ClaimState) -> None:
    for event in ClaimEvent:
        with pytest.raises(InvariantViolated):
            transition(state, event)


def test_every_state_that_is_not_at_rest_has_somebody_who_must_act() -> None:
    for state in ClaimState:
        steps = next_steps(state, expired=True)
        assert bool(steps) == (state not in TERMINAL | {S.SETTLED})


def test_an_answered_reversal_only_waits_for_reconciliation() -> None:
    steps = next_steps(S.REVERSAL_SENT, expired=True, answered=True)
    assert [step.value for step in steps] == ["await_reconciliation"]


def test_a_reversal_that_nobody_answered_waits_for_a_person_once_it_was_tried_enough() -> None:
    steps = next_steps(S.REVERSAL_SENT, expired=True, exhausted=True)
    assert [step.value for step in steps] == ["await_person", "await_reconciliation"]


def test_the_table_never_posts_a_settlement_on_anything_but_the_regions_own_yes() -> None:
    for (_, event), found in TABLE.items():
        if found.ledger is L.POST:
            assert event is E.REGION_SETTLED


def test_what_was_sent_to_take_it_back_is_never_followed_by_a_posting() -> None:
    assert not allows(S.REVERSAL_SENT, E.REGION_SETTLED)
    for event in ClaimEvent:
        if allows(S.REVERSAL_SENT, event):
            assert transition(S.REVERSAL_SENT, event).to in (S.REVERSAL_SENT, S.VOIDED)
