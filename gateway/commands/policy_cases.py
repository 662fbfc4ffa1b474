"""算例: reads a file of worked cases and holds our arithmetic against each.

Columns: case_id, insured_area_code or insured_city, scheme, person_status, visit_type,
hospital_level, stay_no, visited_city, filed, inscp_scp_amt, expected_fund, and more that are
optional (tests/golden/benefits/README.md). Words in Chinese, amounts in yuan. It tests arithmetic,
not a policy: nobody published these results. `any` is taken at its word: every category it could
mean is computed, and they must agree. `filed=no` applies the temporary-absence drop; the
demonstration zone's waiver is not considered, because a case names pooling regions, no counties.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from gateway.commands.case_words import (
    LEVELS,
    PERSONS,
    SCHEMES,
    VISITS,
    city_code,
    is_any,
    is_unsaid,
    meaning,
)
from gateway.domain.accumulators import Accumulators
from gateway.domain.benefits import BenefitCase, BenefitResult, compute
from gateway.domain.bill import HospitalLevel
from gateway.domain.breakdown import Fund
from gateway.domain.errors import DomainError
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import PolicyBook
from gateway.domain.pricing import Totals
from gateway.domain.region import SERVED, is_elsewhere, pooling_region_of
from gateway.domain.visit import Filing, Scheme
from ledger.money import MoneyError, fen_to_yuan, yuan_to_fen

T = TypeVar("T")

REQUIRED = (
    "case_id", "scheme", "person_status", "visit_type", "hospital_level", "inscp_scp_amt",
    "expected_fund",
)  # fmt: skip
ELSEWHERE = "999999"
"""A visited place outside the regions we know by name: only that it is elsewhere counts."""


class CasesUnreadable(ValueError):
    """The file as a whole cannot be read as cases (中文)."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no case, and why."""

    row: int
    """Line of the file, the header being 1."""
    case_id: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of a case, theirs and ours, as people write it."""

    key: str
    label_zh: str
    expected: str
    ours: str

    @property
    def agrees(self) -> bool:
        return self.expected == self.ours


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case with our answer."""

    row: int
    case_id: str
    title_zh: str
    day: date
    result: BenefitResult
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        return all(c.agrees for c in self.comparisons)


class _RowError(ValueError):
    """Why one row is no case; the text is 中文."""


def check_cases(path: Path, book: PolicyBook, *, as_of: date) -> list[Verdict | BadRow]:
    """Every row of a CSV file; `as_of` is the day of rows without one. Raises CasesUnreadable."""
    return [_check_row(line, row, book, as_of) for line, row in _rows(path)]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CasesUnreadable(f"{path}:无法读取({error.strerror})") from error
    except UnicodeDecodeError as error:
        hint = "不是 UTF-8 文本;若由 Excel 保存,请另存为“CSV UTF-8”"
        raise CasesUnreadable(f"{path}:{hint}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    columns = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in REQUIRED if name not in columns]
    if "insured_area_code" not in columns and "insured_city" not in columns:
        missing.append("insured_area_code")
    if missing:
        raise CasesUnreadable(f"{path}:缺少列 {'、'.join(missing)}")
    try:
        for row in reader:
            yield reader.line_num, {k.strip(): v.strip() for k, v in row.items() if k}
    except csv.Error as error:
        raise CasesUnreadable(f"{path} 第 {reader.line_num} 行:不是 CSV({error})") from error


def _check_row(line: int, row: dict[str, str], book: PolicyBook, as_of: date) -> Verdict | BadRow:
    case_id = row["case_id"] or "(无编号)"
    try:
        cases = _cases(row, as_of)
        answers = {c: _compare(row, c, compute(c, book), book) for c in cases}
    except _RowError as error:
        return BadRow(line, case_id, str(error))
    except DomainError as error:
        return BadRow(line, case_id, error.zh)
    figures = {comparisons for _, comparisons in answers.values()}
    if len(figures) > 1:
        who = "、".join(f"{c.person.value}/{c.level.value}" for c in cases)
        return BadRow(line, case_id, f"“any”在此有不同结果({who}),请写明人员或等级")
    case = cases[0]
    result, comparisons = answers[case]
    title = f"{SERVED[case.insured_region]} {row['scheme']} {row['person_status'] or 'any'} "
    title += f"{row['visit_type']} {row['hospital_level'] or 'any'}"
    return Verdict(line, case_id, title, case.service_day, result, comparisons)


def _compare(
    row: dict[str, str], case: BenefitCase, result: BenefitResult, book: PolicyBook
) -> tuple[BenefitResult, tuple[Comparison, ...]]:
    got = result.breakdown
    rule = book.at(case.insured_region, case.service_day).deductible(case.query)
    pooled = got.fund_fen(Fund.POOLED)
    figures = (
        ("deductible_param", "起付标准", rule.amount_fen),
        ("act_pay_dedc", "起付线", got.deductible_fen),
        ("expected_pooled", "统筹", pooled),
        ("expected_layer", "大额/附加", got.fund_total_fen - pooled),
        ("expected_fund", "基金", got.fund_total_fen),
        ("expected_patient_in_scope", "范围内个人", got.in_scope_fen - got.fund_total_fen),
    )
    made = [
        Comparison(key, label, fen_to_yuan(_fen(row, key)), fen_to_yuan(ours))
        for key, label, ours in figures
        if row.get(key) or key == "expected_fund"
    ]
    if row.get("ratio"):
        ratio = _parse(row, "ratio", Decimal, "应为小数,如 0.70")
        made.append(Comparison("ratio", "比例", _plain(ratio), _plain(result.ratio)))
    return result, tuple(made)


def _cases(row: dict[str, str], as_of: date) -> list[BenefitCase]:
    """The case of a row: one, or several where it says `any`."""
    scheme = _word(row, "scheme", SCHEMES)
    insured = _insured(row)
    visited, filing = _filing(row, insured)
    kind = _word(row, "visit_type", VISITS)
    in_scope = _fen(row, "inscp_scp_amt")
    if in_scope < 0:
        raise _RowError("inscp_scp_amt 不能为负")
    base = BenefitCase(
        insured_region=insured, visited_region=visited, scheme=scheme, kind=kind, filing=filing,
        person=PersonCategory.ACTIVE, level=HospitalLevel.PRIMARY, service_day=_day(row, as_of),
        totals=Totals(in_scope_fen=in_scope), accumulators=_accumulators(row),
        stay_no=_stay_no(row) if kind.is_inpatient else None, use_account=False,
    )  # fmt: skip
    return [
        replace(base, person=person, level=level)
        for person in _persons(row, scheme)
        for level in _levels(row)
    ]


def _persons(row: dict[str, str], scheme: Scheme) -> list[PersonCategory]:
    text = row["person_status"]
    if is_any(text):
        return [p for p in PersonCategory if p.scheme is scheme]
    person = _word(row, "person_status", PERSONS)
    if person.scheme is not scheme:
        raise _RowError(f"person_status:“{text}”与险种“{row['scheme']}”不相配")
    return [person]


def _levels(row: dict[str, str]) -> list[HospitalLevel]:
    if is_any(row["hospital_level"]):
        return list(HospitalLevel)
    return [_word(row, "hospital_level", LEVELS)]


def _insured(row: dict[str, str]) -> str:
    code, city = row.get("insured_area_code", ""), row.get("insured_city", "")
    named = city_code(city)
    if not code and named is None:
        raise _RowError(f"insured_city:不认识“{city}”,请填 insured_area_code")
    if not (len(code or "000000") == 6 and (code or "0").isascii() and (code or "0").isdigit()):
        raise _RowError("insured_area_code:应为 6 位数字")
    pooling = pooling_region_of(code or named or "")
    if named is not None and is_elsewhere(pooling, named):
        raise _RowError(f"insured_area_code:{code} 与“{city}”不符")
    return pooling


def _filing(row: dict[str, str], insured: str) -> tuple[str, Filing]:
    """Where the visit was and how it was filed."""
    said, city = row.get("filed", "").lower(), row.get("visited_city", "")
    visited = insured if not city else city_code(city) or ELSEWHERE
    if is_unsaid(said):
        if is_elsewhere(insured, visited):
            raise _RowError("filed:异地就医须填 yes 或 no")
        return insured, Filing.UNSPECIFIED
    answers = {
        "yes": Filing.LONG_TERM, "是": Filing.LONG_TERM,
        "no": Filing.TEMPORARY, "否": Filing.TEMPORARY,
    }  # fmt: skip
    if said not in answers:
        raise _RowError(f"filed:不认识“{row['filed']}”,应为 yes、no 或 n/a")
    # A row that says yes or no speaks about a visit elsewhere, whatever city it names.
    return (visited if is_elsewhere(insured, visited) else ELSEWHERE), answers[said]


def _day(row: dict[str, str], as_of: date) -> date:
    text = row.get("service_date") or row.get("service_day") or ""
    if not text:
        return as_of
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _RowError(f"service_date:“{text}”不是 YYYY-MM-DD") from error


def _stay_no(row: dict[str, str]) -> int:
    if is_unsaid(row.get("stay_no", "")):
        return 1
    number = _parse(row, "stay_no", int, "应为 1、2、3 …")
    if number < 1:
        raise _RowError("stay_no:应为 1、2、3 …")
    return number


def _accumulators(row: dict[str, str]) -> Accumulators:
    """Optional columns: what was used in the year before the visit, yuan."""
    used = _optional(row, "deductible_used")
    return Accumulators(
        outpatient_deductible_used_fen=used,
        inpatient_deductible_used_fen=used,
        pooled_paid_fen=_optional(row, "pooled_paid"),
        outpatient_pooled_paid_fen=_optional(row, "outpatient_pooled_paid"),
        large_sum_paid_fen=_optional(row, "large_sum_paid"),
    )


def _word(row: dict[str, str], key: str, words: dict[str, T]) -> T:
    found = meaning(row[key], words)
    if found is None:
        raise _RowError(f"{key}:不认识“{row[key]}”,应为 {'、'.join(words)}")
    return found


def _fen(row: dict[str, str], key: str) -> int:
    try:
        return yuan_to_fen(row[key])
    except MoneyError as error:
        raise _RowError(f"{key}:“{row[key]}”不是金额(元,最多两位小数)") from error


def _optional(row: dict[str, str], key: str) -> int:
    return _fen(row, key) if row.get(key) else 0


def _parse(row: dict[str, str], key: str, read: Callable[[str], T], hint: str) -> T:
    try:
        return read(row[key])
    except (ValueError, InvalidOperation) as error:
        raise _RowError(f"{key}:“{row[key]}”{hint}") from error


def _plain(value: Decimal) -> str:
    """0.7 and 0.70 are the same ratio."""
    return f"{value.normalize():f}" if value.is_finite() else str(value)
