"""Read claims as their institution may see them: the bytes stored at the last change, unaltered."""

from __future__ import annotations

from gateway.domain.errors import NotFound
from gateway.ports import Awaiting, BooksReader, ClaimPage, ClaimQuery, Store


class ReadClaims:
    """One claim, or a page of them; another institution's claim does not exist for the caller."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def get(
        self, institution_code: str, *, claim_id: str = "", request_id: str = ""
    ) -> bytes:
        """By claim id or by the request_id of its settlement. Raises NotFound."""

        def look(reader: BooksReader) -> bytes | None:
            claim = (
                reader.claim(claim_id)
                if claim_id
                else reader.claim_by_request(institution_code, request_id)
            )
            if claim is None or claim.institution_code != institution_code:
                return None
            return reader.answer(claim.claim_id)

        answer = await self._store.read(look)
        if answer is None:
            raise NotFound("no such claim of this institution", reason="CLAIM_NOT_FOUND")
        return answer

    async def list(self, query: ClaimQuery) -> ClaimPage:
        """Newest first."""
        return await self._store.read(lambda reader: reader.list_answers(query))

    async def awaiting(self, institution_code: str) -> tuple[Awaiting, ...]:
        """What waits for reconciliation, by state; of all institutions for ""."""
        return await self._store.read(
            lambda reader: reader.awaiting_reconciliation(institution_code)
        )
