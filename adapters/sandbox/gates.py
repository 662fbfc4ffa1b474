"""验签: the service gateway in front of a platform. It verifies each request and signs answers.

Pure: bytes, headers and a clock value go in. Its own code path, sharing nothing with the client's
signing plug-ins; both are checked against the same published example values.
Profiles: csb-hmac-sha1 and zj-hmac-sm3 are read from single public clients; envelope-sm3 is what a
demonstration speaks on a machine without SM2. envelope-sm2 and tif-sha256 have files of their own.
"""

from __future__ import annotations

import base64
import hmac as constant_time
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.sandbox.gate_sm2 import Sm2Envelope
from adapters.sandbox.gate_tif import TifGate
from adapters.sandbox.provinces import Gate
from adapters.sandbox.refused import MISMATCH, MISSING_HEADER, STALE, UNKNOWN_CALLER, GateRefusal
from adapters.sandbox.wire import Node, Unreadable, parse, raw_tail, text_of

WINDOW = timedelta(minutes=30)
_MILLISECOND_DIGITS = 13


class Gatekeeper:
    """One platform's gateway: `opened` and `check` raise GateRefusal, `seal` signs an answer's
    output, `cover` says how it travels."""

    def __init__(self, gate: Gate, secrets: Mapping[str, str]) -> None:
        """`secrets`: access_key, secret; sm2_private_key and sm2_caller_key (PEM) for SM2."""
        self._gate = gate
        self._caller = secrets.get("access_key", "")
        self._secret = secrets["secret"].encode()
        self._sm2 = Sm2Envelope(secrets) if gate is Gate.ENVELOPE_SM2 else None
        self._tif = TifGate(secrets) if gate is Gate.TIF_SHA256 else None

    @property
    def signs_answers(self) -> bool:
        return self._gate in (Gate.ENVELOPE_SM3, Gate.ENVELOPE_SM2)

    def opened(self, body: bytes, tail: str) -> bytes:
        """The body as it was signed; `tail` names the member that may be encrypted."""
        return body if self._sm2 is None else self._sm2.opened(body, tail)

    def check(self, headers: Mapping[str, str], body: bytes, tail: str, now: datetime) -> None:
        """Verify one opened request. `tail` names the member that an envelope signature covers."""
        if self._sm2 is not None:
            self._sm2.check(body, tail)
        elif self._tif is not None:
            self._tif.check(headers, now)
        elif self._gate is Gate.ENVELOPE_SM3:
            self._check_envelope(body, tail)
        elif self._gate is Gate.CSB_HMAC_SHA1:
            self._check_csb(headers, now)
        else:
            self._check_zj(headers, body, now)

    def seal(self, output_text: str, *, forged: bool = False) -> Node:
        """The members that sign an answer; none where this platform does not sign its answers."""
        signed = output_text + " " if forged else output_text
        if self._sm2 is not None:
            return self._sm2.seal(signed)
        if self._gate is not Gate.ENVELOPE_SM3:
            return {}
        mac = _hmac(self._secret, signed.encode(), hashes.SM3()).hex().upper()
        return {"signtype": "SM3", "cainfo": mac}

    def cover(self, output_text: str) -> str:
        """The JSON text of `output` on the wire."""
        return output_text if self._sm2 is None else self._sm2.cover(output_text)

    def _check_envelope(self, body: bytes, tail: str) -> None:
        try:
            envelope = parse(body)
            signed = raw_tail(body.decode(), tail)
        except Unreadable as error:
            raise GateRefusal(MISMATCH) from error
        if text_of(envelope, "signtype") != "SM3" or not text_of(envelope, "cainfo"):
            raise GateRefusal(MISSING_HEADER)
        expected = _hmac(self._secret, signed.encode(), hashes.SM3()).hex().upper()
        _same(expected, text_of(envelope, "cainfo"))

    def _check_csb(self, headers: Mapping[str, str], now: datetime) -> None:
        names = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
        signature = headers.get("_api_signature", "")
        if not signature or not all(headers.get(name) for name in names):
            raise GateRefusal(MISSING_HEADER)
        _fresh(headers["_api_timestamp"], now)
        if headers["_api_access_key"] != self._caller:
            raise GateRefusal(UNKNOWN_CALLER)
        line = "&".join(f"{name}={headers[name]}" for name in sorted(names))
        digest = _hmac(self._secret, line.encode(), hashes.SHA1())
        _same(base64.b64encode(digest).decode(), signature)

    def _check_zj(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        key, given = headers.get("x-ca-key", ""), headers.get("x-ca-signature", "")
        if not key or not given:
            raise GateRefusal(MISSING_HEADER)
        if key != self._caller:
            raise GateRefusal(UNKNOWN_CALLER)
        stamp, _, signature = given.partition(":")
        _fresh(stamp, now)
        digest = _hmac(self._secret, stamp.encode() + b"\n" + body, hashes.SM3())
        _same(digest.hex().upper(), signature)


def _hmac(secret: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    mac = HMAC(secret, algorithm)
    mac.update(message)
    return mac.finalize()


def _fresh(stamp: str, now: datetime) -> None:
    """13-digit milliseconds within the window; seconds (10 digits) are the wrong unit here."""
    if len(stamp) != _MILLISECOND_DIGITS or not (stamp.isascii() and stamp.isdigit()):
        raise GateRefusal(STALE)
    window_ms = WINDOW // timedelta(milliseconds=1)
    now_ms = (now - datetime.fromtimestamp(0, now.tzinfo)) // timedelta(milliseconds=1)
    if abs(now_ms - int(stamp)) > window_ms:
        raise GateRefusal(STALE)


def _same(expected: str, given: str) -> None:
    if not constant_time.compare_digest(expected.encode(), given.encode()):
        raise GateRefusal(MISMATCH)
