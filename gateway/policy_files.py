"""政策文件: reads gateway/policies/*.toml into the domain's values.

The only reader of those files. It refuses what it does not understand: an unknown table or key, a
third decimal, a word outside the vocabulary, each with file, table and number. Whether the rules
fit together is gateway/domain/policy_lint.py; `load_policy_book` refuses a book with findings.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gateway.domain.bill import HospitalLevel
from gateway.domain.person_category import PersonCategory
from gateway.domain.policy import Policy, PolicyBook
from gateway.domain.policy_lint import lint
from gateway.domain.policy_rules import (
    AccountRule,
    CapKind,
    CapMeasure,
    CapRule,
    Confidence,
    DeductibleBasis,
    DeductibleRule,
    DropRule,
    LayerRule,
    RatioRule,
    Setting,
    Unsettled,
    VisitClass,
    WaiverRule,
    YearRule,
)
from gateway.domain.visit import Scheme
from ledger.money import MoneyError, yuan_to_fen

POLICY_DIR = Path(__file__).parent / "policies"
SettingOverrides = Mapping[str, Mapping[str, str]]
"""Region → setting → value, e.g. {"330400": {"retired_inpatient_bonus": "3"}}."""

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class PolicyFileError(ValueError):
    """A policy or catalogue file cannot be taken as it is; the text says where and why (中文)."""


@dataclass(slots=True)
class Table:
    """One [[table]] of a file: every key must be taken, and each taker says what it expects."""

    where: str
    raw: dict[str, object]
    taken: set[str] = field(default_factory=set)

    def get(self, key: str, kind: type[T]) -> T | None:
        self.taken.add(key)
        value = self.raw.get(key)
        if value is None:
            return None
        # bool is an int in Python, and a flag is no number in a policy.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, "类型不符")
        return value

    def need(self, key: str, kind: type[T]) -> T:
        value = self.get(key, kind)
        if value is None:
            raise self.wrong(key, "缺少")
        return value

    def number(self, key: str) -> Decimal | None:
        whole = isinstance(self.raw.get(key), int)
        return _decimal(self.get(key, int)) if whole else self.get(key, Decimal)

    def fen(self, key: str) -> int | None:
        yuan = self.number(key)
        try:
            return None if yuan is None else yuan_to_fen(yuan)
        except MoneyError as error:
            raise self.wrong(key, "金额最多两位小数") from error

    def word(self, key: str, words: type[E]) -> E | None:
        text = self.get(key, str)
        return None if text is None else self._member(key, text, words)

    def words(self, key: str, words: type[E]) -> frozenset[E]:
        return frozenset(self._member(key, text, words) for text in self.texts(key))

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list) or []
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "应为文字列表")
        return tuple(values)

    def required(self, key: str, value: T | None) -> T:
        if value is None:
            raise self.wrong(key, "缺少")
        return value

    def finish(self) -> None:
        for key in self.raw:
            if key not in self.taken:
                raise self.wrong(key, "不认识的键")

    def wrong(self, key: str, why: str) -> PolicyFileError:
        return PolicyFileError(f"{self.where} {key}:{why}")

    def _member(self, key: str, text: str, words: type[E]) -> E:
        try:
            return words(text)
        except ValueError as error:
            raise self.wrong(key, f"“{text}”不在词表之中") from error


def read_policies(
    directory: Path = POLICY_DIR, *, settings: SettingOverrides | None = None
) -> tuple[Policy, ...]:
    """Every *.toml of a directory, not yet checked by lint. Raises PolicyFileError."""
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        raise PolicyFileError(f"{directory.name}:没有政策文件")
    policies = [read_policy(path, settings=settings) for path in paths]
    regions = [policy.region for policy in policies]
    if len(set(regions)) != len(regions):
        raise PolicyFileError(f"{directory.name}:同一地区有两个政策文件")
    for region in settings or {}:
        if region not in regions:
            raise PolicyFileError(f"设定指向没有政策文件的地区 {region}")
    return tuple(policies)


def load_policy_book(
    directory: Path = POLICY_DIR, *, settings: SettingOverrides | None = None
) -> PolicyBook:
    """The book a gateway works with. Raises PolicyFileError, also for what lint finds."""
    policies = read_policies(directory, settings=settings)
    findings = [finding for policy in policies for finding in lint(policy)]
    if findings:
        first = findings[0]
        raise PolicyFileError(
            f"政策检查未通过,共 {len(findings)} 处;第一处:"
            f"{first.region} {first.code} {', '.join(first.rule_ids)} {first.text_zh}"
        )
    return PolicyBook(policies)


def read_policy(path: Path, *, settings: SettingOverrides | None = None) -> Policy:
    """One file. Raises PolicyFileError."""
    content = path.read_bytes()
    try:
        document = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"{path.name}:不是 UTF-8 的 TOML 文件({error})") from error
    head = document.pop("policy", None)
    if not isinstance(head, dict):
        raise PolicyFileError(f"{path.name}:缺少 [policy]")
    header = Table(f"{path.name} [policy]", head)
    region = header.need("region", str)
    overrides = dict((settings or {}).get(region, {}))
    digest = hashlib.sha256(content + repr(sorted(overrides.items())).encode()).hexdigest()[:12]
    rows = _rows(path.name, document)
    policy = Policy(
        region=region,
        name=header.need("name", str),
        version=header.need("version", str),
        digest=digest,
        usable_from=header.need("usable_from", date),
        sources=tuple(_source(t) for t in rows["source"]),
        settings=_settings(rows["setting"], overrides, path.name),
        years=tuple(_year(t) for t in rows["insurance_year"]),
        deductibles=tuple(_deductible(t) for t in rows["deductible"]),
        ratios=tuple(_ratio(t) for t in rows["ratio"]),
        caps=tuple(_cap(t) for t in rows["cap"]),
        layers=tuple(_layer(t) for t in rows["layer"]),
        accounts=tuple(_account(t) for t in rows["account"]),
        drops=tuple(_drop(t) for t in rows["ratio_drop"]),
        waivers=tuple(_waiver(t) for t in rows["filing_waiver"]),
        unsettled=tuple(_unsettled(t) for t in rows["unsettled"]),
    )
    for table in (header, *(table for tables in rows.values() for table in tables)):
        table.finish()
    return policy


TABLES = (
    "source", "setting", "insurance_year", "deductible", "ratio", "cap", "layer", "account",
    "ratio_drop", "filing_waiver", "unsettled",
)  # fmt: skip


def _rows(name: str, document: dict[str, object]) -> dict[str, list[Table]]:
    rows: dict[str, list[Table]] = {table: [] for table in TABLES}
    for table, values in document.items():
        if table not in rows or not isinstance(values, list):
            raise PolicyFileError(f"{name}:不认识的表 {table}")
        for number, raw in enumerate(values, start=1):
            rows[table].append(Table(f"{name} [[{table}]] 第 {number} 项", raw))
    return rows


def _common(table: Table) -> dict[str, object]:
    """What every rule carries."""
    when = table.get("when", dict) or {}
    if not all(isinstance(value, str) for value in when.values()):
        raise table.wrong("when", "设定的取值应为文字")
    return {
        "id": table.need("id", str),
        "source": table.need("source", str),
        "confidence": _confidence(table),
        "valid_from": table.get("from", date),
        "valid_until": table.get("until", date),
        "when": when,
        "document": table.get("document", str) or "",
        "note": table.get("note", str) or "",
        "scheme": table.word("scheme", Scheme),
        "persons": table.words("persons", PersonCategory),
        "visits": table.words("visits", VisitClass),
        "levels": table.words("levels", HospitalLevel),
    }


def _build(make: Callable[..., T], table: Table, **own: object) -> T:
    return make(**_common(table), **own)


def _year(table: Table) -> YearRule:
    month, day = table.need("start_month", int), table.need("start_day", int)
    # 28: the year must begin on a day that every year has.
    if not 1 <= month <= 12 or not 1 <= day <= 28:
        raise table.wrong("start_month/start_day", "不是每年都有的日期")
    return _build(YearRule, table, start_month=month, start_day=day)


def _deductible(table: Table) -> DeductibleRule:
    return _build(
        DeductibleRule, table, amount_fen=table.required("amount", table.fen("amount")),
        basis=table.required("basis", table.word("basis", DeductibleBasis)),
        stay_from=table.get("stay_from", int), stay_to=table.get("stay_to", int),
    )  # fmt: skip


def _ratio(table: Table) -> RatioRule:
    return _build(RatioRule, table, percent=table.required("percent", table.number("percent")))


def _cap(table: Table) -> CapRule:
    return _build(
        CapRule, table, kind=table.required("kind", table.word("kind", CapKind)),
        measure=table.word("measure", CapMeasure) or CapMeasure.FUND,
        amount_fen=table.required("amount", table.fen("amount")),
    )  # fmt: skip


def _layer(table: Table) -> LayerRule:
    percents = table.get("percents", list) or []
    return _build(
        LayerRule, table, name=table.need("name", str), fund=table.need("fund", str),
        enabled=table.need("enabled", bool), percent=table.number("percent"),
        limit_fen=table.fen("limit"), threshold_fen=table.fen("threshold"),
        percents=tuple(_decimal(p) for p in percents),
    )  # fmt: skip


def _account(table: Table) -> AccountRule:
    return _build(AccountRule, table, default_use=table.need("default_use", bool))


def _drop(table: Table) -> DropRule:
    points = table.required("points", table.number("points"))
    filings = frozenset(table.texts("filings"))
    if not filings or not filings <= {"temporary", "transfer", "emergency"}:
        raise table.wrong("filings", "应取自 temporary、transfer、emergency")
    return _build(DropRule, table, filings=filings, points=points)


def _waiver(table: Table) -> WaiverRule:
    return _build(WaiverRule, table, counties=frozenset(table.texts("counties")))


def _source(table: Table) -> tuple[str, str]:
    return table.need("key", str), table.need("text", str)


def _settings(tables: list[Table], overrides: dict[str, str], name: str) -> tuple[Setting, ...]:
    settings = tuple(_setting(table, overrides) for table in tables)
    if overrides:
        raise PolicyFileError(f"{name}:没有名为 {', '.join(sorted(overrides))} 的设定")
    return settings


def _setting(table: Table, overrides: dict[str, str]) -> Setting:
    key, value = table.need("key", str), table.need("value", str)
    return Setting(
        key, overrides.pop(key, value), table.texts("readings"), table.need("note", str),
        table.need("source", str), _confidence(table),
    )  # fmt: skip


def _unsettled(table: Table) -> Unsettled:
    return Unsettled(
        table.need("key", str), table.need("question", str), table.texts("readings"),
        table.need("source", str), _confidence(table),
    )  # fmt: skip


def _confidence(table: Table) -> Confidence:
    return table.required("confidence", table.word("confidence", Confidence))


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PolicyFileError("比例应为数字")
    return Decimal(value)
