"""GmSSL 3, through the optional package gmssl_pyx (extra `gm`): the second choice.

For machines whose OpenSSL has no SM2. It holds the GIL, and it prints a C stack trace (two lines,
about 100 bytes) on stderr for every signature that is not good: whoever gives it signatures of
strangers must limit their rate, and stderr must go where it cannot fill a disk (docs/sm.md).
"""

from __future__ import annotations

import importlib
from types import ModuleType

from adapters.sm.encoding import SignatureMalformed, der_to_raw, raw_to_der
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.provider import DEFAULT_IDENTITY, SmProviderBroken
from ledger.sm2_verify import check_identity


class Gmssl:
    """SM2 of gmssl_pyx. Raises SmProviderBroken when it is not installed."""

    name = "gmssl_pyx"
    can_sign = True

    def __init__(self) -> None:
        self._module = _load()
        self.version = str(self._module.__version__)

    def sign(
        self, private: Sm2PrivateKey, message: bytes, identity: bytes = DEFAULT_IDENTITY
    ) -> bytes:
        check_identity(identity)
        try:
            signature = self._module.sm2_sign(
                private.secret, private.public.point[1:], message, signer_id=identity
            )
            return der_to_raw(signature)
        except (self._module.GmsslInnerError, SignatureMalformed) as error:
            raise SmProviderBroken("gmssl_pyx 没有签出有效的签名") from error

    def verify(
        self,
        public: Sm2PublicKey,
        message: bytes,
        signature: bytes,
        identity: bytes = DEFAULT_IDENTITY,
    ) -> bool:
        check_identity(identity)
        try:
            encoded = raw_to_der(signature)
        except SignatureMalformed:
            return False
        try:
            answer = self._module.sm2_verify(public.point[1:], message, encoded, signer_id=identity)
        except self._module.GmsslInnerError as error:
            raise SmProviderBroken("gmssl_pyx 无法验签") from error
        return answer is True


def _load() -> ModuleType:
    try:
        return importlib.import_module("gmssl_pyx")
    except ImportError as error:
        raise SmProviderBroken("未安装可选依赖 gm(gmssl_pyx)") from error
