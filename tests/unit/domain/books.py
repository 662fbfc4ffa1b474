"""The shipped policies and catalogues, and short ways to make a bill or a case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from gateway.catalogue_files import load_catalogues
from gateway.domain.benefits import Accumulators, BenefitCase
from gateway.domain.bill import Bill, BillLine, HospitalLevel, VisitKind
from gateway.domain.catalogue import CatalogueBook
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import PolicyBook
from gateway.domain.pricing import Totals
from gateway.domain.visit import Filing
from gateway.policy_files import load_policy_book
from ledger.money import Rounding, multiply

DAY = date(2025, 9, 30)


@cache
def book() -> PolicyBook:
    return load_policy_book()


@cache
def catalogues() -> CatalogueBook:
    return load_catalogues()


def with_settings(region: str, **settings: str) -> PolicyBook:
    return load_policy_book(settings={region: settings})


def noon(day: date) -> datetime:
    """12:00 in Shanghai."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def line(
    item: str = "SYN-XA01-0001",
    price: str = "10.00",
    quantity: str = "1",
    *,
    no: str = "1",
    day: date = DAY,
    approved: bool | None = None,
    refund_of: str | None = None,
    amount_fen: int | None = None,
) -> BillLine:
    if amount_fen is None:
        amount_fen = multiply(Decimal(price), Decimal(quantity), rounding=Rounding.HALF_UP)
    return BillLine(
        line_no=no,
        item_code=item,
        hospital_item_code=f"H-{item}",
        occurred_at=noon(day),
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        amount_fen=amount_fen,
        hospital_approved=approved,
        refund_of=refund_of,
    )


def bill(*lines: BillLine) -> Bill:
    return Bill("B001", lines)


def case(
    in_scope_fen: int,
    *,
    insured: str = "310000",
    visited: str = "",
    person: PersonCategory = PersonCategory.ACTIVE,
    kind: VisitKind = VisitKind.OUTPATIENT,
    level: HospitalLevel = HospitalLevel.TERTIARY,
    day: date = DAY,
    totals: Totals | None = None,
    used: Accumulators | None = None,
    filing: Filing = Filing.UNSPECIFIED,
    stay_no: int | None = None,
    use_account: bool | None = None,
) -> BenefitCase:
    return BenefitCase(
        insured_region=insured,
        visited_region=visited or insured,
        scheme=person.scheme,
        person=person,
        kind=kind,
        level=level,
        service_day=day,
        totals=totals or Totals(in_scope_fen=in_scope_fen),
        accumulators=used or Accumulators(),
        filing=filing,
        stay_no=stay_no,
        use_account=use_account,
    )


def next_day(day: date) -> date:
    return day + timedelta(days=1)
