"""A gateway that takes a nonce once, and remembers it for ten minutes and no longer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from adapters.sandbox.gate_tif import REMEMBERED, TifGate
from adapters.sandbox.refused import REPEATED, GateRefusal

NOW = datetime(2025, 9, 10, 2, 30, tzinfo=UTC)


def send(gate: TifGate, nonce: str, now: datetime) -> None:
    stamp = str(int(now.timestamp()))
    signed = hashlib.sha256(f"{stamp}token{nonce}{stamp}".encode()).hexdigest()
    headers = {"paasid": "us", "timestamp": stamp, "nonce": nonce, "signature": signed}
    gate.check({f"x-tif-{name}": value for name, value in headers.items()}, now)


def test_a_nonce_is_taken_once_in_ten_minutes() -> None:
    gate = TifGate({"access_key": "us", "secret": "token"})
    send(gate, "a", NOW)
    send(gate, "b", NOW + timedelta(minutes=1))
    for later in (timedelta(0), REMEMBERED - timedelta(seconds=1)):
        with pytest.raises(GateRefusal, match=REPEATED):
            send(gate, "a", NOW + later)
    send(gate, "a", NOW + REMEMBERED)
    with pytest.raises(GateRefusal, match=REPEATED):
        send(gate, "b", NOW + REMEMBERED)


def test_what_is_forgotten_takes_no_room() -> None:
    gate = TifGate({"access_key": "us", "secret": "token"})
    for n in range(3_000):
        send(gate, str(n), NOW + timedelta(seconds=n))
    assert len(gate._seen) == REMEMBERED // timedelta(seconds=1)
