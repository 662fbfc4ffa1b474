"""遮盖: personal numbers and names in a message's text, hidden before the text is kept anywhere.

Pure; works on any text, whole JSON or half of it. Of a number the first three and last two
characters stay, of a name the first, of a birthday the year; lengths stay as they are, so that the
field table can still be held against them. Uploaded files and ciphertext are cut to their beginning
and their length.
"""

from __future__ import annotations

import re

_NUMBERS = (
    "psn_no", "certno", "mdtrt_cert_no", "card_sn", "card_no", "tel", "mob", "phone",
    "coner_certno", "agnter_certno", "agnter_tel", "patn_tel",
)  # fmt: skip
_NAMES = ("psn_name", "coner_name", "agnter_name", "patn_name")
_STRING = r'"(?:[^"\\]|\\.)*"?'
_PERSONAL = re.compile(
    rf'("(?P<name>{"|".join((*_NUMBERS, *_NAMES, "brdy"))})"\s*:\s*)(?P<value>{_STRING}|[0-9]+)'
)
_APART, _NO_MORE = "(?<![0-9A-Za-z])", "(?![0-9A-Za-z])"
_IDENTITY = re.compile(rf"{_APART}[0-9]{{17}}[0-9Xx]{_NO_MORE}")
_LONG_STRING = re.compile(r'("(?:input|output|in|rows)"\s*:\s*)"([^"\\]{60,})("?)')
_LONG_ARRAY = re.compile(r'("in"\s*:\s*)\[([-0-9,\s]{60,})\]?')
_FIRST, _LAST, _SHORT = 3, 2, 6
_MARK = "*"
_STAYS = 40
"""Characters of a file or of ciphertext that stay."""


def masked(text: str) -> str:
    """The text with nobody in it."""
    text = _LONG_STRING.sub(_cut_string, text)
    text = _LONG_ARRAY.sub(lambda hit: f'{hit[1]}"…共 {hit[2].count(",") + 1} 个字节"', text)
    hidden: dict[str, str] = {}

    def hide(hit: re.Match[str]) -> str:
        value = hit["value"]
        quoted = value.startswith('"')
        plain = value.strip('"') if quoted else value
        covered = _covered(hit["name"], plain)
        if len(plain) > _SHORT:
            hidden[plain] = covered
        mark = '"' if quoted else ""
        return f"{hit[1]}{mark}{covered}{mark}"

    text = _PERSONAL.sub(hide, text)
    # The same number in another field, an error's text, or JSON inside a string.
    for plain, covered in sorted(hidden.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"{_APART}{re.escape(plain)}{_NO_MORE}", covered.replace("\\", ""), text)
    return _IDENTITY.sub(lambda hit: _number(hit[0]), text)


def _covered(name: str, value: str) -> str:
    if "\\" in value:
        return _MARK * len(value)  # an escape cut in two would be no JSON
    if name in _NAMES:
        return value[:1] + _MARK * (len(value) - 1)
    if name == "brdy":
        return value[:4] + re.sub("[0-9]", _MARK, value[4:])
    return _number(value)


def _number(value: str) -> str:
    if len(value) <= _SHORT:
        return _MARK * len(value)
    return value[:_FIRST] + _MARK * (len(value) - _FIRST - _LAST) + value[-_LAST:]


def _cut_string(hit: re.Match[str]) -> str:
    return f'{hit[1]}"{hit[2][:_STAYS]}…共 {len(hit[2])} 个字符{hit[3] or chr(34)}'
