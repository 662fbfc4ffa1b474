"""凭证: the receipt of one of the caller's entries: leaf, opening, inclusion proof, checkpoint.

The receipt is self-contained and verifies offline with `cryptography` alone (ledger/receipt.py). It
exists as soon as a signed checkpoint covers the entry; until then the caller waits or is told when
to come back.
"""

from __future__ import annotations

from gateway.domain.claim_record import ClaimRecord, EntryRef
from gateway.domain.errors import InvariantViolated, NotFound, StorageUnavailable
from gateway.ports import CheckpointView, Clock, Log, Store
from ledger.receipt import make_receipt

POLL_S = 0.05
"""Pause between looks for a covering checkpoint."""
WITNESSES_S = 1.0
"""How much longer a waiting caller waits for the witnesses of a checkpoint that is there."""


class NotYetCovered(StorageUnavailable):
    """No signed checkpoint covers the entry yet. → UNAVAILABLE + RetryInfo."""

    reason = "NOT_YET_COVERED"
    text_zh = "该笔记录尚未进入已签名的检查点,请稍后(约一秒)再取凭证。"


class NotSigned(NotYetCovered):
    """Nor will one before the log has another key: nothing is signed. → UNAVAILABLE."""

    reason = "LOG_NOT_SIGNED"
    text_zh = (
        "日志密钥已过有效期或已停用,暂不签发检查点;结算照常并已入账,凭证请待网关换用新密钥后再取。"
    )


def not_yet_covered(log: Log) -> NotYetCovered:
    """What to raise where no signed checkpoint covers what was asked for."""
    refused = log.signing().refused
    if refused:
        return NotSigned(f"no checkpoint covers it, and none is signed: {refused}")
    return NotYetCovered("no signed checkpoint covers it yet")


class ProveEntry:
    """receipt(institution, claim_id, entry_id, wait_s) → (file, leaf index, tree size)."""

    def __init__(self, *, store: Store, log: Log, clock: Clock) -> None:
        self._store, self._log, self._clock = store, log, clock

    async def receipt(
        self, institution_code: str, claim_id: str, entry_id: str = "", wait_s: float = 0.0
    ) -> tuple[bytes, int, int]:
        """Raises NotFound, NotYetCovered."""
        claim = await self._store.read(lambda reader: reader.claim(claim_id))
        if claim is None or claim.institution_code != institution_code:
            raise NotFound("no such claim of this institution", reason="CLAIM_NOT_FOUND")
        entry = _entry(claim, entry_id)
        checkpoint = await self._covering(entry.leaf_index, wait_s)
        proof = await self._log.inclusion_proof(entry.leaf_index, checkpoint.tree_size)
        (leaf,) = await self._log.leaves(entry.leaf_index, 1)
        opening = await self._log.opening(entry.leaf_index)
        salt, body = opening if opening is not None else (None, None)
        made = make_receipt(
            leaf=leaf,
            index=entry.leaf_index,
            proof=proof,
            checkpoint=checkpoint.note,
            salt=salt,
            body=body,
        )
        return made.to_bytes(), entry.leaf_index, checkpoint.tree_size

    async def _covering(self, leaf_index: int, wait_s: float) -> CheckpointView:
        now = self._clock.monotonic()
        give_up, signed = now + wait_s, False
        while True:
            checkpoint = await self._log.covering(leaf_index)
            now = self._clock.monotonic()
            if checkpoint is not None and not signed:
                # A receipt is good without witnesses; half of what is left may go on them.
                signed, give_up = True, min(give_up, now + WITNESSES_S, (now + give_up) / 2)
            if checkpoint is not None and (checkpoint.witnessed or now >= give_up):
                return checkpoint
            if now >= give_up or (checkpoint is None and self._log.signing().refused):
                raise not_yet_covered(self._log)
            await self._clock.sleep(POLL_S)


def _entry(claim: ClaimRecord, entry_id: str) -> EntryRef:
    """The named entry, or the one of the claim's current outcome (its newest)."""
    if not claim.entries:
        raise InvariantViolated("a claim without entries")
    if not entry_id:
        return claim.entries[-1]
    for entry in claim.entries:
        if entry.entry_id == entry_id:
            return entry
    raise NotFound("no such entry of this claim", reason="ENTRY_NOT_FOUND")
