"""国密签名提供者: what every implementation of SM2 with SM3 offers.

Signatures are raw, r ‖ s, always 64 bytes; DER is for the edge (adapters.sm.encoding). They are
random: never derive an id, a cache key or an idempotency key from one. Whether a provider may be
used at all is decided by its self-test (adapters.sm.selection).
"""

from __future__ import annotations

from typing import Protocol

from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from ledger.sm2_verify import DEFAULT_IDENTITY

__all__ = ["DEFAULT_IDENTITY", "SmProvider", "SmProviderBroken"]


class SmProviderBroken(Exception):
    """The library cannot be loaded, or did what it may never do. 中文: which and what."""


class SmProvider(Protocol):
    """One implementation of SM2."""

    @property
    def name(self) -> str:
        """libcrypto, gmssl_pyx or pure."""

    @property
    def version(self) -> str:
        """What the library says of itself."""

    @property
    def can_sign(self) -> bool: ...

    def sign(
        self, private: Sm2PrivateKey, message: bytes, identity: bytes = DEFAULT_IDENTITY
    ) -> bytes:
        """64 bytes. Raises SmProviderBroken; ValueError for an identity nobody can have."""

    def verify(
        self,
        public: Sm2PublicKey,
        message: bytes,
        signature: bytes,
        identity: bytes = DEFAULT_IDENTITY,
    ) -> bool:
        """Whether the 64 bytes are this key's over the message. Malformed ones are not."""
