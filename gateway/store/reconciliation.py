"""对账查询: the claims that wait for a statement, and those that a statement of ours is made of.

Reads only, inside a transaction that is given. Days are the centre's, Asia/Shanghai.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Select, bindparam, select, text

from gateway.domain.business_day import SHANGHAI
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated
from gateway.store.claims import Claims
from gateway.store.errors import SubjectErased, Undecipherable
from gateway.store.tables import CLAIM
from ledger.reads import to_us

_log = structlog.get_logger("yrd.store")
APART = timedelta(days=1)
"""At most so far lies the centre's time of a settlement from ours; more is nobody's clock."""

_SEALED = (CLAIM.c.claim_id, CLAIM.c.subject_ref, CLAIM.c.body)
_DUE = (
    select(*_SEALED)
    .where(CLAIM.c.reconcile_due_us <= bindparam("at"), CLAIM.c.body.is_not(None))
    .order_by(CLAIM.c.reconcile_due_us, CLAIM.c.claim_id)
    .limit(bindparam("limit"))
)
_OF_INSTITUTION = (
    CLAIM.c.institution_code == bindparam("institution"),
    CLAIM.c.insured_region.like(bindparam("pool")),
    CLAIM.c.body.is_not(None),
)
_SETTLED = select(*_SEALED).where(
    *_OF_INSTITUTION,
    CLAIM.c.created_us >= bindparam("from"),
    CLAIM.c.created_us < bindparam("until"),
    CLAIM.c.state.in_(
        [
            ClaimState.SETTLED.value,
            ClaimState.REVERSING.value,
            ClaimState.REVERSAL_UNKNOWN.value,
            ClaimState.REVERSED.value,
        ]
    ),
)
_REVERSED = select(*_SEALED).where(
    *_OF_INSTITUTION,
    text("state = 'REVERSED'"),  # in the words of the partial index
    CLAIM.c.updated_us >= bindparam("from"),
    CLAIM.c.updated_us < bindparam("until"),
    CLAIM.c.created_us < bindparam("from"),
)


class Reconciliation:
    """What reconciliation reads, as one transaction sees it."""

    def __init__(self, connection: Connection, claims: Claims) -> None:
        self._connection, self._claims = connection, claims

    def due(self, at: datetime, limit: int) -> tuple[ClaimRecord, ...]:
        """Claims whose statement is to be asked for, the longest due first."""
        return self._open(_DUE, {"at": to_us(at), "limit": limit})

    def of_statement(
        self, institution: str, pooling_region: str, first: date, last: date
    ) -> tuple[ClaimRecord, ...]:
        """Claims that may have a row in a statement of these days; some have none."""
        province = pooling_region == "310000"  # one 统筹区 for the whole city; others pool by four
        values = {
            "institution": institution,
            "pool": f"{pooling_region[:2] if province else pooling_region[:4]}%",
            "from": to_us(datetime.combine(first, time(), SHANGHAI) - APART),
            "until": to_us(datetime.combine(last, time(), SHANGHAI) + timedelta(days=1) + APART),
        }
        return self._open(_SETTLED, values) + self._open(_REVERSED, values)

    def _open(self, query: Select[Any], values: dict[str, Any]) -> tuple[ClaimRecord, ...]:
        """Those that do not open are left out: one damaged row must not hold up all the others."""
        found: list[ClaimRecord] = []
        for row in self._connection.execute(query, values).all():
            try:
                found.append(self._claims.open(row))
            except (Undecipherable, SubjectErased, InvariantViolated) as error:
                kind = type(error).__name__
                _log.error("claim_does_not_open", claim_id=row.claim_id, error_type=kind)
        return tuple(found)
