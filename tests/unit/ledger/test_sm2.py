"""The ledger's own SM2: points, their encodings, and the digests that the standard prints."""

from __future__ import annotations

import pytest

from ledger.sm2_curve import A, B, G, N, P, PointMalformed, combine, read_point, write_point
from ledger.sm2_verify import identity_digest, message_digest, verify
from tests.unit.adapters.sm.keys import ANNEX_A, IDENTITY, MESSAGE, PUBLIC, SIGNATURE

POINT = read_point(PUBLIC.point)
X, Y = PUBLIC.point[1:33], PUBLIC.point[33:]


def test_za_and_e_are_the_printed_ones() -> None:
    assert identity_digest(POINT, IDENTITY).hex() == ANNEX_A["za"]
    assert message_digest(POINT, MESSAGE, IDENTITY).hex() == ANNEX_A["e"]


def test_both_forms_of_a_public_key_are_the_same_point() -> None:
    compressed = bytes.fromhex(ANNEX_A["public_key_compressed"])
    assert read_point(compressed) == POINT
    assert write_point(POINT) == PUBLIC.point
    assert verify(compressed, MESSAGE, SIGNATURE, IDENTITY)
    other = read_point(bytes([5 - compressed[0]]) + X)
    assert other == (POINT[0], P - POINT[1])


@pytest.mark.parametrize(
    "data",
    {
        "infinity": b"\x00",
        "infinity, long": bytes(65),
        "hybrid, even": b"\x06" + X + Y,
        "hybrid, odd": b"\x07" + X + Y,
        "without its head": X + Y,
        "compressed with both": b"\x03" + X + Y,
        "uncompressed with one": b"\x04" + X,
        "64 bytes": (b"\x04" + X + Y)[:64],
        "66 bytes": b"\x04" + X + Y + b"\x00",
        "32 bytes": (b"\x03" + X)[:32],
        "34 bytes": b"\x03" + X + b"\x00",
        "beside the curve": b"\x04" + X + Y[:-1] + bytes([Y[-1] ^ 1]),
        "x = p": b"\x04" + P.to_bytes(32, "big") + Y,
        "y = p": b"\x04" + X + P.to_bytes(32, "big"),
        "compressed, x = p": b"\x02" + P.to_bytes(32, "big"),
        "zero": b"\x04" + bytes(64),
        "nothing": b"",
    }.values(),
)
def test_whatever_else_a_key_may_look_like_is_refused(data: bytes) -> None:
    with pytest.raises(PointMalformed):
        read_point(data)
    with pytest.raises(PointMalformed):
        verify(data, MESSAGE, SIGNATURE, IDENTITY)


def test_a_coordinate_without_a_point_is_refused() -> None:
    x = next(x for x in range(2, 99) if pow(x * (x * x + A) + B, (P - 1) // 2, P) != 1)
    with pytest.raises(PointMalformed, match="no point"):
        read_point(b"\x02" + x.to_bytes(32, "big"))


def test_the_base_point_has_the_order_n() -> None:
    assert combine(1, 0, G) == G
    assert combine(N - 1, 0, G) == (G[0], P - G[1])
    assert combine(N - 1, 1, G) is None
    assert combine(0, 0, POINT) is None


def test_additions_that_the_short_formula_gets_wrong_are_right() -> None:
    # A point added to itself, to its opposite and to infinity, in the middle of a multiplication.
    assert combine(1, 1, G) == combine(2, 0, G) == combine(0, 2, G)
    assert combine(2, N - 2, G) is None
    assert combine(N - 1, 2, G) == G


def slowly(u: int, v: int) -> int:
    """The logarithm of u·G + v·(7·G)."""
    return (u + 7 * v) % N


@pytest.mark.parametrize(
    ("u", "v"), [(3, 5), (2**255, 2**254 + 1), (N - 1, N - 1), (2**128 - 1, 2**200), (0, N - 1)]
)
def test_two_multiplications_at_once_are_their_sum(u: int, v: int) -> None:
    seven = combine(7, 0, G)
    assert seven is not None
    assert combine(u, v, seven) == combine(slowly(u, v), 0, G)
