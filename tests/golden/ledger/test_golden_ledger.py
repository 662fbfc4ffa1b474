"""Money, Merkle trees and signed notes against cases that were not made by this code."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from ledger.money import (
    MoneyError,
    Rounding,
    allocate,
    fen_to_yuan,
    format_yuan,
    multiply,
    percent,
    yuan_to_fen,
)
from ledger.note import NoteVerifier, open_note
from tests.unit.ledger.trees import Tree

HERE = Path(__file__).parent
MONEY: dict[str, list[dict[str, Any]]] = json.loads((HERE / "money.json").read_text())
VECTORS: dict[str, Any] = json.loads((HERE / "merkle.json").read_text())
GENERATED = Tree([f"leaf {number}".encode() for number in range(1000)])


@pytest.mark.parametrize("case", MONEY["yuan_to_fen"], ids=lambda case: repr(case["yuan"]))
def test_yuan_become_fen_exactly_or_not_at_all(case: dict[str, Any]) -> None:
    if case["fen"] is None:
        with pytest.raises(MoneyError) as refused:
            yuan_to_fen(case["yuan"])
        assert refused.value.reason == case["reason"]
    else:
        assert yuan_to_fen(case["yuan"]) == case["fen"]
        assert yuan_to_fen(Decimal(case["yuan"])) == case["fen"]


@pytest.mark.parametrize("case", MONEY["percent"], ids=str)
def test_a_percentage_is_rounded_as_it_is_told(case: dict[str, Any]) -> None:
    rounding = Rounding(case["rounding"])
    assert percent(case["fen"], Decimal(case["ratio"]), rounding=rounding) == case["result"]


@pytest.mark.parametrize("case", MONEY["multiply"], ids=str)
def test_price_times_quantity_is_rounded_once(case: dict[str, Any]) -> None:
    price, quantity = Decimal(case["unit_price"]), Decimal(case["quantity"])
    assert multiply(price, quantity, rounding=Rounding(case["rounding"])) == case["result"]


@pytest.mark.parametrize("case", MONEY["allocate"], ids=str)
def test_shares_are_the_ones_a_person_would_give(case: dict[str, Any]) -> None:
    weights = [Decimal(weight) for weight in case["weights"]]
    assert list(allocate(case["fen"], weights)) == case["result"]


@pytest.mark.parametrize("case", MONEY["written"], ids=str)
def test_amounts_are_written_for_the_wire_and_for_people(case: dict[str, Any]) -> None:
    assert fen_to_yuan(case["fen"]) == case["wire"]
    assert format_yuan(case["fen"]) == case["people"]


def test_the_classic_leaves_have_the_classic_roots() -> None:
    known = VECTORS["known"]
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves_hex"]]
    for size, root in enumerate(known["roots_hex_by_size"]):
        assert root_of(leaves[:size]).hex() == root


def test_single_hashes_are_the_published_ones() -> None:
    known = VECTORS["known"]
    assert leaf_hash(b"L123456").hex() == known["leaf_hash_of_L123456"]
    assert node_hash(b"N123", b"N456").hex() == known["node_hash_of_N123_N456"]
    assert leaf_hash(b"").hex() == known["leaf_hash_of_empty"]


def test_a_tree_grown_leaf_by_leaf_has_the_roots_that_another_implementation_gives() -> None:
    grown = CompactRange()
    roots: dict[str, str] = VECTORS["generated"]["roots"]
    seen = 0
    for size in range(1001):
        if str(size) in roots:
            seen += 1
            assert grown.root().hex() == roots[str(size)]
            assert GENERATED.root(size).hex() == roots[str(size)]
        if size < 1000:
            grown.append(GENERATED.hashes[size])
    assert seen == len(roots)


def test_inclusion_proofs_equal_those_of_another_implementation() -> None:
    for case in VECTORS["generated"]["inclusion"]:
        size, index = case["N"], case["I"]
        proof = tuple(base64.b64decode(item) for item in case["Proof"])
        assert inclusion_proof(index, size, GENERATED) == proof
        verify_inclusion(GENERATED.hashes[index], index, size, proof, GENERATED.root(size))


def test_consistency_proofs_equal_those_of_another_implementation() -> None:
    for case in VECTORS["generated"]["consistency"]:
        first, second = case["M"], case["N"]
        proof = tuple(base64.b64decode(item) for item in case["Proof"])
        assert consistency_proof(first, second, GENERATED) == proof
        verify_consistency(first, second, proof, GENERATED.root(first), GENERATED.root(second))


def test_a_note_signed_by_the_first_implementation_of_notes_opens() -> None:
    """The example of golang.org/x/mod/sumdb/note."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    signature = (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ry"
        "yBwJnAM="
    )
    note = f"{text}\n\u2014 PeterNeumann {signature}\n"
    verifier = NoteVerifier.from_vkey(vkey)
    assert open_note(note, [verifier]) == (text, (verifier,))
    assert verifier.vkey == vkey
