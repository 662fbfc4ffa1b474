"""签名编码: raw r ‖ s of 64 bytes, and DER SEQUENCE{r, s}. The form is always said, never guessed.

Strict both ways: 1 ≤ r, s < n, r + s ≠ 0 (mod n), 32 bytes each in raw, the one DER spelling.
Source: GM/T 0009-2012 clause 7.3.
"""

from __future__ import annotations

from adapters.sm import der
from ledger.sm2_curve import SIZE, N
from ledger.sm2_verify import read_signature


class SignatureMalformed(ValueError):
    """Bytes that no SM2 signature can be."""


def raw_to_der(raw: bytes) -> bytes:
    """SEQUENCE{r, s} of 64 bytes. Raises SignatureMalformed."""
    numbers = read_signature(raw)
    if numbers is None:
        raise SignatureMalformed("a raw SM2 signature is 64 bytes, r and s from 1 to n - 1")
    return der.element(der.SEQUENCE, b"".join(der.integer(number) for number in numbers))


def der_to_raw(data: bytes) -> bytes:
    """64 bytes of SEQUENCE{r, s}. Raises SignatureMalformed."""
    try:
        r, rest = der.take_integer(der.whole(data, der.SEQUENCE))
        s, rest = der.take_integer(rest)
    except der.DerMalformed as error:
        raise SignatureMalformed(f"not the DER of an SM2 signature: {error}") from error
    if rest:
        raise SignatureMalformed("an SM2 signature has two numbers and nothing after them")
    if r >= N or s >= N:
        raise SignatureMalformed("r and s are smaller than n")
    raw = r.to_bytes(SIZE, "big") + s.to_bytes(SIZE, "big")
    if read_signature(raw) is None:
        raise SignatureMalformed("r and s are not 0, nor is r + s (mod n)")
    return raw
