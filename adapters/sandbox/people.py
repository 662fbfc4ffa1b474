"""人员文件: people.toml → persons with their insurance, accounts and accumulators.

Synthetic people only: an identity number begins with 00, which no place of birth has, and carries
its check character. Every mistake is told with file and line. Money in the file is yuan as text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.sandbox.bad_seed import BadSeed
from adapters.sandbox.identity import id_number
from adapters.sandbox.provinces import Province, pool_of
from adapters.sandbox.records import Insured, Person
from adapters.sandbox.transactions.person import CODES
from adapters.sandbox.wire import BadField, fen_of

_INSUTYPES = {"employee": "310", "resident": "390"}
_STATUS = {"active": "1", "paused": "4"}
_KINDS = {
    "employee": ("active", "retired"),
    "resident": ("adult_19_59", "senior_60_plus", "student"),
}
_CERTNO = re.compile(r"00[0-9]{15}[0-9X]")
_SEX_DIGIT = 16
_STAYS = "STAY"


@dataclass(frozen=True, slots=True)
class Registered:
    """One person with each insuinfo row and what had been used before."""

    person: Person
    insured: tuple[tuple[Insured, Mapping[str, int]], ...]


def read_people(path: Path, province: Province) -> list[Registered]:
    """Raises BadSeed."""
    text = path.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = place[1] if place else text.count("\n") + 1
        raise BadSeed(f"{path}:{line}: 不是合法的 TOML({error})。") from error
    entries = table.get("person")
    if not isinstance(entries, list) or not entries:
        raise BadSeed(f"{path}:1: 没有 [[person]],至少写一人。")
    places = _Places(path, text)
    found = [_Reader(places, at, entry, province).person() for at, entry in enumerate(entries)]
    _refuse_twins(places, found)
    return found


class _Places:
    """Lines of the file, by person and key."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._lines = path, text.splitlines()
        self._starts = [
            at for at, line in enumerate(self._lines) if line.strip().startswith("[[person]]")
        ]

    def wrong(self, person: int, key: str, what: str, row: int = -1) -> BadSeed:
        """`row` counts the person's [[person.insured]]; −1 is the person itself."""
        start = self._starts[person] if person < len(self._starts) else 0
        end = self._starts[person + 1] if person + 1 < len(self._starts) else len(self._lines)
        if row >= 0:
            heads = [
                at
                for at in range(start, end)
                if self._lines[at].strip().startswith("[[person.insured]]")
            ]
            start = heads[row] if row < len(heads) else start
        at = next(
            (at for at in range(start, end) if re.match(rf"\s*{key}\s*=", self._lines[at])), start
        )
        return BadSeed(f"{self._path}:{at + 1}: {what}")


class _Reader:
    """One entry."""

    def __init__(self, places: _Places, at: int, entry: Any, province: Province) -> None:
        self._places, self._at, self._province = places, at, province
        self._entry: Mapping[str, Any] = entry if isinstance(entry, dict) else {}

    def person(self) -> Registered:
        certno = self._certno()
        born = self._day("born")
        if certno[6:14] != born.replace("-", ""):
            raise self._wrong("born", f"born 与身份证号中的出生日期 {certno[6:14]} 不一致。")
        filed = self._entry.get("filed", [])
        if not isinstance(filed, list):
            raise self._wrong("filed", 'filed 是统筹区的列表,例如 ["310000"],没有备案写 []。')
        person = Person(
            psn_no=self._text("psn_no"),
            certno=certno,
            token=self._text("token"),
            card_no=self._text("card_no"),
            name=self._text("name"),
            gend="1" if int(certno[_SEX_DIGIT]) % 2 else "2",
            brdy=born,
            filed=" ".join(str(region) for region in filed),
        )
        rows = self._entry.get("insured")
        if not isinstance(rows, list) or not rows:
            raise self._wrong("psn_no", "没有 [[person.insured]],至少写一条参保信息。")
        return Registered(person, tuple(self._row(person, at, row) for at, row in enumerate(rows)))

    def _certno(self) -> str:
        certno = self._text("certno")
        if not certno.startswith("00"):
            raise self._wrong(
                "certno", "身份证号须以 00 开头(没有这样的行政区划),沙箱里只有合成的人。"
            )
        if _CERTNO.fullmatch(certno) is None:
            raise self._wrong("certno", "身份证号应为 18 位,末位数字或 X。")
        right = id_number(certno[:6], certno[6:14], int(certno[14:17]))[-1]
        if right != certno[-1]:
            raise self._wrong("certno", f"身份证号的校验位应为 {right}。")
        return certno

    def _row(self, person: Person, at: int, row: Any) -> tuple[Insured, Mapping[str, int]]:
        if not isinstance(row, dict):
            raise self._wrong("insured", "参保信息写成 [[person.insured]]。", at)
        scheme = self._choice(row, at, "scheme", tuple(_INSUTYPES))
        area = self._row_text(row, at, "area")
        if pool_of(area) != self._province.pool:
            raise self._wrong(
                "area", f"参保地 {area} 不属于本平台的统筹区 {self._province.pool}。", at
            )
        insured = Insured(
            psn_no=person.psn_no,
            insutype=_INSUTYPES[scheme],
            area=area,
            kind=self._choice(row, at, "kind", _KINDS[scheme]),
            status=_STATUS[self._choice(row, at, "status", tuple(_STATUS))],
            employer=str(row.get("employer", "")),
            balance_fen=self._money(row.get("account", "0"), at, "account"),
        )
        return insured, self._used(row.get("accumulators", {}), at)

    def _used(self, given: Any, at: int) -> Mapping[str, int]:
        used: dict[str, int] = {}
        for code, value in given.items() if isinstance(given, dict) else ():
            if code not in CODES:
                known = "、".join(CODES)
                raise self._wrong("accumulators", f"没有累计 {code};可用:{known}。", at)
            if code == _STAYS:
                if not str(value).isdecimal():
                    raise self._wrong("accumulators", 'STAY 是住院次数,例如 "1"。', at)
                used[code] = int(value)
            else:
                used[code] = self._money(value, at, "accumulators")
        return used

    def _money(self, value: Any, at: int, key: str) -> int:
        try:
            fen = fen_of(value, key)
        except BadField as error:
            raise self._wrong(key, f'{key} 写元,例如 "3000.00"({error})。', at) from error
        if fen < 0:
            raise self._wrong(key, f"{key} 不能为负。", at)
        return fen

    def _choice(self, row: Mapping[str, Any], at: int, key: str, choices: tuple[str, ...]) -> str:
        value = self._row_text(row, at, key)
        if value not in choices:
            raise self._wrong(key, f"{key} 没有 {value!r};可用:{'、'.join(choices)}。", at)
        return value

    def _row_text(self, row: Mapping[str, Any], at: int, key: str) -> str:
        value = row.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, f"参保信息缺少 {key}(文本)。", at)
        return value

    def _text(self, key: str) -> str:
        value = self._entry.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, f"第 {self._at + 1} 人缺少 {key}(文本)。")
        return value

    def _day(self, key: str) -> str:
        value = self._text(key)
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise self._wrong(key, f"{key} 应为日期,例如 1985-03-12。") from error

    def _wrong(self, key: str, what: str, row: int = -1) -> BadSeed:
        return self._places.wrong(self._at, key, what, row)


def _refuse_twins(places: _Places, people: list[Registered]) -> None:
    """Numbers by which a person is found belong to one person."""
    for key in ("psn_no", "certno", "token", "card_no"):
        seen: dict[str, int] = {}
        for at, registered in enumerate(people):
            value = getattr(registered.person, key)
            if value in seen:
                raise places.wrong(at, key, f"{key} 与第 {seen[value] + 1} 人相同。")
            seen[value] = at
    for at, registered in enumerate(people):
        rows = [(row.insutype, row.area) for row, _ in registered.insured]
        if len(set(rows)) != len(rows):
            raise places.wrong(at, "area", "同一人同一险种同一参保地写了两条参保信息。")
