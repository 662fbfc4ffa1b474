"""椭圆曲线 sm2p256v1: its points, and u·G + v·P of public values.

Pure Python and NOT constant-time: no private number may ever be given to this module, which is why
it multiplies only as a verification does. Affine coordinates at the door, Jacobian inside, windowed
NAF. Sources: GM/T 0003.5-2012, GB/T 32918.5-2017 (parameters); formulas dbl-2001-b and madd.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""Order of the base point; a prime, the cofactor is 1."""
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SIZE = 32
"""Bytes of a coordinate and of a scalar, always all of them."""

Point: TypeAlias = tuple[int, int]
"""Affine x and y, on the curve, never infinity."""
_Jacobian: TypeAlias = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)
_WIDTH_G, _WIDTH_P = 8, 5
"""Bits of a window: the base point's table is made once, a key's for each verification."""


class PointMalformed(ValueError):
    """Bytes that are no public key. Says what is wrong with their form."""


def read_point(data: bytes) -> Point:
    """A public key's point: 04 and two coordinates, or 02|03 and one.

    Raises PointMalformed, also for infinity (00) and the hybrid forms (06, 07), which some
    libraries read without a word.
    """
    head = data[:1]
    if head == b"\x04" and len(data) == 1 + 2 * SIZE:
        x, y = int.from_bytes(data[1 : 1 + SIZE], "big"), int.from_bytes(data[1 + SIZE :], "big")
        if x < P and y < P and _is_on_curve(x, y):
            return x, y
        raise PointMalformed("the point is not on the curve sm2p256v1")
    if head in (b"\x02", b"\x03") and len(data) == 1 + SIZE:
        return _decompressed(int.from_bytes(data[1:], "big"), odd=head == b"\x03")
    raise PointMalformed("an SM2 public key is 65 bytes that begin 04, or 33 that begin 02 or 03")


def write_point(point: Point) -> bytes:
    """65 bytes: 04, x, y."""
    return b"\x04" + point[0].to_bytes(SIZE, "big") + point[1].to_bytes(SIZE, "big")


def combine(u: int, v: int, point: Point) -> Point | None:
    """u·G + v·point, None for infinity. 0 ≤ u, v < N. Public numbers only."""
    digits_g, digits_p = _naf(u, _WIDTH_G), _naf(v, _WIDTH_P)
    table_g, table_p = _base_table(), _odd_multiples(point, _WIDTH_P)
    total = _INFINITY
    for place in range(max(len(digits_g), len(digits_p)) - 1, -1, -1):
        total = _double(total)
        if place < len(digits_g) and digits_g[place]:
            total = _add(total, _of(table_g, digits_g[place]))
        if place < len(digits_p) and digits_p[place]:
            total = _add(total, _of(table_p, digits_p[place]))
    x, y, z = total
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _is_on_curve(x: int, y: int) -> bool:
    return (y * y - (x * x + A) * x - B) % P == 0


def _decompressed(x: int, *, odd: bool) -> Point:
    if x >= P:
        raise PointMalformed("a coordinate is smaller than the field's prime")
    # p ≡ 3 (mod 4): the power is a root if there is one.
    y = pow((x * x + A) * x + B, (P + 1) // 4, P)
    if not _is_on_curve(x, y):
        raise PointMalformed("no point of the curve sm2p256v1 has this coordinate")
    return x, y if bool(y & 1) is odd else P - y


def _naf(scalar: int, width: int) -> list[int]:
    """Digits, lowest first: 0, or odd and smaller than 2^(width-1) in size."""
    digits = []
    whole, half = 1 << width, 1 << (width - 1)
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & (whole - 1)
            if digit >= half:
                digit -= whole
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def _of(table: tuple[Point, ...], digit: int) -> Point:
    x, y = table[abs(digit) >> 1]
    return (x, y) if digit > 0 else (x, P - y)


@cache
def _base_table() -> tuple[Point, ...]:
    return _odd_multiples(G, _WIDTH_G)


def _odd_multiples(point: Point, width: int) -> tuple[Point, ...]:
    """1, 3, 5 … 2^(width-1) - 1 times the point. None is infinity: the order is a large prime."""
    first: _Jacobian = (point[0], point[1], 1)
    [twice] = _affine([_double(first)])
    found = [first]
    for _ in range((1 << (width - 2)) - 1):
        found.append(_add(found[-1], twice))
    return _affine(found)


def _affine(points: list[_Jacobian]) -> tuple[Point, ...]:
    """All by one inversion (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse = pow(products[-1], -1, P)
    found = []
    for place in range(len(points) - 1, -1, -1):
        x, y, z = points[place]
        own = inverse * products[place] % P
        inverse = inverse * z % P
        square = own * own % P
        found.append((x * square % P, y * square * own % P))
    return tuple(reversed(found))


def _double(point: _Jacobian) -> _Jacobian:
    # dbl-2001-b, for a = -3; infinity stays infinity because z stays 0.
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    y3 = (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P
    return x3, y3, 2 * y * z % P


def _add(left: _Jacobian, right: Point) -> _Jacobian:
    # madd, with the three cases that the formula itself gets wrong.
    x1, y1, z1 = left
    if z1 == 0:
        return right[0], right[1], 1
    square = z1 * z1 % P
    h = (right[0] * square - x1) % P
    r = (right[1] * square * z1 - y1) % P
    if h == 0:
        return _double(left) if r == 0 else _INFINITY
    h2 = h * h % P
    h3 = h2 * h % P
    v = x1 * h2 % P
    x3 = (r * r - h3 - 2 * v) % P
    return x3, (r * (v - x3) - y1 * h3) % P, z1 * h % P
