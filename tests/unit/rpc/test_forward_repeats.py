"""Which calls may be sent twice is decided for each method."""

from __future__ import annotations

from gateway.rpc.forward import REPEATABLE
from gateway.rpc.services import METHODS

NEVER_TWICE = frozenset({
    "/yrd.audit.v1.AuditService/TakeBack",
    "/yrd.audit.v1.AuditService/ReadAgain",
})  # fmt: skip
"""A method that moves something without a request_id belongs here."""


def test_every_method_is_either_repeatable_or_never_sent_twice() -> None:
    assert set(METHODS) == REPEATABLE | NEVER_TWICE
    assert not REPEATABLE & NEVER_TWICE
