"""What holds for every amount, every entry and every tree."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import Account, Leg, Role, sides, trial_balance
from ledger.leaf import Leaf, LeafError
from ledger.merkle import (
    CompactRange,
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from ledger.money import Rounding, allocate, divide, fen_to_yuan, multiply, percent, yuan_to_fen
from ledger.tiles import Tile, parse_path, tiles_of
from tests.unit.ledger.trees import Tree

SIZE = 300
TREE = Tree([f"leaf {number}".encode() for number in range(SIZE)])
FEN = st.integers(-(10**15), 10**15)
WEIGHT = st.one_of(
    st.integers(0, 10**6),
    st.decimals(0, 1000, places=4, allow_nan=False, allow_infinity=False),
)
BOOKS = st.sampled_from(["310000", "320500", "330400"])
FUNDS = st.sampled_from(["pooled", "serious_illness", "personal"])
ROLES = st.sampled_from(list(Role))


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


@given(FEN)
def test_an_amount_written_and_read_is_the_same(fen: int) -> None:
    assert yuan_to_fen(fen_to_yuan(fen)) == fen


@given(FEN, st.lists(WEIGHT, min_size=1, max_size=12).filter(any))
def test_shares_sum_exactly_and_stay_within_a_fen(fen: int, weights: list[int | Decimal]) -> None:
    shares = allocate(fen, weights)
    assert sum(shares) == fen
    total = sum(Decimal(weight) for weight in weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * total - fen * Decimal(weight)) < total
    assert allocate(-fen, weights) == tuple(-share for share in shares)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12), st.sampled_from(list(Rounding)))
def test_a_rounded_quotient_is_a_neighbour_of_the_exact_one(
    numerator: int, denominator: int, rounding: Rounding
) -> None:
    result = divide(numerator, denominator, rounding=rounding)
    assert abs(result * denominator - numerator) < denominator
    assert divide(-numerator, denominator, rounding=rounding) == -result
    if rounding is Rounding.DOWN:
        assert abs(result * denominator) <= abs(numerator)
    if rounding is Rounding.UP:
        assert abs(result * denominator) >= abs(numerator)
    if rounding in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        assert 2 * abs(result * denominator - numerator) <= denominator


@given(st.integers(0, 10**12), st.decimals(0, 1, places=4), st.sampled_from(list(Rounding)))
def test_a_part_is_never_more_than_the_whole(fen: int, ratio: Decimal, rounding: Rounding) -> None:
    assert 0 <= percent(fen, ratio, rounding=rounding) <= fen


@given(st.integers(0, 10**8), st.integers(-1000, 1000))
def test_whole_prices_and_quantities_multiply_exactly(price_fen: int, quantity: int) -> None:
    product = multiply(Decimal(price_fen) / 100, Decimal(quantity), rounding=Rounding.HALF_UP)
    assert product == price_fen * quantity


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    book, fund = draw(BOOKS), draw(FUNDS)
    code = st.builds(lambda role, other: Account(book, role, other, fund), ROLES, BOOKS)
    debit = draw(code)
    return Leg(debit, draw(code.filter(lambda one: one != debit)), draw(st.integers(1, 10**12)))


@given(st.lists(legs(), max_size=30))
def test_every_book_and_fund_balances_whatever_the_entries(entries: list[Leg]) -> None:
    for line in trial_balance(sides(entries)):
        assert line.difference_fen == 0
    for leg in entries:
        assert Account.parse(leg.debit.code) == leg.debit


@given(st.data())
def test_every_inclusion_proof_verifies_and_every_flipped_bit_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TREE)
    leaf, root = TREE.hashes[index], TREE.root(size)
    verify_inclusion(leaf, index, size, proof, root)
    bit = data.draw(st.integers(0, 255))
    bad: list[tuple[bytes, tuple[bytes, ...], bytes]] = [
        (flipped(leaf, bit), proof, root),
        (leaf, proof, flipped(root, bit)),
        (leaf, (*proof, root), root),
    ]
    for at in range(len(proof)):
        bad.append((leaf, (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]), root))
        bad.append((leaf, (*proof[:at], *proof[at + 1 :]), root))
    for one_leaf, one_proof, one_root in bad:
        with pytest.raises(ProofInvalid):
            verify_inclusion(one_leaf, index, size, one_proof, one_root)


@given(st.data())
def test_an_inclusion_proof_holds_for_its_own_place_only(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SIZE))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1).filter(lambda value: value != index))
    proof = inclusion_proof(index, size, TREE)
    with pytest.raises(ProofInvalid):
        verify_inclusion(TREE.hashes[index], other, size, proof, TREE.root(size))


@given(st.data())
def test_every_consistency_proof_verifies_and_every_flipped_bit_fails(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, SIZE))
    first = data.draw(st.integers(1, second))
    proof = consistency_proof(first, second, TREE)
    roots = TREE.root(first), TREE.root(second)
    verify_consistency(first, second, proof, *roots)
    bit = data.draw(st.integers(0, 255))
    bad: list[tuple[tuple[bytes, ...], bytes, bytes]] = [
        (proof, flipped(roots[0], bit), roots[1]),
        (proof, roots[0], flipped(roots[1], bit)),
        ((*proof, roots[0]), *roots),
    ]
    for at in range(len(proof)):
        bad.append(((*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]), *roots))
        bad.append(((*proof[:at], *proof[at + 1 :]), *roots))
    for one_proof, first_root, second_root in bad:
        with pytest.raises(ProofInvalid):
            verify_consistency(first, second, one_proof, first_root, second_root)


@given(st.integers(-2, 0), st.integers(0, SIZE))
def test_nothing_is_consistent_with_no_tree_at_all(first: int, second: int) -> None:
    with pytest.raises(ProofInvalid):
        verify_consistency(first, second, (), TREE.root(0), TREE.root(second))


@given(st.integers(0, SIZE))
def test_a_compact_range_knows_the_root_and_survives_storage(size: int) -> None:
    grown = CompactRange()
    for hashed in TREE.hashes[:size]:
        grown.append(hashed)
    assert grown.root() == TREE.root(size)
    again = CompactRange.from_bytes(size, grown.to_bytes())
    assert again.hashes == grown.hashes == CompactRange.of_tree(size, TREE).hashes


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_tile_has_a_path_and_every_path_a_tile(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == ("tile", tile)


@given(st.integers(0, 10**6))
def test_the_tiles_of_a_tree_hold_each_of_its_leaves_once(size: int) -> None:
    leaves = [tile for tile in tiles_of(size) if tile.level == 0]
    assert sum(tile.width for tile in leaves) == size
    assert [tile.index for tile in leaves] == list(range(len(leaves)))


@given(st.data())
def test_a_leaf_with_one_flipped_bit_is_another_leaf_or_none(data: st.DataObject) -> None:
    leaf = Leaf("entry.posted", "ent_1", "ab" * 32, window="2026-11", funds=("pooled",))
    stored = leaf.to_bytes()
    changed = flipped(stored, data.draw(st.integers(0, len(stored) * 8 - 1)))
    try:
        other = Leaf.parse(changed)
    except LeafError:
        return
    assert other != leaf and other.to_bytes() == changed
