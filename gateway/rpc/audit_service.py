"""AuditService: the log, for any participant; receipts, for the institution whose claim it is;
what waits for a person."""

from __future__ import annotations

from gateway.domain.errors import NotFound
from gateway.journeys.prove_entry import not_yet_covered
from gateway.ports import CheckpointView, Log, RegionStatuses
from gateway.rpc.convert import attention, audits
from gateway.rpc.convert.advice import advice
from gateway.rpc.convert.enums import STATES
from gateway.rpc.deadline import budget_s
from gateway.rpc.identity import Caller, Callers, Context
from gateway.rpc.verbs import Attend, Decide, Prove, Read
from ledger.merkle import leaf_hash
from yrd.audit.v1 import audit_pb2 as pb
from yrd.audit.v1 import audit_pb2_grpc


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """yrd.audit.v1.AuditService."""

    def __init__(
        self,
        *,
        callers: Callers,
        log: Log,
        prove: Prove,
        read: Read,
        attend: Attend,
        regions: RegionStatuses,
        take_back: Decide,
        read_again: Decide,
    ) -> None:
        self._callers, self._log, self._prove, self._read = callers, log, prove, read
        self._attend, self._regions = attend, regions
        self._take_back, self._read_again = take_back, read_again

    async def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, context: Context
    ) -> pb.GetCheckpointResponse:
        """The newest signed tree head, or the one of a size."""
        self._callers.anyone(context)
        budget_s(context)
        size = audits.tree_size(request)
        return audits.checkpoint(await self._checkpoint(size), self._log.signing())

    async def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, context: Context
    ) -> pb.GetInclusionProofResponse:
        """A leaf in a tree."""
        self._callers.anyone(context)
        budget_s(context)
        index, size = audits.leaf_and_tree(request)
        size = await self._signed_size(size, least=index + 1)
        (leaf,) = await self._log.leaves(index, 1)
        hashes = await self._log.inclusion_proof(index, size)
        return pb.GetInclusionProofResponse(
            leaf_index=index, tree_size=size, leaf_hash=leaf_hash(leaf), hashes=hashes
        )

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: Context
    ) -> pb.GetConsistencyProofResponse:
        """One tree as the beginning of another."""
        self._callers.anyone(context)
        budget_s(context)
        first, second = audits.two_trees(request)
        second = await self._signed_size(second, least=first)
        hashes = await self._log.consistency_proof(first, second)
        return pb.GetConsistencyProofResponse(first_size=first, second_size=second, hashes=hashes)

    async def ListEntries(
        self, request: pb.ListEntriesRequest, context: Context
    ) -> pb.ListEntriesResponse:
        """Leaves as stored, oldest first."""
        self._callers.anyone(context)
        budget_s(context)
        start, limit = audits.leaf_range(request)
        leaves = await self._log.leaves(start, limit)
        return audits.leaf_page(start, leaves, log_size=await self._log.size())

    async def GetReceipt(
        self, request: pb.GetReceiptRequest, context: Context
    ) -> pb.GetReceiptResponse:
        """The receipt of one of the caller's claims; another's does not exist for it."""
        institution = self._callers.institution(context)
        budget = budget_s(context)
        claim_id, entry_id = audits.receipt_key(request)
        receipt, index, size = await self._prove.receipt(
            institution.code, claim_id, entry_id, budget if request.wait_for_checkpoint else 0.0
        )
        return pb.GetReceiptResponse(receipt=receipt, leaf_index=index, tree_size=size)

    async def GetStatus(
        self, request: pb.GetStatusRequest, context: Context
    ) -> pb.GetStatusResponse:
        """What a person has to look at: the caller's own, an auditor's of everybody."""
        caller = self._callers.anyone(context)
        budget_s(context)
        found = await self._read.awaiting(_only(caller))
        return audits.status(found, self._regions())

    async def ListAttention(
        self, request: pb.ListAttentionRequest, context: Context
    ) -> pb.ListAttentionResponse:
        """The claims themselves, with what may be done about each."""
        only = _only(self._callers.anyone(context))
        budget_s(context)
        query = attention.attention_query(request, only=only)
        page = await self._attend(query, needs_person=request.needs_person)
        return attention.attention_page(request, page, only=only)

    async def TakeBack(self, request: pb.TakeBackRequest, context: Context) -> pb.TakeBackResponse:
        """An operator has what may stand at the region taken back."""
        operator = self._callers.operator(context)
        budget_s(context)
        claim = await self._take_back(attention.decision(request, operator))
        return pb.TakeBackResponse(state=STATES[claim.state], text_zh=advice(claim))

    async def ReadAgain(
        self, request: pb.ReadAgainRequest, context: Context
    ) -> pb.ReadAgainResponse:
        """An operator has the stored answer read with the dictionaries of today."""
        operator = self._callers.operator(context)
        budget_s(context)
        claim = await self._read_again(attention.decision(request, operator))
        return pb.ReadAgainResponse(state=STATES[claim.state], text_zh=advice(claim))

    async def _checkpoint(self, size: int) -> CheckpointView:
        found = await self._log.checkpoint(size)
        if found is None:
            raise NotFound("no checkpoint of this size", reason="CHECKPOINT_NOT_FOUND")
        return found

    async def _signed_size(self, asked: int, *, least: int) -> int:
        """The tree to prove in: the asked one, or the newest signed; it holds `least` leaves."""
        newest = await self._log.checkpoint()
        signed = newest.tree_size if newest else 0
        if max(asked, least) > signed:
            if max(asked, least) > await self._log.size():
                raise NotFound("the log has no such leaf or tree", reason="BEYOND_THE_LOG")
            raise not_yet_covered(self._log)
        return asked or signed


def _only(caller: Caller) -> str:
    """The one institution that a caller may see; empty for all."""
    if caller.sees_all or caller.institution is None:
        return ""
    return caller.institution.code
