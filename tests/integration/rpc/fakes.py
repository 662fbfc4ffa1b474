"""Stand-ins for what is behind the RPC edge: journeys that remember, and a log in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gateway.domain.breakdown import Breakdown
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import NotFound, StorageUnavailable
from gateway.domain.pricing import PricedLine
from gateway.journeys.commands import PredetermineCommand, ReverseCommand, SettleCommand
from gateway.journeys.list_attention import AttentionPage, item_of
from gateway.journeys.take_back import Decision
from gateway.ports import (
    AttentionQuery,
    Awaiting,
    CheckpointView,
    ClaimPage,
    ClaimQuery,
    RegionStatus,
    Signing,
)
from gateway.rpc.convert.claims import encode_claim
from ledger import merkle
from tests.unit.rpc import samples


@dataclass(frozen=True)
class Estimate:
    """What PredetermineClaim answers."""

    region: Breakdown
    computed: Breakdown
    differences: tuple[tuple[str, int, int], ...] = ()
    lines: tuple[PricedLine, ...] = ()
    policy_rules: tuple[str, ...] = ("330400.x",)
    catalogue_version: str = "310000@2026-01-01"
    subject_ref: str = "s_7K3QW2M5"
    name_masked: str = "测***"
    id_number_masked: str = "003*************82"


class Journeys:
    """All journeys of the house; `fail` is raised instead of an answer, `hold` delays one."""

    def __init__(self) -> None:
        self.settled: list[SettleCommand] = []
        self.reversed: list[ReverseCommand] = []
        self.queries: list[ClaimQuery] = []
        self.attention: list[tuple[AttentionQuery, bool]] = []
        self.decisions: list[Decision] = []
        self.breaker = "closed"
        self.budgets: list[float] = []
        self.fail: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.finished = 0

    async def settle(self, command: SettleCommand, *, budget_s: float) -> bytes:
        self.settled.append(command)
        self.budgets.append(budget_s)
        self.entered.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.fail is not None:
            raise self.fail
        self.finished += 1
        return encode_claim(samples.claim())

    async def reverse(self, command: ReverseCommand, *, budget_s: float) -> bytes:
        self.reversed.append(command)
        return encode_claim(samples.claim(ClaimState.REVERSED))

    async def predetermine(self, command: PredetermineCommand, *, budget_s: float) -> Estimate:
        return Estimate(region=samples.breakdown(), computed=samples.breakdown())

    async def get(
        self, institution_code: str, *, claim_id: str = "", request_id: str = ""
    ) -> bytes:
        if institution_code != samples.QINGPU.code:
            raise NotFound(reason="CLAIM_NOT_FOUND")
        return encode_claim(samples.claim())

    async def awaiting(self, institution_code: str) -> tuple[Awaiting, ...]:
        everybody = institution_code == ""
        since = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        return (Awaiting(ClaimState.REVERSAL_SENT, 5 if everybody else 2, since),)

    async def attend(self, query: AttentionQuery, *, needs_person: bool) -> AttentionPage:
        self.attention.append((query, needs_person))
        claim = samples.claim(ClaimState.REVIEW, claim_id="clm_7")
        return AttentionPage((item_of(replace(claim, broken=("I1",))),), "clm_7")

    async def take_back(self, decision: Decision) -> ClaimRecord:
        self.decisions.append(decision)
        return samples.claim(ClaimState.REVERSAL_SENT)

    read_again = take_back

    def regions(self) -> tuple[RegionStatus, ...]:
        return (RegionStatus("33", self.breaker, 3, 64, 10),)

    async def list(self, query: ClaimQuery) -> ClaimPage:
        self.queries.append(query)
        begin = int(query.before_claim_id.removeprefix("clm_") or 0)
        ids = [f"clm_{i}" for i in range(begin + 1, begin + 1 + query.limit)]
        answers = tuple(encode_claim(samples.claim(claim_id=i)) for i in ids)
        return ClaimPage(answers, ids[-1] if begin < query.limit else "")

    async def receipt(
        self, institution_code: str, claim_id: str, entry_id: str, wait_s: float
    ) -> tuple[bytes, int, int]:
        self.budgets.append(wait_s)
        if institution_code != samples.QINGPU.code:
            raise NotFound(reason="CLAIM_NOT_FOUND")
        return b'{"receipt": 1}', 3, 5


class MemoryLog:
    """A log whose first `signed` leaves a checkpoint covers."""

    def __init__(self, leaves: int = 7, signed: int = 5) -> None:
        self.all = [f"leaf {i}".encode() for i in range(leaves)]
        self.signed = signed
        self.ill = False
        self.state = Signing()

    def signing(self) -> Signing:
        return self.state

    def _range(self, low: int, high: int) -> bytes:
        return merkle.root_of(merkle.leaf_hash(leaf) for leaf in self.all[low:high])

    async def checkpoint(self, tree_size: int = 0) -> CheckpointView | None:
        size = tree_size or self.signed
        if size != self.signed:
            return None
        at = datetime(2026, 11, 24, tzinfo=UTC)
        return CheckpointView("note\n", size, self._range(0, size), "yrd+1+key", at)

    async def covering(self, leaf_index: int) -> CheckpointView | None:
        return await self.checkpoint() if leaf_index < self.signed else None

    async def publish(self) -> int | None:
        return None

    async def inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, ...]:
        return merkle.inclusion_proof(leaf_index, tree_size, self.source)

    async def consistency_proof(self, first: int, second: int) -> tuple[bytes, ...]:
        return merkle.consistency_proof(first, second, self.source)

    def source(self, level: int, index: int) -> bytes:
        """Root of the perfect subtree of 2^level leaves at `index`."""
        return self._range(index << level, (index + 1) << level)

    async def leaves(self, start: int, limit: int) -> tuple[bytes, ...]:
        return tuple(self.all[start : start + limit])

    async def size(self) -> int:
        return len(self.all)

    async def opening(self, leaf_index: int) -> tuple[bytes, bytes] | None:
        return None

    async def health(self) -> None:
        if self.ill:
            raise StorageUnavailable("the disk is full")


class MemoryLogger:
    """Keeps every line."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    warning = error = info

    def calls(self) -> list[dict[str, Any]]:
        """The access log."""
        return [fields for event, fields in self.lines if event == "call"]
