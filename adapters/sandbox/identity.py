"""合成数据: check characters of synthetic identity and card numbers.

Pure. Identity numbers here begin with province digits 00, which GB/T 2260 leaves unassigned, so
none can belong to anybody (GB 11643 MOD 11-2; GB 11714 for card numbers beginning with T).
"""

from __future__ import annotations

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHARACTERS = "10X98765432"
_CARD_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CARD_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def id_number(prefix: str, born: str, sequence: int) -> str:
    """prefix 6 digits, born yyyymmdd, sequence 1–999 (odd = male) → 18 characters."""
    body = f"{prefix}{born}{sequence:03}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _ID_WEIGHTS, strict=True))
    return body + _ID_CHARACTERS[total % 11]


def card_number(serial: int) -> str:
    """T + 7 digits + the check character."""
    body = f"T{serial:07}"
    values = (_CARD_ALPHABET.index(mark) for mark in body)
    total = sum(value * weight for value, weight in zip(values, _CARD_WEIGHTS, strict=True))
    rest = 11 - total % 11
    return body + {10: "X", 11: "0"}.get(rest, str(rest))
