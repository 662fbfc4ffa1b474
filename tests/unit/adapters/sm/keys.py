"""The standard's own key, and every provider this machine has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.provider import SmProvider
from adapters.sm.selection import MAKERS, select_sm2
from adapters.sm.self_test import vectors
from ledger.sm2_curve import G, N, combine, write_point

OPENSSL: Mapping[str, Any] = json.loads(
    Path("tests/golden/sm/openssl.json").read_text(encoding="utf-8")
)
ANNEX_A = vectors()["sm2"]
PUBLIC = Sm2PublicKey(bytes.fromhex(ANNEX_A["public_key"]))
PRIVATE = Sm2PrivateKey(PUBLIC, bytes.fromhex(ANNEX_A["d"]))
MESSAGE = ANNEX_A["msg_ascii"].encode()
IDENTITY = ANNEX_A["id_ascii"].encode()
SIGNATURE = bytes.fromhex(ANNEX_A["sig_raw"])


def working() -> list[SmProvider]:
    """Those that pass their self-test here; gmssl_pyx exists for x86-64 Linux only."""
    found = [select_sm2([maker]).provider for maker in MAKERS]
    return [provider for provider in found if provider is not None]


PROVIDERS = working()
SIGNERS = [provider for provider in PROVIDERS if provider.can_sign]


def made_key(number: int) -> Sm2PrivateKey:
    """The key of a number that is no secret: only tests compute a public key this way."""
    point = combine(number, 0, G)
    if point is None or not 0 < number < N - 1:
        raise ValueError("no key has this number")
    return Sm2PrivateKey(Sm2PublicKey(write_point(point)), number.to_bytes(32, "big"))
