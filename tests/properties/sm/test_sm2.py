"""SM2 of several makers: what one signs all verify, and nobody verifies anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sm.encoding import SignatureMalformed, der_to_raw, raw_to_der
from adapters.sm.keys import Sm2PrivateKey
from adapters.sm.provider import SmProvider
from ledger.sm2_curve import G, N, combine
from tests.unit.adapters.sm.keys import PROVIDERS, SIGNERS, made_key

KEYS = st.one_of(st.integers(1, N - 2), st.integers(1, 2**64), st.just(N - 2)).map(made_key)
IDENTITIES = st.binary(min_size=1, max_size=80)
SCALARS = st.one_of(st.integers(0, N - 1), st.integers(0, 300), st.integers(N - 300, N - 1))


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda p: p.name)
@settings(max_examples=40, deadline=None)
@given(key=KEYS, message=st.binary(max_size=300), identity=IDENTITIES)
def test_what_one_signs_all_verify(
    signer: SmProvider, key: Sm2PrivateKey, message: bytes, identity: bytes
) -> None:
    signature = signer.sign(key, message, identity)
    assert der_to_raw(raw_to_der(signature)) == signature
    for provider in PROVIDERS:
        assert provider.verify(key.public, message, signature, identity)


@settings(max_examples=60, deadline=None)
@given(
    key=KEYS,
    message=st.binary(max_size=100),
    identity=IDENTITIES,
    part=st.sampled_from(["message", "signature", "identity"]),
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_all_refuse_it_with_one_bit_changed(
    key: Sm2PrivateKey, message: bytes, identity: bytes, part: str, place: int, bit: int
) -> None:
    given = {"message": message + b".", "identity": identity}
    given["signature"] = SIGNERS[0].sign(key, given["message"], identity)
    changed = bytearray(given[part])
    changed[place % len(changed)] ^= 1 << bit
    given[part] = bytes(changed)
    for provider in PROVIDERS:
        assert not provider.verify(
            key.public, given["message"], given["signature"], given["identity"]
        )


@settings(max_examples=60, deadline=None)
@given(signature=st.binary(min_size=64, max_size=64))
def test_made_up_signatures_are_refused_alike(signature: bytes) -> None:
    key = made_key(11).public
    assert not any(provider.verify(key, b"m", signature) for provider in PROVIDERS)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=80))
def test_der_has_one_spelling(data: bytes) -> None:
    try:
        signature = der_to_raw(data)
    except SignatureMalformed:
        return
    assert raw_to_der(signature) == data


@settings(max_examples=60, deadline=None)
@given(u=SCALARS, v=SCALARS, number=st.integers(1, N - 1))
def test_combining_is_linear(u: int, v: int, number: int) -> None:
    point = combine(number, 0, G)
    assert point is not None
    assert combine(u, v, point) == combine((u + v * number) % N, 0, G)
