"""纯 Python 验签: the last choice, verify only; what an auditor without any library still has.

Not constant-time, so it takes no private key: `sign` refuses. The mathematics are the ledger's.
"""

from __future__ import annotations

from typing import NoReturn

from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.provider import DEFAULT_IDENTITY, SmProviderBroken
from ledger.sm2_verify import verify


class Pure:
    """SM2 verification without a library."""

    name = "pure"
    version = "1"
    can_sign = False

    def sign(
        self, private: Sm2PrivateKey, message: bytes, identity: bytes = DEFAULT_IDENTITY
    ) -> NoReturn:
        raise SmProviderBroken("纯 Python 实现不签名:它的用时会泄露私钥")

    def verify(
        self,
        public: Sm2PublicKey,
        message: bytes,
        signature: bytes,
        identity: bytes = DEFAULT_IDENTITY,
    ) -> bool:
        return verify(public.point, message, signature, identity)
