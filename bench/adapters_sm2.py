"""How fast each SM2 of this machine signs and verifies, one after another on one core."""

from __future__ import annotations

import time
from typing import Any

from adapters.sm.provider import SmProvider, SmProviderBroken
from adapters.sm.selection import MAKERS
from adapters.sm.self_test import SelfTestFailed, self_test
from gateway.demo.dev_keys import dev_key
from gateway.ids import SystemIds

MESSAGE = bytes(range(256)) * 4
"""1 KiB, about what a call's input has."""


def sm2_rates(seconds: float) -> list[dict[str, Any]]:
    """Operations a second of each provider; None where it does not sign, a reason where it is not
    there."""
    return [_rates(name, make, seconds) for name, make in MAKERS]


def _rates(name: str, make: Any, seconds: float) -> dict[str, Any]:
    try:
        provider: SmProvider = make()
        self_test(provider)
    except (SmProviderBroken, SelfTestFailed) as error:
        return {"provider": name, "missing": str(error)}
    key = dev_key(SystemIds().salt)
    signer = provider if provider.can_sign else _signer()
    row: dict[str, Any] = {"provider": name, "version": provider.version}
    row["sign_per_s"] = None
    if provider.can_sign:
        row["sign_per_s"] = _per_s(lambda: provider.sign(key, MESSAGE), seconds)
    if signer is None:
        return row | {"verify_per_s": None}
    signature = signer.sign(key, MESSAGE)
    verify = _per_s(lambda: provider.verify(key.public, MESSAGE, signature), seconds)
    return row | {"verify_per_s": verify}


def _signer() -> SmProvider | None:
    """Whoever can sign what a verifier is to verify."""
    for _, make in MAKERS:
        try:
            made = make()
        except SmProviderBroken:
            continue
        if made.can_sign:
            return made
    return None


def _per_s(act: Any, seconds: float) -> int:
    began, done = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        act()
        done += 1
    return round(done / took)
