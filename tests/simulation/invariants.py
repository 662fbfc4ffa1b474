"""What must hold at the end, whatever happened. Each function names what does not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from gateway.domain.claim import RESTING, ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import Refused
from gateway.rpc.convert.claims import decode_claim
from tests.simulation.hospital import Call
from tests.simulation.region import RegionState
from yrd.claim.v1 import claim_pb2

_POSTED = {
    ClaimState.SETTLED: 1, ClaimState.REVERSING: 1, ClaimState.REVERSAL_UNKNOWN: 1,
    ClaimState.REVERSED: 2,
}  # fmt: skip
_CAN_END = {
    ClaimState.SETTLED, ClaimState.REFUSED, ClaimState.VOIDED, ClaimState.REVERSED,
    # These wait for reconciliation or a person, and for nobody else.
    ClaimState.REVIEW, ClaimState.REVERSAL_SENT, ClaimState.REVERSAL_UNKNOWN,
}  # fmt: skip
_ENDED = (ClaimState.REFUSED, ClaimState.VOIDED, ClaimState.REVERSED)


def broken(
    claims: list[ClaimRecord],
    region: RegionState,
    calls: list[Call],
    taken_back: Sequence[str] = (),
) -> Iterator[str]:
    """Sentences, one for each promise that does not hold. `taken_back`: batches that a person had
    taken back at the region, once a decision."""
    yield from _one_settlement_per_batch(claims, region)
    yield from _posted_by_a_yes(claims, region)
    yield from _nothing_lost(claims, region)
    yield from _everybody_can_end(claims)
    yield from _errors_mean_nothing_sent(claims, region, calls)
    yield from _nobody_told_no_while_others_get_a_yes(calls)
    yield from _cancelled_once(claims, region, calls, taken_back)
    yield from _told(claims, region)
    yield from _no_stay_left_open(claims, region)
    yield from _msgids(region)
    yield from _answers(claims, calls)


def unresolved(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    """What must hold after reconciliation: every claim at rest, and the books are the region's."""
    effective = {
        found.msgid: found.breakdown
        for found in region.settlements.values()
        if found.standing == "effective"
    }
    for claim in claims:
        if claim.state not in RESTING:
            yield f"{claim.claim_id} is left in {claim.state} {claim.attention} after days"
        theirs = effective.pop(claim.pivot_msgid, None)
        ours = claim.settled if claim.state is ClaimState.SETTLED else None
        if ours != theirs:
            yield f"{claim.claim_id} in {claim.state}: the ledger is not what the region has"
    yield from (f"{msgid} is effective at the region and nobody's" for msgid in effective)


def _one_settlement_per_batch(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    live: defaultdict[str, list[ClaimRecord]] = defaultdict(list)
    effective: Counter[str] = Counter()
    by_msgid = {claim.pivot_msgid: claim for claim in claims}
    for claim in claims:
        if claim.state not in _ENDED:
            live[claim.batch_no].append(claim)
    for settlement_id, found in region.settlements.items():
        owner = by_msgid.get(found.msgid)
        if owner is None:
            yield f"{settlement_id} took effect and no claim knows its msgid"
        elif found.standing == "effective":
            effective[owner.batch_no] += 1
    yield from (f"{batch} has {len(many)} live claims" for batch, many in live.items() if many[1:])
    yield from (f"{batch} is settled {n} times" for batch, n in effective.items() if n > 1)


def _posted_by_a_yes(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    for claim in claims:
        posted = sum(1 for entry in claim.entries if entry.kind == "posted")
        if posted != _POSTED.get(claim.state, 0):
            yield f"{claim.claim_id} in {claim.state} has {posted} posted entries"
        if posted and claim.pivot_msgid not in region.yes:
            yield f"{claim.claim_id} is posted without a region's yes"


def _nothing_lost(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    by_msgid = {found.msgid: found for found in region.settlements.values()}
    for claim in claims:
        found = by_msgid.get(claim.pivot_msgid)
        standing = found.standing if found is not None else "absent"
        if claim.state is ClaimState.SETTLED and standing != "effective":
            yield f"{claim.claim_id} is SETTLED, at the region it is {standing}"
        if claim.state is ClaimState.SETTLED and found and claim.settled != found.breakdown:
            yield f"{claim.claim_id} has other amounts than the region"
        if claim.state in _ENDED and standing == "effective":
            yield f"{claim.claim_id} is {claim.state}, at the region it is effective"


def _everybody_can_end(claims: list[ClaimRecord]) -> Iterator[str]:
    for claim in claims:
        if claim.state not in _CAN_END:
            yield f"{claim.claim_id} is left in {claim.state}"
        if claim.state is ClaimState.REVERSAL_SENT and not claim.reversal_answered:
            yield f"{claim.claim_id}: nobody repeats its 2601"


def _errors_mean_nothing_sent(
    claims: list[ClaimRecord], region: RegionState, calls: list[Call]
) -> Iterator[str]:
    sent = set(region.msgids)
    heard: defaultdict[str, set[str]] = defaultdict(set)
    for call in calls:
        if call.kind == "settle":
            heard[call.request_id].add(
                "error" if call.error else "answer" if call.answer else "cut"
            )
    for claim in claims:
        # A 2601 for what was never sent harms nobody.
        steps = [m.msgid for m in claim.messages if m.transaction != "2601"]
        went_out = [msgid for msgid in steps if msgid in sent]
        if heard[claim.request_id] == {"error"} and went_out:
            yield f"{claim.request_id}: only errors were told, and {went_out[0]} was sent"


def _nobody_told_no_while_others_get_a_yes(calls: list[Call]) -> Iterator[str]:
    """Who waits for the same run is told the same, or what is on record; never an error while the
    run goes on and sends. A region's no ends the run that heard it: whoever came a moment before it
    was told, and gets a yes, has begun another run."""
    for told_no in (call for call in calls if call.error and not isinstance(call.error, Refused)):
        for other in calls:
            same = (call_key(other) == call_key(told_no)) and other.answer
            if same and other.begun < told_no.ended < other.ended:
                yield f"{told_no.request_id}: an error was told while its run went on"


def call_key(call: Call) -> tuple[str, str]:
    """Calls with the same key have the same body."""
    return call.kind, call.request_id


def _cancelled_once(
    claims: list[ClaimRecord],
    region: RegionState,
    calls: list[Call],
    taken_back: Sequence[str],
) -> Iterator[str]:
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for call in calls:
        if call.kind == "reverse":
            asked[f"B{call.request_id[1:].partition('-')[0]}"].add(call.request_id)
    batch_of = {claim.region_settlement_id: claim.batch_no for claim in claims}
    for batch, count in Counter(batch_of[sid] for sid in region.cancels).items():
        if count > len(asked[batch]) + taken_back.count(batch):
            yield f"{batch}: {count} cancellations for {len(asked[batch])} requests"


def _told(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    for claim in claims:
        posted = sum(1 for entry in claim.entries if entry.kind == "posted")
        for sign in (1, -1)[:posted]:
            rows = region.told.get((claim.claim_id, sign < 0), [])
            if not rows:
                yield f"the visited region never heard of {claim.claim_id} ({sign:+})"
            if claim.settled and any(r.total_fen != sign * claim.settled.total_fen for r in rows):
                yield f"the visited region was told another amount of {claim.claim_id}"


def _no_stay_left_open(claims: list[ClaimRecord], region: RegionState) -> Iterator[str]:
    for claim in claims:
        admission = claim.messages[0]
        # After a crash nobody wrote down what became of it: it left us, and no visit is known.
        crashed = admission.outcome == "planned" and admission.msgid in region.msgids
        unheard = admission.outcome == "no_answer" or (crashed and claim.state is ClaimState.VOIDED)
        lost = claim.visit_kind.is_inpatient and unheard
        if lost and admission.msgid not in region.reversed_msgids:
            yield f"{claim.claim_id}: its admission may be open, and nobody takes it back"


def _msgids(region: RegionState) -> Iterator[str]:
    for msgid, count in Counter(region.msgids).items():
        if count > 1:
            yield f"msgid {msgid} was sent {count} times"


def _answers(claims: list[ClaimRecord], calls: list[Call]) -> Iterator[str]:
    """What ended was told in the same bytes to everybody, before and after."""
    ended: defaultdict[tuple[str, str], set[bytes]] = defaultdict(set)
    for call in calls:
        if call.answer is None:
            continue
        claim = decode_claim(call.answer)
        state = claim_pb2.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")
        ended[claim.claim_id, f"{state} {claim.etag}"].add(call.answer)
    for (claim_id, state), answers in ended.items():
        if len(answers) > 1:
            yield f"{claim_id} in {state} was told in {len(answers)} ways"
    last = {claim.claim_id: claim for claim in claims}
    for claim_id, state in ended:
        name = state.split()[0]
        if name in ("REFUSED", "VOIDED", "REVERSED") and last[claim_id].state.value != name:
            yield f"{claim_id} was told as {name} and is {last[claim_id].state}"
