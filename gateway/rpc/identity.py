"""调用方身份: which institution speaks, as its client certificate says.

The certificate's URI SAN names the institution (`urn:yrd:institution:H00310000001`) or a role
(`urn:yrd:role:auditor`); nothing in a request can say otherwise. Chain and validity of the
certificate are TLS's to refuse, at the handshake; a connection outlives its certificate by at most
the server's max_connection_age. In plaintext mode, which production refuses, metadata names it.
Source: docs/architecture.md (personal data: the SAN must name the institution it speaks for).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc

from gateway.domain.business_day import business_day
from gateway.domain.errors import Forbidden, Unauthenticated
from gateway.domain.visit import Institution
from gateway.telemetry import institution_var

INSTITUTION_URN = "urn:yrd:institution:"
ROLE_URN = "urn:yrd:role:"
AUDITOR = "auditor"
PLAINTEXT_METADATA = "x-yrd-institution"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called: an institution, an auditor, or both."""

    institution: Institution | None
    roles: frozenset[str]


class Callers:
    """Knows every institution that may call."""

    def __init__(
        self,
        *,
        institutions: Mapping[str, Institution],
        now: Callable[[], datetime],
        plaintext: bool = False,
    ) -> None:
        self._institutions = institutions
        self._now = now
        self._plaintext = plaintext

    def anyone(self, context: Context) -> Caller:
        """Any known participant. Raises Unauthenticated or Forbidden."""
        names = self._named_in_metadata(context) if self._plaintext else _uris(context)
        codes = {n.removeprefix(INSTITUTION_URN) for n in names if n.startswith(INSTITUTION_URN)}
        roles = frozenset(n.removeprefix(ROLE_URN) for n in names if n.startswith(ROLE_URN))
        if len(codes) > 1:
            raise Unauthenticated(
                "the certificate names more than one institution", reason="AMBIGUOUS_IDENTITY"
            )
        institution = self._valid(codes.pop()) if codes else None
        if institution is None and AUDITOR not in roles:
            raise Unauthenticated(
                f"no {INSTITUTION_URN}<code> among the caller's names", reason="NO_IDENTITY"
            )
        return Caller(institution, roles)

    def institution(self, context: Context) -> Institution:
        """The institution that speaks. Raises Unauthenticated or Forbidden."""
        institution = self.anyone(context).institution
        if institution is None:
            raise Forbidden(
                "only institutions may call this", reason="NOT_AN_INSTITUTION",
                text_zh="只有定点医药机构可以调用此接口。",
            )  # fmt: skip
        return institution

    def _valid(self, code: str) -> Institution:
        found = self._institutions.get(code)
        if found is None:
            raise Forbidden(
                "the institution is not registered here", reason="INSTITUTION_UNKNOWN",
                text_zh="本机构尚未在系统登记,请联系经办机构。",
            )  # fmt: skip
        today = business_day(self._now())
        ended = found.valid_until is not None and today > found.valid_until
        if today < found.valid_from or ended:
            raise Forbidden(
                "the institution's registration is not valid today",
                reason="INSTITUTION_NOT_VALID", text_zh="本机构的登记不在有效期内,请联系经办机构。",
            )  # fmt: skip
        institution_var.set(code)
        return found

    @staticmethod
    def _named_in_metadata(context: Context) -> list[str]:
        return [
            INSTITUTION_URN + value
            for key, value in context.invocation_metadata() or ()
            if key == PLAINTEXT_METADATA and isinstance(value, str)
        ]


def _uris(context: Context) -> list[str]:
    """URI SANs only: a DNS name that looks like a URN is not one."""
    return [uri.decode("utf-8", "replace") for uri in context.auth_context().get("peer_uri", ())]
