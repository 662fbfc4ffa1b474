"""字典: the codes that a region says it has (1901), each since a day.

Pure. A row is never edited: a changed label or a withdrawn code is a further row with a later
`valid_from`, so that what was sent on any past day can be judged by what stood on that day. What a
code means to us is not here: that is the mapping of the region's profile.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum

from gateway.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class DictionaryRow:
    """One code as a region answered it."""

    kind: str
    """字典类型, in the spelling of our field table."""
    code: str
    """字典键值, as written: never padded, never shortened."""
    label: str
    parent: str
    """父字典键值"""
    valid: bool
    version: str


@dataclass(frozen=True, slots=True)
class CodeSince:
    """From this day on the row says how it is."""

    row: DictionaryRow
    valid_from: date


class Standing(Enum):
    """How a code stands on a day."""

    VALID = "valid"
    WITHDRAWN = "withdrawn"
    """The region had it, and says that it is no longer valid, or no longer names it."""
    ABSENT = "absent"
    """Not in this dictionary, which is loaded."""
    NOT_LOADED = "not_loaded"
    """Nobody has asked the region for this dictionary."""


class CodeTable:
    """One region's dictionaries, with their history."""

    def __init__(self, codes: Iterable[CodeSince] = ()) -> None:
        """In any order. Of one code the newest row that has begun counts."""
        self._codes: dict[str, dict[str, list[CodeSince]]] = defaultdict(lambda: defaultdict(list))
        for code in codes:
            self._codes[code.row.kind][code.row.code].append(code)
        self._loaded_since: dict[str, date] = {}
        for kind, by_code in self._codes.items():
            for history in by_code.values():
                history.sort(key=lambda code: code.valid_from)
            self._loaded_since[kind] = min(h[0].valid_from for h in by_code.values())

    def standing(self, kind: str, code: str, day: date) -> Standing:
        """Whether this may be sent on that day, as far as the region has told."""
        since = self._loaded_since.get(kind)
        if since is None or since > day:
            return Standing.NOT_LOADED
        found = self.row(kind, code, day)
        if found is None:
            return Standing.ABSENT
        return Standing.VALID if found.row.valid else Standing.WITHDRAWN

    def row(self, kind: str, code: str, day: date) -> CodeSince | None:
        """What the region says of a code on a day."""
        history = self._codes[kind][code] if code in self._codes.get(kind, ()) else []
        begun = [one for one in history if one.valid_from <= day]
        return begun[-1] if begun else None

    def rows(self, kind: str, day: date) -> tuple[CodeSince, ...]:
        """All codes of a dictionary that the region has named up to that day, by code."""
        found = (self.row(kind, code, day) for code in sorted(self._codes.get(kind, ())))
        return tuple(one for one in found if one is not None)

    def kinds(self, day: date) -> tuple[str, ...]:
        """The dictionaries that are loaded on that day."""
        return tuple(sorted(kind for kind, since in self._loaded_since.items() if since <= day))


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """Every region's, by the first two digits of its area code."""

    tables: Mapping[str, CodeTable] = field(default_factory=dict)

    def of(self, province: str) -> CodeTable:
        """Empty where nothing was loaded."""
        return self.tables.get(province) or CodeTable()


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer adds to one dictionary."""

    new: tuple[CodeSince, ...] = ()
    changed: tuple[tuple[CodeSince, CodeSince], ...] = ()
    """(before, now)"""
    withdrawn: tuple[CodeSince, ...] = ()
    same: int = 0

    @property
    def added(self) -> tuple[CodeSince, ...]:
        """The further rows."""
        return (*self.new, *(now for _, now in self.changed), *self.withdrawn)


def change(table: CodeTable, kind: str, answered: tuple[DictionaryRow, ...], day: date) -> Change:
    """What `answered`, the whole dictionary on that day, adds to the table.

    A code that is no longer named is withdrawn. Raises Refused for an answer that contradicts
    itself or what the region said before of the same day, and for one that names nothing.
    """
    if not any(row.valid for row in answered):
        raise _refused("DICTIONARY_EMPTY", f"平台答复字典 {kind} 没有任何有效代码,未作任何改动。")
    now: dict[str, DictionaryRow] = {}
    for row in answered:
        if now.setdefault(row.code, row) != row:
            raise _refused(
                "DICTIONARY_CONTRADICTS", f"平台答复中字典 {kind} 的代码 {row.code} 有两种内容。"
            )
    before = {code.row.code: code for code in table.rows(kind, day)}
    new = [CodeSince(row, day) for code, row in now.items() if code not in before]
    changed, withdrawn, same = [], [], 0
    for code, old in before.items():
        row = now.get(code) or replace(old.row, valid=False)
        if _says(row) == _says(old.row):
            same += 1
            continue
        if old.valid_from == day:
            raise _refused(
                "DICTIONARY_SAME_DAY",
                f"平台对同一天({day})的字典 {kind} 代码 {code} 前后答复不同。已装载的内容不能修改:"
                "请次日再装载;若今天的内容有误,请与平台核对。",
            )
        if row.valid:
            changed.append((old, CodeSince(row, day)))
        else:
            withdrawn.append(CodeSince(row, day))
    return Change(tuple(new), tuple(changed), tuple(withdrawn), same)


def _says(row: DictionaryRow) -> tuple[str, str, bool]:
    """A new version number alone changes nothing."""
    return row.label, row.parent, row.valid


def _refused(reason: str, text_zh: str) -> Refused:
    return Refused(reason.lower(), reason=reason, text_zh=text_zh)


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code in an answer that neither the profile nor the region's own dictionary knows."""

    province: str
    """First two digits of the region's area code."""
    field: str
    """As the interface names it."""
    kind: str
    """The dictionary it should be in."""
    code: str
    """As written; in clear only as far as it looks like a code."""
    transaction: str
    msgid: str
    """Of the message that was answered so."""


_CODE = re.compile(r"[0-9A-Za-z._-]{1,10}", re.ASCII)


def code_in_clear(code: str) -> str:
    """For logs and tables in clear: a text that is no code may be anything, a person's number even,
    so only its length is told."""
    return code if _CODE.fullmatch(code) else f"({len(code)} characters, no code)"


def finding_in_clear(finding: str) -> str:
    """The same for `… field=code`, as a claim's findings name what was wrong."""
    what, mark, code = finding.partition("=")
    return f"{what}={code_in_clear(code)}" if mark else finding
