"""Both sides' signing secrets of a stand-in platform, the same in every run."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import count

from adapters.signing.scheme import Secrets, Sm2Keys
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from gateway.demo.dev_keys import dev_secrets


@cache
def _both(province: str) -> tuple[str, str]:
    numbers = count(1)
    return dev_secrets(province, lambda: next(numbers).to_bytes(32, "big"), sm2=True)


def platform_secrets(province: str) -> dict[str, str]:
    """What the platform holds."""
    return tomllib.loads(_both(province)[1])


def our_secrets(province: str) -> Secrets:
    """What its caller holds."""
    given = tomllib.loads(_both(province)[0])
    sm2 = None
    if "sm2_private_key" in given:
        sm2 = Sm2Keys(
            Sm2PrivateKey.from_pem(given["sm2_private_key"].encode()),
            Sm2PublicKey.from_pem(given["sm2_platform_key"].encode()),
        )
    return Secrets(given["access_key"], given["secret"].encode(), sm2)
