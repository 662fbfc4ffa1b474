"""对账存疑: why the absence of a row in a statement proves nothing.

Pure. What a claim's rows say stands in standing.py; but a claim without a row ends, so a statement
that cannot be the whole truth about its group must not be believed: one that has none of what the
region itself had placed there is of another group or not ready, a row of the centre's without a
msgid may be of any message of ours, and a detail without a difference is not the detail of totals
that differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.domain.claim_record import ClaimRecord
from gateway.journeys.our_statement import OurStatement
from gateway.ports import StatementResult, StatementRow


def doubt(
    ours: OurStatement,
    known: Iterable[ClaimRecord],
    rows: Collection[StatementRow],
    *,
    more: bool,
) -> str:
    """The cause, as logs tell it; "" where nothing speaks against the statement.

    `known`: claims of ours whose settlement ids may stand in it; `more`: 3201 said that
    the centre may have more than we.
    """
    ids = {row.settlement_id for row in ours.rows}
    for claim in known:
        ids |= {claim.region_settlement_id, claim.reversal_settlement_id}
    if any(not row.msgid and row.settlement_id not in ids - {""} for row in rows):
        return "row_without_msgid"
    lacking = {r.settlement_id for r in rows if r.result is StatementResult.OURS_MORE}
    if ours.placed and ours.placed <= lacking:
        return "none_of_ours"
    silent = all(row.result is StatementResult.BALANCED for row in rows)
    return "no_difference_told" if silent and more else ""
