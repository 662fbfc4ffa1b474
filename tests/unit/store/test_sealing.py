"""A sealed value opens in its own place, with its own key, undamaged; else one error says so."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.errors import Undecipherable
from gateway.store.sealing import Place, seal, unseal

KEY = AESGCM(b"k" * 32)
HERE = Place("claim", "clm_1", "body")


def salt() -> bytes:
    """32 random bytes."""
    return os.urandom(32)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again(value: bytes) -> None:
    assert unseal(KEY, HERE, seal(KEY, HERE, value, salt)) == value


def test_the_same_value_never_looks_the_same_twice() -> None:
    assert seal(KEY, HERE, b"x", salt) != seal(KEY, HERE, b"x", salt)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("exchange", "clm_1", "body"),
        Place("claim", "clm_2", "body"),
        Place("claim", "clm_1", "answer"),
        Place("claimc", "lm_1", "body"),
        Place("claim", "clm_1b", "ody"),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(elsewhere: Place) -> None:
    sealed = seal(KEY, HERE, b"x", salt)
    with pytest.raises(Undecipherable):
        unseal(KEY, elsewhere, sealed)


def test_every_flipped_bit_and_every_cut_is_noticed_and_looks_like_a_wrong_key() -> None:
    sealed = seal(KEY, HERE, b"some value", salt)
    spoiled = [
        sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]
        for at in range(len(sealed))
        for bit in range(8)
    ]
    spoiled += [sealed[:length] for length in range(len(sealed))]
    texts = set()
    for bad in spoiled:
        with pytest.raises(Undecipherable) as damaged:
            unseal(KEY, HERE, bad)
        texts.add(str(damaged.value))
    with pytest.raises(Undecipherable) as wrong_key:
        unseal(AESGCM(b"w" * 32), HERE, sealed)
    assert texts == {str(wrong_key.value)}
