"""演示密钥: signing secrets of one province and of its stand-in platform, made up on the spot.

Two TOML texts: what the gateway holds (gateway/secret_files.py) and what the platform holds
(adapters/sandbox/README.md). Development only: the SM2 keys are computed by the verifier's
arithmetic, which is not constant-time, so they protect nobody. A real key comes from the province's
ceremony, never from here.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.registry import DECLARED
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from ledger.sm2_curve import N, combine, read_point, write_point

SIGN_BY_SM2 = frozenset({"shanghai"})
"""The provinces whose shipped profile signs with SM2."""
WEAKER_GATE = "envelope-sm3"
"""What a demonstration on a machine without SM2 speaks with them instead, and says so."""
_GENERATOR = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
"""G of sm2p256v1, GB/T 32918.5-2017 Annex A; any point would do, it is multiplied by 0."""


def dev_secrets(province: str, random: Callable[[], bytes], *, sm2: bool) -> tuple[str, str]:
    """(the gateway's file, the platform's file). `random` gives 32 random bytes a call; `sm2`:
    whether this machine can sign with SM2."""
    # 16 characters and more: the national hall's SM4 key derivation takes the first 16.
    shared = f'access_key = "demo-yrd-{province}"\nsecret = "{random().hex()}"\n'
    if province not in SIGN_BY_SM2:
        return shared, shared
    if not sm2:
        return shared, f'{shared}gate = "{WEAKER_GATE}"\n'
    ours, theirs = dev_key(random), dev_key(random)
    return (
        shared + _pem("sm2_private_key", ours.pem) + _pem("sm2_platform_key", theirs.public.pem),
        shared + _pem("sm2_private_key", theirs.pem) + _pem("sm2_caller_key", ours.public.pem),
    )


def dev_key(random: Callable[[], bytes]) -> Sm2PrivateKey:
    """A throw-away SM2 key."""
    secret = 1 + int.from_bytes(random(), "big") % (N - 2)
    point = combine(secret, 0, read_point(_GENERATOR))
    if point is None:
        raise ArithmeticError("a multiple of the generator below its order is never infinity")
    return Sm2PrivateKey(Sm2PublicKey(write_point(point)), secret.to_bytes(32, "big"))


def weaker_profile(province: str) -> str:
    """The sections that replace the shipped profile's where SM2 cannot be had."""
    digits = {name: code for code, name in DECLARED.items()}[province]
    return f'''# 仅供演示:本机没有可签名的 SM2,与 {province} 仿真平台改用 {WEAKER_GATE},报文不加密。
# Explicit, and never made by a gateway: `yrd demo` wrote it because it found no SM2 that signs.
province = "{digits}"

[[signing]]
valid_from = 2023-01-01
source = "this demonstration's machine has no SM2 that signs"
confidence = "unverified"
scheme = "{WEAKER_GATE}"
answers_signed = true

[[encryption]]
valid_from = 2023-01-01
source = "this demonstration's machine has no SM2 that signs"
confidence = "unverified"
scheme = "none"
'''


def _pem(name: str, pem: bytes) -> str:
    return f'{name} = """\n{pem.decode("ascii")}"""\n'
