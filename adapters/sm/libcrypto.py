"""OpenSSL 3 的 libcrypto, through ctypes: signs and verifies SM2. The first choice.

Only a system library serves: the one inside `cryptography` offers no SM2. Debian and Ubuntu build
it with SM2; RHEL, Rocky, Fedora and openSUSE do not, which the self-test finds. Calls release the
GIL. OpenSSL's own error text stays here. Source: OpenSSL 3 manual, EVP_DigestSign, EVP_PKEY-SM2.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_ubyte, c_ulong, c_void_p
from functools import lru_cache
from typing import Any

from adapters.sm.encoding import SignatureMalformed, der_to_raw, raw_to_der
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.provider import DEFAULT_IDENTITY, SmProviderBroken
from ledger.sm2_verify import check_identity

_NAMES = ("libcrypto.so.3", "libcrypto.3.dylib")
_OLDEST = 0x30000000
_KEYS_MAX = 256
"""Parsed keys kept: a peer's key is parsed once, and a stranger's cannot fill the memory."""
_DER_MAX = 80
"""Bytes of room for a signature in DER; the longest has 72."""
_OK = 1
"""The only success: errors are 0 or -1, and -1 is true in Python."""

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenSSL_version_num": (c_ulong, ()),
    "OpenSSL_version": (c_char_p, (c_int,)),
    "ERR_clear_error": (None, ()),
    "EVP_sm3": (c_void_p, ()),
    "d2i_PUBKEY": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "d2i_AutoPrivateKey": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_new": (c_void_p, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_size_t)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_set_pkey_ctx": (None, (c_void_p, c_void_p)),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_void_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
}
"""restype and argtypes of every function: the default, int, would cut a pointer in half."""


class Libcrypto:
    """SM2 of the system's OpenSSL 3. Raises SmProviderBroken when there is none."""

    name = "libcrypto"
    can_sign = True

    def __init__(self) -> None:
        self._lib = _load()
        self.version = (self._lib.OpenSSL_version(0) or b"?").decode("ascii", "replace")
        self._public: Callable[[Sm2PublicKey], _Key] = lru_cache(_KEYS_MAX)(self._read_public)
        self._private: Callable[[Sm2PrivateKey], _Key] = lru_cache(_KEYS_MAX)(self._read_private)

    def sign(
        self, private: Sm2PrivateKey, message: bytes, identity: bytes = DEFAULT_IDENTITY
    ) -> bytes:
        with self._context(self._private(private), identity) as (context, key):
            self._check(
                self._lib.EVP_DigestSignInit(context, None, self._lib.EVP_sm3(), None, key),
                "EVP_DigestSignInit",
            )
            room, size = (c_ubyte * _DER_MAX)(), c_size_t(_DER_MAX)
            self._check(
                self._lib.EVP_DigestSign(context, room, byref(size), message, len(message)),
                "EVP_DigestSign",
            )
        try:
            return der_to_raw(bytes(room[: size.value]))
        except SignatureMalformed as error:
            raise SmProviderBroken("libcrypto 没有签出有效的签名") from error

    def verify(
        self,
        public: Sm2PublicKey,
        message: bytes,
        signature: bytes,
        identity: bytes = DEFAULT_IDENTITY,
    ) -> bool:
        try:
            encoded = raw_to_der(signature)
        except SignatureMalformed:
            check_identity(identity)
            return False
        with self._context(self._public(public), identity) as (context, key):
            self._check(
                self._lib.EVP_DigestVerifyInit(context, None, self._lib.EVP_sm3(), None, key),
                "EVP_DigestVerifyInit",
            )
            answer: int = self._lib.EVP_DigestVerify(
                context, encoded, len(encoded), message, len(message)
            )
            if answer != _OK:
                self._lib.ERR_clear_error()
            return answer == _OK

    @contextmanager
    def _context(self, key: _Key, identity: bytes) -> Iterator[tuple[int, int]]:
        """(MD context with the signer's identity set, key): both live as long as the block."""
        check_identity(identity)
        key_context = self._lib.EVP_PKEY_CTX_new(key.pointer, None)
        context = self._lib.EVP_MD_CTX_new()
        try:
            if not key_context or not context:
                self._fail("EVP_PKEY_CTX_new")
            set_id = self._lib.EVP_PKEY_CTX_set1_id(key_context, identity, len(identity))
            self._check(set_id, "EVP_PKEY_CTX_set1_id")
            self._lib.EVP_MD_CTX_set_pkey_ctx(context, key_context)
            yield context, key.pointer
        finally:
            # In this order: the MD context looks at the key's context while it is freed.
            self._lib.EVP_MD_CTX_free(context)
            self._lib.EVP_PKEY_CTX_free(key_context)

    def _read_public(self, public: Sm2PublicKey) -> _Key:
        return self._read("d2i_PUBKEY", public.spki)

    def _read_private(self, private: Sm2PrivateKey) -> _Key:
        return self._read("d2i_AutoPrivateKey", private.pkcs8)

    def _read(self, function: str, data: bytes) -> _Key:
        place = c_char_p(data)  # the function moves the pointer, not the bytes
        pointer = getattr(self._lib, function)(None, byref(place), len(data))
        if not pointer:
            self._fail(function)
        return _Key(pointer, self._lib.EVP_PKEY_free)

    def _check(self, answer: int, function: str) -> None:
        if answer != _OK:
            self._fail(function)

    def _fail(self, function: str) -> None:
        # Errors wait in a queue of the thread and would be reported by an innocent next call.
        self._lib.ERR_clear_error()
        raise SmProviderBroken(f"libcrypto 的 {function} 失败(编译时可能未带 SM2)")


class _Key:
    """An EVP_PKEY that is freed with the last who uses it."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


def _load() -> ctypes.CDLL:
    """The first library that is OpenSSL 3 or later, its functions declared."""
    seen = []
    for name in _names():
        try:
            library = ctypes.CDLL(name)
            _declare(library)
        except (OSError, AttributeError):
            seen.append(f"{name} 不存在,或没有 OpenSSL 3 的函数")
            continue
        if library.OpenSSL_version_num() >= _OLDEST:
            return library
        seen.append(f"{name} 早于 OpenSSL 3")
    raise SmProviderBroken("、".join(dict.fromkeys(seen)))


def _names() -> Iterator[str]:
    yield from _NAMES
    # Last, since it runs programs; it finds nothing on slim images, or another major version.
    found = ctypes.util.find_library("crypto")
    if found is not None:
        yield found


def _declare(library: ctypes.CDLL) -> None:
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
