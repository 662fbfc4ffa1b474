"""1101 人员基本信息获取, 5206 人员累计信息查询, 9001 签到: reads, without effect."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.sandbox.context import (
    TIME_FORMAT,
    Call,
    Refusal,
    age_on,
    check_certificate,
    kind_on,
    person_of,
)
from adapters.sandbox.records import Insured, Person
from adapters.sandbox.wire import Json, Node, node_of, text_of, yuan

CODES = ("DEDC", "DEDCI", "HIFP", "HIFPO", "INSCO", "HIFOB", "HIFMI", "STAY")
"""cum_type_code values: OUR ASSUMPTION (no dictionary is published); README.md explains each."""


def sign_in(call: Call) -> Json:
    """9001: a sign_no for the day."""
    return {
        "signinoutb": {
            "sign_time": call.now.strftime(TIME_FORMAT),
            "sign_no": call.serial("Q"),
        }
    }


def identify(call: Call) -> Json:
    """1101: everything this platform knows of a person; several insuinfo rows are possible."""
    data = node_of(call.given, "data")
    cert_type, number = text_of(data, "mdtrt_cert_type"), text_of(data, "mdtrt_cert_no")
    person = call.state.person_by_certificate(cert_type, number)
    if person is None:
        raise Refusal("未查询到该参保人员信息")
    check_certificate(person, text_of(data, "certno"), text_of(data, "psn_name"))
    return {
        "baseinfo": _base(call, person),
        "insuinfo": [
            _insured(call, row, person.brdy) for row in call.state.insured_rows(person.psn_no)
        ],
        "idetinfo": [],
    }


def _base(call: Call, person: Person) -> Node:
    return {
        "psn_no": person.psn_no,
        "psn_cert_type": call.province.id_card_type,
        "certno": person.certno,
        "psn_name": person.name,
        "gend": person.gend,
        "naty": "99",
        "brdy": person.brdy,
        "age": Decimal(f"{age_on(person.brdy, call.now.date())}.0"),
        "expContent": "",
    }


def _insured(call: Call, row: Insured, born: str) -> Node:
    paused = row.status != "1"
    return {
        "balc": yuan(row.balance_fen),
        "insutype": row.insutype,
        "psn_type": call.province.psn_types[kind_on(row, born, call.now.date())],
        "psn_insu_stas": row.status,
        "psn_insu_date": "1900-01-01",
        "paus_insu_date": f"{call.now.year - 1}-12-31" if paused else None,
        "cvlserv_flag": "0",
        "insuplc_admdvs": row.area,
        "emp_name": row.employer,
    }


def accumulated(call: Call) -> Json:
    """5206: one row per code and scheme for the insurance year of cum_ym (or of today)."""
    data = node_of(call.given, "data")
    person = person_of(call, text_of(data, "psn_no"))
    asked = text_of(data, "cum_ym")
    year = call.books.policy.year_of(_first_day(asked) if asked else call.now.date())
    rows: list[Json] = []
    for insutype in sorted({row.insutype for row in call.state.insured_rows(person.psn_no)}):
        used = call.state.accumulators(person.psn_no, insutype, year)
        rows.extend(
            {
                "insutype": insutype,
                "year": year,
                "cum_ym": asked or f"{call.now:%Y%m}",
                "cum_type_code": code,
                "cum": _cumulated(code, used.get(code, 0)),
            }
            for code in CODES
        )
    return {"cuminfo": rows}


def _cumulated(code: str, value: int) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01")) if code == "STAY" else yuan(value)


def _first_day(month: str) -> date:
    try:
        return date(int(month[:4]), int(month[4:]), 1)
    except ValueError as error:
        raise Refusal("cum_ym 累计年月格式不正确,应为 yyyyMM") from error
