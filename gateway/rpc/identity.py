"""调用方身份: which institution speaks, as its client certificate says.

The certificate's URI SAN names the institution (`urn:yrd:institution:H00310000001`) or a role
(`urn:yrd:role:auditor`: reads everything; `urn:yrd:role:operator`: also decides about claims that
wait for a person, and `urn:yrd:operator:NAME` says who); nothing in a request can say otherwise.
Chain and validity of the certificate are TLS's to refuse, at the handshake; a connection outlives
its certificate by at most the server's max_connection_age. In plaintext mode, which production
refuses, metadata names it.
On the private socket (gateway/rpc/forward_socket.py) the process that checked the certificate names
the caller in metadata; everywhere else whoever sends that metadata is refused.
Source: docs/architecture.md (personal data: the SAN must name the institution it speaks for).
"""

from __future__ import annotations

import re
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
OPERATOR_URN = "urn:yrd:operator:"
AUDITOR = "auditor"
OPERATOR = "operator"
SEE_ALL = frozenset({AUDITOR, OPERATOR})
"""Roles that see every institution's claims."""
PLAINTEXT_METADATA = "x-yrd-institution"
FORWARDED_METADATA = "x-yrd-forwarded-name-bin"
"""Once for each name of a caller whose certificate another process of ours has checked. Binary,
because a certificate's names need not be ASCII."""

_OPERATOR_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)

Context = grpc.aio.ServicerContext[Any, Any]
Names = Callable[[Context], list[str]]
"""Where a listener takes the caller's names from."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called: an institution, an auditor, or both."""

    institution: Institution | None
    roles: frozenset[str]
    operator: str = ""
    """Who the operator is; empty where the certificate does not say."""

    @property
    def sees_all(self) -> bool:
        return bool(self.roles & SEE_ALL)

    def names(self) -> list[str]:
        """What this caller is called in a certificate."""
        codes = [INSTITUTION_URN + self.institution.code] if self.institution else []
        who = [OPERATOR_URN + self.operator] if self.operator else []
        return codes + [ROLE_URN + role for role in sorted(self.roles)] + who


class Callers:
    """Knows every institution that may call."""

    def __init__(
        self,
        *,
        institutions: Mapping[str, Institution],
        now: Callable[[], datetime],
        names: Names,
    ) -> None:
        self._institutions = institutions
        self._now = now
        self._names = names

    def anyone(self, context: Context) -> Caller:
        """Any known participant. Raises Unauthenticated or Forbidden."""
        names = self._names(context)
        codes = {n.removeprefix(INSTITUTION_URN) for n in names if n.startswith(INSTITUTION_URN)}
        roles = frozenset(n.removeprefix(ROLE_URN) for n in names if n.startswith(ROLE_URN))
        if len(codes) > 1:
            raise Unauthenticated(
                "the certificate names more than one institution", reason="AMBIGUOUS_IDENTITY"
            )
        institution = self._valid(codes.pop()) if codes else None
        if institution is None and not roles & SEE_ALL:
            raise Unauthenticated(
                f"no {INSTITUTION_URN}<code> among the caller's names", reason="NO_IDENTITY"
            )
        return Caller(institution, roles, _operator(names))

    def operator(self, context: Context) -> str:
        """Who decides, by name; "operator" where the certificate gives only the role. Raises
        Unauthenticated or Forbidden."""
        caller = self.anyone(context)
        if OPERATOR not in caller.roles:
            raise Forbidden(
                "only operators may call this", reason="NOT_AN_OPERATOR",
                text_zh=f"只有持运维证书({ROLE_URN}{OPERATOR})的人员可以处理。",
            )  # fmt: skip
        return caller.operator or OPERATOR

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


def _operator(names: list[str]) -> str:
    """Raises Unauthenticated where two are named: the log must say who it was."""
    found = {n.removeprefix(OPERATOR_URN) for n in names if n.startswith(OPERATOR_URN)}
    if len(found) > 1 or not all(_OPERATOR_NAME.fullmatch(name) for name in found):
        raise Unauthenticated("the operator's name cannot be told", reason="AMBIGUOUS_IDENTITY")
    return found.pop() if found else ""


def certificate_names(context: Context) -> list[str]:
    """URI SANs only: a DNS name that looks like a URN is not one. Raises Unauthenticated."""
    _refuse_forwarded(context)
    return [uri.decode("utf-8", "replace") for uri in context.auth_context().get("peer_uri", ())]


def plaintext_names(context: Context) -> list[str]:
    """What the caller says of itself: demonstrations and tests only. Raises Unauthenticated."""
    _refuse_forwarded(context)
    return [
        INSTITUTION_URN + value
        for key, value in context.invocation_metadata() or ()
        if key == PLAINTEXT_METADATA and isinstance(value, str)
    ]


def forwarded_names(context: Context) -> list[str]:
    """What another process of ours found in the certificate. For the private socket alone."""
    return [
        value.decode("utf-8", "replace")
        for key, value in context.invocation_metadata() or ()
        if key == FORWARDED_METADATA and isinstance(value, bytes)
    ]


def _refuse_forwarded(context: Context) -> None:
    # It would not be believed; but nobody honest sends it, so it is not passed over in silence.
    if any(key == FORWARDED_METADATA for key, _ in context.invocation_metadata() or ()):
        raise Unauthenticated(
            f"{FORWARDED_METADATA} is not for callers", reason="IDENTITY_IN_METADATA",
            text_zh="调用方身份只由客户端证书说明,不得在元数据中自称。",
        )  # fmt: skip
