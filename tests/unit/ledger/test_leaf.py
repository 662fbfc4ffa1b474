"""A leaf has one spelling; a commitment hides its body and binds it."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

import pytest

from ledger.commitment import canonical_json, commit
from ledger.leaf import LEAF_MAX, Leaf, LeafError
from tests.unit.ledger.books import commitment, leaf_for, pending

HASH = commitment("x")
LEAF = Leaf("entry.pending", "ent_1", HASH, window="2026-11", funds=("pooled", "serious_illness"))


def test_a_leaf_is_its_prefix_and_canonical_json() -> None:
    assert LEAF.to_bytes() == (
        b'yrd.leaf.v1\n{"commitment":"' + HASH.encode() + b'","entry_id":"ent_1",'
        b'"funds":["pooled","serious_illness"],"type":"entry.pending","window":"2026-11"}'
    )


def test_what_is_absent_is_left_out() -> None:
    data = Leaf("receipt.issued", "rcp_1", HASH).to_bytes()
    assert b"window" not in data and b"funds" not in data and b"seal" not in data


def test_a_leaf_is_read_back_as_it_was() -> None:
    assert Leaf.parse(LEAF.to_bytes()) == LEAF


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b" ",
        lambda data: data.replace(b'","', b'", "', 1),
        lambda data: data.replace(b"yrd.leaf.v1", b"yrd.leaf.v2"),
        lambda data: data.replace(b"ent_1", b"\\u0065nt_1"),
        lambda data: data.replace(b'"window"', b'"windov"'),
        lambda data: data.replace(b'["pooled","serious_illness"]', b'["serious_illness","pooled"]'),
        lambda data: data.replace(b"2026-11", b"2026-13"),
        lambda data: data.replace(HASH.encode(), HASH.upper().encode()),
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"yrd.leaf.v1\n[]",
        lambda data: b"yrd.leaf.v1\n" + b"[" * 50_000,
        lambda data: data.replace(b'"type":"entry.pending"', b'"type":null'),
        lambda data: data.replace(b'"type"', b'"type":"a","type"'),
    ],
)
def test_every_other_spelling_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(LeafError):
        Leaf.parse(change(LEAF.to_bytes()))


def test_a_leaf_has_room_in_an_entry_bundle() -> None:
    funds = tuple(sorted(f"f{number:030d}" for number in range(3000)))
    with pytest.raises(LeafError):
        Leaf("entry.pending", "ent_1", HASH, funds=funds).to_bytes()
    assert len(leaf_for(pending("e" * 64)).to_bytes()) < LEAF_MAX


def test_a_commitment_is_a_hash_of_prefix_salt_and_body() -> None:
    salt = bytes(range(32))
    assert commit(salt, b"{}") == sha256(b"yrd.commit.v1\x00" + salt + b"{}").digest()


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_of_another_length_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError):
        commit(salt, b"{}")


def test_canonical_json_is_ascii_sorted_and_tight() -> None:
    value = {"b": [1, None, True], "a": "起付线", "c": {"z": -5, "y": ""}}
    assert canonical_json(value) == (
        b'{"a":"\\u8d77\\u4ed8\\u7ebf","b":[1,null,true],"c":{"y":"","z":-5}}'
    )


@pytest.mark.parametrize("value", [{"a": Decimal("1.0")}, [1 / 2], {1: "a"}, b"a", {"a": {1, 2}}])
def test_canonical_json_refuses_what_has_two_spellings(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)
