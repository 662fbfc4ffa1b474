"""SM2 信封验签与 SM4 报文: a platform that signs and encrypts inside the envelope, by its own code.

A request's `input` (a string of ciphertext when `enc_type` says SM4) is decrypted, then its exact
plain text is verified against `cainfo`; an answer's `output` is signed, then encrypted. Only the
primitives are shared with the client (adapters.sm as a crypto library).
OUR ASSUMPTION for Shanghai, whose signing is in no available document. SM4-ECB, PKCS7, upper hex
and the key's derivation are those of the national hall's browser code (medium), not of this
interface.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from adapters.sandbox.refused import MISMATCH, MISSING_HEADER, GateRefusal
from adapters.sandbox.wire import Node, Unreadable, dump, parse, raw_tail, text_of
from adapters.sm import sm4
from adapters.sm.keys import Sm2PrivateKey, Sm2PublicKey
from adapters.sm.selection import need_sm2

IDENTITY = b"1234567812345678"
_SIGN_TYPE, _ENC_TYPE = "SM2", "SM4"


class Sm2Envelope:
    """One platform's way. Raises SmUnavailable where this machine cannot sign with SM2, KeyError
    and KeyUnusable for secrets that lack its keys."""

    signs_answers = True

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._provider = need_sm2("上海仿真平台")
        self._private = Sm2PrivateKey.from_pem(secrets["sm2_private_key"].encode())
        self._caller = Sm2PublicKey.from_pem(secrets["sm2_caller_key"].encode())
        self._key = _key_of(secrets["access_key"], secrets["secret"])

    def opened(self, body: bytes, tail: str) -> bytes:
        """The envelope with the plain text of its last member. Raises GateRefusal."""
        try:
            envelope = parse(body)
            if text_of(envelope, "enc_type") != _ENC_TYPE:
                raise GateRefusal(MISSING_HEADER)
            sealed = envelope.get(tail)
            raw = raw_tail(body.decode(), tail)
        except Unreadable as error:
            raise GateRefusal(MISMATCH) from error
        if not isinstance(sealed, str):
            raise GateRefusal(MISMATCH)
        try:
            plain = sm4.national_hall_ecb_decrypt(self._key, bytes.fromhex(sealed)).decode()
        except (sm4.DecryptionFailed, ValueError) as error:
            # The same words as for a signature that does not hold: nobody is told which it was.
            raise GateRefusal(MISMATCH) from error
        head, _, _ = body.decode().rpartition(raw)  # nothing but this member is encrypted
        return f"{head}{plain}}}".encode()

    def check(self, plain: bytes, tail: str) -> None:
        """Raises GateRefusal."""
        try:
            envelope = parse(plain)
            signed = raw_tail(plain.decode(), tail).encode()
        except Unreadable as error:
            raise GateRefusal(MISMATCH) from error
        if text_of(envelope, "signtype") != _SIGN_TYPE or not text_of(envelope, "cainfo"):
            raise GateRefusal(MISSING_HEADER)
        try:
            signature = base64.b64decode(text_of(envelope, "cainfo"), validate=True)
        except ValueError as error:
            raise GateRefusal(MISMATCH) from error
        if not self._provider.verify(self._caller, signed, signature, IDENTITY):
            raise GateRefusal(MISMATCH)

    def seal(self, signed: str) -> Node:
        """The members that an answer gets for its output's text."""
        signature = self._provider.sign(self._private, signed.encode(), IDENTITY)
        cainfo = base64.b64encode(signature).decode()
        return {"signtype": _SIGN_TYPE, "cainfo": cainfo, "enctype": _ENC_TYPE}

    def cover(self, output: str) -> str:
        """The JSON text that stands in the place of the output."""
        sealed = sm4.national_hall_ecb_encrypt(self._key, output.encode())
        return dump(sealed.hex().upper())


def _key_of(access_key: str, secret: str) -> bytes:
    """First 16 characters of the upper hex of SM4(first 16 of the access key, secret)."""
    derived = sm4.national_hall_ecb_encrypt(access_key[:16].encode(), secret.encode())
    return derived.hex().upper()[:16].encode()
