"""国密日志签名: the SM2 key that signs checkpoints beside the log's Ed25519 key, from its file.

The file is PEM, made by `openssl genpkey -algorithm SM2`, readable by us only; the name on the line
is the origin of the log in force. Nothing here verifies a log; that is ledger.sm2_note. No SM2 in
this process is an error at start: a checkpoint is never signed with less than was asked for.
"""

from __future__ import annotations

from pathlib import Path

from adapters.sm.keys import KeyUnusable, Sm2PrivateKey, Sm2PublicKey
from adapters.sm.pairs import check_pair
from adapters.sm.provider import SmProvider, SmProviderBroken
from adapters.sm.selection import Selection, SmUnavailable, need_sm2, sm2
from gateway.config import ConfigError
from gateway.store.log_key import read_private
from gateway.telemetry import Logger
from ledger.note import signature_line
from ledger.sm2_note import DEFAULT_IDENTITY, Sm2NoteVerifier, Verify, sm2_message

PEER = "日志的国密签名(log_sm2_key)"


class Sm2LogSigner:
    """Implements ledger.note.LineSigner. Its repr does not show the key."""

    __slots__ = ("_private", "_provider", "verifier")

    def __init__(self, name: str, private: Sm2PrivateKey, provider: SmProvider) -> None:
        self._private, self._provider = private, provider
        self.verifier = Sm2NoteVerifier(name, private.public.point, checking(provider))

    def signature_line(self, text: str) -> str:
        """With its newline. Raises SmProviderBroken rather than give a line that nobody accepts."""
        signature = self._provider.sign(self._private, sm2_message(text), DEFAULT_IDENTITY)
        if not self.verifier.verifies(text, signature):
            raise SmProviderBroken(f"{self._provider.name} 的签名验证不通过")
        return signature_line(self.verifier.name, self.verifier.key_id, signature)


class Sm2LogKey:
    """The key as read, until it is known which log is in force."""

    __slots__ = ("_private", "_provider")

    def __init__(self, private: Sm2PrivateKey, provider: SmProvider) -> None:
        self._private, self._provider = private, provider

    def named(self, origin: str) -> Sm2LogSigner:
        """The signer of this log."""
        return Sm2LogSigner(origin, self._private, self._provider)


def load_sm2_log_key(path: Path, selection: Selection | None = None) -> Sm2LogKey:
    """By the SM2 of this process, or by another.

    Raises ConfigError without SM2 or with a file that is no key, StoreRefused for one that is
    missing or open to others.
    """
    text = read_private(path)
    try:
        provider = need_sm2(PEER, selection=selection)
        private = Sm2PrivateKey.from_pem(text.encode())
        check_pair(provider, private)
    except SmUnavailable as error:
        raise ConfigError(error.text_zh, reason=error.reason) from error
    except KeyUnusable as error:
        raise ConfigError(f"密钥文件 {path}:{error}", reason="KEY_MALFORMED") from error
    return Sm2LogKey(private, provider)


def tell_sm2(logger: Logger, have: Selection | None = None) -> None:
    """Which SM2 this process has, and who was dropped and why, in its log."""
    have = have or sm2()
    cause = ";".join(f"{one.name}:{one.reason}" for one in have.dropped)
    if have.provider is None:
        logger.warning("sm2_provider", kind="none", state="unavailable", cause=cause)
        return
    logger.info(
        "sm2_provider",
        kind=have.provider.name,
        version=have.provider.version,
        state="signs" if have.can_sign else "verifies_only",
        duration_ms=have.self_test_us // 1000,
        cause=cause or None,
    )


def fast_verify() -> Verify | None:
    """How this process verifies SM2 fastest; None leaves it to the ledger's own verifier."""
    provider = sm2().provider
    return None if provider is None else checking(provider)


def checking(provider: SmProvider) -> Verify:
    """The provider as the ledger asks it."""

    def verify(public: bytes, message: bytes, signature: bytes, identity: bytes) -> bool:
        return provider.verify(Sm2PublicKey(public), message, signature, identity)

    return verify
