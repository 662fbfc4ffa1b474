"""SM2 in every provider this machine has: the standard's vector, and all that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.sm.encoding import SignatureMalformed, der_to_raw, raw_to_der
from adapters.sm.keys import KeyUnusable, Sm2PrivateKey
from adapters.sm.pairs import check_pair
from adapters.sm.provider import SmProvider, SmProviderBroken
from adapters.sm.pure import Pure
from ledger.sm2_curve import N
from tests.unit.adapters.sm.keys import (
    IDENTITY,
    MESSAGE,
    OPENSSL,
    PRIVATE,
    PROVIDERS,
    PUBLIC,
    SIGNATURE,
    SIGNERS,
    made_key,
)

R, S = int.from_bytes(SIGNATURE[:32], "big"), int.from_bytes(SIGNATURE[32:], "big")
each_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
each_signer = pytest.mark.parametrize("provider", SIGNERS, ids=lambda p: p.name)


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_the_three_providers_are_all_tried_here() -> None:
    names = [provider.name for provider in PROVIDERS]
    assert "libcrypto" in names and "pure" in names


@each_provider
def test_the_signature_that_the_standard_prints_is_good(provider: SmProvider) -> None:
    assert provider.verify(PUBLIC, MESSAGE, SIGNATURE, IDENTITY)
    assert provider.verify(PUBLIC, MESSAGE, SIGNATURE)  # the default identity is this one


@each_provider
@pytest.mark.parametrize("place", [0, 7, 31, 32, 40, 63])
def test_one_bit_of_r_or_s_changed_is_no_signature(provider: SmProvider, place: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[place] ^= 1
    assert not provider.verify(PUBLIC, MESSAGE, bytes(changed))


@each_provider
def test_another_message_key_or_identity_is_no_signature(provider: SmProvider) -> None:
    assert not provider.verify(PUBLIC, MESSAGE + b"\x00", SIGNATURE)
    assert not provider.verify(PUBLIC, b"", SIGNATURE)
    assert not provider.verify(made_key(7).public, MESSAGE, SIGNATURE)
    assert not provider.verify(PUBLIC, MESSAGE, SIGNATURE, b"1234567812345679")
    assert not provider.verify(PUBLIC, MESSAGE, SIGNATURE, IDENTITY + b"\x00")


@each_provider
@pytest.mark.parametrize(
    "signature",
    {
        "r = 0": raw(0, S),
        "s = 0": raw(R, 0),
        "r = n": raw(N, S),
        "s = n": raw(R, N),
        "r + n": raw(R + N, S) if R + N < 2**256 else raw(2**256 - 1, S),
        "r + s = n": raw(R, N - R),
        "r = s = 0": bytes(64),
        "all ones": b"\xff" * 64,
        "63 bytes": SIGNATURE[:63],
        "65 bytes": SIGNATURE + b"\x00",
        "a zero before": b"\x00" + SIGNATURE,
        "nothing": b"",
        "DER": bytes.fromhex(
            "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
            "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
        ),
    }.values(),
)
def test_numbers_out_of_range_are_no_signature(provider: SmProvider, signature: bytes) -> None:
    assert provider.verify(PUBLIC, MESSAGE, signature) is False
    with pytest.raises(SignatureMalformed):
        raw_to_der(signature)  # before any provider is asked


@each_provider
def test_a_signature_that_leads_to_infinity_is_none(provider: SmProvider) -> None:
    d = int.from_bytes(PRIVATE.secret, "big")
    t = 5
    s = -t * d % N  # s·G + t·P = (s + t·d)·G = 0·G
    assert provider.verify(PUBLIC, MESSAGE, raw((t - s) % N, s)) is False


@each_provider
@pytest.mark.parametrize("known", OPENSSL["leading_zeros"], ids=lambda known: known["zero_in"])
def test_leading_zeros_of_r_and_s_are_kept(provider: SmProvider, known: dict[str, str]) -> None:
    signature = bytes.fromhex(known["sig_raw"])
    assert provider.verify(PUBLIC, known["msg_ascii"].encode(), signature)


@each_provider
@pytest.mark.parametrize("identity", [b"", b"x" * 8191])
def test_an_identity_nobody_can_have_is_an_error(provider: SmProvider, identity: bytes) -> None:
    for signature in (SIGNATURE, b"malformed"):
        with pytest.raises(ValueError, match="1 to 8190 bytes"):
            provider.verify(PUBLIC, MESSAGE, signature, identity)


@each_signer
def test_what_one_signs_everybody_verifies_with_that_identity_only(provider: SmProvider) -> None:
    for message, identity in ((b"", b"i"), (b"\x00" * 100_000, b"\x00\xff"), (b"m", b"x" * 8190)):
        signature = provider.sign(PRIVATE, message, identity)
        assert len(signature) == 64
        for other in PROVIDERS:
            assert other.verify(PUBLIC, message, signature, identity)
            assert not other.verify(PUBLIC, message, signature, identity[:-1] + b"!")


@each_signer
def test_two_signatures_of_one_message_differ(provider: SmProvider) -> None:
    assert provider.sign(PRIVATE, MESSAGE) != provider.sign(PRIVATE, MESSAGE)


@each_signer
def test_two_keys_of_different_pairs_in_one_file_are_found(provider: SmProvider) -> None:
    check_pair(provider, PRIVATE)
    with pytest.raises(KeyUnusable, match="不成对"):
        check_pair(provider, Sm2PrivateKey(made_key(7).public, PRIVATE.secret))


def test_the_pure_provider_never_signs() -> None:
    with pytest.raises(SmProviderBroken, match="不签名"):
        Pure().sign(PRIVATE, MESSAGE)


def test_many_strangers_keys_do_not_stay_in_memory() -> None:
    libcrypto = next(p for p in PROVIDERS if p.name == "libcrypto")
    for number in range(1, 600):
        assert not libcrypto.verify(made_key(number).public, MESSAGE, SIGNATURE)
    assert libcrypto.verify(PUBLIC, MESSAGE, SIGNATURE)


DER = bytes.fromhex(
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


def test_strict_der_is_read() -> None:
    assert der_to_raw(DER) == SIGNATURE


@pytest.mark.parametrize(
    "damage",
    {
        "a byte after": lambda d: d + b"\x00",
        "a byte inside after": lambda d: bytes([0x30, len(d) - 1]) + d[2:] + b"\x00",
        "a long length": lambda d: b"\x30\x81" + d[1:],
        "a longer length": lambda d: b"\x30\x82\x00" + d[1:],
        "indefinite": lambda d: b"\x30\x80" + d[2:] + b"\x00\x00",
        "a zero too many": lambda d: b"\x30\x47\x02\x22\x00" + d[4:],
        "negative": lambda d: b"\x30\x45\x02\x20" + d[5:],
        "cut": lambda d: d[:-1],
        "one number": lambda d: b"\x30\x23" + d[2:37],
        "three numbers": lambda d: b"\x30\x49" + d[2:] + b"\x02\x01\x01",
        "a set": lambda d: b"\x31" + d[1:],
        "an empty number": lambda d: b"\x30\x25\x02\x00" + d[37:],
        "r = 0": lambda d: b"\x30\x26\x02\x01\x00" + d[37:],
        "r = n": lambda d: d[:5] + N.to_bytes(32, "big") + d[37:],
        "33 bytes": lambda d: b"\x30\x46\x02\x21\x01" + d[5:],
        "nothing": lambda d: b"",
        "a length of five bytes": lambda d: b"\x30\x85\x01\x00\x00\x00\x00" + d[2:],
    }.values(),
)
def test_every_other_spelling_of_der_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SignatureMalformed):
        der_to_raw(damage(DER))


def test_three_threads_share_a_provider_and_its_keys() -> None:
    libcrypto = next(p for p in PROVIDERS if p.name == "libcrypto")
    keys = [made_key(number) for number in range(1, 9)]

    def work(own: int) -> bool:
        good = True
        for round_ in range(60):
            key, other = keys[(own + round_) % 8], keys[(own + round_ + 1) % 8]
            signature = libcrypto.sign(key, MESSAGE)
            good &= libcrypto.verify(key.public, MESSAGE, signature)
            good &= not libcrypto.verify(other.public, MESSAGE, signature)
        return good

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(work, range(3)))
