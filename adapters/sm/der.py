"""DER, as strictly as signatures and keys need it: shortest lengths, shortest positive integers.

Reads from the front and hands back the rest; the caller refuses a rest. No indefinite length, no
high tags. Source: ITU-T X.690 clause 10.
"""

from __future__ import annotations

INTEGER, BIT_STRING, OCTET_STRING, OBJECT, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30


class DerMalformed(ValueError):
    """Bytes that are not the one DER spelling of what was asked for."""


def take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """(contents, rest) of the element with this tag that `data` begins with."""
    if len(data) < 2 or data[0] != tag:
        raise DerMalformed(f"no element of type {tag:02x} where one must be")
    length, start = data[1], 2
    if length >= 0x80:
        count = length & 0x7F
        start = 2 + count
        number = data[2:start]
        if not 1 <= count <= 4 or len(number) != count or number[0] == 0:
            raise DerMalformed("a length is not in its shortest form")
        length = int.from_bytes(number, "big")
        if length < 0x80:
            raise DerMalformed("a length is not in its shortest form")
    if len(data) - start < length:
        raise DerMalformed("an element ends too early")
    return data[start : start + length], data[start + length :]


def whole(data: bytes, tag: int) -> bytes:
    """The contents of the one element that `data` is."""
    contents, rest = take(data, tag)
    if rest:
        raise DerMalformed("bytes follow where nothing may")
    return contents


def take_integer(data: bytes) -> tuple[int, bytes]:
    """(a number that is not negative, rest)."""
    contents, rest = take(data, INTEGER)
    if not contents or contents[0] & 0x80:
        raise DerMalformed("an integer is empty or negative")
    if len(contents) > 1 and contents[0] == 0 and not contents[1] & 0x80:
        raise DerMalformed("an integer is not in its shortest form")
    return int.from_bytes(contents, "big"), rest


def element(tag: int, contents: bytes) -> bytes:
    """The DER of one element."""
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    number = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(number)]) + number + contents


def integer(number: int) -> bytes:
    """The DER of a number that is not negative."""
    return element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))
