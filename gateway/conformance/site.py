"""检验现场: who is treated where in a trial: a test institution, a test person, a bill; a file.

A real test platform has people of its own, so they are given by a file (docs/conformance.md); those
of the stand-in platforms lie in sites/. The file also says which address is a *test* platform: it
is a person's word in writing, and without it nothing is sent anywhere. Amounts: yuan in the file,
integer fen here. Nothing of a person is ever printed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.domain.bill import Bill, BillLine, HospitalLevel
from gateway.domain.visit import CertificateKind, Institution, Patient

Table = Mapping[str, Any]
_TOP = {"name_zh", "test_platform", "insured_region", "institution", "person", "line"}
_INSTITUTION = {"code", "name", "region", "level"}
_PERSON = {"name", "id_number"}
_PERSON_ALSO = {"certificate", "certificate_number", "card_serial", "scheme"}
_LINE = {"item", "quantity", "price"}


class SiteError(Exception):
    """The file cannot be used; the text says which key and what belongs there."""


@dataclass(frozen=True, slots=True)
class Item:
    """One charged item of the trial bill."""

    code: str
    quantity: Decimal
    price: Decimal
    """Yuan."""

    @property
    def amount_fen(self) -> int:
        exact = self.quantity * self.price * 100
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a trial needs to know of people and places."""

    name_zh: str
    test_platform: str
    """Base URL that somebody declared to be a test platform; empty for the stand-ins."""
    insured_region: str
    """参保地医保区划 of the person, 6 digits."""
    institution: Institution
    patient: Patient = field(repr=False)
    scheme: str
    """险种 as the region writes it, where the person has several; "" takes the only active one."""
    items: tuple[Item, ...]

    def bill(self, batch_no: str, at: datetime) -> Bill:
        """The bill, charged the day before."""
        lines = tuple(
            BillLine(
                line_no=str(number),
                item_code=item.code,
                hospital_item_code=f"H{item.code}"[:20],
                occurred_at=at - timedelta(days=1),
                quantity=item.quantity,
                unit_price=item.price,
                amount_fen=item.amount_fen,
            )
            for number, item in enumerate(self.items, start=1)
        )
        return Bill(batch_no, lines)


def site_of(profile: str) -> Site:
    """The stand-in platform's. Raises SiteError where none is kept for this profile."""
    kept = files("gateway.conformance").joinpath("sites", f"{profile}.toml")
    if not kept.is_file():
        raise SiteError(f"没有 {profile} 仿真平台的检验现场(sites/{profile}.toml)。")
    return parse_site(kept.read_text(encoding="utf-8"), f"sites/{profile}.toml")


def read_site(path: Path) -> Site:
    """A file given on the command line. Raises SiteError."""
    try:
        return parse_site(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path} 无法读取({type(error).__name__})。") from error


def parse_site(text: str, where: str) -> Site:
    """Raises SiteError, naming the file and the key."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
        return _site(table)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{where} 不是有效的 TOML:{error}") from error
    except SiteError as error:
        raise SiteError(f"{where}:{error}(格式见 docs/conformance.md)") from error


def _site(table: Table) -> Site:
    _keys(table, "", _TOP, {"test_platform"})
    place, person = table["institution"], table["person"]
    _keys(place, "institution.", _INSTITUTION, set())
    _keys(person, "person.", _PERSON | _PERSON_ALSO, _PERSON_ALSO)
    lines = table["line"]
    if not isinstance(lines, list) or not lines:
        raise SiteError("至少要有一行 [[line]]")
    return Site(
        name_zh=_text(table, "", "name_zh"),
        test_platform=_text(table, "", "test_platform", ""),
        insured_region=_text(table, "", "insured_region"),
        institution=_institution(place),
        patient=_patient(person),
        scheme=_text(person, "person.", "scheme", ""),
        items=tuple(_item(line, f"line[{at}].") for at, line in enumerate(lines)),
    )


def _institution(table: Table) -> Institution:
    where = "institution."
    code = _text(table, where, "code")
    if len(code) != 12:
        raise SiteError("institution.code 应为 12 位")
    try:
        level = HospitalLevel(_text(table, where, "level"))
    except ValueError as error:
        raise SiteError("institution.level 应为 primary、secondary 或 tertiary") from error
    name, region = _text(table, where, "name"), _text(table, where, "region")
    return Institution(code, name, region, level, date.min)


def _patient(table: Table) -> Patient:
    where = "person."
    number = _text(table, where, "id_number")
    try:
        kind = CertificateKind(_text(table, where, "certificate", "id_card"))
    except ValueError as error:
        raise SiteError(
            "person.certificate 应为 id_card、e_credential 或 social_security_card"
        ) from error
    return Patient(
        certificate_kind=kind,
        certificate_number=_text(table, where, "certificate_number", number),
        card_serial=_text(table, where, "card_serial", ""),
        id_number=number,
        name=_text(table, where, "name"),
    )


def _item(table: Table, where: str) -> Item:
    _keys(table, where, _LINE, set())
    try:
        quantity, price = Decimal(table["quantity"]), Decimal(table["price"])
    except (InvalidOperation, TypeError, ValueError) as error:
        raise SiteError(f'{where}quantity 与 {where}price 应为数字,如 "12.30"') from error
    if quantity <= 0 or price <= 0:
        raise SiteError(f"{where}quantity 与 {where}price 应大于 0")
    return Item(_text(table, where, "item"), quantity, price)


def _keys(table: object, where: str, known: set[str], optional: set[str]) -> None:
    if not isinstance(table, Mapping):
        raise SiteError(f"{where.rstrip('.')} 应为一组设置")
    unknown, missing = sorted(table.keys() - known), sorted(known - optional - table.keys())
    if unknown:
        raise SiteError(f"没有 {where}{unknown[0]} 这一项")
    if missing:
        raise SiteError(f"缺少 {where}{missing[0]}")


def _text(table: Table, where: str, name: str, default: str | None = None) -> str:
    value = table.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise SiteError(f"{where}{name} 应为文本(加引号)")
    return value
