"""What the servicers ask of the journeys, as shapes, so that a test can stand in for them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from gateway.domain.claim_record import ClaimRecord
from gateway.journeys.commands import PredetermineCommand, ReverseCommand, SettleCommand
from gateway.journeys.list_attention import AttentionPage
from gateway.journeys.take_back import Decision
from gateway.ports import AttentionQuery, Awaiting, ClaimPage, ClaimQuery
from gateway.rpc.convert.estimates import Estimate


class Settle(Protocol):
    """结算."""

    def __call__(
        self, command: SettleCommand, *, budget_s: float
    ) -> Coroutine[Any, Any, bytes]: ...


class Reverse(Protocol):
    """结算撤销."""

    def __call__(
        self, command: ReverseCommand, *, budget_s: float
    ) -> Coroutine[Any, Any, bytes]: ...


class Predetermine(Protocol):
    """预结算."""

    def __call__(
        self, command: PredetermineCommand, *, budget_s: float
    ) -> Coroutine[Any, Any, Estimate]: ...


class Read(Protocol):
    """Claims as their institution may see them."""

    async def get(
        self, institution_code: str, *, claim_id: str = "", request_id: str = ""
    ) -> bytes: ...

    async def list(self, query: ClaimQuery) -> ClaimPage: ...

    async def awaiting(self, institution_code: str) -> tuple[Awaiting, ...]: ...


class Attend(Protocol):
    """待处理清单: provisional claims, and what may be done about them."""

    def __call__(
        self, query: AttentionQuery, *, needs_person: bool
    ) -> Coroutine[Any, Any, AttentionPage]: ...


class Decide(Protocol):
    """人工处理: an operator's decision about one claim; answers it as it then stands."""

    def __call__(self, decision: Decision) -> Coroutine[Any, Any, ClaimRecord]: ...


class Prove(Protocol):
    """凭证: receipts of claims of one institution."""

    async def receipt(
        self, institution_code: str, claim_id: str, entry_id: str, wait_s: float
    ) -> tuple[bytes, int, int]:
        """(receipt file, leaf index, tree size)."""
