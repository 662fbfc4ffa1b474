"""profile.toml → ProfileBook, strictly: unknown keys, missing keys and wrong types are refused.

Pure: text in, values out. Start-up fails with the section and key that are wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from adapters.baseline.profile import (
    Aliases,
    Conventions,
    Dictionary,
    Files,
    ProfileBook,
    ProfileError,
    Section,
    Signing,
    Timing,
    Wire,
)

Table: TypeAlias = Mapping[str, Any]

_SECTIONS: Mapping[str, type[Section]] = {
    "wire": Wire,
    "signing": Signing,
    "conventions": Conventions,
    "dictionary": Dictionary,
    "aliases": Aliases,
    "files": Files,
    "timing": Timing,
}


def load(text: str) -> ProfileBook:
    """profile.toml → ProfileBook. Raises ProfileError naming the section and key."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as cause:
        raise ProfileError(f"not TOML: {cause}") from cause
    unknown = table.keys() - _SECTIONS.keys() - {"province", "name_zh"}
    missing = {*_SECTIONS, "province", "name_zh"} - table.keys()
    if unknown or missing:
        raise ProfileError(f"unknown {sorted(unknown)}, missing {sorted(missing)}")
    sections = {
        name: tuple(_section(kind, name, entry) for entry in table[name])
        for name, kind in _SECTIONS.items()
    }
    return ProfileBook(table["province"], table["name_zh"], sections)


def _section(kind: type[Section], name: str, entry: Table) -> Section:
    own = {f.name: f for f in fields(kind)}
    required = {n for n, f in own.items() if f.default is MISSING and f.default_factory is MISSING}
    if entry.keys() - own.keys() or required - entry.keys():
        raise ProfileError(
            f"[[{name}]]: unknown {sorted(entry.keys() - own.keys())}, "
            f"missing {sorted(required - entry.keys())}"
        )
    hints = get_type_hints(kind)
    return kind(**{key: _value(f"{name}.{key}", hints[key], entry[key]) for key in entry})


def _value(where: str, hint: Any, value: Any) -> Any:
    """TOML value → the annotated type, strictly."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_value(where, inner[0], item) for item in value)
    if origin is not None and isinstance(value, dict):
        of_key, of_item = inner
        return {
            _value(where, of_key, key): _value(where, of_item, item) for key, item in value.items()
        }
    if isinstance(hint, type):
        try:
            if issubclass(hint, str) and hint is not str:
                return hint(value)
        except ValueError as cause:
            raise ProfileError(f"{where}: {cause}") from cause
        if type(value) is hint:
            return value
    raise ProfileError(f"{where}: {value!r} does not fit {hint}")
