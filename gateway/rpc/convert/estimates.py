"""预结算 as callers get it: the insured region's amounts beside our own."""

from __future__ import annotations

from typing import Protocol

from gateway.domain.breakdown import Breakdown
from gateway.domain.pricing import PricedLine
from gateway.rpc.convert.amounts import breakdown, differences, priced_lines
from gateway.rpc.convert.claims import masked_person
from yrd.claim.v1 import claim_pb2


class Estimate(Protocol):
    """What the journey answers, as far as it is shown."""

    @property
    def region(self) -> Breakdown: ...

    @property
    def computed(self) -> Breakdown: ...

    @property
    def differences(self) -> tuple[tuple[str, int, int], ...]: ...

    @property
    def lines(self) -> tuple[PricedLine, ...]: ...

    @property
    def policy_rules(self) -> tuple[str, ...]: ...

    @property
    def catalogue_version(self) -> str: ...

    @property
    def subject_ref(self) -> str: ...

    @property
    def name_masked(self) -> str: ...

    @property
    def id_number_masked(self) -> str: ...


def predetermination(estimate: Estimate) -> claim_pb2.PredetermineClaimResponse:
    """The response of PredetermineClaim."""
    return claim_pb2.PredetermineClaimResponse(
        region=breakdown(estimate.region),
        computed=breakdown(estimate.computed),
        differences=differences(estimate.differences),
        lines=priced_lines(estimate.lines),
        policy_rules=estimate.policy_rules,
        catalogue_version=estimate.catalogue_version,
        person=masked_person(estimate.subject_ref, estimate.name_masked, estimate.id_number_masked),
    )
