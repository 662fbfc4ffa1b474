"""撤销请求: every request_id under which a reversal was recorded, as long as the ledger lives.

The claim names only its newest reversal. One that the region refused and the one after it are two
requests, and a repeat of either must find what became of its claim instead of cancelling again.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.domain.errors import Conflict
from gateway.store.prepared import Prepared
from gateway.store.tables import REVERSAL_REQUEST

_INSERT = Prepared(insert(REVERSAL_REQUEST))
_FIND = Prepared(
    select(REVERSAL_REQUEST.c.claim_id, REVERSAL_REQUEST.c.request_hash).where(
        REVERSAL_REQUEST.c.institution_code == bindparam("institution"),
        REVERSAL_REQUEST.c.request_id == bindparam("request_id"),
    )
)


class Reversals:
    """The ids of reversals as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, institution: str, request_id: str, claim_id: str, request_hash: str) -> None:
        """Once, for ever. Raises Conflict if the id is taken."""
        row = {
            "institution_code": institution,
            "request_id": request_id,
            "claim_id": claim_id,
            "request_hash": request_hash,
        }
        try:
            _INSERT.write(self._connection, row)
        except IntegrityError as error:
            raise Conflict("the request_id of the reversal is taken") from error

    def find(self, institution: str, request_id: str) -> tuple[str, str] | None:
        """(claim id, request hash) of the reversal asked for under this id."""
        values = {"institution": institution, "request_id": request_id}
        row = _FIND.rows(self._connection, values).one_or_none()
        return None if row is None else (row.claim_id, row.request_hash)
