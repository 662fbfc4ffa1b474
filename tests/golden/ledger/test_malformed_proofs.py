"""Every published family of malformed proofs is refused, by our verifier and by the platforms'."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox.witness import _extends, _Request
from ledger.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.ledger.trees import Tree

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "malformed.json").read_text(encoding="utf-8")
)
TREE = Tree([f"leaf {number}".encode() for number in range(300)])
OTHER = sha256(b"other").digest()
Proof = tuple[bytes, ...]


def number(change: Sequence[Any] | None, value: int, **known: int) -> int:
    """A size or an index, changed as the family says."""
    match change:
        case None:
            return value
        case ["set", str(name)]:
            return known[name]
        case ["set", int(fixed)]:
            return fixed
        case ["add", int(amount)]:
            return value + amount
        case ["mul", int(factor)]:
            return value * factor
        case ["div", int(divisor)]:
            return value // divisor
        case ["xor", int(bits)]:
            return value ^ bits
    raise ValueError(change)


def changed(change: Sequence[Any] | None, proof: Proof, known: dict[str, bytes]) -> Iterator[Proof]:
    """Every proof that the family makes of this one; those that it leaves as they are, never."""
    match change:
        case None:
            yield proof
            return
        case ["append", str(name)]:
            made = [(*proof, known[name])]
        case ["prepend", str(name)]:
            made = [(known[name], *proof)]
        case ["repeat", int(at)]:
            made = [(proof[0], *proof) if at == 0 else (*proof, proof[-1])] if proof else []
        case ["drop", int(at)]:
            made = [proof[1:] if at == 0 else proof[:-1]]
        case ["clear", _]:
            made = [()]
        case ["reverse", _]:
            made = [tuple(reversed(proof))]
        case ["flip", int(bit)]:
            made = [(*proof[:at], flipped(h, bit), *proof[at + 1 :]) for at, h in enumerate(proof)]
        case ["cut", int(length)]:
            made = [
                (*proof[:at], (h + b"\x00")[:length], *proof[at + 1 :])
                for at, h in enumerate(proof)
            ]
        case _:
            raise ValueError(change)
    yield from (other for other in made if other != proof)


def flipped(value: bytes, bit: int) -> bytes:
    data = bytearray(value)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def family_id(family: dict[str, Any]) -> str:
    return str(family["name"])


@pytest.mark.parametrize("family", CASES["inclusion"]["families"], ids=family_id)
def test_a_malformed_inclusion_proof_is_refused(family: dict[str, Any]) -> None:
    tried = 0
    for index, size in CASES["inclusion"]["trees"]:
        known = {
            "leaf": TREE.hashes[index], "root": TREE.root(size), "empty": EMPTY_ROOT,
            "other": OTHER, "nothing": b"",
        }  # fmt: skip
        good = inclusion_proof(index, size, TREE)
        verify_inclusion(known["leaf"], index, size, good, known["root"])
        leaf, root = known[family.get("leaf", "leaf")], known[family.get("root", "root")]
        if family.get("leaf") == "root" and size == 1:
            continue  # the root of one leaf is that leaf
        for proof in changed(family.get("proof"), good, known):
            with pytest.raises(ProofInvalid):
                verify_inclusion(
                    leaf,
                    number(family.get("index"), index, size=size),
                    number(family.get("size"), size),
                    proof,
                    root,
                )
            tried += 1
    assert tried


@pytest.mark.parametrize("family", CASES["consistency"]["families"], ids=family_id)
def test_a_malformed_consistency_proof_is_refused(family: dict[str, Any]) -> None:
    tried = 0
    for first, second in CASES["consistency"]["trees"]:
        known = {
            "root1": TREE.root(first), "root2": TREE.root(second), "empty": EMPTY_ROOT,
            "other": OTHER, "nothing": b"",
        }  # fmt: skip
        good = consistency_proof(first, second, TREE)
        verify_consistency(first, second, good, known["root1"], known["root2"])
        root1, root2 = known[family.get("root1", "root1")], known[family.get("root2", "root2")]
        size1 = number(family.get("size1"), first, size2=second)
        size2 = number(family.get("size2"), second)
        for proof in changed(family.get("proof"), good, known):
            with pytest.raises(ProofInvalid):
                verify_consistency(size1, size2, proof, root1, root2)
            if 0 < size1 <= size2 and all(len(value) == 32 for value in proof):
                request = _Request(size1, list(proof), "", "", [], "", size2, root2)
                same = size1 == size2 and root1 != root2  # the witness asks that elsewhere
                assert same or not _extends(request, root1)
            tried += 1
    assert tried
