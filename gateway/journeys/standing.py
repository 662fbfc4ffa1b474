"""对账判断: what the rows of one statement say of one claim.

Pure. The centre's rows that we did not upload come without its ids: the msgid of the message that
made a row is the only key (national interface, 3202). A claim is never guessed at: rows that
contradict each other, or us, are AMBIGUOUS and a person's. What follows is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, Standing
from gateway.ports import StatementResult, StatementRow
from ledger.commitment import canonical_json


def standing(
    claim: ClaimRecord, statement: Iterable[StatementRow]
) -> tuple[Standing, tuple[StatementRow, ...]]:
    """What the statement says, and the rows that are about this claim.

    The statement must cover every day on which a message of the claim may have taken effect.
    """
    rows = tuple(row for row in statement if _about(claim, row))
    if any(row.person_no not in ("", claim.person_no) for row in rows):
        return Standing.AMBIGUOUS, rows
    if any(row.result is None for row in rows):  # a code that the region's dictionary lacks
        return Standing.AMBIGUOUS, rows
    if claim.state is ClaimState.REVERSAL_UNKNOWN:
        return _of_cancellation(claim, rows), rows
    stands = _of_settlement(rows)
    if stands is Standing.ABSENT and claim.state is ClaimState.REVIEW:
        # Its yes was read and verified, and we have taken nothing back: one of the two is wrong.
        return Standing.AMBIGUOUS, rows
    return stands, rows


class RowsByKey:
    """The rows of one statement, found by the keys that a claim can have: thousands of rows are
    looked through once, and not for each claim in the transaction that decides it."""

    def __init__(self, statement: Iterable[StatementRow]) -> None:
        self._rows = tuple(statement)
        self._places: dict[str, list[int]] = {}
        for place, row in enumerate(self._rows):
            for key in {row.msgid, row.settlement_id} - {""}:
                self._places.setdefault(key, []).append(place)

    def near(self, claim: ClaimRecord) -> tuple[StatementRow, ...]:
        """All rows about the claim, in their order, and perhaps a few others."""
        keys = {
            claim.pivot_msgid,
            claim.region_settlement_id,
            claim.reversal_settlement_id,
            *undo_msgids(claim),
        }
        places = {place for key in keys for place in self._places.get(key, ())}
        return tuple(self._rows[place] for place in sorted(places))


def undo_msgids(claim: ClaimRecord) -> frozenset[str]:
    """Of every message of ours that may have taken the settlement back: all after the pivot."""
    msgids = [message.msgid for message in claim.messages]
    after = msgids.index(claim.pivot_msgid) + 1 if claim.pivot_msgid in msgids else 0
    return frozenset(msgids[after:])


def digest(rows: Iterable[StatementRow]) -> str:
    """SHA-256 (hex) of rows, in their order: what the leaf keeps of them."""
    listed = [
        [
            row.msgid, row.settlement_id, row.visit_id, row.result_code, row.refund,
            row.total_fen, row.fund_fen, row.account_fen,
        ]
        for row in rows
    ]  # fmt: skip
    return sha256(canonical_json({"rows": listed})).hexdigest()


def _about(claim: ClaimRecord, row: StatementRow) -> bool:
    if row.msgid and (row.msgid == claim.pivot_msgid or row.msgid in undo_msgids(claim)):
        return True
    known = {claim.region_settlement_id, claim.reversal_settlement_id} - {""}
    return row.settlement_id in known


def _of_settlement(rows: tuple[StatementRow, ...]) -> Standing:
    """UNKNOWN, REVERSAL_SENT, REVIEW: we uploaded no row of it, so each row is the centre's."""
    if any(row.result is StatementResult.OURS_MORE for row in rows):
        return Standing.AMBIGUOUS
    forward = [row for row in rows if not row.refund]
    refunds = [row for row in rows if row.refund]
    match len(forward), len(refunds):
        case 0, 0:
            return Standing.ABSENT
        case 1, 0:
            return Standing.EFFECTIVE
        case 1, 1 if _cancel_out(forward[0], refunds[0]):
            return Standing.TAKEN_BACK
    return Standing.AMBIGUOUS


def _of_cancellation(claim: ClaimRecord, rows: tuple[StatementRow, ...]) -> Standing:
    """REVERSAL_UNKNOWN: only its negative row decides. Balanced rows need not be listed, so the
    settlement's own row may be missing; one that differs is a contradiction, and so is any that the
    centre lacks: we uploaded no negative one. But where no answer named day and group, we have put
    the settlement there ourselves, and that it is not there says nothing."""
    refunds = [row for row in rows if row.refund]
    placed = claim.region_settled_at and claim.clearing_type_code and claim.clearing_office
    lacks = any(row.result is StatementResult.OURS_MORE for row in rows if row.refund or placed)
    differs = any(not row.refund and row.result is StatementResult.DIFFER for row in rows)
    if len(refunds) > 1 or lacks or differs:
        return Standing.AMBIGUOUS
    if not refunds:
        return Standing.EFFECTIVE
    (refund,) = refunds
    if claim.settled is None:
        return Standing.AMBIGUOUS
    ours = (claim.settled.total_fen, claim.settled.fund_total_fen, claim.settled.account_fen)
    theirs = (refund.total_fen, refund.fund_fen, refund.account_fen)
    exact = all(they is None or they == -we for we, they in zip(ours, theirs, strict=True))
    return Standing.TAKEN_BACK if exact else Standing.AMBIGUOUS


def _cancel_out(forward: StatementRow, refund: StatementRow) -> bool:
    """I8, in every amount that both rows give."""
    pairs = (
        (forward.total_fen, refund.total_fen),
        (forward.fund_fen, refund.fund_fen),
        (forward.account_fen, refund.account_fen),
    )
    return all(one is None or other is None or one + other == 0 for one, other in pairs)
