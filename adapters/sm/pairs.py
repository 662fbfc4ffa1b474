"""密钥成对检查: that a private key and the public key beside it in the file belong together.

A file put together of two keys signs without complaint, and nobody can verify what it signed.
"""

from __future__ import annotations

from adapters.sm.keys import KeyUnusable, Sm2PrivateKey
from adapters.sm.provider import SmProvider

_PROBE = b"yrd.sm2.pair.v1\x00"


def check_pair(provider: SmProvider, private: Sm2PrivateKey) -> None:
    """Raises KeyUnusable unless a signature of the one is good by the other."""
    if not provider.verify(private.public, _PROBE, provider.sign(private, _PROBE)):
        raise KeyUnusable("私钥文件中的公钥与私钥不成对:请用生成密钥的原文件重新导出")
