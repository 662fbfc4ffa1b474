"""profile.toml → ProfileBook, strictly: unknown keys, missing keys and wrong types are refused.

Pure: text in, values out. Errors (中文) name the file, the section and the key. A second file may
replace sections of the first, each as a whole: how a site says what its platform wants without
touching what ships (docs/adr/0017).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from adapters.baseline.profile import (
    Aliases,
    Assumptions,
    Conventions,
    Dictionary,
    Files,
    ProfileBook,
    ProfileError,
    Timing,
    Wire,
)
from adapters.baseline.profile_checks import problem_of
from adapters.baseline.profile_section import Section
from adapters.baseline.profile_signing import SIGNING_KEYS, Encryption, Signing

Table: TypeAlias = Mapping[str, Any]

_SECTIONS: Mapping[str, type[Section]] = {
    "wire": Wire,
    "signing": Signing,
    "encryption": Encryption,
    "conventions": Conventions,
    "dictionary": Dictionary,
    "aliases": Aliases,
    "files": Files,
    "timing": Timing,
    "assumptions": Assumptions,
}
_OPTIONAL = {"encryption", "assumptions"}
"""A province that says nothing of them does not encrypt bodies, and does as we believe."""
_HEAD = ("province", "name_zh")
_COMMON = {"valid_from", "source", "confidence", "scheme", "answers_signed", "skew_ms"}
_COMMON |= {"answer_time"}
_TYPES = {str: "文本", int: "整数", bool: "true 或 false", date: "日期,如 2026-01-01"}


def load(text: str, where: str = "profile.toml") -> ProfileBook:
    """A whole profile. Raises ProfileError naming `where`, the section and the key."""
    table = _table(text, where)
    _complain(where, "", table.keys() - _SECTIONS.keys() - set(_HEAD),
              {*_SECTIONS, *_HEAD} - _OPTIONAL - table.keys())  # fmt: skip
    return ProfileBook(
        _head(table, "province", where), _head(table, "name_zh", where), _read(table, where)
    )


def load_over(shipped: ProfileBook, text: str, where: str) -> ProfileBook:
    """`shipped` with every section that the text has replaced as a whole; the rest stays.

    The text names its province, so that a file given to the wrong one is refused.
    """
    table = _table(text, where)
    _complain(where, "", table.keys() - _SECTIONS.keys() - set(_HEAD), {"province"} - table.keys())
    if _head(table, "province", where) != shipped.province:
        raise ProfileError(
            f"{where}:province 写的是 {table['province']},"
            f"这里应为 {shipped.province}({shipped.name_zh})"
        )
    name_zh = _head(table, "name_zh", where) if "name_zh" in table else shipped.name_zh
    return ProfileBook(shipped.province, name_zh, {**shipped.sections, **_read(table, where)})


def _table(text: str, where: str) -> Table:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as cause:
        raise ProfileError(f"{where}:不是有效的 TOML({cause})") from cause


def _head(table: Table, name: str, where: str) -> str:
    value = table[name]
    if not isinstance(value, str) or not value:
        raise ProfileError(f"{where}:{name} 应为文本")
    return value


def _read(table: Table, where: str) -> dict[str, tuple[Section, ...]]:
    found: dict[str, tuple[Section, ...]] = {}
    for name in _SECTIONS.keys() & table.keys():
        entries = table[name]
        if not isinstance(entries, list) or not entries:
            raise ProfileError(f"{where}:{name} 应写成一节或多节 [[{name}]]")
        found[name] = tuple(_section(_SECTIONS[name], f"{where}:[[{name}]]", e) for e in entries)
        days = [section.valid_from for section in found[name]]
        if len(set(days)) != len(days):
            raise ProfileError(f"{where}:[[{name}]] 有两节的 valid_from 相同,无法判断以哪一节为准")
    return found


def _section(kind: type[Section], where: str, entry: Table) -> Section:
    own = {f.name: f for f in fields(kind)}
    required = {n for n, f in own.items() if f.default is MISSING and f.default_factory is MISSING}
    _complain(where, " ", entry.keys() - own.keys(), required - entry.keys())
    hints = get_type_hints(kind)
    section = kind(**{key: _value(f"{where} {key}", hints[key], entry[key]) for key in entry})
    if isinstance(section, Signing):
        _refuse_idle(section, where, entry)
    problem = problem_of(section)
    if problem:
        raise ProfileError(f"{where} {problem}")
    return section


def _refuse_idle(signing: Signing, where: str, entry: Table) -> None:
    """A key that the scheme does not read would look as if it were obeyed."""
    needs, may = SIGNING_KEYS[signing.scheme]
    idle = entry.keys() - _COMMON - needs - may
    if idle:
        raise ProfileError(f"{where} {'、'.join(sorted(idle))}:{signing.scheme} 不用此项,请删去")
    _complain(f"{where} scheme = {signing.scheme}", " ", set(), set(needs - entry.keys()))


def _complain(where: str, gap: str, unknown: set[str], missing: set[str]) -> None:
    said = [f"没有这个设置项:{'、'.join(sorted(unknown))}"] if unknown else []
    said += [f"缺少:{'、'.join(sorted(missing))}"] if missing else []
    if said:
        raise ProfileError(f"{where}{gap or ':'}{';'.join(said)}")


def _value(where: str, hint: Any, value: Any) -> Any:
    """TOML value → the annotated type, strictly."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_value(where, inner[0], item) for item in value)
    if origin is not None and origin is not Literal and isinstance(value, dict):
        of_key, of_item = inner
        return {
            _value(f"{where}.{key}", of_key, key): _value(f"{where}.{key}", of_item, item)
            for key, item in value.items()
        }
    if isinstance(hint, type):
        try:
            if issubclass(hint, str) and hint is not str:
                return hint(value)
        except ValueError as cause:
            raise ProfileError(f"{where}:{_expected(hint)},写的是 {value!r}") from cause
        if type(value) is hint:
            return value
    raise ProfileError(f"{where}:{_expected(hint)},写的是 {value!r}")


def _expected(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"应为 {'、'.join(str(item) for item in get_args(hint))}"
    if isinstance(hint, type) and issubclass(hint, str) and hint is not str:
        return f"应为 {'、'.join(str(item) for item in hint)}"  # type: ignore[attr-defined]  # every such hint is an enumeration
    if get_origin(hint) is tuple:
        return "应为列表 [ … ]"
    return f"应为{_TYPES.get(hint, '一组设置 { … }')}"
