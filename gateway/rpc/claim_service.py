"""ClaimService: who, how long, what; then the journey; then the answer. No rule lives here."""

from __future__ import annotations

from gateway.domain.person import IdMode
from gateway.domain.visit import Institution
from gateway.journeys.laps import Laps
from gateway.ports import Clock, Observe
from gateway.rpc.convert.claims import decode_claim
from gateway.rpc.convert.commands import predetermine_command, reverse_command, settle_command
from gateway.rpc.convert.door import Door
from gateway.rpc.convert.estimates import predetermination
from gateway.rpc.convert.queries import claim_key, claim_page, claim_query
from gateway.rpc.deadline import budget_s
from gateway.rpc.identity import Callers, Context
from gateway.rpc.shield import Shield
from gateway.rpc.verbs import Predetermine, Read, Reverse, Settle
from yrd.claim.v1 import claim_pb2 as pb
from yrd.claim.v1 import claim_pb2_grpc


class ClaimServicer(claim_pb2_grpc.ClaimServiceServicer):
    """yrd.claim.v1.ClaimService."""

    def __init__(
        self,
        *,
        callers: Callers,
        clock: Clock,
        id_mode: IdMode,
        shield: Shield,
        settle: Settle,
        reverse: Reverse,
        predetermine: Predetermine,
        read: Read,
        observe: Observe,
    ) -> None:
        self._callers, self._clock, self._id_mode, self._shield = callers, clock, id_mode, shield
        self._observe = observe
        self._settle, self._reverse = settle, reverse
        self._predetermine, self._read = predetermine, read

    async def PredetermineClaim(
        self, request: pb.PredetermineClaimRequest, context: Context
    ) -> pb.PredetermineClaimResponse:
        """预结算: nothing takes effect, so a caller that leaves takes the work with it."""
        institution = self._callers.institution(context)
        budget = budget_s(context)
        command = predetermine_command(request, self._door(institution))
        return predetermination(await self._predetermine(command, budget_s=budget))

    async def SettleClaim(
        self, request: pb.SettleClaimRequest, context: Context
    ) -> pb.SettleClaimResponse:
        """结算."""
        lap = Laps(self._clock, self._observe)
        institution = self._callers.institution(context)
        budget = budget_s(context)
        lap("identity")
        command = settle_command(request, self._door(institution))
        lap("decode")
        answer = await self._shield(self._settle(command, budget_s=budget))
        return pb.SettleClaimResponse(claim=decode_claim(answer))

    async def ReverseClaim(
        self, request: pb.ReverseClaimRequest, context: Context
    ) -> pb.ReverseClaimResponse:
        """结算撤销."""
        institution = self._callers.institution(context)
        budget = budget_s(context)
        command = reverse_command(request, self._door(institution))
        answer = await self._shield(self._reverse(command, budget_s=budget))
        return pb.ReverseClaimResponse(claim=decode_claim(answer))

    async def GetClaim(self, request: pb.GetClaimRequest, context: Context) -> pb.GetClaimResponse:
        """One claim of the caller's."""
        institution = self._callers.institution(context)
        budget_s(context)
        answer = await self._read.get(institution.code, **claim_key(request))
        return pb.GetClaimResponse(claim=decode_claim(answer))

    async def ListClaims(
        self, request: pb.ListClaimsRequest, context: Context
    ) -> pb.ListClaimsResponse:
        """The caller's claims, newest first."""
        institution = self._callers.institution(context)
        budget_s(context)
        page = await self._read.list(claim_query(request, institution.code))
        return claim_page(request, institution.code, page)

    def _door(self, institution: Institution) -> Door:
        return Door(institution=institution, now=self._clock.now(), id_mode=self._id_mode)
