"""暂定结算单: the claims of which neither success nor failure may be assumed, listed and counted.

Asked for by people and by monitoring, again and again, in a table where nearly every claim has
ended: each query says IS_PROVISIONAL word for word, as the partial index does that serves it.
"""

from __future__ import annotations

from sqlalchemy import Connection, String, bindparam, case, func, or_, select, text

from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.ports import AttentionQuery, Awaiting, ProvisionalCount
from gateway.store.claims import PAGE_MAX, SEALED, Claims
from gateway.store.outbox import codes_within
from gateway.store.tables import CLAIM, IS_PROVISIONAL
from ledger.reads import from_us

_AWAITING = (
    select(CLAIM.c.state, func.count(), func.min(CLAIM.c.updated_us))
    .where(
        text(IS_PROVISIONAL),
        CLAIM.c.work_due_us.is_(None),
        or_(
            CLAIM.c.institution_code == bindparam("institution"),
            bindparam("institution", type_=String) == "",
        ),
    )
    .group_by(CLAIM.c.state)
    .order_by(CLAIM.c.state)
)
_LISTED = (
    select(*SEALED)
    .where(
        text(IS_PROVISIONAL),
        CLAIM.c.body.is_not(None),
        CLAIM.c.claim_id > bindparam("after"),
        or_(
            CLAIM.c.claim_id == bindparam("claim_id"),
            bindparam("claim_id", type_=String) == "",
        ),
        CLAIM.c.insured_region.between(bindparam("first"), bindparam("last")),
        or_(
            CLAIM.c.institution_code == bindparam("institution"),
            bindparam("institution", type_=String) == "",
        ),
    )
    .order_by(CLAIM.c.claim_id)
    .limit(bindparam("limit"))
)
_PROVINCE = func.substr(CLAIM.c.insured_region, 1, 2).label("province")
_WAITS_FOR = case(
    (CLAIM.c.work_due_us.is_not(None), "gateway"),
    (or_(CLAIM.c.state == ClaimState.REVIEW.value, CLAIM.c.reconcile_due_us.is_(None)), "person"),
    else_="statement",
)
_SINCE = case(
    (CLAIM.c.state == ClaimState.REVERSAL_UNKNOWN.value, CLAIM.c.updated_us),
    else_=CLAIM.c.created_us,
)
_COUNTS = (
    select(_PROVINCE, CLAIM.c.state, _WAITS_FOR.label("waits_for"), func.count(), func.min(_SINCE))
    .where(text(IS_PROVISIONAL), CLAIM.c.body.is_not(None))
    # By their labels: two expressions with parameters are never the same to PostgreSQL.
    .group_by(text("province"), CLAIM.c.state, text("waits_for"))
    .order_by(text("province"), CLAIM.c.state, text("waits_for"))
)


class Waiting:
    """What one transaction sees of them."""

    def __init__(self, connection: Connection, claims: Claims) -> None:
        self._connection, self._claims = connection, claims

    def awaiting(self, institution: str) -> tuple[Awaiting, ...]:
        """By state; of one institution, or of all ("")."""
        rows = self._connection.execute(_AWAITING, {"institution": institution})
        return tuple(
            Awaiting(ClaimState(state), count, from_us(oldest)) for state, count, oldest in rows
        )

    def counts(self) -> tuple[ProvisionalCount, ...]:
        """By province, state and what they wait for; by columns alone."""
        rows = self._connection.execute(_COUNTS).all()
        return tuple(
            ProvisionalCount(province, ClaimState(state), waits_for, count, from_us(since))
            for province, state, waits_for, count, since in rows
        )

    def listed(self, query: AttentionQuery) -> tuple[ClaimRecord, ...]:
        """By claim id; a row that does not open is left out and told in the log."""
        values = {
            "institution": query.institution,
            "after": query.after,
            "claim_id": query.claim_id,
            "limit": min(max(query.limit, 1), PAGE_MAX),
            **codes_within(query.insured_region_prefix),
        }
        return self._claims.readable(self._connection.execute(_LISTED, values).all())
